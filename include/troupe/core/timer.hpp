// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include <troupe/core/clock.hpp>

namespace troupe {
inline namespace v0 {

/// Something to do at a moment. Its owner keeps it alive until it has fired or `cancel` has returned.
///
/// `fire` runs with the queue's lock held, so it does no more than post work; in return, once `cancel` is back it is
/// certain that `fire` neither runs nor will run. It may not arm or cancel timers.
struct timer {
  using function = void (*)(timer&) noexcept;

  timer() = default;
  explicit timer(function f) noexcept : fire{f} {}
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  function fire = nullptr;

 private:
  friend class timer_queue;
  timer* next_ = nullptr;
  timer* previous_ = nullptr;
  std::uint64_t tick_ = 0;
  std::uint16_t slot_ = 0;
  bool armed_ = false;
};

/// Timers in a hierarchical wheel (Varghese and Lauck, 1987) of millisecond ticks: arming and cancelling take constant
/// time, whatever the number of timers. A timer never fires early; it fires up to a millisecond late, later if nobody
/// calls `expire`. All members may be called from any thread.
class timer_queue {
 public:
  /// Arms `t`, or moves it if it is armed. Returns whether it may now be the first to fire: who waits for the next one
  /// has to look again.
  bool arm(timer& t, time_point at) noexcept;

  /// Returns whether the timer was armed. See `timer` for what holds afterwards.
  bool cancel(timer& t) noexcept;

  /// Fires all that is due, in the order of the ticks; within one tick in the order of arming. Returns how many.
  std::size_t expire(time_point now) noexcept;

  /// No later than the moment at which the next timer is due. Exact for a timer that is due within 64 milliseconds.
  [[nodiscard]] std::optional<time_point> next_deadline() const noexcept;

  /// The same without the lock, which is held while timers fire. It may be the moment of one that has been cancelled
  /// since somebody asked for the deadline.
  [[nodiscard]] time_point next_look() const noexcept {
    return time_point{std::chrono::nanoseconds{next_.load(std::memory_order_relaxed)}};
  }

  /// Whether `expire(now)` would look at anything. One relaxed load.
  [[nodiscard]] bool due(time_point now) const noexcept {
    return now.time_since_epoch().count() >= next_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr unsigned bits = 6;
  static constexpr unsigned slots = 1U << bits;
  static constexpr unsigned levels = 10;  // 2^60 ms
  static constexpr std::int64_t never = INT64_MAX;

  struct list {
    timer* first = nullptr;
    timer* last = nullptr;
  };

  void insert(timer& t) noexcept;
  void remove(timer& t) noexcept;
  std::size_t enter(unsigned level, unsigned slot) noexcept;
  [[nodiscard]] std::uint64_t next_tick() const noexcept;
  void publish_next() const noexcept;

  mutable std::mutex mutex_;
  // Of steady time, in nanoseconds: no timer is due before. Set by whoever arms one, and put right when somebody looks.
  mutable std::atomic<std::int64_t> next_{never};
  std::uint64_t now_tick_ = 0;             // all ticks up to this one have fired
  std::array<std::uint64_t, levels> occupied_{};
  std::array<std::array<list, slots>, levels> wheel_{};
};

}  // namespace v0
}  // namespace troupe
