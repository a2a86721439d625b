// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/arguments.hpp>
#include <troupe/actor/queue.hpp>
#include <troupe/actor/stored_version.hpp>
#include <troupe/codec/codec.hpp>

/// \file
/// Messages on their way into a queue, and the encoding of what else an actor is given.

namespace troupe {
inline namespace v0 {
namespace detail {

/// Whether the last argument of a send, behind the message or its members, is a delay.
template <class... Part>
inline constexpr bool is_delayed = false;
template <class First, class... Rest>
inline constexpr bool is_delayed<First, Rest...> =
    sizeof...(Rest) == 0 ? std::is_same_v<std::remove_cvref_t<First>, delayed> : is_delayed<Rest...>;

template <class Queue, class... Given>
consteval bool check_message() {
  using message = typename Queue::message_type;
  constexpr bool given = sizeof...(Given) != 0;
  static_assert(given, "troupe: send takes a queue of the actor, then the message or its members");
  constexpr bool fits = given && check_passing<message, Given...>();
  static_assert(fits || sizeof...(Given) != 1 || passing_of<message, Given...>() == passing::cut,
                "troupe: this does not convert implicitly to the type of the queue's messages");
  return fits;
}

/// The encoding of what the arguments are or make.
template <class T, class Encode, class... Given>
bytes encode_made(const Encode& encode_one, const destination_name& where, Given&&... given) {
  if constexpr (sizeof...(Given) == 1 && (std::is_same_v<std::remove_cvref_t<unwrapped<Given>>, T> && ...)) {
    return encode_one((static_cast<const T&>(unwrap(given)), ...));
  } else {
    const T made = make_value<T>(where, std::forward<Given>(given)...);
    return encode_one(made);
  }
}

/// Of a message, or of what an actor is created with.
template <class T, class... Given>
bytes encode_as(const destination_name& where, Given&&... given) {
  return encode_made<T>([](const T& value) { return encode_stored(value); }, where, std::forward<Given>(given)...);
}

/// Of an answer, which is never stored.
template <class T, class... Given>
bytes encode_answer(const destination_name& where, Given&&... given) {
  return encode_made<T>([](const T& value) { return troupe::encode(value); }, where, std::forward<Given>(given)...);
}

/// A message on its way into a queue.
struct packed_message {
  bytes body;
  delayed by{std::chrono::nanoseconds{0}};
};

template <class Queue, class... Part, std::size_t... I>
packed_message pack_first(std::tuple<Part&&...> parts, delayed by, std::index_sequence<I...>) {
  if constexpr (check_message<Queue, std::tuple_element_t<I, std::tuple<Part...>>...>()) {
    static constexpr destination_name where{"a message to queue", Queue::name};
    return {encode_as<typename Queue::message_type>(where, std::get<I>(std::move(parts))...), by};
  } else {
    return {};
  }
}

/// Encodes the arguments of `send` behind the queue. Throws `actor.invalid_request`.
template <class Queue, class... Part>
packed_message pack(Part&&... parts) {
  auto all = std::forward_as_tuple(std::forward<Part>(parts)...);
  if constexpr (is_delayed<Part...>) {
    constexpr std::size_t count = sizeof...(Part) - 1;
    const delayed by = std::get<count>(all);
    return pack_first<Queue, Part...>(std::move(all), by, std::make_index_sequence<count>{});
  } else {
    return pack_first<Queue, Part...>(std::move(all), delayed{std::chrono::nanoseconds{0}},
                                      std::index_sequence_for<Part...>{});
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
