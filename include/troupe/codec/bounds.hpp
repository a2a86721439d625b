// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/codec/check.hpp>
#include <troupe/codec/fields.hpp>
#include <troupe/codec/reflect.hpp>

// Facts about the encodings of a type, without making one: whether it can fail, and how large it can be.

namespace troupe {
inline namespace v0 {

class actor_id;
class key;
class tags;

namespace detail {

// --- depth ----------------------------------------------------------------------------------------------------------

inline constexpr int depth_unbounded = cbor_depth_max + 1;

// Codecs of the library that write one item of bounded depth and size, and cannot fail.
template <class T>
inline constexpr bool has_library_codec =
    std::same_as<T, actor_id> || std::same_as<T, troupe::key> || std::same_as<T, tags>;

template <class T>
consteval int encoding_depth(const outer_structures* outer);

template <class... Ts>
consteval int deepest_of(type_list<Ts...>, [[maybe_unused]] const outer_structures* outer) {
  return std::max({0, encoding_depth<Ts>(outer)...});
}

template <class T, std::size_t I>
consteval int depth_of_field([[maybe_unused]] const outer_structures* outer) {
  if constexpr (is_transient<field_type<T, I>>) return 0;
  else return encoding_depth<field_type<T, I>>(outer);
}

template <class T, std::size_t... I>
consteval int depth_of_fields(std::index_sequence<I...>, [[maybe_unused]] const outer_structures* outer) {
  return std::min(std::max({0, depth_of_field<T, I>(outer)...}) + 1, depth_unbounded);
}

// How deep encodings of a T are nested at most; `depth_unbounded` for a type that contains itself, and for one whose
// encoding runs code of the user's, or can fail for another reason: a variant may have lost its value.
template <class T>
consteval int encoding_depth(const outer_structures* outer) {
  constexpr shape s = shape_of<T>;
  if constexpr (s == shape::custom) {
    return has_library_codec<T> ? 1 : depth_unbounded;
  } else if constexpr (s == shape::json || s == shape::variant) {
    return depth_unbounded;
  } else if constexpr (s == shape::structure) {
    if (outer != nullptr && outer->contain(identity<T>())) return depth_unbounded;
    const outer_structures here{identity<T>(), outer};
    return depth_of_fields<T>(std::make_index_sequence<field_count<T>>{}, &here);
  } else if constexpr (s == shape::optional || s == shape::owner) {
    return deepest_of(parts<T>(), outer);
  } else if constexpr (s == shape::sequence || s == shape::fixed_array || s == shape::set || s == shape::map ||
                       s == shape::tuple) {
    return std::min(deepest_of(parts<T>(), outer) + 1, depth_unbounded);
  } else if constexpr (s == shape::duration) {
    return encoding_depth<typename T::rep>(outer);
  } else if constexpr (s == shape::time_point) {
    return encoding_depth<typename T::duration>(outer);
  } else if constexpr (s == shape::boolean || s == shape::integer || s == shape::floating || s == shape::enumeration ||
                       s == shape::text || s == shape::byte_string || s == shape::fixed_bytes ||
                       s == shape::monostate) {
    return 0;
  } else {
    return depth_unbounded;
  }
}

/// Whether every value of T can be encoded: only memory can be missing.
template <class T>
inline constexpr bool always_encodes = encoding_depth<T>(nullptr) <= cbor_depth_max;

// --- size -----------------------------------------------------------------------------------------------------------

inline constexpr std::size_t size_unbounded = std::numeric_limits<std::size_t>::max();
inline constexpr std::size_t head_bytes_max = 9;
inline constexpr std::size_t actor_id_bytes_max = head_bytes_max + 16;
inline constexpr std::size_t library_codec_bytes_max = 16 * 1024;  // of 32 tags, with the largest names and values

consteval std::size_t add_sizes(std::size_t a, std::size_t b) {
  return a == size_unbounded || b == size_unbounded ? size_unbounded : a + b;
}

template <class T>
consteval std::size_t encoded_bytes_max();

template <class... Ts>
consteval std::size_t sum_of_sizes(type_list<Ts...>) {
  std::size_t sum = head_bytes_max;
  ((sum = add_sizes(sum, encoded_bytes_max<Ts>())), ...);
  return sum;
}

template <class T, std::size_t I>
consteval std::size_t field_bytes_max() {
  if constexpr (is_transient<field_type<T, I>>) return 0;
  else return add_sizes(field_names<T>[I].size() + 2, encoded_bytes_max<field_type<T, I>>());
}

template <class T, std::size_t... I>
consteval std::size_t sum_of_fields(std::index_sequence<I...>) {
  std::size_t sum = head_bytes_max;
  ((sum = add_sizes(sum, field_bytes_max<T, I>())), ...);
  return sum;
}

// The largest size of an encoding of any T. T always encodes.
template <class T>
consteval std::size_t encoded_bytes_max() {
  constexpr shape s = shape_of<T>;
  if constexpr (s == shape::custom) {
    return std::same_as<T, actor_id> ? actor_id_bytes_max : library_codec_bytes_max;
  } else if constexpr (s == shape::fixed_bytes) {
    return head_bytes_max + std::tuple_size_v<T>;
  } else if constexpr (s == shape::fixed_array) {
    constexpr std::size_t each = encoded_bytes_max<typename T::value_type>();
    return each == size_unbounded ? size_unbounded : head_bytes_max + std::tuple_size_v<T> * each;
  } else if constexpr (s == shape::structure) {
    return sum_of_fields<T>(std::make_index_sequence<field_count<T>>{});
  } else if constexpr (s == shape::optional || s == shape::owner || s == shape::tuple) {
    return sum_of_sizes(parts<T>());
  } else if constexpr (s == shape::duration) {
    return encoded_bytes_max<typename T::rep>();
  } else if constexpr (s == shape::time_point) {
    return encoded_bytes_max<typename T::duration>();
  } else if constexpr (s == shape::text || s == shape::byte_string || s == shape::sequence || s == shape::set ||
                       s == shape::map) {
    return size_unbounded;
  } else {
    return head_bytes_max;  // scalars
  }
}

template <class T>
std::size_t encoded_bytes_bound(const T& value);

template <class T, std::size_t... I>
std::size_t bound_of_fields(const T& value, std::index_sequence<I...>) {
  std::size_t sum = head_bytes_max;
  with_fields<field_count<T>>(value, [&sum](const auto&... field) {
    const auto add = [&sum]<class Field>([[maybe_unused]] const Field& one, [[maybe_unused]] std::size_t name_bytes) {
      if constexpr (!is_transient<Field>) sum += name_bytes + 2 + encoded_bytes_bound(one);
    };
    (add(field, field_names<T>[I].size()), ...);
  });
  return sum;
}

template <class T>
std::size_t bound_of_items(const T& value) {
  constexpr std::size_t each = sum_of_sizes(parts<T>());
  if constexpr (each != size_unbounded) {
    return head_bytes_max + value.size() * each;
  } else {
    std::size_t sum = head_bytes_max;
    for (const auto& item : value) {
      if constexpr (shape_of<T> == shape::map) {
        sum += encoded_bytes_bound(item.first) + encoded_bytes_bound(item.second);
      } else {
        sum += encoded_bytes_bound(item);
      }
    }
    return sum;
  }
}

/// No less than the size of the encoding of `value`, and found with less work: parts of a fixed size are not looked at.
/// T always encodes.
template <class T>
std::size_t encoded_bytes_bound([[maybe_unused]] const T& value) {
  constexpr shape s = shape_of<T>;
  constexpr std::size_t most = encoded_bytes_max<T>();
  if constexpr (most != size_unbounded) {
    return most;
  } else if constexpr (s == shape::text || s == shape::byte_string) {
    return head_bytes_max + value.size();
  } else if constexpr (s == shape::structure) {
    return bound_of_fields(value, std::make_index_sequence<field_count<T>>{});
  } else if constexpr (s == shape::optional || s == shape::owner) {
    return value ? encoded_bytes_bound(*value) : 1;
  } else if constexpr (s == shape::tuple) {
    return std::apply([](const auto&... one) { return (encoded_bytes_bound(one) + ... + head_bytes_max); }, value);
  } else {
    return bound_of_items(value);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
