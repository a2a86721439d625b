// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

/// \file
/// Arguments of awaited calls. Before version 13, g++ destroys a temporary aggregate twice when it stands in the same
/// expression as a `co_await` (GCC PR 101976, 99576; docs/compilers.md). There, a call that was given such a temporary
/// cannot be awaited in that expression.

namespace troupe {
inline namespace v0 {
namespace detail {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool destroys_temporaries_twice = true;
#else
inline constexpr bool destroys_temporaries_twice = false;
#endif

/// Whether a forwarded argument of type `T&&` may be a temporary that this compiler destroys twice.
template <class T>
inline constexpr bool is_unsafe_temporary = false;
template <class T>
  requires(destroys_temporaries_twice && std::is_object_v<T>)
inline constexpr bool is_unsafe_temporary<T> =
    std::is_aggregate_v<std::remove_cv_t<T>> && !std::is_trivially_destructible_v<T>;

template <class Awaitable>
class given_temporary;

template <class T>
struct without_temporary {
  using type = T;
};
template <class Awaitable>
struct without_temporary<given_temporary<Awaitable>> {
  using type = Awaitable;
};

/// The awaitable that a `given_temporary` is; any other type as it is.
template <class T>
using awaitable_base = typename without_temporary<std::remove_cv_t<T>>::type;

/// Whether `co_await` of an expression of type `A&&` stands where the temporary does. A named awaitable does not: its
/// arguments belong to an earlier statement.
template <class A>
inline constexpr bool awaits_temporary = std::is_object_v<A> && !std::is_same_v<awaitable_base<A>, A>;

template <class A>
consteval bool check_temporaries() {
  constexpr bool safe = !awaits_temporary<A>;
  static_assert(safe,
                "troupe: this g++ destroys a temporary aggregate, or a lambda with captures, twice in an awaited "
                "expression. Pass its members instead: call<...>(a, b), send(queue, a, b), create<...>(key, a, b); or "
                "name it in a statement before and pass the name, or troupe::moved(name). See docs/compilers.md");
  return safe;
}

/// An awaitable that was given a temporary which this compiler destroys twice, if both stand in one awaited expression.
/// It can do all that the awaitable can, `get()` included, but for that.
template <class Awaitable>
class [[nodiscard("this does nothing until it is awaited")]] given_temporary final {
 public:
  using native_awaitable = void;
  static constexpr bool is_awaiter = requires(Awaitable& a) { a.await_ready(); };

  template <class... T>
    requires std::is_constructible_v<Awaitable, T...>
  explicit given_temporary(T&&... arguments) : awaitable_{std::forward<T>(arguments)...} {}
  given_temporary(given_temporary&&) noexcept = default;

  operator Awaitable() && { return std::move(awaitable_); }  // NOLINT: implicit, it is one
  [[nodiscard]] Awaitable& base() noexcept { return awaitable_; }

  auto get() { return std::move(awaitable_).get(); }

  [[nodiscard]] bool await_ready()
    requires is_awaiter
  {
    return awaitable_.await_ready();
  }
  template <class Handle>
    requires is_awaiter
  auto await_suspend(Handle h) {
    return awaitable_.await_suspend(h);
  }
  decltype(auto) await_resume()
    requires is_awaiter
  {
    return awaitable_.await_resume();
  }
  [[nodiscard]] auto operator co_await() &&
    requires(!is_awaiter)
  {
    return std::move(awaitable_).operator co_await();
  }

 private:
  Awaitable awaitable_;
};

/// The result of a function that makes an awaitable out of forwarded arguments `Given&&...`.
template <class Awaitable, class... Given>
using awaitable_given =
    std::conditional_t<(is_unsafe_temporary<Given> || ...), given_temporary<Awaitable>, Awaitable>;

/// See `troupe::moved`.
template <class T>
class moved_argument {
 public:
  explicit moved_argument(T& from) noexcept : from_{&from} {}
  [[nodiscard]] T&& get() const noexcept { return std::move(*from_); }

 private:
  T* from_;
};

template <class T>
inline constexpr bool is_moved_argument = false;
template <class T>
inline constexpr bool is_moved_argument<moved_argument<T>> = true;

/// The argument that a forwarded `moved_argument` stands for; any other argument as it is.
template <class G>
[[nodiscard]] constexpr decltype(auto) unwrap(G&& given) noexcept {
  if constexpr (is_moved_argument<std::remove_cvref_t<G>>) {
    return given.get();
  } else {
    return static_cast<G&&>(given);
  }
}
template <class G>
using unwrapped = decltype(unwrap(std::declval<G>()));

}  // namespace detail

/// `co_await w.call<&worker::take>(troupe::moved(job))`: gives an argument away, as `std::move(job)` does. Unlike that,
/// it cannot be a temporary, so it may stand in an awaited expression with g++ before 13 too.
template <class T>
  requires(!std::is_const_v<T>)
[[nodiscard]] detail::moved_argument<T> moved(T& from) noexcept {
  return detail::moved_argument<T>{from};
}

}  // namespace v0
}  // namespace troupe
