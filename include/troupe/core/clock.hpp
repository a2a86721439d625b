#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace troupe::inline v0 {

/// A moment on a clock that only ever goes forward. It has no meaning outside the process.
using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// The moment so much later, or the last one there is: a duration may be `never`.
[[nodiscard]] constexpr time_point moment_after(time_point now, std::chrono::nanoseconds by) noexcept {
  return by < time_point::max() - now ? now + by : time_point::max();
}

/// A moment in Unix time.
using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;

/// Where a runtime takes its time from. Both members may be called from any thread.
class clock {
 public:
  clock() = default;
  clock(const clock&) = delete;
  clock& operator=(const clock&) = delete;
  virtual ~clock() = default;

  [[nodiscard]] virtual time_point now() const noexcept = 0;
  [[nodiscard]] virtual wall_time wall() const noexcept = 0;
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
    return start_ + std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch());
  }

  /// Moves both times forward. May be called from any thread.
  void advance(std::chrono::nanoseconds by) noexcept { elapsed_.fetch_add(by.count(), std::memory_order_acq_rel); }

 private:
  wall_time start_;
  std::atomic<std::int64_t> elapsed_{1};
};

}  // namespace troupe::inline v0
