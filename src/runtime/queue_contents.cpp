// SPDX-License-Identifier: Apache-2.0
#include "queue_contents.hpp"

#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "consumers.hpp"
#include "core.hpp"
#include "due_times.hpp"
#include "id_source.hpp"
#include "parked_wait.hpp"
#include "wait_graph.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

queue_contents::queue_contents(actor_part& part, cell_alarm::handler look)
    : owner{part.owner},
      table{owner.type().queues.size() * subqueues_per_queue},
      changes{part, table},
      handlers{owner.type().has_handlers ? std::make_unique<consumers>(owner) : nullptr},
      alarm_{owner, look} {}

queue_contents::~queue_contents() = default;

std::string queue_contents::describe(const queued_message& m) const {
  return fmt::format("message {} of {}, queue \"{}\"", m.id, owner.name(), entry_of(m).name);
}

std::uint64_t queue_contents::add(std::uint32_t queue, message_body body, time_point due) {
  auto& core = owner.core();
  turn& now = this_turn();
  const auto wall = core.delays().look_at_clock();  // `created_at` and what is due later are by the same clock
  const auto id = core.ids().message();
  changes.note_new(id, now);
  queued_message& m = table.add(id, queue * subqueues_per_queue);
  m.touched = true;
  m.created_at = wall;
  m.body = std::move(body);
  check_version(m);
  if (m.unreadable) report_newer(queue, 1);
  postpone(m, is_planted(planted::delay_ignored) ? at_once : due);
  return id;
}

void queue_contents::check_version(queued_message& m) const noexcept {
  const auto version = open_version(*m.body).version;
  m.unreadable = version > 1 && version > entry_of(m).message_version;
}

void queue_contents::report_newer(std::uint32_t queue, std::size_t count) noexcept {
  const auto& entry = owner.type().queues[queue];
  const auto why = std::make_exception_ptr(
      error(errc::queue_newer_message, fmt::format("{} in queue \"{}\" of {}, whose messages are of version {} here",
                                                   count, entry.name, owner.name(), entry.message_version)));
  owner.core().report(why, fmt::format("queue \"{}\" of {}", entry.name, owner.name()));
}

void queue_contents::make_ready(queued_message& m) {
  if (!table.make_ready(m)) return;
  wake_parked(owner, subqueue_bit(m.subqueue));
  if (handlers && !m.dead()) handlers->message_ready(m.queue());
}

void queue_contents::delay(queued_message& m, time_point until) {
  table.delay(m, until);
  arm();
}

void queue_contents::postpone(queued_message& m, time_point due) {
  auto& core = owner.core();
  const bool waits = due != at_once && due > core.exec().now();
  m.due = waits ? due : at_once;
  m.due_at = waits ? core.delays().stored(due, m.id, m.created_at) : m.created_at;
  waits ? delay(m, due) : make_ready(m);
}

void queue_contents::limit(queued_message& m, time_point until) {
  table.limit(m, until);
  arm();
}

void queue_contents::end_serving(queued_message& m) noexcept {
  m.of->link->part(std::exchange(m.chain, nullptr));
  const auto sender = std::exchange(m.served, {});
  owner.core().waits().end_serving(*m.of, *sender);
}

void queue_contents::forget(queued_message& m) noexcept {
  let_go(m);
  table.remove(m);
}

void queue_contents::note_and_forget(queued_message& m) {
  const bool has_new_entry = changes.begin_removal(m, this_turn());
  const auto lease = m.lease;
  let_go(m);
  changes.finish_removal(m, lease, has_new_entry);
}

void queue_contents::arm() noexcept {
  const auto first = table.first_time();
  if (!first || (armed_at_ && *armed_at_ <= *first)) return;
  auto& exec = owner.core().exec();
  if (armed_at_) exec.cancel(alarm_);
  armed_at_ = first;
  exec.arm(alarm_, *first);
}

void queue_contents::disarm() noexcept {
  owner.core().exec().cancel(alarm_);
  armed_at_.reset();
}

void queue_contents::clear() noexcept {
  changes.clear();
  table.clear();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
