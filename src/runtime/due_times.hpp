// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include <troupe/core/clock.hpp>
#include <troupe/core/executor.hpp>

#include "id_source.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The moment of what is not delayed.
inline constexpr time_point at_once = time_point::min();

/// Longer delays than this are this long: clocks have an end.
inline constexpr std::chrono::nanoseconds delay_max = std::chrono::hours{24 * 365 * 50};

/// When something that is delayed by so much from now on is due. The clock is read only if there is a delay.
[[nodiscard]] time_point due_after(const executor& exec, std::chrono::nanoseconds delay) noexcept;

/// The delay of what was made and is due at such times; `delay_max` if they are none of ours.
[[nodiscard]] std::chrono::milliseconds delay_between(wall_time made, wall_time due) noexcept;

/// Delays are measured by the steady clock; but rows have wall times, since a process that comes later knows no other.
/// This converts one into the other, and back into the same moment, whatever happens to the wall clock meanwhile.
///
/// A message's times are by the wall clock as it was when the message got its id, so a wall clock that has been put
/// right is right in the rows of all that is sent from then on. Those of an earlier process are read by the wall clock
/// as it was when the runtime started. All members may be called from any thread.
class due_times {
 public:
  /// Both outlive this.
  due_times(executor& exec, id_source& ids);

  /// Notes it if the wall clock has been set since the last look. Before a message gets its id. Returns the wall time.
  wall_time look_at_clock();

  /// The wall time in a row for this moment. Never `not_this`, which would mean that there is no delay.
  [[nodiscard]] wall_time stored(time_point due, std::uint64_t message, wall_time not_this = {}) const;

  /// The moment for what a row says; now, if that is past. Of an earlier process's message it is no later than if its
  /// whole delay had begun when the runtime started: a wall clock that was far behind then holds nothing back for ever.
  [[nodiscard]] time_point moment(wall_time due, std::chrono::milliseconds whole_delay, std::uint64_t message) const;

  /// The moment at which the wall clock will show this time, if it is not set; now, if that is past. For what is due
  /// at a time of day, and not after a delay.
  [[nodiscard]] time_point moment_of(wall_time due) const noexcept;

 private:
  using offset = std::chrono::nanoseconds;  ///< from steady time to Unix time
  struct span {
    std::uint64_t first_message;
    offset wall;
  };

  [[nodiscard]] static offset between(wall_time wall, time_point steady) noexcept;
  [[nodiscard]] offset offset_of(std::uint64_t message) const;

  executor& exec_;
  id_source& ids_;
  const time_point started_;
  mutable std::mutex mutex_;
  std::vector<span> spans_;  ///< never empty; the first one is of all messages before the second's
  std::atomic<std::int64_t> newest_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
