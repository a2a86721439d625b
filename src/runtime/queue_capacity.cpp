// SPDX-License-Identifier: Apache-2.0
#include "queue_capacity.hpp"

#include <utility>

#include <fmt/format.h>

#include <troupe/actor/activation.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "cell_extension.hpp"
#include "core.hpp"
#include "outbox.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

bool queue_capacity::is_full(std::uint32_t queue) const noexcept {
  const auto taken = contents_.table.count(queue * subqueues_per_queue) + queues_[queue].admitted;
  return taken >= contents_.owner.type().queues[queue].options.messages_max;
}

void queue_capacity::throw_full(std::uint32_t queue) const {
  const cell& owner = contents_.owner;
  const auto& entry = owner.type().queues[queue];
  throw error(errc::queue_full, fmt::format("{} messages are in queue \"{}\" of {} (queue_options::messages_max)",
                                            entry.options.messages_max, entry.name, owner.name()));
}

void queue_capacity::wait(sent_message& message, bool in_front) {
  message.put_off = true;
  message.started = false;
  auto& waiting = queues_[message.queue].waiting;
  in_front ? waiting.push_front(message) : waiting.push_back(message);
}

void queue_capacity::admit_waiting(std::uint32_t queue) noexcept {
  cell& owner = contents_.owner;
  auto& state = queues_[queue];
  while (!state.waiting.empty() && !is_full(queue)) {
    auto& message = static_cast<sent_message&>(*state.waiting.pop_front());
    ++state.admitted;
    message.admitted = true;
    message.put_off = false;
    message.life = owner.live()->life();
    // Where each actor has epochs of its own, it is this actor's, and may be lost before the message's turn.
    if (owner.core().in_one_cut() == nullptr) message.dependency = 0;
    owner.push(message);  // a turn of its own: it brings its own dependency
  }
}

void queue_capacity::end_life(bool destroyed) noexcept {
  cell& owner = contents_.owner;
  auto& deferred = owner.extension().deferred;
  work_list first, since;
  while (work* const w = destroyed ? deferred.pop_front() : nullptr) {
    const auto& inv = *static_cast<const invocation*>(w->context);
    const bool had_place =
        inv.kind == invocation::purpose::enqueue && static_cast<const sent_message&>(inv).admitted;
    (had_place ? first : since).push_back(*w);
  }
  for (queue_state& each : queues_) {
    work_list waiting{std::move(each.waiting)};
    while (work* const w = waiting.pop_front()) {
      auto& message = static_cast<sent_message&>(*w);
      message.put_off = false;
      if (owner.core().in_one_cut() == nullptr) message.dependency = 0;  // an epoch of this actor, which ends
      if (!destroyed && is_planted(planted::waiting_parcel_dropped)) continue;
      destroyed ? first.push_back(message) : owner.core().outbox().put_off(message);
    }
    each.admitted = 0;
  }
  first.splice(std::move(since));
  deferred.splice(std::move(first));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
