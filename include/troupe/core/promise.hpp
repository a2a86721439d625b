// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <concepts>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/late_value.hpp>
#include <troupe/core/ref_counted.hpp>

namespace troupe {
inline namespace v0 {

template <class T>
class future;

namespace detail {

/// Throws `actor.invalid_operation`: the future of a promise is given out once, and awaited once.
[[noreturn]] void refuse_future(const char* why);
/// The error of a future whose promise is gone.
[[nodiscard]] std::exception_ptr broken_promise();

/// The part that all copies of a promise share. With the last copy it breaks the promise if nothing was set.
template <class T>
class promise_end : public ref_counted<promise_end<T>> {
 public:
  promise_end() : value{counted_ptr<late_value<T>>::adopt(new late_value<T>)} {}

  [[nodiscard]] bool set_exception(std::exception_ptr failure) noexcept {
    if (!value->claim()) return false;
    value->failure = std::move(failure);
    value->publish();
    return true;
  }

  const counted_ptr<late_value<T>> value;
  std::atomic<bool> has_future{false};

 private:
  friend class ref_counted<promise_end<T>>;
  ~promise_end() {
    if (!value->is_there()) static_cast<void>(set_exception(broken_promise()));
  }
};

}  // namespace detail

/// A value, or a failure, that any thread sets once, and that a coroutine awaits: the way from the callbacks of another
/// library, its threads included, into an actor or a task.
///
///     troupe::promise<int> measured;
///     auto answer = measured.get_future();
///     sensor.read([measured](int value) { measured.set_value(value); });
///     const int value = co_await std::move(answer);
///
/// Copies are the same promise, so that a `std::function` may capture one. If all of them are gone and nothing was set,
/// the future throws `actor.broken_promise`. All members may be called from any thread.
///
/// `T` is an object type that can be moved, or `void`.
template <class T = void>
class promise {
  static_assert(std::is_void_v<T> || (std::is_object_v<T> && std::is_move_constructible_v<T>),
                "troupe: a promise is of a type that can be moved, or of void; for a reference, of a pointer");

 public:
  promise() : end_{detail::counted_ptr<detail::promise_end<T>>::adopt(new detail::promise_end<T>)} {}

  /// The end that is awaited. Errors: `actor.invalid_operation` for the second time.
  [[nodiscard]] future<T> get_future() const {
    if (end_->has_future.exchange(true)) detail::refuse_future("a promise gives out one future");
    return future<T>{end_->value};
  }

  /// Sets the value, made from `given`. False if value or failure was set before: then nothing happens. If making the
  /// value throws, that is the promise's failure.
  template <class U = T>
    requires(!std::is_void_v<T> && std::constructible_from<T, U &&>)
  bool set_value(U&& given) const noexcept {
    auto& late = *end_->value;
    if (!late.claim()) return false;
    try {
      late.value.emplace(std::forward<U>(given));
    } catch (...) {
      late.failure = std::current_exception();
    }
    late.publish();
    return true;
  }
  /// The same for a promise of nothing but a moment.
  bool set_value() const noexcept
    requires std::is_void_v<T>
  {
    if (!end_->value->claim()) return false;
    end_->value->publish();
    return true;
  }

  /// Sets a failure, which the future throws. False if value or failure was set before.
  bool set_exception(std::exception_ptr failure) const noexcept { return end_->set_exception(std::move(failure)); }

 private:
  detail::counted_ptr<detail::promise_end<T>> end_;
};

/// The end of a promise that is awaited, once: `co_await std::move(f)`. In an actor the value comes back in a turn of
/// the actor.
///
/// Errors: what the promise was given; `actor.broken_promise`; `actor.aborted` when the actor that waits is being shut
/// down or the task is a loser of `when_any`; `actor.invalid_operation` for a future that was moved from or awaited
/// before.
template <class T>
class [[nodiscard("co_await this")]] future final : private detail::late_wait {
 public:
  using native_awaitable = void;

  /// Until it is awaited, so that `when_any` can take it.
  future(future&& other) noexcept : value_{std::move(other.value_)} {}
  future& operator=(future&&) = delete;

  /// Whether value or failure is there, so that awaiting it does not suspend.
  [[nodiscard]] bool is_ready() const noexcept { return value_ && value_->is_there(); }

  using detail::late_wait::await_ready;
  using detail::late_wait::await_suspend;
  T await_resume() {
    const auto last = std::move(value_);
    end_late("waiting for a promise");
    return last->take();
  }

 private:
  friend class promise<T>;
  explicit future(const detail::counted_ptr<detail::late_value<T>>& value) noexcept : value_{value} {}

  [[nodiscard]] detail::late_base& source() override {
    if (!value_) detail::refuse_future("a future is awaited once, and not after it was moved from");
    return *value_;
  }
  [[nodiscard]] std::string describe() const override { return "a promise"; }

  detail::counted_ptr<detail::late_value<T>> value_;
};

}  // namespace v0
}  // namespace troupe
