#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <troupe/core/executor.hpp>
#include <troupe/core/fiber.hpp>

namespace troupe::inline v0 {
namespace detail {

/// Whether the calling thread runs coroutines, an actor or the executor's work: it must not wait for other work.
[[nodiscard]] inline bool must_not_block(const executor& home) noexcept {
  const auto& thread = this_thread();
  return thread.here != nullptr || thread.in_turn != nullptr || thread.works_for == &home || home.on_worker();
}

/// A plain thread that waits for one event. If its executor is pumped by the host, it pumps meanwhile.
class blocked_thread {
 public:
  explicit blocked_thread(executor& e) noexcept : executor_{e} {}

  /// From any thread, once. The waiting thread, and with it this object, may be gone when it returns.
  void notify() noexcept {
    const std::lock_guard lock{mutex_};
    happened_ = true;
    condition_.notify_one();
  }

  void wait() noexcept {
    for (;;) {
      {
        std::unique_lock lock{mutex_};
        if (happened_) return;
      }
      if (executor_.help(std::chrono::milliseconds{5})) continue;
      std::unique_lock lock{mutex_};
      condition_.wait(lock, [this] { return happened_; });
      return;
    }
  }

 private:
  executor& executor_;
  std::mutex mutex_;
  std::condition_variable condition_;
  bool happened_ = false;
};

}  // namespace detail
}  // namespace troupe::inline v0
