// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <coroutine>
#include <exception>

#include <troupe/actor/coroutine_invocation.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A definition's `run`: one of the actor's background tasks, begun after each wake, and again after it has thrown: at
/// once if it held messages, whose failure that is and whose back-off it costs; else after a back-off of its own. Its
/// failures are reported here, so as an invocation it never fails. All static members belong to the cell's holder.
class run_loop final : public coroutine_invocation {
 public:
  /// The actor has just woken.
  static void begin_life(cell& c);
  /// The actor begins to shut down.
  static void end_life(cell& c) noexcept;
  /// Whether it runs, and does not keep the actor awake.
  [[nodiscard]] static bool lets_sleep(const cell& c) noexcept;

  explicit run_loop(cell& c);
  std::coroutine_handle<> begin(activation* a) override;
  void finish() override;
  [[nodiscard]] std::string_view what() const noexcept override { return "run"; }

 private:
  static void start(cell& c);
  static void restart(cell& c) noexcept;
  void failed(const std::exception_ptr& failure, bool holds);
  void begin_later();

  time_point begun_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
