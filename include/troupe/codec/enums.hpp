// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

namespace troupe {
inline namespace v0 {
namespace detail {

struct unlisted {};

}  // namespace detail

/// The values that a stored number may mean, for an enum that has a list of them; any other number is `invalid_data`.
/// Without a list every number is taken that the underlying type can hold, since a later version of the program may
/// know more values than this one.
///
///     template <>
///     inline constexpr auto troupe::enum_values<colour> = std::array{colour::red, colour::green};
///
/// Specialise it next to the enum, before its first use. An unscoped enum without a fixed underlying type needs it: to
/// make one from a number outside of its range is undefined behaviour, and no program can ask for the range.
template <class Enum>
inline constexpr detail::unlisted enum_values{};

namespace detail {

template <class Enum>
inline constexpr bool has_enum_values =
    !std::is_same_v<std::remove_cv_t<decltype(enum_values<std::remove_cv_t<Enum>>)>, unlisted>;

// Only an enum with a fixed underlying type can be initialised by a number in braces.
template <class Enum>
inline constexpr bool has_fixed_type = requires { Enum{std::underlying_type_t<Enum>{}}; };

}  // namespace detail
}  // namespace v0
}  // namespace troupe
