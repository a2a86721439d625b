// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include <troupe/core/assert.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/foreign.hpp>
#include <troupe/core/temporaries.hpp>

namespace troupe {
inline namespace v0 {

template <class T = void>
class task;

namespace detail {

class promise_base {
 public:
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { release_block(frame, size); }

  /// What runs when the task has ended: the coroutine that awaits it, or a callback of whoever drives it.
  std::coroutine_handle<> continuation;
  void (*on_end)(promise_base&) noexcept = nullptr;
  void* owner = nullptr;

  struct end_awaiter {
    end_awaiter() noexcept {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h) const noexcept {
      promise_base& p = h.promise();
      if (p.continuation) {
        this_thread().next = p.continuation;
      } else if (p.on_end != nullptr) {
        p.on_end(p);
      }
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  end_awaiter final_suspend() const noexcept { return {}; }

  /// Awaitables of other libraries are awaited through a `foreign_wait`.
  template <native_awaitable A>
  decltype(auto) await_transform(A&& a) const noexcept {
    static_cast<void>(check_temporaries<A>());
    if constexpr (requires { std::forward<A>(a).await_ready(); }) {
      return in_place<std::remove_reference_t<A>>{a};
    } else {
      static_assert(!std::is_lvalue_reference_v<A>, "troupe: a named task is awaited as `co_await std::move(t)`");
      return std::forward<A>(a).operator co_await();
    }
  }
  template <class A>
    requires(!native_awaitable<A>)
  foreign_wait<A> await_transform(A&& a) const noexcept {
    return foreign_wait<A>{std::forward<A>(a)};
  }

  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }

 protected:
  promise_base() = default;
  ~promise_base() = default;

  void rethrow_failure() const {
    if (failure_) [[unlikely]]
      std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
};

template <class T>
class promise final : public promise_base {
 public:
  task<T> get_return_object() noexcept;

  // The default argument lets `co_return {a, b};` work.
  template <class U = T>
    requires std::convertible_to<U&&, T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }

  T take() {
    rethrow_failure();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class promise<void> final : public promise_base {
 public:
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const { rethrow_failure(); }
};

/// Drives the coroutine and what it awaits on the calling thread until `ended` is true.
/// Throws `actor.invalid_operation` where blocking would stall others: inside an actor or another task.
void block_on(std::coroutine_handle<> h, promise_base& promise);

/// Throws `actor.invalid_operation`: `operation` was given a task that has no coroutine to run.
[[noreturn]] void refuse_task(const char* operation);

template <class Promise>
concept troupe_promise = std::derived_from<Promise, promise_base>;

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

}  // namespace detail

/// A lazily started coroutine that yields one T, or throws.
///
///     troupe::task<int> twice(int x) { co_return 2 * x; }
///     int four = co_await twice(2);
///
/// It may await tasks, everything of troupe, and awaitables of other libraries: wherever those resume, the task goes on
/// where it belongs. It starts when it is awaited, on the awaiting thread, and is awaited once. A coroutine's arguments
/// are copied into its frame only if it takes them by value; so take them by value. Awaiting a million tasks in a loop
/// uses no stack, in any build. Inside an actor, a task runs as part of the actor: its turns do not overlap with the
/// actor's others.
///
/// An empty task, and one that was awaited before, cannot be run. Functions that take a task refuse it with
/// `actor.invalid_operation`; to `co_await` it fails an assertion.
template <class T>
class [[nodiscard("a task does nothing until it is awaited")]] task {
 public:
  static_assert(!std::is_reference_v<T>,
                "troupe: a task yields a value; return a pointer or a copy instead of a reference");

  using native_awaitable = void;
  using promise_type = detail::promise<T>;
  using value_type = T;

  task() noexcept = default;
  task(task&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
  task& operator=(task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }

  /// False after it was moved from or default-constructed.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  class awaiter {
   public:
    explicit awaiter(std::coroutine_handle<promise_type> h) noexcept : handle_{h} {
      TROUPE_ASSERT(h, "an empty task was awaited: it was moved from, or never made");
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> parent) noexcept {
      TROUPE_ASSERT(!handle_.promise().continuation, "a task is awaited once");
      handle_.promise().continuation = parent;
      if constexpr (detail::troupe_promise<Promise>) {
        detail::this_thread().next = handle_;
      } else {
        detail::drive(handle_);  // a foreign coroutine: nobody further up the stack drives
      }
    }
    T await_resume() { return handle_.promise().take(); }

   private:
    std::coroutine_handle<promise_type> handle_;
  };

  [[nodiscard]] awaiter operator co_await() && noexcept { return awaiter{handle_}; }
  /// A named task is awaited as `co_await std::move(t)`.
  awaiter operator co_await() & = delete;

  /// Runs the task on the calling thread and waits for its value or exception.
  ///
  /// For plain threads only. Inside a coroutine it throws `actor.invalid_operation`: `co_await` the task there. An
  /// empty task, or one that was awaited before, is `actor.invalid_operation` too. The thread that pumps a
  /// `manual_executor` uses `runtime::run` instead, which pumps meanwhile.
  T get() && {
    require_runnable("sync_wait");
    struct owner {
      std::coroutine_handle<promise_type> handle;
      ~owner() { handle.destroy(); }
    } const coroutine{release()};
    detail::block_on(coroutine.handle, coroutine.handle.promise());
    return coroutine.handle.promise().take();
  }

  /// Throws `actor.invalid_operation`, naming the operation that was given the task, unless the task can be run: it is
  /// not empty, and was not awaited before.
  void require_runnable(const char* operation) const {
    if (!handle_ || handle_.promise().continuation) [[unlikely]]
      detail::refuse_task(operation);
  }

  /// For those that drive tasks themselves: gives up ownership of the coroutine.
  [[nodiscard]] std::coroutine_handle<promise_type> release() noexcept { return std::exchange(handle_, nullptr); }

 private:
  friend class detail::promise<T>;
  explicit task(std::coroutine_handle<promise_type> h) noexcept : handle_{h} {}

  std::coroutine_handle<promise_type> handle_;
};

template <class T>
task<T> detail::promise<T>::get_return_object() noexcept {
  return task<T>{std::coroutine_handle<promise<T>>::from_promise(*this)};
}

inline task<void> detail::promise<void>::get_return_object() noexcept {
  return task<void>{std::coroutine_handle<promise<void>>::from_promise(*this)};
}

}  // namespace v0
}  // namespace troupe
