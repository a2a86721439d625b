#pragma once

#include <type_traits>

#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Drives the coroutine and what it awaits on the calling thread until `ended` is true.
/// Throws `actor.invalid_operation` where blocking would stall others: inside an actor or another task.
void block_on(std::coroutine_handle<> h, promise_base& promise);

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

/// Runs a task on the calling thread and waits for its value or exception.
///
/// For plain threads only. Inside a coroutine it throws `actor.invalid_operation`: `co_await` the task there. An empty
/// task, or one that was awaited before, is `actor.invalid_operation` too. The thread that pumps a `manual_executor`
/// uses `runtime::run` instead, which pumps meanwhile.
template <class T>
T sync_wait(task<T> t) {
  t.require_runnable("sync_wait");
  struct owner {
    std::coroutine_handle<detail::promise<T>> handle;
    ~owner() { handle.destroy(); }
  } const coroutine{t.release()};
  detail::block_on(coroutine.handle, coroutine.handle.promise());
  return coroutine.handle.promise().take();
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

template <class T>
T task<T>::get() && {
  return sync_wait(std::move(*this));
}

}  // namespace v0
}  // namespace troupe
