// SPDX-License-Identifier: Apache-2.0
#include "due_times.hpp"

#include <algorithm>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Less is no step, but the time between two readings, or a clock that is slewed.
constexpr std::chrono::milliseconds step_min{50};

// A wall clock that is set more often is followed no further: delays keep their length in this process, and the next
// one reads them by a clock of before.
constexpr std::size_t spans_max = 4096;

constexpr auto longest = std::chrono::duration_cast<milliseconds>(delay_max);

}  // namespace

time_point due_after(const executor& exec, nanoseconds delay) noexcept {
  return delay > delay.zero() ? moment_after(exec.now(), std::min(delay, delay_max)) : at_once;
}

milliseconds delay_between(wall_time made, wall_time due) noexcept {
  if (due <= made) return milliseconds{0};
  return made < wall_time{} ? longest : std::min(due - made, longest);
}

due_times::due_times(executor& exec, id_source& ids)
    : exec_{exec},
      ids_{ids},
      started_{exec.now()},
      spans_{{0, between(exec.clock().wall(), started_)}},
      newest_{spans_.front().wall.count()} {}

due_times::offset due_times::between(wall_time wall, time_point steady) noexcept {
  return nanoseconds{wall.time_since_epoch()} - steady.time_since_epoch();
}

wall_time due_times::look_at_clock() {
  const auto& clock = exec_.clock();
  const auto wall = clock.wall();
  const auto now = between(wall, clock.now());
  const auto is_step = [&] {
    return std::chrono::abs(now - nanoseconds{newest_.load(std::memory_order_relaxed)}) >= step_min;
  };
  if (!is_step()) [[likely]]
    return wall;
  const std::lock_guard lock{mutex_};
  if (!is_step() || spans_.size() == spans_max) return wall;
  // The id is taken under the lock: a thread that gets a later one, and asks for its offset, waits for this span.
  spans_.push_back({ids_.message(), now});
  newest_.store(now.count(), std::memory_order_relaxed);
  return wall;
}

due_times::offset due_times::offset_of(std::uint64_t message) const {
  const std::lock_guard lock{mutex_};
  const auto after = std::ranges::upper_bound(spans_.begin() + 1, spans_.end(), message, {}, &span::first_message);
  return std::prev(after)->wall;
}

wall_time due_times::stored(time_point due, std::uint64_t message, wall_time not_this) const {
  const wall_time at{std::chrono::ceil<milliseconds>(due.time_since_epoch() + offset_of(message))};
  return at == not_this ? at + milliseconds{1} : at;
}

time_point due_times::moment(wall_time due, milliseconds whole_delay, std::uint64_t message) const {
  const auto now = exec_.now();
  const wall_time wall{std::chrono::floor<milliseconds>(now.time_since_epoch() + offset_of(message))};
  if (due <= wall) return now;
  // A row may say anything, but `wall` is a time like ours: this does not overflow.
  const milliseconds left = std::min(due, wall + longest) - wall;
  if (message >= ids_.first_message()) return now + left;
  const auto latest = moment_after(started_, std::clamp(whole_delay, milliseconds{0}, longest));
  return std::clamp(latest, now, now + left);
}

time_point due_times::moment_of(wall_time due) const noexcept {
  const auto now = exec_.now();
  const auto wall = exec_.clock().wall();
  return due <= wall ? now : now + (std::min(due, wall + longest) - wall);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
