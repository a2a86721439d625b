// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>

#include <troupe/actor/address.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/task.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/store/store.hpp>

#include "actor_part.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// How actors come and go: the procedures that wake them and put them to sleep, which run in the actor's own turns.
/// Order and time-outs of the hooks follow docs/lifecycle.md. All members belong to the cell's holder.
///
/// A step that gives a task has done all that needs no waiting, like a hook that is a plain function: what it gives is
/// the rest, and empty if there is none. So most actors come and go without a coroutine.
class lifecycle {
 public:
  /// Wakes an actor that is asleep and that this address creates, if there is nothing to wait for and none of its code
  /// to run. False if it is not that simple.
  static bool wake_at_once(cell& c, const address& wanted);
  /// Starts to wake an actor that is asleep. Calls wait meanwhile.
  static void begin_wake(cell& c) noexcept;
  /// Starts to put an awake actor to sleep, or to destroy it if that was requested.
  static void begin_stop(cell& c) noexcept;
  /// Somebody wants an actor to sleep that is awake.
  static void sleep_now(cell& c) noexcept;
  [[nodiscard]] static bool is_awake(const cell& c) noexcept;
  [[nodiscard]] static bool is_asleep(const cell& c) noexcept;
  /// The runtime shuts down.
  static void stop_now(cell& c) noexcept;
  /// The grace period is over, whatever the clock says.
  static void cut_short(cell& c) noexcept;

  /// Some of the signals of `pending_signals` have come.
  static void signalled(cell& c, std::uint8_t wanted) noexcept;

 private:
  class waking;
  class stored_waking;
  class stopping;
  static void end_requested(cell& c) noexcept;
  static void overdue(cell& c) noexcept;
  static void save(cell& c) noexcept;
  [[nodiscard]] static task<> wake(cell& c, actor_record* record, std::exception_ptr failure) noexcept;
  static task<> end_wake_after(cell& c, task<> rest);
  [[nodiscard]] static task<> end_wake(cell& c, const std::exception_ptr& failure);
  [[nodiscard]] static task<> activate(cell& c, actor_record* record);
  static void create(cell& c, const address& wanted);
  static void restore(cell& c, actor_record& record);
  static void read_state(cell& c, const actor_record& record);
  static void load_parts(cell& c, const stored_rows& stored);
  static task<> initialise(cell& c, task<> hook);
  [[nodiscard]] static task<> run_on_wake(cell& c);
  static task<> bounded(cell& c, const char* hook, task<> body, std::chrono::nanoseconds limit);
  [[nodiscard]] static error timed_out(const cell& c);
  [[nodiscard]] static task<> stop(cell& c) noexcept;
  static task<> end_stop_after(cell& c, task<> rest, bool destroying);
  [[nodiscard]] static task<> end_stop(cell& c, bool destroying);
  [[nodiscard]] static task<> run_shutdown_hooks(cell& c, bool destroying);
  static task<> part_connections(cell& c, std::exception_ptr why, bool destroying);
  static task<> until_quiet(cell& c);
  [[nodiscard]] static task<> shutdown_hook(cell& c, bool destroying);
  static task<> end_shutdown_hook(cell& c, const char* name, task<> hook);
  [[nodiscard]] static task<> flush(cell& c);
  static task<> flush_durable(cell& c);
  static void deactivate(cell& c);
  static void set_wake_up(cell& c);
  static void refuse_deferred(cell& c, const std::exception_ptr& why) noexcept;
  static void refuse_absent(cell& c);
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
