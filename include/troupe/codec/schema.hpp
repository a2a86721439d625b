// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <troupe/codec/check.hpp>
#include <troupe/codec/reflect.hpp>
#include <troupe/codec/standard_types.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

// JSON text from pieces that are JSON text already.
struct schema_member {
  std::string_view name;
  std::string value;
};
std::string schema_text(std::string_view text);
// Leaves out members without a name.
std::string schema_object(std::initializer_list<schema_member> members);
std::string schema_array(std::initializer_list<std::string> items);
std::string schema_fraction(std::int64_t numerator, std::int64_t denominator);

template <class T>
std::string schema_of(const outer_structures* outer);

template <class... Ts>
std::string schema_list(type_list<Ts...>, [[maybe_unused]] const outer_structures* outer) {
  return schema_array({schema_of<Ts>(outer)...});
}

template <class T>
std::string schema_of_custom() {
  if constexpr (requires { std::string_view{codec<T>::schema}; }) return std::string{codec<T>::schema};
  else return schema_object({{"custom", schema_text(type_name<T>())}});
}

template <class T, std::size_t I>
schema_member schema_of_field(const outer_structures* outer) {
  if constexpr (is_transient<field_type<T, I>>) return {};
  else return {field_names<T>[I], schema_of<field_type<T, I>>(outer)};
}

template <class T>
std::string schema_of_structure(const outer_structures* outer) {
  const std::string name = schema_text(type_name<T>());
  if (outer != nullptr && outer->contain(identity<T>())) return schema_object({{"ref", name}});
  const outer_structures here{identity<T>(), outer};
  std::string fields = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return schema_object({schema_of_field<T, I>(&here)...});
  }(std::make_index_sequence<field_count<T>>{});
  return schema_object({{"struct", name}, {"fields", std::move(fields)}});
}

template <class T>
std::string schema_of_ticks(std::string_view kind) {
  using period = typename T::period;
  return schema_object(
      {{kind, schema_of<typename T::rep>(nullptr)}, {"seconds", schema_fraction(period::num, period::den)}});
}

template <class T>
std::string schema_of_parts(const outer_structures* outer) {
  constexpr shape s = shape_of<T>;
  if constexpr (s == shape::fixed_bytes) {
    return schema_object({{"bytes", std::to_string(std::tuple_size_v<T>)}});
  } else if constexpr (s == shape::sequence || s == shape::forward_list) {
    return schema_object({{"list", schema_of<std::remove_cv_t<typename T::value_type>>(outer)}});
  } else if constexpr (s == shape::fixed_array) {
    return schema_object(
        {{"list", schema_of<typename T::value_type>(outer)}, {"size", std::to_string(std::tuple_size_v<T>)}});
  } else if constexpr (s == shape::set) {
    return schema_object({{"set", schema_of<typename T::key_type>(outer)}});
  } else if constexpr (s == shape::map) {
    return schema_object(
        {{"map", schema_of<typename T::mapped_type>(outer)}, {"key", schema_of<typename T::key_type>(outer)}});
  } else if constexpr (s == shape::multimap) {
    return schema_object({{"list", schema_object({{"tuple", schema_list(parts<T>(), outer)}})}});
  } else if constexpr (s == shape::complex) {
    const std::string part = schema_of<typename T::value_type>(outer);
    return schema_object({{"tuple", schema_array({part, part})}});
  } else if constexpr (s == shape::calendar_date) {
    return schema_object({{"calendar", schema_text(type_name<T>())}, {"as", schema_of<date_parts<T>>(outer)}});
  } else if constexpr (s == shape::tuple) {
    return schema_object({{"tuple", schema_list(parts<T>(), outer)}});
  } else if constexpr (s == shape::variant) {
    return schema_object({{"variant", schema_list(parts<T>(), outer)}});
  } else if constexpr (s == shape::optional) {
    return schema_object({{"optional", schema_of<typename T::value_type>(outer)}});
  } else {
    static_assert(s == shape::owner);
    return schema_object({{"optional", schema_of<std::remove_cv_t<typename T::element_type>>(outer)}});
  }
}

template <class T>
std::string schema_of_enum() {
  using integer = std::underlying_type_t<T>;
  std::string values;
  if constexpr (has_enum_values<T>) {
    for (const T value : enum_values<T>) {
      values += values.empty() ? '[' : ',';
      if constexpr (std::is_same_v<integer, bool>) values += static_cast<integer>(value) ? "true" : "false";
      else values += std::to_string(static_cast<integer>(value));
    }
    values += ']';
  }
  return schema_object({{"enum", schema_text(type_name<T>())},
                        {"as", schema_of<integer>(nullptr)},
                        {values.empty() ? std::string_view{} : "values", values}});
}

template <class T>
std::string schema_of(const outer_structures* outer) {
  constexpr shape s = shape_of<T>;
  if constexpr (s == shape::boolean) return schema_text("bool");
  else if constexpr (s == shape::integer)
    return schema_text((std::is_signed_v<T> ? "int" : "uint") + std::to_string(sizeof(T) * CHAR_BIT));
  else if constexpr (s == shape::floating) return schema_text(std::is_same_v<T, float> ? "float32" : "float64");
  else if constexpr (s == shape::text || s == shape::path) return schema_text("string");
  else if constexpr (s == shape::byte_string) return schema_text("bytes");
  else if constexpr (s == shape::monostate) return schema_text("null");
  else if constexpr (s == shape::custom) return schema_of_custom<T>();
  else if constexpr (s == shape::json)
    return std::is_same_v<T, json> ? schema_text("any") : schema_object({{"json", schema_text(type_name<T>())}});
  else if constexpr (s == shape::enumeration) return schema_of_enum<T>();
  else if constexpr (s == shape::bits) return schema_object({{"bits", std::to_string(T{}.size())}});
  else if constexpr (s == shape::calendar_part)
    return schema_object(
        {{"calendar", schema_text(type_name<T>())}, {"as", schema_of<calendar_number<T>>(outer)}});
  else if constexpr (s == shape::duration) return schema_of_ticks<T>("duration");
  else if constexpr (s == shape::time_point) return schema_of_ticks<typename T::duration>("time");
  else if constexpr (s == shape::structure) return schema_of_structure<T>(outer);
  else return schema_of_parts<T>(outer);
}

}  // namespace detail

/// What an encoded T looks like, as JSON text, for manifests and for readers in other languages.
///
/// Scalars are words: "bool", "int8" to "uint64", "float32", "float64", "string", "bytes", "null", "any". The others
/// are objects: {"struct": name, "fields": {name: type, ...}}, {"list": type} (with "size" if it is fixed), {"set":
/// type}, {"map": type, "key": type}, {"tuple": [type, ...]}, {"variant": [type, ...]}, {"optional": type}, {"enum":
/// name, "as": type} (with "values" if they are listed), {"bytes": size}, {"bits": size}, {"duration": type, "seconds":
/// "1/1000"} and {"time": ...} alike, {"calendar": name, "as": type}, {"json": name}, {"custom": name}. Inside itself a
/// struct is {"ref": name}. A `codec<T>` may say otherwise with a `static constexpr std::string_view schema`, which is
/// JSON text.
template <class T>
[[nodiscard]] std::string type_schema() {
  if constexpr (detail::check_writable<T>()) return detail::schema_of<T>(nullptr);
  else return {};
}

}  // namespace v0
}  // namespace troupe
