// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <troupe/codec/fields.hpp>
#include <troupe/codec/names.hpp>

// What is declared here and never defined is only ever looked at by the compiler.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

namespace troupe {
inline namespace v0 {
namespace detail {

// Two things that convert to any type but `Self`. A member whose type has a converting constructor template prefers
// one or the other: the first loses to `U&&`, the second wins against `const U&`; a member that finds one ambiguous
// takes the other. They are never called; but clang instantiates constexpr constructors that would call them, and for a
// type without linkage then wants a definition. Not constexpr, since that would be evaluated.
template <class Self>
struct any_lvalue {
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Self>)
  operator T() const noexcept {
    __builtin_trap();
  }
};
template <class Self>
struct any_rvalue {
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, Self>)
  operator T() && noexcept {
    __builtin_trap();
  }
};
// Converts to unions only.
struct any_union {
  template <class T>
    requires std::is_union_v<T>
  operator T() const noexcept {
    __builtin_trap();
  }
};
// Converts to the base classes of `Self` only.
template <class Self>
struct any_base {
  template <class T>
    requires(std::is_base_of_v<T, Self> && !std::is_same_v<T, Self>)
  operator T() const noexcept {
    __builtin_trap();
  }
};

template <class T>
concept braced_empty = requires { T{}; };

// Whether T's members can be initialised by `Known...`, then one more. Members after these have their default.
template <class T, class... Known>
concept braced_by = requires { T{Known{}...}; };

template <class... Kinds>
struct kinds {
  static constexpr std::size_t count = sizeof...(Kinds);
};

// Finds what initialises each member of T in turn, from the first to the last. An aggregate member is taken whole, as
// it can be converted to; brace elision begins only where it cannot, which is at an array.
template <class T, class... Known>
consteval auto initialisers() {
  if constexpr (sizeof...(Known) > reflected_fields_max) {
    return kinds<Known...>{};
  } else if constexpr (braced_by<T, Known..., any_lvalue<T>>) {
    return initialisers<T, Known..., any_lvalue<T>>();
  } else if constexpr (braced_by<T, Known..., any_rvalue<T>>) {
    return initialisers<T, Known..., any_rvalue<T>>();
  } else {
    return kinds<Known...>{};
  }
}

template <class T>
using initialisers_of = decltype(initialisers<T>());

// An array member takes several initialisers of the flat list, so that braces around two of them leave room for fewer
// others; braces around the initialisers of one class member do not.
template <class T, class... Before>
consteval bool array_among(kinds<Before...>, kinds<>) {
  return false;
}
template <class T, class... Before, class At, class... After>
consteval bool array_among(kinds<Before...>, kinds<At, After...>) {
  if constexpr (requires { T{Before{}..., {At{}, At{}}}; }) {
    if constexpr (!requires { T{Before{}..., {At{}, At{}}, After{}...}; }) return true;
  }
  return array_among<T>(kinds<Before..., At>{}, kinds<After...>{});
}

template <class T>
inline constexpr bool has_array_member = array_among<T>(kinds<>{}, initialisers_of<T>{});

// A union among the members, named or anonymous: a structured binding cannot decompose a class with an anonymous one.
// (What a union converts to implicitly, such as std::optional of one, can be made from braces around it, too.)
template <class T, class... Before>
consteval bool union_among(kinds<Before...>, kinds<>) {
  return false;
}
template <class T, class... Before, class At, class... After>
consteval bool union_among(kinds<Before...>, kinds<At, After...>) {
  if constexpr (braced_by<T, Before..., any_union>) {
    if constexpr (!requires { T{Before{}..., {any_union{}}}; }) return true;
  }
  return union_among<T>(kinds<Before..., At>{}, kinds<After...>{});
}

template <class T>
inline constexpr bool has_union_member = union_among<T>(kinds<>{}, initialisers_of<T>{});

// A base class is initialised first, from what converts to nothing else. (A first member that takes anything at all,
// as std::any does, is not one.)
template <class T>
inline constexpr bool has_base = braced_by<T, any_base<T>> && !braced_by<T, kinds<T>>;

template <class T>
concept plain_aggregate = std::is_class_v<T> && std::is_aggregate_v<T> && braced_empty<T>;

// A pack of typed pointers that are indexed without recursion; std::tuple costs more to compile.
template <std::size_t I, class T>
struct field_pointer {
  T* pointer;
};
template <class Indices, class... Ts>
struct field_pointers;
template <std::size_t... I, class... Ts>
struct field_pointers<std::index_sequence<I...>, Ts...> : field_pointer<I, Ts>... {};

template <std::size_t I, class T>
constexpr T* pick(const field_pointer<I, T>& field) noexcept {
  return field.pointer;
}

template <class... Fields>
using pointers_to = field_pointers<std::index_sequence_for<Fields...>, Fields...>;

template <class T>
constexpr auto pointers_to_fields(T& object) {
  return with_fields<initialisers_of<T>::count>(object,
                                                [](auto&... field) {
                                                  return pointers_to<std::remove_reference_t<decltype(field)>...>{
                                                      {&field}...};
                                                });
}
// The same of an object that is never read or written. A bit-field, even a mutable one, binds to `const auto&`.
template <class T>
constexpr auto addresses_of_fields(const T& object) {
  return with_fields<initialisers_of<T>::count>(object, [](const auto&... field) {
    return pointers_to<std::remove_reference_t<decltype(field)>...>{{&field}...};
  });
}

template <class T>
struct wrapped {
  T value;
};
template <class T>
struct typed_pointer {
  const T* pointer;
};
template <class T>
typed_pointer(const T*) -> typed_pointer<T>;

// Never defined and never used at run time: only the spelling of pointers into it matters.
template <class T>
extern const wrapped<T> nowhere;

// A reference to a bit-field is one to a copy of it, and a copy of what is defined nowhere is no constant.
template <class T>
inline constexpr bool has_bit_field =
    !requires { typename std::bool_constant<(static_cast<void>(addresses_of_fields(nowhere<T>.value)), true)>; };

// g++ 12 does not name a volatile member in a constant expression.
template <class Pointers>
inline constexpr bool any_volatile = false;
template <class Indices, class... Fields>
inline constexpr bool any_volatile<field_pointers<Indices, Fields...>> = (std::is_volatile_v<Fields> || ...);

template <class T>
inline constexpr bool has_volatile_member = any_volatile<decltype(addresses_of_fields(std::declval<const T&>()))>;

template <class T, std::size_t I>
consteval auto pointer_to_field() {
  return typed_pointer{pick<I>(addresses_of_fields(nowhere<T>.value))};
}

}  // namespace detail

/// A struct whose fields the compiler can name: an aggregate with a default value, without base classes, C arrays,
/// unions, bit-fields, references or volatile members, of at most 48 fields.
template <class T>
concept reflectable =
    detail::plain_aggregate<T> && !detail::has_base<T> &&
    detail::initialisers_of<T>::count <= detail::reflected_fields_max && !detail::has_array_member<T> &&
    !detail::has_union_member<T> && !detail::has_volatile_member<T> && !detail::has_bit_field<T>;

/// How many data members T has.
template <reflectable T>
inline constexpr std::size_t field_count = detail::initialisers_of<T>::count;

namespace detail {

/// The type of T's member number I, which may be const, and without that.
template <class T, std::size_t I>
using declared_field_type = std::remove_reference_t<decltype(*pick<I>(pointers_to_fields(std::declval<T&>())))>;
template <class T, std::size_t I>
using field_type = std::remove_const_t<declared_field_type<T, I>>;

template <class T, std::size_t... I>
consteval std::array<std::string_view, sizeof...(I)> names_of_fields(std::index_sequence<I...>) {
  constexpr std::array<std::string_view, sizeof...(I)> names{spelled_field<pointer_to_field<T, I>()>()...};
  static_assert(tell_apart(names),
                "troupe: the compiler does not tell the names of this struct's members; give it a troupe::codec<T>");
  return names;
}

}  // namespace detail

/// The names of T's data members, in declaration order.
template <reflectable T>
inline constexpr std::array<std::string_view, field_count<T>> field_names =
    detail::names_of_fields<T>(std::make_index_sequence<field_count<T>>{});

/// Calls `f(name, field)` for every data member of `object`, in declaration order.
template <class T, class F>
  requires reflectable<std::remove_const_t<T>>
constexpr void for_each_field(T& object, F&& f) {
  using type = std::remove_const_t<T>;
  detail::with_fields<field_count<type>>(object, [&f](auto&... field) {
    [[maybe_unused]] std::size_t i = 0;
    (f(field_names<type>[i++], field), ...);
  });
}

}  // namespace v0
}  // namespace troupe

#if defined(__clang__)
#pragma clang diagnostic pop
#endif
