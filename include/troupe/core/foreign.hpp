// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <troupe/core/fiber.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// An awaitable that brings its coroutine back to where it belongs by itself: all of troupe's own.
template <class A>
concept native_awaitable = requires { typename std::remove_cvref_t<A>::native_awaitable; };

template <class A>
decltype(auto) awaiter_of(A&& a) {
  if constexpr (requires { std::forward<A>(a).operator co_await(); }) {
    return std::forward<A>(a).operator co_await();
  } else if constexpr (requires { operator co_await(std::forward<A>(a)); }) {
    return operator co_await(std::forward<A>(a));
  } else {
    return std::forward<A>(a);
  }
}

template <class A>
using await_result = std::remove_cvref_t<decltype(awaiter_of(std::declval<A>()).await_resume())>;

/// Everything that a task can `co_await`.
template <class A>
concept awaitable = requires(A&& a) { awaiter_of(std::forward<A>(a)).await_resume(); };

/// Awaits an awaiter where it stands. One that is an rvalue, or comes back from await_transform as a reference, g++ 12
/// would move.
template <class A>
class in_place {
 public:
  explicit in_place(A& a) noexcept : awaiter_{&a} {}
  [[nodiscard, gnu::always_inline]] inline bool await_ready() { return awaiter_->await_ready(); }
  template <class Promise>
  auto await_suspend(std::coroutine_handle<Promise> h) {
    return awaiter_->await_suspend(h);
  }
  decltype(auto) await_resume() { return awaiter_->await_resume(); }

 private:
  A* awaiter_;
};

/// A coroutine that begins at once and is gone when it ends.
struct relay {
  struct promise_type {
    relay get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

/// Awaits something of another library, which resumes its coroutine wherever it likes, on behalf of a task, which goes
/// on where it belongs: an actor's code in a turn of the actor. It cannot be cancelled.
template <class A>
class foreign_wait final : public wait {
 public:
  explicit foreign_wait(A&& a) noexcept : awaitable_{std::forward<A>(a)} {}
  foreign_wait(foreign_wait&&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    static_cast<void>(begin(h, nullptr));
    run(*this);
  }
  await_result<A> await_resume() {
    end();
    if (failure_) std::rethrow_exception(failure_);
    if constexpr (!std::is_void_v<await_result<A>>) return std::move(*value_);
  }

 private:
  void interrupt() noexcept override {}

  static relay run(foreign_wait& self) {
    try {
      auto&& awaiter = awaiter_of(std::forward<A>(self.awaitable_));
      in_place<std::remove_reference_t<decltype(awaiter)>> here{awaiter};
      if constexpr (std::is_void_v<await_result<A>>) {
        co_await here;
      } else {
        auto value = co_await here;
        self.value_.emplace(std::move(value));
      }
    } catch (...) {
      self.failure_ = std::current_exception();
    }
    self.wake();  // the last look at it: the task may be gone by the time this returns
  }

  A&& awaitable_;
  std::optional<std::conditional_t<std::is_void_v<await_result<A>>, char, await_result<A>>> value_;
  std::exception_ptr failure_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
