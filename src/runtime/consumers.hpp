// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <troupe/actor/invocation.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The consumers of an awake actor's queues that have handlers: as many at a time as a queue has messages to hand out
/// and its options allow. One that finds no message ends, so an idle actor has none, and may sleep. All members belong
/// to the cell's holder.
class consumers {
 public:
  explicit consumers(cell& c);

  /// The actor has just woken, and so many messages of this queue can be taken.
  void begin_life(std::uint32_t queue, std::size_t ready);
  /// The actor sleeps, or is gone for good.
  void end_life() noexcept;
  /// A message of this queue can be taken.
  void message_ready(std::uint32_t queue);
  /// A consumer of this queue has ended.
  void left(std::uint32_t queue) noexcept { --at_work_[queue]; }
  /// One has held a message for too long: another takes its place.
  void lease_lost(std::uint32_t queue, invocation& by) noexcept;

 private:
  [[nodiscard]] std::uint32_t most(std::uint32_t queue) const noexcept;
  void start(std::uint32_t queue);

  cell& owner_;
  std::vector<std::uint32_t> at_work_;  ///< by queue
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
