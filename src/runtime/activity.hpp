// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

#include <troupe/core/clock.hpp>
#include <troupe/core/executor.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Counts the things that keep a runtime busy: actors that are awake or on their way, coroutines of the host, work of
/// the parts. The end of the runtime waits for them. All members may be called from any thread.
class activity {
 public:
  explicit activity(executor& exec) noexcept : exec_{exec} {}
  activity(const activity&) = delete;
  activity& operator=(const activity&) = delete;

  void enter() noexcept {
    if (busy_.fetch_add(1, std::memory_order_seq_cst) == 0 && when_busy_ != nullptr) when_busy_();
  }
  [[nodiscard]] bool is_busy() const noexcept { return busy_.load(std::memory_order_seq_cst) != 0; }
  /// The last thing that a thread does in the runtime, which may be gone when it returns.
  void leave() noexcept;

  /// From now on `f` is called when something becomes busy while nothing was. Before anything runs.
  void tell_when_busy(void (*f)() noexcept) noexcept { when_busy_ = f; }

  /// The workers run nothing more: a thread that comes from now on is late, and runs by itself what it posts.
  void end_workers() noexcept { ending_.store(true, std::memory_order_seq_cst); }
  /// Whether this thread is a late one: all was at rest, and no worker runs what is posted any more. The end of the
  /// runtime waits for a thread that has entered and is told no.
  [[nodiscard]] bool after_shutdown() const noexcept {
    return ending_.load(std::memory_order_seq_cst) && !exec_.on_worker();
  }

  /// A moment on both clocks: the executor's, and the machine's, since the former may stand still.
  struct limit {
    time_point by_executor;
    time_point by_machine;
  };
  [[nodiscard]] limit limit_in(std::chrono::nanoseconds duration) const noexcept;

  /// Runs `done()` until it is true, pumping a manual executor meanwhile; false when the limit has passed.
  bool wait_until(const std::function<bool()>& done, limit until);
  /// Something that `done` looks at has changed.
  void notify() noexcept;

 private:
  executor& exec_;
  void (*when_busy_)() noexcept = nullptr;
  std::atomic<bool> ending_{false};
  // Many threads write to it: it stands on a line of its own, away from what they all read.
  alignas(64) std::atomic<std::size_t> busy_{0};
  alignas(64) std::mutex mutex_;
  std::condition_variable idle_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
