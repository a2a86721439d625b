// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <troupe/actor/event.hpp>
#include <troupe/actor/fixed_string.hpp>
#include <troupe/actor/queue.hpp>
#include <troupe/actor/signature.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

template <class A>
concept has_manifest = requires { typename A::actor::state_type; };

template <auto Entry, fixed_string Name>
struct named_entry {};

template <auto Entry>
struct exclusive_entry {};

template <auto Queue, auto Handler>
struct consumes_entry {};

template <class T>
inline constexpr bool is_consumes_entry = false;
template <auto Queue, auto Handler>
inline constexpr bool is_consumes_entry<consumes_entry<Queue, Handler>> = true;

enum class entry_kind : std::uint8_t { action, event, queue, services };

/// What an entry of a manifest says: its kind; of an action the method, its wire name if it has one of its own, and
/// whether it is exclusive.
template <auto Entry>
struct entry_traits {
  static_assert(std::is_member_function_pointer_v<decltype(Entry)>,
                "troupe: an entry of troupe::actor<State, ...> is a member function like &counter::increment, or one "
                "wrapped in troupe::named<...> or troupe::exclusive<...>, or an event or queue of the actor");
  static constexpr entry_kind kind = entry_kind::action;
  static constexpr auto method = Entry;
  static constexpr bool is_exclusive = false;
  static constexpr std::string_view own_name{};
};

template <class T>
inline constexpr bool is_wrapped_entry = false;
template <auto Entry, fixed_string Name>
inline constexpr bool is_wrapped_entry<named_entry<Entry, Name>> = true;
template <auto Entry>
inline constexpr bool is_wrapped_entry<exclusive_entry<Entry>> = true;

template <class T>
struct wrapped_entry_traits;

template <auto Entry, fixed_string Name>
struct wrapped_entry_traits<named_entry<Entry, Name>> : entry_traits<Entry> {
  static_assert(entry_traits<Entry>::kind == entry_kind::action,
                "troupe: troupe::named is for actions; an event or queue has its name in its type");
  static_assert(!Name.view().empty(), "troupe: the name that troupe::named gives an action may not be empty");
  static constexpr std::string_view own_name = Name.view();
};

template <auto Entry>
struct wrapped_entry_traits<exclusive_entry<Entry>> : entry_traits<Entry> {
  static_assert(entry_traits<Entry>::kind == entry_kind::action, "troupe: troupe::exclusive is for actions");
  static constexpr bool is_exclusive = true;
};

template <auto Entry>
  requires is_wrapped_entry<std::remove_cv_t<decltype(Entry)>>
struct entry_traits<Entry> : wrapped_entry_traits<std::remove_cv_t<decltype(Entry)>> {};

template <auto Entry>
  requires is_event<std::remove_cv_t<decltype(Entry)>>
struct entry_traits<Entry> {
  static constexpr entry_kind kind = entry_kind::event;
  static constexpr auto method = nullptr;
  static constexpr bool is_exclusive = false;
};

template <auto Entry>
  requires is_queue<std::remove_cv_t<decltype(Entry)>>
struct entry_traits<Entry> {
  static constexpr entry_kind kind = entry_kind::queue;
  static constexpr auto method = nullptr;
  static constexpr bool is_exclusive = false;
};

template <class T>
struct consumes_entry_traits;
template <auto Queue, auto Handler>
struct consumes_entry_traits<consumes_entry<Queue, Handler>> {
  static constexpr bool is_well_formed =
      is_queue<std::remove_cv_t<decltype(Queue)>> && std::is_member_function_pointer_v<decltype(Handler)>;
  static constexpr entry_kind kind = entry_kind::queue;
  static constexpr auto method = nullptr;
  static constexpr bool is_exclusive = false;
  static constexpr auto queue = Queue;
  static constexpr auto handler = Handler;
  using handler_type = decltype(Handler);
};

template <auto Entry>
  requires is_consumes_entry<std::remove_cv_t<decltype(Entry)>>
struct entry_traits<Entry> : consumes_entry_traits<std::remove_cv_t<decltype(Entry)>> {};

/// The type by which an event or queue is looked up: the entry's own, or that of the queue which it wraps.
template <class T>
struct listed {
  using type = T;
};
template <auto Queue, auto Handler>
struct listed<consumes_entry<Queue, Handler>> {
  using type = std::remove_cv_t<decltype(Queue)>;
};
template <auto Entry>
using listed_type = typename listed<std::remove_cv_t<decltype(Entry)>>::type;

// Methods of different types cannot be compared with ==, so this stands in for it.
template <auto A, auto B>
inline constexpr bool same_method = false;
template <auto A>
inline constexpr bool same_method<A, A> = true;

/// Where a method stands in a manifest, and whether it is exclusive there.
struct method_place {
  std::size_t index;
  bool exclusive;
};

// A method is looked up by its type: the compiler finds the base class that fits it faster than it compares the method
// with one after the other.
template <auto Method, std::size_t I, bool Exclusive>
struct listed_method {};
template <class Indices, auto... Entries>
struct method_list;
template <std::size_t... I, auto... Entries>
struct method_list<std::index_sequence<I...>, Entries...>
    : listed_method<entry_traits<Entries>::method, I, entry_traits<Entries>::is_exclusive>... {};

template <auto Method, std::size_t I, bool Exclusive>
constexpr method_place find_method(const listed_method<Method, I, Exclusive>*) noexcept {
  return {I, Exclusive};
}

}  // namespace detail

/// Gives an action a wire name of its own: `troupe::named<&chat_room::send_message, "say">`.
/// A dot makes a group, as in "users.add".
template <auto Entry, detail::fixed_string Name>
inline constexpr detail::named_entry<Entry, Name> named{};

/// Keeps other calls out of the actor until this coroutine action has returned, also while it awaits. Calls that the
/// action itself leads to are let in, so that a cycle cannot deadlock.
template <auto Entry>
inline constexpr detail::exclusive_entry<Entry> exclusive{};

/// Lists a queue together with the method that handles its messages, one by one:
///
///     void on_job(troupe::context<worker>& c, const job& j);
///     using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
///
/// The method may take the context first; then it takes the message, or a `troupe::message_of<jobs>&`, which also has
/// the message's id and its attempts. It may be a coroutine, which takes the message by value. Its value answers
/// `send_and_wait`, and is of the queue's result type. A message is acknowledged when the handler returns, as part of
/// that turn; when it throws, the message comes again by itself after its own back-off, and others do not wait for it.
/// See docs/queues.md.
template <auto Queue, auto Handler>
inline constexpr detail::consumes_entry<Queue, Handler> consumes{};

/// The manifest of an actor: the one list of what the outside may touch, actions, events and queues, and so its
/// security boundary. Beside these it lists what the actor needs of its program, with `troupe::needs<...>`.
///
///     using actor = troupe::actor<chat_room, &chat_room::send_message, &chat_room::history, new_message>;
template <class State, auto... Entries>
struct actor {
  using state_type = State;
  static constexpr std::size_t size = sizeof...(Entries);

  /// The place of a method in the list; its index is `size` if it is not there.
  template <auto Method>
  static constexpr detail::method_place place_in_list = [] {
    using list = detail::method_list<std::make_index_sequence<size>, Entries...>;
    if constexpr (requires { detail::find_method<Method>(static_cast<const list*>(nullptr)); }) {
      return detail::find_method<Method>(static_cast<const list*>(nullptr));
    } else {  // it is not there, or more than once
      detail::method_place found{size, false};
      std::size_t index = 0;
      ((detail::same_method<detail::entry_traits<Entries>::method, Method>
            ? void(found = detail::method_place{index++, detail::entry_traits<Entries>::is_exclusive})
            : void(++index)),
       ...);
      return found;
    }
  }();

  /// The place of an event or queue, by its type, among those of its kind; `size` if it is not there.
  template <class Entry>
  static constexpr std::size_t place_of = [] {
    constexpr auto kind = detail::is_event<Entry> ? detail::entry_kind::event : detail::entry_kind::queue;
    std::size_t index = 0;
    std::size_t found = size;
    ((std::is_same_v<detail::listed_type<Entries>, Entry> ? void(found = index) : void(),
      index += detail::entry_traits<Entries>::kind == kind ? 1 : 0),
     ...);
    return found;
  }();

  /// Calls `f.template operator()<Entries...>()`.
  template <class F>
  static constexpr decltype(auto) with_entries(F&& f) {
    return f.template operator()<Entries...>();
  }
};

}  // namespace v0
}  // namespace troupe
