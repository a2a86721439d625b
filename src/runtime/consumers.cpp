// SPDX-License-Identifier: Apache-2.0
#include "consumers.hpp"

#include <troupe/actor/activation.hpp>
#include <troupe/actor/consumer.hpp>
#include <troupe/actor/definition.hpp>

#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

consumers::consumers(cell& c) : owner_{c}, at_work_(c.type().queues.size()) {}

// Plain handlers cannot overlap, but the commits that they wait for can.
std::uint32_t consumers::most(std::uint32_t queue) const noexcept {
  const auto& entry = owner_.type().queues[queue];
  if (entry.consume == nullptr) return 0;
  return entry.consumer_waits || entry.options.attempt_first ? entry.options.concurrency : 1;
}

void consumers::begin_life(std::uint32_t queue, std::size_t ready) {
  if (owner_.core().stopping()) return;
  while (at_work_[queue] < most(queue) && at_work_[queue] < ready) start(queue);
}

void consumers::end_life() noexcept { at_work_.assign(at_work_.size(), 0); }

void consumers::message_ready(std::uint32_t queue) {
  if (owner_.current_phase() == cell::phase::awake && at_work_[queue] < most(queue)) start(queue);
}

// Behind all that waits already, so that messages do not keep calls out.
void consumers::start(std::uint32_t queue) {
  ++at_work_[queue];
  consumer* const c = owner_.type().queues[queue].consume(owner_.core().exec(), queue);
  c->target = &owner_;
  c->life = owner_.live()->life();
  owner_.push(*c);
}

void consumers::lease_lost(std::uint32_t queue, invocation& by) noexcept {
  if (auto* const slow = dynamic_cast<consumer*>(&by); slow != nullptr) {
    slow->lose_place();
    left(queue);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
