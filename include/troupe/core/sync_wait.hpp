#pragma once

#include <troupe/core/task.hpp>

namespace troupe::inline v0 {
namespace detail {

/// Drives the coroutine and what it awaits on the calling thread until `ended` is true.
/// Throws `actor.invalid_operation` where blocking would stall others: inside an actor or another task.
void block_on(std::coroutine_handle<> h, promise_base& promise);

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

template <class T>
T task<T>::get() && {
  return sync_wait(std::move(*this));
}

}  // namespace troupe::inline v0
