// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/json_fwd.hpp>
#include <troupe/codec/reflect.hpp>
#include <troupe/codec/transient.hpp>

namespace troupe {
inline namespace v0 {

/// How a type of yours is stored, where the built-in way is not what you want. It comes before everything else.
///
///     template <>
///     struct troupe::codec<money> {
///       static void write(troupe::cbor_writer& out, const money& value) { troupe::write(out, value.cents()); }
///       static void read(troupe::cbor_reader& in, money& value) {
///         std::int64_t cents = 0;
///         troupe::read(in, cents);
///         value = money::from_cents(cents);
///       }
///     };
///
/// `write` appends exactly one item, `read` takes exactly one. Specialise it next to the type, before its first use.
template <class T>
struct codec;

namespace detail {

// How values of a type are stored. One per type, decided in `shape_of` and nowhere else.
enum class shape : std::uint8_t {
  boolean,
  integer,
  floating,
  enumeration,   // its underlying integer
  text,
  byte_string,
  fixed_bytes,   // byte string of exactly the array's size
  sequence,      // array
  fixed_array,   // array of exactly its size
  set,           // array
  map,           // map
  forward_list,  // array
  multimap,      // array of [key, value]
  tuple,         // array of exactly its size
  optional,      // null or the value
  owner,         // std::unique_ptr: null or the value
  variant,       // [index, value]
  monostate,     // null
  complex,       // [real, imaginary]
  bits,          // byte string
  path,          // text
  duration,      // number of ticks
  time_point,    // number of ticks since its clock's epoch
  calendar_part,  // year, month, day, weekday: a number
  calendar_date,  // array of such numbers
  structure,     // map of field name to value
  custom,        // codec<T>
  json,          // nlohmann's to_json and from_json, found by ADL
  transient,     // not at all
  none,          // cannot be stored
};

template <class T>
concept customised = requires { sizeof(codec<T>); };
template <class T>
concept custom_writable = requires(cbor_writer& out, const T& value) { codec<T>::write(out, value); };
template <class T>
concept custom_readable = requires(cbor_reader& in, T& value) { codec<T>::read(in, value); };

// nlohmann's customisation points, looked for by argument-dependent lookup alone: these declarations hide
// `troupe::to_json` and `troupe::from_json`.
namespace json_hooks {
void to_json();
void from_json();
template <class T>
concept written = requires(json& out, const T& value) { to_json(out, value); };
template <class T>
concept read = requires(const json& in, T& value) { from_json(in, value); };
}  // namespace json_hooks

// Made true by `troupe/json.hpp`. Where a type's own way is JSON, code without that header must not compile: reflection
// in its stead would store the type in two ways in one program.
template <class T>
inline constexpr bool json_known = false;

template <class T, template <class...> class Template>
inline constexpr bool is_a = false;
template <class... Args, template <class...> class Template>
inline constexpr bool is_a<Template<Args...>, Template> = true;

template <class T>
concept byte_like = std::same_as<T, std::byte> || std::same_as<T, unsigned char>;

// Containers are recognised by what they can do, so that only the program that uses one includes its header.
template <class T>
concept container = requires(const T& c) {
  typename T::value_type;
  c.begin();
  c.end();
  c.size();
};
template <class T>
concept text_container = container<T> && requires { typename T::traits_type; } &&
                         (std::same_as<typename T::value_type, char> || std::same_as<typename T::value_type, char8_t>);
template <class T>
concept contiguous = container<T> && requires(const T& c) { c.data(); };
template <class T>
concept fixed_container = contiguous<T> && requires { std::tuple_size<T>::value; };
template <class T>
concept map_container = container<T> && requires(T& c) {
  typename T::key_type;
  typename T::mapped_type;
  c.insert_or_assign(std::declval<typename T::key_type>(), std::declval<typename T::mapped_type>());
};
template <class T>
concept set_container = container<T> && requires { typename T::key_type; } && !requires { typename T::mapped_type; };
template <class T>
concept growing = requires(T& c, typename T::value_type&& value) {
  c.clear();
  c.push_back(std::move(value));
};
template <class T>
concept view = container<T> && !growing<T> && !fixed_container<T> &&
               requires { typename T::const_pointer; } && std::is_trivially_copyable_v<T>;
template <class T>
concept hashed = requires { typename T::hasher; };
template <class T>
concept multimap_container = container<T> && requires(T& c, typename T::value_type&& entry) {
  typename T::key_type;
  typename T::mapped_type;
  { c.insert(std::move(entry)) } -> std::same_as<typename T::iterator>;
};
template <class T>
concept forward_container = requires(T& c, typename T::value_type&& value) {
  c.clear();
  c.insert_after(c.before_begin(), std::move(value));
};

// Other types of the standard library whose headers are theirs to include.
template <class T>
concept complex_number = requires(T& c, typename T::value_type part) {
  { c.imag() } -> std::same_as<typename T::value_type>;
  T{part, part};
};
template <class T>
concept bit_set = requires(T& b) {
  b.set(std::size_t{}, true);
  { b.to_ullong() } -> std::same_as<unsigned long long>;
  { b.test(std::size_t{}) } -> std::same_as<bool>;
};
template <class T>
concept file_path = requires(const T& p) {
  { p.native() } -> std::same_as<const typename T::string_type&>;
  { p.lexically_normal() } -> std::same_as<T>;
} && std::same_as<typename T::value_type, char>;

template <class T>
concept calendar_part = std::same_as<T, std::chrono::year> || std::same_as<T, std::chrono::month> ||
                        std::same_as<T, std::chrono::day> || std::same_as<T, std::chrono::weekday>;
template <class T>
concept calendar_date = std::same_as<T, std::chrono::year_month_day> || std::same_as<T, std::chrono::year_month> ||
                        std::same_as<T, std::chrono::month_day>;

template <class T>
concept time_duration = requires(const T& d) {
  typename T::rep;
  T::period::num;
  T::period::den;
  { d.count() } -> std::same_as<typename T::rep>;
};
template <class T>
concept clock_time = requires(const T& t) {
  typename T::clock;
  { t.time_since_epoch() } -> std::same_as<typename T::duration>;
};

template <class T>
consteval shape shape_of_class() {
  if constexpr (is_transient<T>) return shape::transient;
  else if constexpr (std::same_as<T, json> || json_hooks::written<T> || json_hooks::read<T>) return shape::json;
  else if constexpr (std::is_enum_v<T>) return shape::enumeration;
  else if constexpr (text_container<T>) return shape::text;
  else if constexpr (fixed_container<T>)
    return byte_like<typename T::value_type> ? shape::fixed_bytes : shape::fixed_array;
  else if constexpr (map_container<T>) return shape::map;
  else if constexpr (set_container<T>) return shape::set;
  else if constexpr (contiguous<T> && (growing<T> || view<T>))
    return byte_like<typename T::value_type> ? shape::byte_string : shape::sequence;
  else if constexpr (container<T> && growing<T>) return shape::sequence;
  else if constexpr (is_a<T, std::tuple> || is_a<T, std::pair>) return shape::tuple;
  else if constexpr (is_a<T, std::optional>) return shape::optional;
  else if constexpr (is_a<T, std::unique_ptr>) return shape::owner;
  else if constexpr (is_a<T, std::variant>) return shape::variant;
  else if constexpr (std::same_as<T, std::monostate>) return shape::monostate;
  else if constexpr (time_duration<T>) return shape::duration;
  else if constexpr (clock_time<T>) return shape::time_point;
  else if constexpr (reflectable<T>) return shape::structure;
  else if constexpr (forward_container<T>) return shape::forward_list;
  else if constexpr (multimap_container<T>) return shape::multimap;
  else if constexpr (complex_number<T>) return shape::complex;
  else if constexpr (bit_set<T>) return shape::bits;
  else if constexpr (file_path<T>) return shape::path;
  else if constexpr (calendar_part<T>) return shape::calendar_part;
  else if constexpr (calendar_date<T>) return shape::calendar_date;
  else return shape::none;
}

template <class T>
consteval shape compute_shape() {
  if constexpr (std::same_as<T, bool>) return shape::boolean;
  else if constexpr (std::integral<T> && sizeof(T) <= 8) return shape::integer;
  else if constexpr (std::same_as<T, float> || std::same_as<T, double>) return shape::floating;
  else if constexpr (customised<T>) return shape::custom;
  else if constexpr (!std::is_class_v<T> && !std::is_enum_v<T> && !std::is_union_v<T>) return shape::none;
  else return shape_of_class<T>();
}

template <class T>
inline constexpr shape shape_of = compute_shape<T>();

}  // namespace detail
}  // namespace v0
}  // namespace troupe
