// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <troupe/codec/enums.hpp>
#include <troupe/codec/shape.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

enum class direction : std::uint8_t { write, read };

// Why a type cannot be stored. Each has its sentence in `explain`.
enum class obstacle : std::uint8_t {
  none,
  pointer,
  smart_pointer,
  reference,
  c_array,
  function,
  union_type,
  union_member,
  bit_field,
  volatile_type,
  const_member,
  const_part,
  long_double,
  wide_integer,
  other_builtin,
  enum_without_type,
  atomic,
  adaptor,
  array_owner,
  deleter,
  base_class,
  array_member,
  too_many_fields,
  no_default,
  not_aggregate,
  view,
  nested_optional,
  steady_time,
  transient_element,
  codec_without_write,
  codec_without_read,
  json_header,
  json_half,
};

template <class T>
concept can_be_null = shape_of<T> == shape::optional || shape_of<T> == shape::owner || shape_of<T> == shape::monostate;

// `__int128` is an integral type with the extensions of GNU, and none without.
template <class T>
inline constexpr bool is_wide_integer = std::integral<T>;
#if defined(__SIZEOF_INT128__)
__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;
template <>
inline constexpr bool is_wide_integer<int128> = true;
template <>
inline constexpr bool is_wide_integer<uint128> = true;
#endif

template <class T>
concept atomic_value = requires(const T& a) {
  a.is_lock_free();
  a.load();
};
template <class T>
concept container_adaptor = requires(T& a) {
  typename T::container_type;
  a.empty();
  a.pop();
};

template <class T>
consteval obstacle why_no_shape() {
  if constexpr (std::is_reference_v<T>) return obstacle::reference;
  else if constexpr (std::is_array_v<T>) return obstacle::c_array;
  else if constexpr (std::is_function_v<T>) return obstacle::function;
  else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>)
    return obstacle::pointer;
  else if constexpr (std::is_union_v<T>) return obstacle::union_type;
  else if constexpr (std::same_as<std::remove_cv_t<T>, long double>) return obstacle::long_double;
  else if constexpr (is_wide_integer<std::remove_cv_t<T>>) return obstacle::wide_integer;
  else if constexpr (!std::is_class_v<T>) return obstacle::other_builtin;
  else if constexpr (std::is_volatile_v<T>) return obstacle::volatile_type;
  else if constexpr (requires { typename T::element_type; }) return obstacle::smart_pointer;
  else if constexpr (atomic_value<T>) return obstacle::atomic;
  else if constexpr (container_adaptor<T>) return obstacle::adaptor;
  else if constexpr (!std::is_aggregate_v<T>) return obstacle::not_aggregate;
  else if constexpr (!braced_empty<T>) return obstacle::no_default;
  else if constexpr (has_base<T>) return obstacle::base_class;
  else if constexpr (has_array_member<T>) return obstacle::array_member;
  else if constexpr (initialisers_of<T>::count > reflected_fields_max) return obstacle::too_many_fields;
  else if constexpr (has_union_member<T>) return obstacle::union_member;
  else if constexpr (has_volatile_member<T>) return obstacle::volatile_type;
  else return obstacle::bit_field;
}

template <class T>
inline constexpr bool any_const = false;
template <template <class...> class Template, class... Args>
inline constexpr bool any_const<Template<Args...>> = (std::is_const_v<std::remove_reference_t<Args>> || ...);

// Whether T holds something const, which cannot be read into.
template <class T>
consteval bool holds_const() {
  constexpr shape s = shape_of<T>;
  if constexpr (s == shape::tuple || s == shape::variant || s == shape::optional) return any_const<T>;
  else if constexpr (s == shape::fixed_array || s == shape::fixed_bytes) return std::is_const_v<typename T::value_type>;
  else if constexpr (s == shape::map || s == shape::multimap) return std::is_const_v<typename T::mapped_type>;
  else return false;
}

// A container that is a base class, with members beside it that nothing would store.
template <class T>
consteval bool hides_members() {
  if constexpr (container<T> && plain_aggregate<T>) {
    if constexpr (has_base<T>) return initialisers_of<T>::count > 1;
  }
  return false;
}

template <class T>
inline constexpr bool owns_array = false;
template <class T, class Deleter>
inline constexpr bool owns_array<std::unique_ptr<T[], Deleter>> = true;

template <class T, direction D>
consteval obstacle enum_obstacle() {
  if constexpr (sizeof(T) > 8) return obstacle::wide_integer;
  else if constexpr (D == direction::read && !has_fixed_type<T> && !has_enum_values<T>)
    return obstacle::enum_without_type;
  else return obstacle::none;
}

template <class T>
consteval obstacle owner_obstacle() {
  using element = typename T::element_type;
  if constexpr (owns_array<T>) return obstacle::array_owner;
  else if constexpr (!std::same_as<typename T::deleter_type, std::default_delete<element>>) return obstacle::deleter;
  else return can_be_null<element> ? obstacle::nested_optional : obstacle::none;
}

// What is wrong with T itself, whatever is inside.
template <class T, direction D>
consteval obstacle own_obstacle() {
  constexpr shape s = shape_of<T>;
  if constexpr (s == shape::none) {
    return why_no_shape<T>();
  } else if constexpr (s == shape::custom) {
    if constexpr (D == direction::write) return custom_writable<T> ? obstacle::none : obstacle::codec_without_write;
    else return custom_readable<T> ? obstacle::none : obstacle::codec_without_read;
  } else if constexpr (s == shape::json) {
    if constexpr (!json_known<T>) return obstacle::json_header;
    else if constexpr (std::same_as<T, json>) return obstacle::none;
    else return json_hooks::written<T> && json_hooks::read<T> ? obstacle::none : obstacle::json_half;
  } else if constexpr (s == shape::transient) {
    return obstacle::transient_element;
  } else if constexpr (view<T> || (s == shape::text && !growing<T>)) {
    return D == direction::write ? obstacle::none : obstacle::view;
  } else if constexpr (hides_members<T>()) {
    return obstacle::base_class;
  } else if constexpr (D == direction::read && holds_const<T>()) {
    return obstacle::const_part;
  } else if constexpr (s == shape::enumeration) {
    return enum_obstacle<T, D>();
  } else if constexpr (s == shape::optional) {
    return can_be_null<typename T::value_type> ? obstacle::nested_optional : obstacle::none;
  } else if constexpr (s == shape::owner) {
    return owner_obstacle<T>();
  } else if constexpr (s == shape::time_point) {
    if constexpr (requires { requires T::clock::is_steady; }) return obstacle::steady_time;
    else return obstacle::none;
  } else {
    return obstacle::none;
  }
}

template <class... Ts>
struct type_list {};

template <class T>
struct arguments_of;
template <template <class...> class Template, class... Args>
struct arguments_of<Template<Args...>> {
  using type = type_list<std::remove_cvref_t<Args>...>;
};

// The types of the values inside a T that is not a structure.
template <class T>
consteval auto parts() {
  constexpr shape s = shape_of<T>;
  if constexpr (s == shape::sequence || s == shape::fixed_array || s == shape::set || s == shape::forward_list ||
                s == shape::complex)
    return type_list<std::remove_cv_t<typename T::value_type>>{};
  else if constexpr (s == shape::map || s == shape::multimap)
    return type_list<typename T::key_type, typename T::mapped_type>{};
  else if constexpr (s == shape::duration) return type_list<typename T::rep>{};
  else if constexpr (s == shape::time_point) return type_list<typename T::duration::rep>{};
  else if constexpr (s == shape::optional) return type_list<typename T::value_type>{};
  else if constexpr (s == shape::owner) return type_list<std::remove_cv_t<typename T::element_type>>{};
  else if constexpr (s == shape::tuple || s == shape::variant) return typename arguments_of<T>::type{};
  else return type_list<>{};
}

// Parts are made before they are read.
template <class T, direction D>
consteval obstacle part_obstacle() {
  constexpr obstacle own = own_obstacle<T, D>();
  if constexpr (own == obstacle::none && D == direction::read && !std::default_initializable<T>)
    return obstacle::no_default;
  else return own;
}

// A type, for comparison. No address: g++ 12 with UBSan does not compare addresses in constant expressions.
template <class T>
constexpr std::string_view identity() noexcept {
  return __PRETTY_FUNCTION__;
}

// The structures around the one that is being looked at: a type may contain itself by way of a container.
struct outer_structures {
  std::string_view type;
  const outer_structures* next;

  constexpr bool contain(std::string_view wanted) const noexcept {
    for (auto* at = this; at != nullptr; at = at->next) {
      if (at->type == wanted) return true;
    }
    return false;
  }
};

template <class T, direction D>
consteval bool storable(const outer_structures* outer);

template <direction D, class... Parts>
consteval bool all_storable(type_list<Parts...>, [[maybe_unused]] const outer_structures* outer) {
  return ((part_obstacle<Parts, D>() == obstacle::none && storable<Parts, D>(outer)) && ...);
}

// A field, of a type as it is declared.
template <class Declared, direction D>
consteval bool field_storable([[maybe_unused]] const outer_structures* outer) {
  if constexpr (is_transient<Declared>) return true;
  else if constexpr (D == direction::read && std::is_const_v<Declared>) return false;
  else return storable<std::remove_const_t<Declared>, D>(outer);
}

template <class T, direction D, std::size_t... I>
consteval bool fields_storable(std::index_sequence<I...>, [[maybe_unused]] const outer_structures* outer) {
  return (field_storable<declared_field_type<T, I>, D>(outer) && ...);
}

template <class T, direction D>
consteval bool storable(const outer_structures* outer) {
  if constexpr (own_obstacle<T, D>() != obstacle::none) {
    return false;
  } else if constexpr (shape_of<T> == shape::structure) {
    if (outer != nullptr && outer->contain(identity<T>())) return true;
    const outer_structures here{identity<T>(), outer};
    return fields_storable<T, D>(std::make_index_sequence<field_count<T>>{}, &here);
  } else {
    return all_storable<D>(parts<T>(), outer);
  }
}

// One failing assertion for one obstacle. The compiler's notes name `Type`, and each `field` on the way to it.
template <class Type, obstacle O>
constexpr void explain() {
  static_assert(O != obstacle::pointer,
                "troupe: this type cannot be stored: it is a pointer, which means nothing in another process; keep the "
                "value itself, a std::unique_ptr, or an actor_id");
  static_assert(O != obstacle::smart_pointer,
                "troupe: this type cannot be stored: it is a pointer that is shared or has rules of its own; keep the "
                "value itself or a std::unique_ptr, or give the type a troupe::codec<T>");
  static_assert(O != obstacle::reference,
                "troupe: this type cannot be stored: it is a reference; keep the value itself");
  static_assert(O != obstacle::c_array,
                "troupe: this type cannot be stored: it is a C array; use std::array, or std::string for text");
  static_assert(O != obstacle::function,
                "troupe: this type cannot be stored: it is a function; keep data that says which one");
  static_assert(O != obstacle::union_type,
                "troupe: this type cannot be stored: nothing tells which member of a union is the live one; use "
                "std::variant");
  static_assert(O != obstacle::union_member,
                "troupe: this type cannot be stored: it has a member that is a union, and nothing tells which member "
                "of a union is the live one; use std::variant");
  static_assert(O != obstacle::bit_field,
                "troupe: this type cannot be stored: it has a bit-field, which nothing can refer to; use a whole "
                "integer, or give the type a troupe::codec<T>");
  static_assert(O != obstacle::volatile_type,
                "troupe: this type cannot be stored: it is volatile, or has a member that is; leave that out");
  static_assert(O != obstacle::const_member,
                "troupe: this type cannot be read back: it is the type of a const member, which cannot be read into; "
                "leave the const out, or make the member `static constexpr`");
  static_assert(O != obstacle::const_part,
                "troupe: this type cannot be read back: it holds a const value, which cannot be read into; leave the "
                "const out, as in std::pair<K, V> for std::pair<const K, V>");
  static_assert(O != obstacle::wide_integer,
                "troupe: this type cannot be stored: it is an integer of more than 64 bits; use two of 64 bits, or "
                "give the type a troupe::codec<T>");
  static_assert(O != obstacle::other_builtin,
                "troupe: this type cannot be stored: it is a built-in type that has no form in CBOR; use another, or "
                "give it a troupe::codec<T>");
  static_assert(O != obstacle::enum_without_type,
                "troupe: this type cannot be read back: it is an enum without a fixed underlying type, where an "
                "unknown value is undefined behaviour; declare it as `enum name : int`, or list its values in "
                "troupe::enum_values<T>");
  static_assert(O != obstacle::atomic,
                "troupe: this type cannot be stored: it is atomic; use the plain value, since an actor runs on one "
                "thread at a time");
  static_assert(O != obstacle::adaptor,
                "troupe: this type cannot be stored: it is a container adaptor, which does not show its elements; use "
                "the container itself, such as std::deque or std::vector");
  static_assert(O != obstacle::array_owner,
                "troupe: this type cannot be stored: it owns an array and does not know how long that is; use "
                "std::vector");
  static_assert(O != obstacle::deleter,
                "troupe: this type cannot be stored: it is a std::unique_ptr with a deleter of its own, which reading "
                "cannot make; use a plain std::unique_ptr, or give the type a troupe::codec<T>");
  static_assert(O != obstacle::long_double,
                "troupe: this type cannot be stored: long double differs between machines; use double");
  static_assert(O != obstacle::base_class,
                "troupe: this type cannot be stored: the fields of a struct with a base class cannot be listed; make "
                "the base a member, or give the type a troupe::codec<T>");
  static_assert(O != obstacle::array_member,
                "troupe: this type cannot be stored: it has a member that is a C array; use std::array, or std::string "
                "for text");
  static_assert(O != obstacle::too_many_fields,
                "troupe: this type cannot be stored: it has more than 48 fields; group some of them into structs");
  static_assert(O != obstacle::no_default,
                "troupe: this type cannot be stored: it has no default value to start reading from (a reference "
                "member, or one without a default constructor); give that member an initialiser, or give the type a "
                "troupe::codec<T> and a default constructor");
  static_assert(O != obstacle::not_aggregate,
                "troupe: this type cannot be stored: its fields cannot be listed, since it has a constructor, private "
                "members or virtual functions; give it a troupe::codec<T>, or to_json and from_json for nlohmann/json, "
                "or make it a plain struct; a member that need not be stored is a troupe::transient<T>");
  static_assert(O != obstacle::view,
                "troupe: this type cannot be read back: it is a view of data that somebody else owns; use std::string, "
                "std::vector or troupe::bytes");
  static_assert(O != obstacle::nested_optional,
                "troupe: this type cannot be stored: it is an optional of something that can be empty itself, and null "
                "would not tell which of them is; use a std::variant or a struct between them");
  static_assert(O != obstacle::steady_time,
                "troupe: this type cannot be stored: time points of a steady clock mean nothing after a restart; use "
                "std::chrono::sys_time");
  static_assert(O != obstacle::transient_element,
                "troupe: this type cannot be stored: troupe::transient is for data members of a struct only");
  static_assert(O != obstacle::codec_without_write,
                "troupe: this type cannot be stored: its troupe::codec<T> lacks a usable "
                "`static void write(troupe::cbor_writer&, const T&)`");
  static_assert(O != obstacle::codec_without_read,
                "troupe: this type cannot be read back: its troupe::codec<T> lacks a usable "
                "`static void read(troupe::cbor_reader&, T&)`");
  static_assert(O != obstacle::json_header,
                "troupe: this type is stored by way of nlohmann/json (it is one, or has a to_json or from_json): "
                "include <troupe/json.hpp>");
  static_assert(O != obstacle::json_half,
                "troupe: this type cannot be stored: of to_json and from_json for nlohmann/json it has only one; "
                "declare both next to the type");
}

template <class Type, direction D>
constexpr void diagnose();

template <class Owner, auto Name, class Type, direction D>
constexpr void field() {
  if constexpr (is_transient<Type>) return;
  else if constexpr (D == direction::read && std::is_const_v<Type>) explain<Type, obstacle::const_member>();
  else diagnose<std::remove_const_t<Type>, D>();
}

template <class Part, direction D>
constexpr void diagnose_part() {
  if constexpr (part_obstacle<Part, D>() != obstacle::none) explain<Part, part_obstacle<Part, D>()>();
  else diagnose<Part, D>();
}

template <direction D, class... Parts>
constexpr void diagnose_parts(type_list<Parts...>) {
  (diagnose_part<Parts, D>(), ...);
}

template <class Owner, direction D, std::size_t... I>
constexpr void diagnose_fields(std::index_sequence<I...>) {
  (field<Owner, pointer_to_field<Owner, I>(), declared_field_type<Owner, I>, D>(), ...);
}

// Goes where `storable` said no, so that the compiler says it in words. Instantiating a function twice is harmless, so
// types that contain themselves need no care here.
template <class Type, direction D>
constexpr void diagnose() {
  constexpr obstacle own = own_obstacle<Type, D>();
  if constexpr (own != obstacle::none) explain<Type, own>();
  else if constexpr (shape_of<Type> == shape::structure)
    diagnose_fields<Type, D>(std::make_index_sequence<field_count<Type>>{});
  else diagnose_parts<D>(parts<Type>());
}

template <class T>
inline constexpr bool writable = storable<T, direction::write>(nullptr);
template <class T>
inline constexpr bool readable = storable<T, direction::read>(nullptr);

// True when T can be written (or read, or both); else one `static_assert` says why not. Guards every entry point, so
// that a user's mistake prints its sentence and nothing else: `if constexpr (detail::codec_check<T>()) { ... }`
template <class T>
consteval bool check_writable() {
  if constexpr (!writable<T>) diagnose<T, direction::write>();
  return writable<T>;
}
template <class T>
consteval bool check_readable() {
  if constexpr (!readable<T>) diagnose<T, direction::read>();
  return readable<T>;
}
// Whether a T can be made and read into.
template <class T>
consteval bool check_new() {
  constexpr bool ok = part_obstacle<T, direction::read>() == obstacle::none && readable<T>;
  if constexpr (!ok) diagnose_part<T, direction::read>();
  return ok;
}
// Stands where a T would be returned, had the check not failed. Never defined.
template <class T>
T never();

template <class T>
consteval bool codec_check() {
  if constexpr (!writable<T>) return check_writable<T>();
  else return check_readable<T>();
}

}  // namespace detail

/// A type whose values can be stored and sent: it can be encoded and decoded.
template <class T>
concept serialisable = detail::writable<T> && detail::readable<T>;

}  // namespace v0
}  // namespace troupe
