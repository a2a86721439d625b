// SPDX-License-Identifier: Apache-2.0
// How messages come into an actor's queues, and how their senders hear what became of them.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "cell_extension.hpp"
#include "consumers.hpp"
#include "core.hpp"
#include "deadlock.hpp"
#include "id_source.hpp"
#include "outbox.hpp"
#include "queues.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

bool cell_queues::is_full(std::uint32_t queue) const noexcept {
  const auto taken = subqueues_[queue * subqueues_per_queue].count + backpressure_[queue].admitted;
  return taken >= owner.type().queues[queue].options.messages_max;
}

void cell_queues::throw_full(std::uint32_t queue) const {
  const auto& entry = owner.type().queues[queue];
  throw error(errc::queue_full, fmt::format("{} messages are in queue \"{}\" of {} (queue_options::messages_max)",
                                            entry.options.messages_max, entry.name, owner.name()));
}

std::uint64_t cell_queues::add(std::uint32_t queue, message_body body, time_point due) {
  auto& core = owner.core();
  this_turn().effects();
  note_change();
  const auto wall = core.delays().look_at_clock();  // `created_at` and what is due later are by the same clock
  const auto id = core.ids().message();
  undo_log_.push_back({id, std::nullopt});
  queued& m = all_[id];
  m.id = id;
  m.subqueue = queue * subqueues_per_queue;
  m.touched = true;
  m.created_at = wall;
  m.body = std::move(body);
  ++subqueues_[m.subqueue].count;
  check_version(m);
  if (m.unreadable) report_newer(queue, 1);
  postpone(m, is_planted(planted::delay_ignored) ? at_once : due);
  return id;
}

void cell_queues::wait_for_capacity(sent_message& inv, bool in_front) {
  inv.put_off = true;
  inv.started = false;
  auto& waiting = backpressure_[inv.queue].waiting;
  in_front ? waiting.push_front(&inv) : waiting.push_back(&inv);
}

void cell_queues::admit_waiters(std::uint32_t queue) noexcept {
  auto& d = backpressure_[queue];
  while (!d.waiting.empty() && !is_full(queue)) {
    sent_message& inv = *d.waiting.front();
    d.waiting.pop_front();
    ++d.admitted;
    inv.admitted = true;
    inv.put_off = false;
    inv.life = owner.live()->life();
    owner.push(inv);  // a turn of its own: it brings its own dependency
  }
}

// Messages that wait for a place are tried again later. If the actor is gone, they go to the successor: behind the
// messages that had a place already and were on their way in, before all that have come since.
void cell_queues::refuse_waiting(bool destroyed) noexcept {
  auto& deferred = owner.extension().deferred;
  work_list first, since;
  while (work* const w = destroyed ? deferred.pop_front() : nullptr) {
    const auto& inv = *static_cast<const invocation*>(w->context);
    const bool had_place =
        inv.kind == invocation::purpose::enqueue && static_cast<const sent_message&>(inv).admitted;
    (had_place ? first : since).push_back(*w);
  }
  for (auto& d : backpressure_) {
    for (sent_message* const inv : std::exchange(d.waiting, {})) {
      inv->put_off = false;
      if (!destroyed && is_planted(planted::waiting_parcel_dropped)) continue;
      destroyed ? first.push_back(*inv) : owner.core().outbox().put_off(*inv);
    }
    d.admitted = 0;
  }
  first.splice(std::move(since));
  deferred.splice(std::move(first));
}

bool cell_queues::is_only_consumer(std::uint32_t queue, const invocation& inv) const noexcept {
  const auto& entry = owner.type().queues[queue];
  const bool is_handler = dynamic_cast<const consumer*>(&inv) != nullptr;
  if (entry.consume != nullptr && (!is_handler || entry.options.concurrency != 1)) return false;
  const auto holds = [&](const queued* m) { return m->of == &inv && m->queue() == queue && !m->dead(); };
  return owner.live()->running_count == 1 && std::ranges::any_of(held_, holds);
}

// An exclusive action that waits for it keeps its consumers out. The message stays in the queue.
void cell_queues::wait_for_answer(sent_message& inv) {
  if (const invocation* const h = owner.holder(); h != nullptr && inv.caller) {
    const auto how = describe_wait_for_itself(inv, *h);
    if (!how.empty() && !is_planted(planted::deadlock_missed)) throw error(errc::deadlock, how);
  }
  inv.put_off = true;
  waiters_.emplace(inv.message, &inv);
  owner.retain();
}

// The answer leaves with the turn.
void cell_queues::answer(std::uint64_t id, std::optional<bytes> result, const std::exception_ptr& failure) noexcept {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  sent_message& inv = *found->second;
  waiters_.erase(found);
  inv.result = std::move(result);
  inv.failure = failure;
  inv.run = [](work& w) noexcept {
    auto& leaving = static_cast<sent_message&>(w);
    const turn& now = *this_thread().in_turn;
    cell& c = *leaving.target;
    if (auto& mine = queues_of(c); now.unsaved() && mine.all_.contains(leaving.message)) {
      mine.waiters_.emplace(leaving.message, &leaving);  // it has not been handled after all
      return;
    }
    leaving.dependency = now.depends_on;
    c.core().deliver(leaving);
    c.release();
  };
  this_turn().send(inv);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
