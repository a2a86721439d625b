// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <troupe/core/executor.hpp>
#include <troupe/core/fiber.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Whether the calling thread runs coroutines, an actor or the executor's work: it must not wait for other work.
[[nodiscard]] inline bool must_not_block(const executor& home) noexcept {
  const auto& thread = this_thread();
  return thread.here != nullptr || thread.in_turn != nullptr || thread.works_for == &home || home.on_worker();
}

/// Makes the calling thread a plain one as long as this exists: the actor's turn or the coroutine that it was running
/// is suspended, and work that the thread runs meanwhile (of a runtime that it pumps) is not part of them.
class plain_thread {
 public:
  plain_thread() noexcept : thread_{this_thread()}, doing_{std::exchange(thread_, thread_activity{})} {}
  plain_thread(const plain_thread&) = delete;
  plain_thread& operator=(const plain_thread&) = delete;
  ~plain_thread() { thread_ = doing_; }

 private:
  thread_activity& thread_;
  const thread_activity doing_;
};

/// A plain thread that waits for one event. If its executor is pumped by the host, it pumps meanwhile.
class blocked_thread {
 public:
  explicit blocked_thread(executor& e) noexcept : executor_{e} {}

  /// From any thread, once. The waiting thread, and with it this object, may be gone when it returns.
  void notify() noexcept {
    const std::lock_guard lock{mutex_};
    happened_.store(true, std::memory_order_relaxed);
    condition_.notify_one();
  }

  void wait() noexcept {
    for (;;) {
      if (happened()) return wait_for_notifier();
      if (executor_.help(std::chrono::milliseconds{5})) continue;
      std::unique_lock lock{mutex_};
      condition_.wait(lock, [this] { return happened(); });
      return;
    }
  }

 private:
  [[nodiscard]] bool happened() const noexcept { return happened_.load(std::memory_order_relaxed); }
  // The notifier is done with this object when it lets the lock go.
  void wait_for_notifier() noexcept { const std::lock_guard lock{mutex_}; }

  executor& executor_;
  std::mutex mutex_;
  std::condition_variable condition_;
  std::atomic<bool> happened_{false};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
