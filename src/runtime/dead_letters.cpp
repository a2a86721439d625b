// SPDX-License-Identifier: Apache-2.0
// The dead letters of an actor's queues.

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>

#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/text_of.hpp"
#include "core.hpp"
#include "observing.hpp"
#include "queues.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

bool is_want_of_memory(const std::exception_ptr& failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (...) {
    return false;
  }
}

// Data that is not even CBOR is shown as bytes.
std::string json_of(bytes_view value) {
  try {
    return to_json(value);
  } catch (const error&) {
    buffer whole;
    cbor_writer{whole}.byte_string(value);
    return to_json(whole.view());
  }
}

std::string why_undecodable(const queue_entry& entry, bytes_view body) {
  try {
    entry.check(body);
  } catch (...) {
    return text_of(std::current_exception());
  }
  return {};
}

}  // namespace

// --- how a message becomes one --------------------------------------------------------------------------------------

void cell_queues::make_dead_letter(const receipt& r, const std::exception_ptr& why) {
  queued& m = held_message(r);
  if (is_want_of_memory(why)) return fail_attempt(m, std::nullopt, why);
  log_undo(m);
  let_go(m);
  m.unreadable = true;
  m.why = why;
  if (m.dead()) return;
  --m.attempts;  // no consumer has tried it
  die(m);
}

void cell_queues::change_subqueue(queued& m, std::uint32_t subqueue) noexcept {
  clear_time(m);
  subqueues_[m.subqueue].ready.erase(m.id);
  --subqueues_[m.subqueue].count;
  m.subqueue = subqueue;
  ++subqueues_[m.subqueue].count;
}

void cell_queues::die(queued& m) {
  const auto id = m.id;
  const auto queue = m.queue();
  const auto cause = m.why ? ": " + text_of(m.why) : std::string{};
  const auto what = m.unreadable ? std::string{" cannot be decoded"} : fmt::format(", after {} attempts", m.failures());
  const auto event = describe(m) + what;
  const auto why = std::make_exception_ptr(error(errc::queue_dead_letter, event + cause));
  tell(owner.core(), [&](observer& o) { o.message_died(seen(owner), entry_of(m).name, id, m.why); });
  change_subqueue(m, m.subqueue + 1);
  m.due_at = m.created_at;
  m.due = at_once;
  make_ready(m);
  owner.core().report(why, fmt::format("queue \"{}\" of {}", entry_of(m).name, owner.name()));
  // The sender may be in another process, and the cause is the actor's own affair.
  answer(id, std::nullopt, std::make_exception_ptr(error(errc::queue_dead_letter, event)));
  drop_oldest_dead(queue);
  admit_waiters(queue);
}

// Those that somebody holds stay.
void cell_queues::drop_oldest_dead(std::uint32_t queue) {
  const auto& entry = owner.type().queues[queue];
  const auto subqueue = queue * subqueues_per_queue + 1;
  for (auto at = all_.begin(); at != all_.end() && subqueues_[subqueue].count > entry.options.dead_letters_max;) {
    queued& oldest = (at++)->second;
    if (oldest.subqueue != subqueue || oldest.lease != 0) continue;
    const auto what = fmt::format("{} is dropped: {} dead letters are kept (queue_options::dead_letters_max)",
                                  describe(oldest), entry.options.dead_letters_max);
    log_undo(oldest);
    forget(oldest);
    owner.core().report(std::make_exception_ptr(error(errc::queue_dead_letter, what)),
                        fmt::format("queue \"{}\" of {}", entry.name, owner.name()));
  }
}

// --- reading, removing, putting back --------------------------------------------------------------------------------

cell_queues::queued* cell_queues::find_dead(std::uint32_t queue, std::uint64_t id) noexcept {
  const auto found = all_.find(id);
  if (found == all_.end() || found->second.subqueue != queue * subqueues_per_queue + 1) return nullptr;
  return &found->second;
}

std::vector<dead_letter> cell_queues::dead_letters(std::uint32_t queue) const {
  static_cast<void>(this_turn());
  const auto& entry = owner.type().queues[queue];
  std::vector<dead_letter> all;
  for (const auto& [id, m] : all_) {
    if (m.subqueue != queue * subqueues_per_queue + 1) continue;
    const auto data = open_version(*m.body);
    auto& letter = all.emplace_back();
    letter.id = id;
    letter.attempts = m.failures();
    letter.version = data.version;
    letter.created_at = m.created_at;
    letter.why = m.why ? text_of(m.why) : why_undecodable(entry, *m.body);
    if (letter.why.empty()) letter.why = "its attempts are used up";
    letter.json = json_of(data.value);
  }
  return all;
}

bool cell_queues::remove_dead(std::uint32_t queue, std::uint64_t id) {
  static_cast<void>(this_turn());
  queued* const m = find_dead(queue, id);
  if (m == nullptr) return false;
  log_undo(*m);
  forget(*m);
  return true;
}

bool cell_queues::requeue_dead(std::uint32_t queue, std::uint64_t id) {
  static_cast<void>(this_turn());
  queued* const m = find_dead(queue, id);
  if (m == nullptr) return false;
  if (is_full(queue)) throw_full(queue);
  log_undo(*m);
  let_go(*m);
  change_subqueue(*m, m->subqueue - 1);
  m->attempts = m->cuts = 0;
  m->why = nullptr;
  m->due_at = m->created_at;
  m->due = at_once;
  check_version(*m);
  make_ready(*m);
  return true;
}

// --- for troupe::queues ---------------------------------------------------------------------------------------------

std::vector<dead_letter> list_dead_letters(const activation& a, std::uint32_t queue) {
  return queues_of(a.owner()).dead_letters(queue);
}

bool remove_dead_letter(activation& a, std::uint32_t queue, std::uint64_t id) {
  return queues_of(a.owner()).remove_dead(queue, id);
}

bool requeue_dead_letter(activation& a, std::uint32_t queue, std::uint64_t id) {
  return queues_of(a.owner()).requeue_dead(queue, id);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
