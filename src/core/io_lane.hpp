// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include <troupe/core/fiber.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// One thread, started on first use, that runs work which may block, in order.
class io_lane {
 public:
  explicit io_lane(const executor& owner) noexcept : owner_{owner} {}
  ~io_lane() { stop(); }

  void post(work& w) noexcept {
    {
      const std::lock_guard lock{mutex_};
      if (!thread_.joinable()) thread_ = std::thread{[this] { loop(); }};
      list_.push_back(w);
      pending_.fetch_add(1, std::memory_order_relaxed);
    }
    wake_.notify_one();
  }

  /// Whether work is posted or under way.
  [[nodiscard]] bool busy() const noexcept { return pending_.load(std::memory_order_acquire) != 0; }

  /// Runs what is posted, then ends the thread.
  void stop() noexcept {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
      if (!thread_.joinable()) return;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  void loop() {
    const working running{this_thread(), owner_};
    for (;;) {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [&] { return !list_.empty() || stopping_; });
      work* const w = list_.pop_front();
      if (w == nullptr) return;
      lock.unlock();
      w->run(*w);
      pending_.fetch_sub(1, std::memory_order_release);
    }
  }

  const executor& owner_;
  std::mutex mutex_;
  std::condition_variable wake_;
  work_list list_;
  std::atomic<std::size_t> pending_{0};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
