// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>
#include <utility>

#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

template <class T>
std::true_type is_a_task(const task<T>*);
std::false_type is_a_task(const void*);
template <class A>
concept other_awaitable =
    awaitable<A> && !decltype(is_a_task(static_cast<std::remove_reference_t<A>*>(nullptr)))::value;

/// Awaits something that outlives the task.
template <class A>
task<await_result<A&&>> await_one(A& awaitable) {
  co_return co_await static_cast<A&&>(awaitable);
}

}  // namespace detail

/// Runs a task on the calling thread and waits for its value or exception: see `task::get`.
template <class T>
T sync_wait(task<T> t) {
  return std::move(t).get();
}

/// The same for a call or any other awaitable, of another library too.
///
///     const auto n = troupe::sync_wait(visits.call<&counter::value>());
template <detail::other_awaitable A>
detail::await_result<A> sync_wait(A&& awaitable) {
  if constexpr (detail::awaits_temporary<A>) {
    return sync_wait(detail::await_one<detail::awaitable_base<A>>(awaitable.base()));
  } else {
    return sync_wait(detail::await_one<A>(awaitable));
  }
}

}  // namespace v0
}  // namespace troupe
