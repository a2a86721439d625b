#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include <troupe/actor/signature.hpp>

namespace troupe::inline v0 {
namespace detail {

template <std::size_t N>
struct fixed_string {
  char text[N]{};
  consteval fixed_string(const char (&s)[N]) {  // NOLINT(google-explicit-constructor): a literal in a template argument
    for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
  }
  [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

template <auto Entry, fixed_string Name>
struct named_entry {};

template <auto Entry>
struct exclusive_entry {};

/// What an entry of a manifest says: the method, its wire name if it has one of its own, and whether it is exclusive.
template <auto Entry>
struct entry_traits {
  static_assert(std::is_member_function_pointer_v<decltype(Entry)>,
                "troupe: an entry of troupe::actor<State, ...> is a member function like &counter::increment, or one "
                "wrapped in troupe::named<...> or troupe::exclusive<...>");
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
  static_assert(!Name.view().empty(), "troupe: the name that troupe::named gives an action may not be empty");
  static constexpr std::string_view own_name = Name.view();
};

template <auto Entry>
struct wrapped_entry_traits<exclusive_entry<Entry>> : entry_traits<Entry> {
  static constexpr bool is_exclusive = true;
};

template <auto Entry>
  requires is_wrapped_entry<std::remove_cv_t<decltype(Entry)>>
struct entry_traits<Entry> : wrapped_entry_traits<std::remove_cv_t<decltype(Entry)>> {};

// Methods of different types cannot be compared with ==, so this stands in for it.
template <auto A, auto B>
inline constexpr bool same_method = false;
template <auto A>
inline constexpr bool same_method<A, A> = true;

}  // namespace detail

/// Gives an action a wire name of its own: `troupe::named<&chat_room::send_message, "say">`.
/// A dot makes a group, as in "users.add".
template <auto Entry, detail::fixed_string Name>
inline constexpr detail::named_entry<Entry, Name> named{};

/// Keeps other calls out of the actor until this coroutine action has returned, also while it awaits. Calls that the
/// action itself leads to are let in, so that a cycle cannot deadlock.
template <auto Entry>
inline constexpr detail::exclusive_entry<Entry> exclusive{};

/// The manifest of an actor: the one list of what the outside may call, and so its security boundary.
///
///     using actor = troupe::actor<counter, &counter::increment, &counter::value>;
template <class State, auto... Entries>
struct actor {
  using state_type = State;
  static constexpr std::size_t size = sizeof...(Entries);

  /// The place of a method in the list, or `size` if it is not there.
  template <auto Method>
  static constexpr std::size_t index_of = [] {
    std::size_t index = 0;
    std::size_t found = size;
    ((detail::same_method<detail::entry_traits<Entries>::method, Method> ? void(found = index++) : void(++index)), ...);
    return found;
  }();

  /// Calls `f.template operator()<Entry, Index>()` for each entry.
  template <class F>
  static constexpr void for_each(F&& f) {
    std::size_t index = 0;
    (f.template operator()<Entries>(index++), ...);
  }
};

}  // namespace troupe::inline v0
