// SPDX-License-Identifier: Apache-2.0
#include "queues.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <troupe/actor/definition.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "cell_extension.hpp"
#include "commit_ledger.hpp"
#include "consumers.hpp"
#include "core.hpp"
#include "retry.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

namespace {

std::unique_ptr<message_receipts> receipts_of(const cell& c) {
  receipt_office* const office = c.core().commits().receipts();
  if (office == nullptr || c.type().options.durability == durability::ephemeral) return nullptr;
  return std::make_unique<message_receipts>(*office);
}

}  // namespace

cell_queues::cell_queues(cell& c)
    : actor_part{c},
      contents{*this, &cell_queues::ring},
      receipts{receipts_of(c)},
      senders{contents},
      capacity{contents},
      dead{contents, senders, capacity},
      leases{contents, senders, capacity, dead} {}

std::unique_ptr<actor_part> cell_queues::make(cell& owner) { return std::make_unique<cell_queues>(owner); }

part_entry queue_part(const definition& d) noexcept {
  return {.make = &cell_queues::make, .wakes = d.has_handlers || d.has_run, .loads_messages = true};
}

// --- life -----------------------------------------------------------------------------------------------------------

void cell_queues::load(const stored_rows& stored) {
  const auto& queues = owner.type().queues;
  auto& core = owner.core();
  const auto now = core.exec().now();
  std::vector<std::size_t> newer(queues.size());
  for (auto& record : stored.messages()) {
    const auto entry = std::ranges::find(queues, record.queue, &queue_entry::name);
    if (entry == queues.end()) continue;  // of another version of the program: it stays in the store
    const auto queue = static_cast<std::uint32_t>(entry - queues.begin());
    queued_message& m = contents.table.add(record.id, queue * subqueues_per_queue + (record.dead ? 1 : 0));
    m.created_at = record.created_at;
    m.due_at = record.due_at;
    if (m.due_at != m.created_at) {
      m.due = core.delays().moment(m.due_at, delay_between(m.created_at, m.due_at), m.id);
    }
    m.body = std::make_shared<const bytes>(std::move(record.body));
    restore_attempts(m, record.attempts, *entry);
    contents.check_version(m);
    newer[queue] += m.unreadable && !m.dead() ? 1 : 0;
    if (!m.dead() && !m.unreadable && contents.is_used_up(m)) {
      contents.note(m);
      dead.add(m);  // the process died of its last attempt
    } else if (m.due > now && !is_planted(planted::delay_forgotten_at_wake)) {
      contents.delay(m, m.due);
    } else {
      contents.make_ready(m);
    }
  }
  if (receipts) receipts->load(stored.in(receipts_collection));
  for (std::uint32_t queue = 0; queue != newer.size(); ++queue) {
    if (newer[queue] != 0) contents.report_newer(queue, newer[queue]);
  }
}

void cell_queues::woken() {
  if (!contents.handlers) return;
  const auto queues = static_cast<std::uint32_t>(owner.type().queues.size());
  for (std::uint32_t queue = 0; queue != queues; ++queue) contents.handlers->begin_life(queue, ready(queue));
}

void cell_queues::unload(unload_reason why) noexcept {
  const bool destroyed = why == unload_reason::destroyed;
  const bool is_gone = destroyed || owner.type().options.durability == durability::ephemeral;
  if (is_gone || why == unload_reason::runtime_stops) senders.refuse_all(why_it_ends(owner, is_gone));
  if (why == unload_reason::lost) senders.refuse_all(why_it_is_lost(owner));
  if (receipts) receipts->clear();
  contents.disarm();
  if (const auto count = contents.table.all().size(); destroyed && count != 0) {
    const auto lost = fmt::format("{}: {} messages of its queues are gone with it", owner.name(), count);
    owner.core().report(std::make_exception_ptr(error(errc::destroying, lost)), "the queues of " + owner.name());
  }
  capacity.end_life(destroyed);
  if (contents.handlers) contents.handlers->end_life();
  leases.end_life();
  contents.clear();
  senders.drop_abandoned();
}

std::optional<time_point> cell_queues::next_due() const noexcept {
  const auto mask = owner.known_extension()->run.awaited;
  std::optional<time_point> first;
  for (const auto& [id, m] : contents.table.all()) {
    if (m.dead() || m.unreadable) continue;
    const bool is_wanted = contents.entry_of(m).consume != nullptr || (subqueue_bit(m.subqueue) & mask) != 0;
    if (is_wanted && (!first || m.due < *first)) first = m.due;
  }
  return first;
}

// --- times ----------------------------------------------------------------------------------------------------------

void cell_queues::ring(cell& c) noexcept {
  if (is_planted(planted::due_message_missed)) return;
  run_when_due(c, "a look at its queues", [&] { queues_of(c).look_at_clock(); });
}

void cell_queues::look_at_clock() {
  contents.disarm();
  const auto now = owner.core().exec().now();
  while (queued_message* const m = contents.table.take_due(now)) {
    m->lease == 0 ? end_delay(*m) : leases.expire(*m);
  }
  contents.arm();
}

void cell_queues::end_delay(queued_message& m) {
  // Its last attempt was undone with a turn that could not be stored, and so could not end it.
  const bool ends = !m.dead() && !m.unreadable && contents.is_used_up(m);
  if (!ends) return contents.make_ready(m);
  contents.note(m);
  dead.add(m);
}

// --- ends -----------------------------------------------------------------------------------------------------------

bool cell_queues::invocation_ended(const invocation& inv, const std::exception_ptr& failure) noexcept {
  using ending = message_leases::ending;
  if (!failure) {
    leases.settle(&inv, ending::done, nullptr);
    return false;
  }
  const bool leaving = owner.current_phase() != cell::phase::awake || inv.cancelled();
  // An attempt that a shutdown cuts short is no fault of the message.
  const bool cut = leaving && is_one_of(failure, errc::aborted);
  return leases.settle(&inv, cut ? ending::cut : ending::failed, failure) != 0;
}

void cell_queues::plain_action_ended(bool failed) noexcept {
  using ending = message_leases::ending;
  leases.settle(nullptr, failed ? ending::failed : ending::done, nullptr);
}

void cell_queues::branch_ended(const fiber& branch, const fiber& whole, bool cancelled) noexcept {
  leases.branch_ended(branch, whole, cancelled);
}

std::string cell_queues::describe_held(const invocation& inv) const { return leases.describe_held(inv); }

bool cell_queues::is_leaving() const noexcept {
  const invocation* const inv = this_thread().in_turn->inv;
  return owner.current_phase() == cell::phase::stopping && inv->kind != invocation::purpose::lifecycle;
}

// Messages that the turn added are gone again; those that it acknowledged or gave back are there again, and held by
// nobody.
void cell_queues::roll_back() noexcept {
  if (receipts) receipts->undo_turn();
  for (queue_changes::entry& change : contents.changes.take()) {
    queued_message* const m = contents.table.find(change.id);
    if (m != nullptr && m->lease != 0 && change.before) {
      m->touched = false;
      continue;
    }
    if (m != nullptr) contents.forget(*m);
    change.before ? undo(change) : senders.answer(change.id, std::nullopt, contents.this_turn().failure());
  }
}

// The turn that handled the message cannot be stored, and might not be the next time either: so this is a failed
// attempt, with its back-off.
void cell_queues::undo(queue_changes::entry& change) {
  const bool had_begun = change.before->lease != 0;
  queued_message& m = contents.table.put_back(std::move(*change.before));
  m.touched = false;
  if (m.dead()) return contents.make_ready(m);
  if (!had_begun && m.attempts < attempts_limit) ++m.attempts;
  const auto& options = contents.entry_of(m).options;
  const auto usual = backoff(options.retry_min, options.retry_max, m.failures());
  const auto wait = std::max<std::chrono::nanoseconds>(usual, std::chrono::milliseconds{1});
  m.due = due_after(owner.core().exec(), wait);
  contents.delay(m, m.due);
}

void check_size(const definition& type, const queue_entry& entry, std::size_t size) {
  if (size <= entry.options.message_bytes_max) return;
  throw error(errc::queue_message_too_large,
              fmt::format("{} bytes for queue \"{}\" of {}, {} are allowed (queue_options::message_bytes_max)", size,
                          entry.name, type.name, entry.options.message_bytes_max));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
