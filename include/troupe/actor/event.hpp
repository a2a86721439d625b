// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>

#include <troupe/actor/fixed_string.hpp>

namespace troupe {
inline namespace v0 {

/// Something that an actor tells its connections: a wire name, and the types of what it carries. A constant of the
/// actor, listed in its manifest.
///
///     static constexpr troupe::event<"newMessage", message> new_message{};
///
/// Values travel by copy, once per event and not per listener, so listeners on several threads may look at one value at
/// the same time: its const members must allow that, as those of the standard library do.
template <detail::fixed_string Name, class... T>
struct event {
  static_assert(!Name.view().empty(), "troupe: an event needs a name");
  static_assert((std::is_same_v<T, std::decay_t<T>> && ...) && (!std::is_pointer_v<T> && ...),
                "troupe: an event carries values, not references or pointers");

  static constexpr std::string_view name = Name.view();
  using values = std::tuple<T...>;
};

namespace detail {

template <class T>
inline constexpr bool is_event = false;
template <fixed_string Name, class... T>
inline constexpr bool is_event<event<Name, T...>> = true;

// What a stream yields: the one value, or all of them.
template <class Values>
struct event_value {
  using type = Values;
};
template <class T>
struct event_value<std::tuple<T>> {
  using type = T;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
