// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <string>

#include <troupe/actor/invocation.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/task.hpp>
#include <troupe/core/timer.hpp>
#include <troupe/core/when.hpp>
#include <troupe/runtime/cell.hpp>

#include "cell_messages.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class transition;

/// Lets the stop procedure wait until nothing runs in the actor any more.
class quiet_wait final : public wait {
 public:
  quiet_wait(cell& c, transition& underway) noexcept : cell_{c}, underway_{underway} {}
  [[nodiscard]] bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> h) noexcept;
  void await_resume() noexcept { end(); }
  using wait::wake;

 private:
  void interrupt() noexcept override {}
  [[nodiscard]] std::string describe() const override { return "all that runs in the actor to end"; }
  cell& cell_;
  transition& underway_;
};

/// A wake or a stop that takes time: the hook that runs, its limit, and the wait for invocations that still run. Made
/// when a procedure first needs it, and gone with its end. For the holder.
///
/// 1. At most one hook runs, and one deadline counts: that of a hook of a wake, or the grace period of the stop.
/// 2. The deadline comes as the signal `overdue`. One that is cancelled may come all the same: `is_due` tells.
class transition {
 public:
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }
  transition(cell& c, pending_signals& signals) noexcept : cell_{c}, timer_{signals, pending_signals::overdue} {}

  // --- hooks ---

  /// Awaits a hook for at most `limit`; `never`: the grace period is its limit. A plain hook has run already, and left
  /// no task. Throws the hook's exception, or `callback_timed_out`.
  task<> run_hook(const char* name, task<> body, std::chrono::nanoseconds limit);
  [[nodiscard]] bool in_hook() const noexcept { return hook_ != nullptr; }
  /// When the hook that runs has begun; none: it has no limit of its own, or there is none.
  [[nodiscard]] std::optional<time_point> hook_since() const noexcept;
  void cancel_hook() noexcept;
  /// The time of the hook that runs is over. Returns the error that `run_hook` throws as soon as the hook has ended.
  [[nodiscard]] error fail_late_hook();

  // --- the deadline ---

  void set_deadline(time_point at) noexcept { deadline_ = at; }
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  void arm() noexcept;
  void disarm() noexcept;
  [[nodiscard]] bool is_due() const noexcept;

  // --- the stop ---

  /// The procedure that stops the actor; null for a wake.
  [[nodiscard]] invocation* stop() const noexcept { return stop_; }
  void set_stop(invocation& procedure) noexcept { stop_ = &procedure; }
  void set_quiet(quiet_wait& w) noexcept { quiet_ = &w; }
  /// Nothing runs in the actor any more: goes on with the procedure, if that waits for it.
  void actor_is_quiet() noexcept;

 private:
  cell& cell_;
  invocation* stop_ = nullptr;
  join* hook_ = nullptr;  ///< if it is a coroutine
  const char* hook_name_ = "";
  std::chrono::nanoseconds hook_limit_{};
  bool overdue_ = false;
  quiet_wait* quiet_ = nullptr;
  time_point deadline_{};
  signal_timer timer_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
