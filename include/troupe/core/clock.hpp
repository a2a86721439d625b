// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace troupe {
inline namespace v0 {

/// A moment on a clock that only ever goes forward. It has no meaning outside the process.
using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// The moment so much later, or the last one there is: a duration may be `never`.
[[nodiscard]] constexpr time_point moment_after(time_point now, std::chrono::nanoseconds by) noexcept {
  return by < time_point::max() - now ? now + by : time_point::max();
}

/// A moment in Unix time.
using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;

class clock;

namespace detail {
/// `c` is about to be moved: the turn that moves it takes as long. See `turn_mark`.
void before_time_passes(const clock& c) noexcept;
}  // namespace detail

/// Where a runtime takes its time from. All members may be called from any thread.
class clock {
 public:
  clock() = default;
  clock(const clock&) = delete;
  clock& operator=(const clock&) = delete;
  virtual ~clock() = default;

  /// For all that is measured in this process: time-outs, delays, back-offs.
  [[nodiscard]] virtual time_point now() const noexcept = 0;
  /// For what is told to people and to later processes. It may be set, forward and back.
  [[nodiscard]] virtual wall_time wall() const noexcept = 0;
  /// Whether time passes although nobody moves the clock. False for those that tests and simulations move.
  [[nodiscard]] virtual bool runs_by_itself() const noexcept { return true; }
};

/// The machine's clocks.
class system_clock final : public clock {
 public:
  [[nodiscard]] time_point now() const noexcept override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] wall_time wall() const noexcept override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

/// A clock that stands still until it is told to move: tests advance it and then poll a `manual_executor`.
class manual_clock final : public clock {
 public:
  /// Starts at the given Unix time, by default 2026-01-01.
  explicit manual_clock(wall_time start = wall_time{std::chrono::milliseconds{1'767'225'600'000}}) : start_{start} {}

  [[nodiscard]] time_point now() const noexcept override {
    return time_point{std::chrono::nanoseconds{elapsed_.load(std::memory_order_acquire)}};
  }
  [[nodiscard]] wall_time wall() const noexcept override {
    const std::chrono::nanoseconds set_by{set_by_.load(std::memory_order_acquire)};
    return start_ + std::chrono::floor<std::chrono::milliseconds>(now().time_since_epoch() + set_by);
  }

  [[nodiscard]] bool runs_by_itself() const noexcept override { return false; }

  /// Moves both times forward. May be called from any thread; in an action, the action takes as long.
  void advance(std::chrono::nanoseconds by) noexcept {
    detail::before_time_passes(*this);
    elapsed_.fetch_add(by.count(), std::memory_order_acq_rel);
  }

  /// Sets the wall clock alone, forward or back, as an administrator may do. May be called from any thread.
  void set_wall(std::chrono::nanoseconds by) noexcept { set_by_.fetch_add(by.count(), std::memory_order_acq_rel); }

 private:
  wall_time start_;
  std::atomic<std::int64_t> set_by_{0};
  std::atomic<std::int64_t> elapsed_{1};
};

}  // namespace v0
}  // namespace troupe
