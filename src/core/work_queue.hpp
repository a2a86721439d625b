// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <troupe/core/work.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A worker's own queue: the deque of Chase and Lev (2005). Its owner adds at the end, without any locked instruction,
/// and takes what it has added last from there; everybody, the owner too, takes from the front. Bounded: what does not
/// fit has to go elsewhere.
///
/// The orders are those of Le, Pop, Cohen and Zappa Nardelli (2013), with sequentially consistent accesses in place of
/// fences: only between `pop` and `take` does one store have to come before a load of another place.
class work_queue {
 public:
  /// The owner: how many are here with this one, or 0 if there is no room for it.
  [[nodiscard]] std::size_t push(work& w) noexcept {
    const auto back = back_.load(std::memory_order_relaxed);
    const auto before = back - front_.load(std::memory_order_acquire);
    if (before >= capacity) [[unlikely]]
      return 0;
    // Whoever took what was in this place has moved the front past it, which we have just seen.
    places_[back % capacity].store(&w, std::memory_order_relaxed);
    back_.store(back + 1, std::memory_order_release);
    return before + 1;
  }

  /// Anybody: the oldest, or null. A worker that loses a race looks again.
  [[nodiscard]] work* take() noexcept {
    auto front = front_.load(std::memory_order_seq_cst);
    while (front < back_.load(std::memory_order_seq_cst)) {
      // If the place has been used again meanwhile, the front has moved and the exchange fails.
      work* const w = places_[front % capacity].load(std::memory_order_relaxed);
      if (front_.compare_exchange_weak(front, front + 1, std::memory_order_seq_cst)) return w;
    }
    return nullptr;
  }

  /// The owner: the newest, or null.
  [[nodiscard]] work* pop() noexcept {
    const auto last = back_.load(std::memory_order_relaxed) - 1;
    if (front_.load(std::memory_order_relaxed) > last) return nullptr;
    work* const w = places_[last % capacity].load(std::memory_order_relaxed);
    // From here on nobody begins to take it; who has begun before is seen in the front, or races for it.
    back_.store(last, std::memory_order_seq_cst);
    if (waiting_.load(std::memory_order_relaxed) > last) waiting_.store(last, std::memory_order_relaxed);
    auto front = front_.load(std::memory_order_seq_cst);
    if (front < last) return w;
    const bool won = front == last && front_.compare_exchange_strong(front, front + 1, std::memory_order_seq_cst);
    back_.store(last + 1, std::memory_order_release);
    return won ? w : nullptr;
  }

  /// The owner: whether `w`, if it was the last to be added, is still here. Then it is so no more.
  [[nodiscard]] bool take_back(work& w) noexcept {
    const auto last = back_.load(std::memory_order_relaxed) - 1;
    return places_[last % capacity].load(std::memory_order_relaxed) == &w && pop() != nullptr;
  }

  /// Everything up to the end may have to wait: its owner does not come to it at once.
  void mark_waiting() noexcept {
    waiting_.store(back_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }

  /// Anybody: whether there is something for others. One piece of work alone is its owner's, who comes to it next, and
  /// it would only lose time on the way to another core.
  [[nodiscard]] bool has_spare() const noexcept {
    const auto front = front_.load(std::memory_order_relaxed);
    const auto back = back_.load(std::memory_order_relaxed);
    return front + 1 < back || (front < back && front < waiting_.load(std::memory_order_relaxed));
  }

  /// Anybody, now and then: whether something is here that was here before. Then the owner is at something long.
  [[nodiscard]] bool has_lingerer() noexcept {
    const auto front = front_.load(std::memory_order_relaxed);
    const bool same = looked_at_.exchange(front, std::memory_order_relaxed) == front;
    return same && front < back_.load(std::memory_order_relaxed);
  }

  /// Exact for the owner as long as nobody takes.
  [[nodiscard]] std::size_t size() const noexcept {
    const auto front = front_.load(std::memory_order_relaxed);
    const auto back = back_.load(std::memory_order_relaxed);
    return back > front ? back - front : 0;
  }

 private:
  static constexpr std::size_t capacity = 512;

  alignas(64) std::atomic<std::uint64_t> front_{1};  // so that back_ - 1 is never below zero
  alignas(64) std::atomic<std::uint64_t> back_{1};
  std::atomic<std::uint64_t> waiting_{0};
  std::atomic<std::uint64_t> looked_at_{0};
  std::array<std::atomic<work*>, capacity> places_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
