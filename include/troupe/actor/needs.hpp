// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <type_traits>

#include <troupe/actor/manifest.hpp>
#include <troupe/codec/names.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Its address stands for the type of a service; its value is the type's name, for people.
template <class T>
inline constexpr std::string_view service_tag = full_type_name<T>();

template <class T>
inline constexpr bool is_service = std::is_object_v<T> && !std::is_pointer_v<T> && !std::is_array_v<T>;

template <class... T>
struct needs_entry {
  static_assert((is_service<T> && ...),
                "troupe: a service is an object; troupe::needs<...> takes its type without reference or pointer");
};

template <class T>
inline constexpr bool is_needs_entry = false;
template <class... T>
inline constexpr bool is_needs_entry<needs_entry<T...>> = true;

template <class Entry>
struct needs_entry_traits;
template <class... T>
struct needs_entry_traits<needs_entry<T...>> {
  static constexpr entry_kind kind = entry_kind::services;
  static constexpr auto method = nullptr;
  static constexpr bool is_exclusive = false;
  static constexpr std::array<const std::string_view*, sizeof...(T)> tags{&service_tag<T>...};
};

template <auto Entry>
  requires is_needs_entry<std::remove_cv_t<decltype(Entry)>>
struct entry_traits<Entry> : needs_entry_traits<std::remove_cv_t<decltype(Entry)>> {};

template <class T, class Entry>
inline constexpr bool lists_service = false;
template <class T, class... Listed>
inline constexpr bool lists_service<T, needs_entry<Listed...>> = (std::is_same_v<T, Listed> || ...);

/// Whether the manifest of A lists the service.
template <class A, class T>
consteval bool needs_service() {
  if constexpr (has_manifest<A>) {
    return A::actor::with_entries(
        []<auto... Entries>() { return (lists_service<T, std::remove_cv_t<decltype(Entries)>> || ...); });
  } else {
    return true;  // the manifest is what is wrong: `check_manifest` says so
  }
}

}  // namespace detail

/// Lists in an actor's manifest what the actor needs of its program: the types of services, by which its code gets them
/// with `c.service<T>()`. A runtime that serves the actor without having been given one of them does not start. See
/// docs/services.md.
///
///     using actor = troupe::actor<mailer, &mailer::send, troupe::needs<mail_server, const mail_settings>>;
///
/// The types may be incomplete there. They are no part of the actor's interface, and `describe` does not tell of them.
template <class... T>
inline constexpr detail::needs_entry<T...> needs{};

}  // namespace v0
}  // namespace troupe
