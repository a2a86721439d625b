// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <troupe/core/clock.hpp>

#include "../core/fork_watch.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class runtime_core;
struct thread_state;

/// Looks, as long as any actor is awake, at all threads that run turns, and reports a turn that goes on for long:
/// `options::long_turn`. It has the process's one thread for that, "troupe-watch", since all others may be blocked. It
/// is for runtimes whose time passes by itself; where the clock is moved by hand, that marks turns: see `turn_mark`.
class turn_watch {
 public:
  /// The process's.
  [[nodiscard]] static turn_watch& instance();

  turn_watch(const turn_watch&) = delete;
  turn_watch& operator=(const turn_watch&) = delete;

  /// Looks after this runtime too. Once, before anything runs in it. Throws
  /// `std::system_error` if the system has no thread to give.
  void join(runtime_core& core);
  /// The runtime's end. Not from a report. Nothing is reported to it any more.
  void leave(runtime_core& core) noexcept;

  /// An actor is awake. From any thread.
  void look_soon() noexcept;

 private:
  struct report {
    runtime_core* core;
    std::string line;
  };
  struct round;

  turn_watch() = default;
  void loop() noexcept;
  /// Until it is time to look, or the thread is to end: then false.
  [[nodiscard]] bool rest();
  [[nodiscard]] bool any_is_busy() const noexcept;
  void look();
  static void look_at(thread_state& thread, round& now);

  fork_watch fork_{[](void*) noexcept {}, this};

  std::mutex membership_;  ///< held while the thread begins and ends
  std::thread thread_;

  std::mutex mutex_;  ///< held while it looks and reports
  std::vector<runtime_core*> runtimes_;
  std::chrono::nanoseconds apart_{};

  std::mutex call_mutex_;  ///< taken with no other; of the following
  std::condition_variable called_;
  bool ends_ = false;
  std::atomic<bool> rests_{false};  ///< until an actor wakes
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
