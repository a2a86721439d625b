// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {

template <class A>
class context;

namespace detail {

template <class T>
struct task_value {
  using type = T;
};
template <class T>
struct task_value<task<T>> {
  using type = T;
};

template <class T>
inline constexpr bool is_context_reference = false;
template <class A>
inline constexpr bool is_context_reference<context<A>&> = true;

template <class... P>
struct first_of {
  using type = void;
};
template <class First, class... Rest>
struct first_of<First, Rest...> {
  using type = First;
};

/// A parameter as a call stores it between caller and actor: by value, and owning.
template <class P>
using stored_parameter =
    std::conditional_t<std::is_same_v<std::remove_cvref_t<P>, std::string_view>, std::string, std::remove_cvref_t<P>>;

template <class P>
inline constexpr bool is_span = false;
template <class T, std::size_t N>
inline constexpr bool is_span<std::span<T, N>> = true;

template <class C, bool Const, class R, class... P>
struct method_shape {
  using object = C;
  using result = R;
  using value = std::remove_cvref_t<typename task_value<std::remove_cvref_t<R>>::type>;
  static constexpr bool is_const = Const;
  static constexpr bool is_coroutine = is_task<R>;

  using first = typename first_of<P...>::type;
  static constexpr bool takes_context = is_context_reference<first>;

  template <class Tuple>
  struct tail;
  template <class First, class... Rest>
  struct tail<std::tuple<First, Rest...>> {
    using type = std::tuple<Rest...>;
  };
  /// The parameters of the call, as declared.
  using parameters =
      typename std::conditional_t<takes_context, tail<std::tuple<P...>>, std::type_identity<std::tuple<P...>>>::type;
};

template <class M>
struct method_traits;
template <class C, class R, class... P>
struct method_traits<R (C::*)(P...)> : method_shape<C, false, R, P...> {};
template <class C, class R, class... P>
struct method_traits<R (C::*)(P...) const> : method_shape<C, true, R, P...> {};
template <class C, class R, class... P>
struct method_traits<R (C::*)(P...) noexcept> : method_shape<C, false, R, P...> {};
template <class C, class R, class... P>
struct method_traits<R (C::*)(P...) const noexcept> : method_shape<C, true, R, P...> {};

/// A pointer to a method that can be an action or hook.
template <class M>
concept known_method = requires { typename method_traits<M>::object; };

/// Whether a method takes the context that an actor of type A has.
template <class A, class M>
inline constexpr bool takes_context_of = std::is_same_v<typename method_traits<M>::first, context<A>&>;

template <class Parameters>
struct stored;
template <class... P>
struct stored<std::tuple<P...>> {
  using type = std::tuple<stored_parameter<P>...>;
};

/// The parameters of a call to M, as declared, and what it carries for them.
template <auto M>
using call_parameters = typename method_traits<decltype(M)>::parameters;
template <auto M>
using call_arguments = typename stored<typename method_traits<decltype(M)>::parameters>::type;
template <auto M>
using value_of = typename method_traits<decltype(M)>::value;

template <class T>
inline constexpr bool is_view = is_span<T> || std::is_same_v<T, std::string_view>;
template <class P>
inline constexpr bool borrows = std::is_reference_v<P> || std::is_pointer_v<P> || is_view<std::remove_cvref_t<P>>;

/// The static checks of a method that is to be an action; every mistake is one sentence. False after a mistake, so that
/// nothing more is made of the method.
template <auto M>
consteval bool check_action() {
  using traits = method_traits<decltype(M)>;
  constexpr bool parameters_fit = []<class... P>(std::type_identity<std::tuple<P...>>) {
    constexpr bool points = (std::is_pointer_v<P> || ...);
    constexpr bool changes = ((std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>) || ...);
    constexpr bool context = (is_context_reference<std::remove_cvref_t<P>&> || ...);
    constexpr bool moves = (std::is_rvalue_reference_v<P> || ...);
    constexpr bool spans = (is_span<std::remove_cvref_t<P>> || ...);
    constexpr bool lends = traits::is_coroutine && (borrows<P> || ...);
    static_assert(!points, "troupe: an action cannot take a pointer; take a value");
    static_assert(!context, "troupe: the context is the first parameter of an action, as troupe::context<Self>&");
    static_assert(!changes || context,
                  "troupe: an action cannot take a non-const reference, there is nothing at the caller's to change; "
                  "take a value");
    static_assert(!moves, "troupe: an action cannot take an rvalue reference; take a value");
    static_assert(!spans, "troupe: an action cannot take a span; take a vector");
    static_assert(!lends || points || changes || moves || spans,
                  "troupe: a coroutine action may outlive its caller's arguments; take them by value, not as a "
                  "reference, string_view or span");
    return !points && !changes && !context && !moves && !spans && !lends;
  }(std::type_identity<typename traits::parameters>{});
  constexpr bool gives_pointer = std::is_pointer_v<typename traits::value>;
  constexpr bool gives_view = is_view<typename traits::value>;
  static_assert(!gives_pointer, "troupe: an action cannot return a pointer; return a value");
  static_assert(!gives_view,
                "troupe: an action cannot return a string_view or span, they would outlive what they show; return a "
                "string or vector");
  return parameters_fit && !gives_pointer && !gives_view;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
