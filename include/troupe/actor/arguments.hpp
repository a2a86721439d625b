// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/codec/names.hpp>
#include <troupe/core/temporaries.hpp>

/// \file
/// How the arguments of calls, messages, events and inputs become the values that are wanted: by implicit conversion
/// that keeps the value, or as the members of an aggregate.

namespace troupe {
inline namespace v0 {
namespace detail {

/// Where an argument goes, for the error that names it: "action", "add".
struct destination_name {
  std::string_view kind;
  std::string_view name;
};

/// An integer of any type.
struct wide_integer {
  template <std::integral T>
  explicit constexpr wide_integer(T v) noexcept : bits{static_cast<std::uint64_t>(v)} {
    if constexpr (std::is_signed_v<T>) negative = v < 0;
  }
  std::uint64_t bits;
  bool negative = false;
};

/// Throws `actor.invalid_request`.
[[noreturn, gnu::cold]] void throw_out_of_range(const destination_name& where, std::size_t position, wide_integer value,
                                                wide_integer min, wide_integer max);

/// Whether T can hold every value of From, or this one.
template <std::integral T, std::integral From>
inline constexpr bool holds_all = std::numeric_limits<T>::digits >= std::numeric_limits<From>::digits &&
                                  (std::is_signed_v<T> || !std::is_signed_v<From>);
template <std::integral T, std::integral From>
[[nodiscard]] constexpr bool holds(From v) noexcept {
  const T converted = static_cast<T>(v);
  if constexpr (std::is_signed_v<T> != std::is_signed_v<From>) {
    if (wide_integer{v}.negative != wide_integer{converted}.negative) return false;
  }
  return static_cast<From>(converted) == v;
}

/// The integer type that a number of type G is one of: an unscoped enumeration counts as its underlying type.
template <class G>
struct integer_of {
  using type = void;
};
template <std::integral G>
struct integer_of<G> {
  using type = G;
};
template <class G>
  requires(std::is_enum_v<G> && std::is_convertible_v<G, std::underlying_type_t<G>>)
struct integer_of<G> : std::underlying_type<G> {};
template <class G>
using integer_type = typename integer_of<std::remove_cvref_t<G>>::type;

/// The number type that a parameter takes: P, or that of an optional.
template <class P>
struct number_of {
  using type = P;
};
template <class P>
struct number_of<std::optional<P>> {
  using type = P;
};
template <class P>
using number_type = typename number_of<std::remove_cvref_t<P>>::type;

/// Whether a conversion would cut off a fraction.
template <class P, class G>
inline constexpr bool cuts_fraction =
    std::is_integral_v<number_type<P>> && std::is_floating_point_v<std::remove_cvref_t<unwrapped<G>>>;

/// Whether a conversion may have to be refused at run time.
template <class P, class G>
consteval bool may_be_out_of_range() {
  using to = number_type<P>;
  using from = integer_type<unwrapped<G>>;
  if constexpr (std::is_integral_v<to> && !std::is_void_v<from>) {
    return !holds_all<to, from>;
  } else {
    return false;
  }
}

template <std::integral T, std::integral From>
[[nodiscard, gnu::always_inline]] constexpr T convert_integer(const destination_name& where, std::size_t position,
                                                              From v) {
  if constexpr (!holds_all<T, From>) {
    if (!holds<T>(v)) [[unlikely]] {
      throw_out_of_range(where, position, wide_integer{v}, wide_integer{std::numeric_limits<T>::min()},
                         wide_integer{std::numeric_limits<T>::max()});
    }
  }
  return static_cast<T>(v);
}

/// The argument at `position` (from 1) for something of type P, which it converts to implicitly. Throws
/// `actor.invalid_request` if it is an integer that P cannot hold.
template <class P, class G>
[[nodiscard, gnu::always_inline]] constexpr decltype(auto) convert_argument(
    [[maybe_unused]] const destination_name& where, [[maybe_unused]] std::size_t position, G&& given) {
  if constexpr (may_be_out_of_range<P, G>()) {
    using from = integer_type<unwrapped<G>>;
    return convert_integer<number_type<P>>(where, position, static_cast<from>(unwrap(std::forward<G>(given))));
  } else {
    return unwrap(std::forward<G>(given));
  }
}

/// A number among the members of an aggregate: it converts as an argument does, where list-initialisation by itself
/// would refuse every conversion that might lose something.
template <class G>
class member_number {
 public:
  constexpr member_number(const destination_name& where, std::size_t position, G value) noexcept
      : where_{where}, position_{position}, value_{value} {}

  template <class T>
    requires(std::is_arithmetic_v<T> && !(std::is_integral_v<T> && std::is_floating_point_v<G>))
  constexpr operator T() const {  // NOLINT: implicit, as the conversion that it stands for
    if constexpr (std::is_integral_v<T>) {
      return convert_integer<T>(where_, position_, value_);
    } else {
      return static_cast<T>(value_);
    }
  }

 private:
  const destination_name& where_;
  std::size_t position_;
  G value_;
};

template <class G>
[[nodiscard]] constexpr decltype(auto) as_member(const destination_name& where, std::size_t position, G&& given) {
  using value = std::remove_cvref_t<unwrapped<G>>;
  if constexpr (std::is_arithmetic_v<value>) {
    return member_number<value>{where, position, unwrap(std::forward<G>(given))};
  } else {
    return unwrap(std::forward<G>(given));
  }
}
template <class G>
using member_given = decltype(as_member(std::declval<const destination_name&>(), 0, std::declval<G>()));

// An aggregate that leaves out its last members is meant: they have their initialisers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wmissing-braces"

template <class T, class... G>
concept made_of_numbers_and = requires { T{std::declval<member_given<G>>()...}; };
template <class T, class... G>
concept made_of_exactly = requires { T{std::declval<unwrapped<G>>()...}; };

/// Whether an aggregate can be made of these as its first members.
template <class T, class... G>
inline constexpr bool has_members =
    std::is_aggregate_v<T> && sizeof...(G) != 0 && (made_of_numbers_and<T, G...> || made_of_exactly<T, G...>);

/// Makes an aggregate of its first members.
template <class T, class... G>
[[nodiscard]] T make_of_members([[maybe_unused]] const destination_name& where, G&&... given) {
  if constexpr (made_of_numbers_and<T, G...>) {
    std::size_t position = 0;
    return T{as_member(where, ++position, std::forward<G>(given))...};  // braces: from left to right
  } else {
    return T{unwrap(std::forward<G>(given))...};
  }
}

#pragma GCC diagnostic pop

/// How given arguments become one value.
enum class passing : std::uint8_t { impossible, cut, converted, members };

template <class T, class... G>
consteval passing passing_of() {
  if constexpr (sizeof...(G) == 1) {
    if constexpr ((cuts_fraction<T, G> && ...)) {
      return passing::cut;
    } else if constexpr ((std::is_convertible_v<unwrapped<G>, T> && ...)) {
      return passing::converted;
    } else {
      return has_members<T, G...> ? passing::members : passing::impossible;
    }
  } else {
    return has_members<T, G...> ? passing::members : passing::impossible;
  }
}

/// The sentences about what becomes one value, but for the one that says what was wanted.
template <class T, class... G>
consteval bool check_passing() {
  constexpr passing how = passing_of<T, G...>();
  static_assert(how != passing::cut,
                "troupe: a floating-point number does not become an integer by itself; round it and convert it");
  constexpr bool is_made = how != passing::impossible || sizeof...(G) < 2;
  static_assert(is_made,
                "troupe: several arguments in the place of one are the members of an aggregate, in their order; these "
                "are not, or the type is no aggregate (a floating-point number does not become an integer by itself)");
  return how == passing::converted || how == passing::members;
}

/// The value that the arguments are or make, and that `check_passing` has found possible.
template <class T, class... G>
[[nodiscard]] T make_value(const destination_name& where, G&&... given) {
  if constexpr (passing_of<T, G...>() == passing::members) {
    return make_of_members<T>(where, std::forward<G>(given)...);
  } else {
    return (convert_argument<T>(where, 1, std::forward<G>(given)), ...);
  }
}

template <class Values, class... G>
inline constexpr bool cuts_any = false;
template <class... T, class... G>
  requires(sizeof...(T) == sizeof...(G))
inline constexpr bool cuts_any<std::tuple<T...>, G...> = (cuts_fraction<T, G> || ...);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
