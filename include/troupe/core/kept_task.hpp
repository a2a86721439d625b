// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <troupe/core/task.hpp>

/// \file
/// Tasks in the background that are given as a function object: `c.keep_awake`, `c.wait_until`, `runtime::spawn`.
///
/// A lambda that is a coroutine finds its captures in the lambda object, which is not a part of the coroutine's frame.
/// `spawn([x]() -> task<> {...}())` destroys that object at the end of the statement, before the task begins. Given the
/// lambda itself, the function keeps it until the task has ended.

namespace troupe {
inline namespace v0 {
namespace detail {

template <class F>
consteval bool returns_task() {
  if constexpr (std::is_invocable_v<std::decay_t<F>&>) {
    return std::is_same_v<std::invoke_result_t<std::decay_t<F>&>, task<>>;
  } else {
    return false;
  }
}

/// Something given in place of a task.
template <class F>
concept not_a_task = !std::is_convertible_v<F, task<>>;

template <class F>
task<> run_kept(std::unique_ptr<F> function, task<> body) {
  // Locals go in the reverse order, also when the frame is destroyed while the body waits: the body goes first.
  const auto kept = std::move(function);
  auto running = std::move(body);
  co_await std::move(running);
}

/// Calls `f` now. The task that it returns keeps `f` until it has ended. `operation` is for the error if that is empty.
template <class F>
task<> keep_with_task(F&& f, const char* operation) {
  auto kept = std::make_unique<std::decay_t<F>>(std::forward<F>(f));
  task<> body = (*kept)();
  body.require_runnable(operation);
  return run_kept(std::move(kept), std::move(body));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
