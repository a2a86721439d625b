// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <string>

#include <troupe/core/fiber.hpp>
#include <troupe/core/latch2.hpp>
#include <troupe/core/member_work.hpp>

namespace troupe {
inline namespace v0 {

/// `co_await delay(2s)` suspends for that long on the runtime's clock, at least; see `timer` for the precision. Awaited
/// again, it waits for as long again.
///
/// Errors: `actor.aborted` when the actor that waits is being shut down or the task is a loser of `when_any`;
/// `actor.invalid_operation` in a task that runs on no executor (under `sync_wait` on a plain thread: use
/// `runtime::run` or `runtime::spawn`).
class [[nodiscard("co_await this")]] delay final : private detail::wait {
 public:
  using native_awaitable = void;

  explicit delay(std::chrono::nanoseconds duration) noexcept : timer_{*this}, duration_{duration} {}
  /// Until it is awaited, so that `when_any` can take it.
  delay(delay&& other) noexcept : delay{other.duration_} {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h);
  void await_resume();

 private:
  void interrupt() noexcept override;
  [[nodiscard]] std::string describe() const override { return "a delay"; }
  void event() noexcept;
  void stop_waiting() noexcept;

  detail::member_timer<&delay::event> timer_;
  std::chrono::nanoseconds duration_;
  executor* executor_ = nullptr;
  detail::latch2 both_;  ///< the event, and the suspension
  std::atomic<bool> interrupted_{false};
  bool aborted_ = false;
};

}  // namespace v0
}  // namespace troupe
