// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/check.hpp>
#include <troupe/codec/containers.hpp>
#include <troupe/codec/enums.hpp>
#include <troupe/codec/reflect.hpp>
#include <troupe/codec/shape.hpp>
#include <troupe/codec/standard_types.hpp>
#include <troupe/codec/structure.hpp>
#include <troupe/codec/transient.hpp>
#include <troupe/codec/values.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>

/// \file
/// Values to CBOR (RFC 8949) and back, straight from and into their fields: no tree in between, nothing to declare.
///
/// | type | in CBOR |
/// |---|---|
/// | plain struct | map of field names to values; `transient<T>` members are left out |
/// | bool, integers, character types, enums | true/false; integers |
/// | float, double | the shortest float that is exact |
/// | std::string; std::string_view (written only) | text |
/// | containers, arrays and spans of std::byte or std::uint8_t | byte string |
/// | other containers that grow, std::array, sets, std::forward_list | array |
/// | containers with keys and values | map |
/// | those that may have a key twice, std::multimap | array of [key, value] |
/// | pair, tuple, std::complex | array |
/// | std::optional, std::unique_ptr | null or the value |
/// | std::variant | [index, value] |
/// | std::monostate | null |
/// | std::chrono::duration, time_point (no steady clock) | the count of its own ticks |
/// | std::chrono::year, month, day, weekday; year_month_day and its likes | a number; array of numbers |
/// | std::filesystem::path; std::bitset | text; byte string |
/// | actor_id; key; tags | text; array of text; map of text to text |
/// | a type with `troupe::codec<T>`, or with nlohmann's to_json and from_json | what that says |
///
/// Equal values give equal bytes. Reading is tolerant where nothing is lost: a missing field keeps what it has, an
/// unknown one is skipped, the last of two fields of one name counts, a float without fraction is an integer, numbers
/// are taken from any width if they fit.

namespace troupe {
inline namespace v0 {

class actor_id;
class key;
class tags;

template <>
struct codec<actor_id> {
  static constexpr std::string_view schema = R"("actor_id")";
  static void write(cbor_writer& out, const actor_id& value);
  static void read(cbor_reader& in, actor_id& value);
};
template <>
struct codec<key> {
  static constexpr std::string_view schema = R"("key")";
  static void write(cbor_writer& out, const key& value);
  static void read(cbor_reader& in, key& value);
};
template <>
struct codec<tags> {
  static constexpr std::string_view schema = R"("tags")";
  static void write(cbor_writer& out, const tags& value);
  static void read(cbor_reader& in, tags& value);
};

/// Appends one value. Errors: `invalid_data` if it is nested deeper than `cbor_depth_max`.
template <class T>
void write(cbor_writer& out, const T& value) {
  if constexpr (detail::check_writable<T>()) detail::write_value(out, value);
}

/// Reads one value into `value`. Struct fields that the data does not have keep what they hold; containers are
/// replaced. Errors: `invalid_data`; then `value` may be half read, but is valid.
template <class T>
void read(cbor_reader& in, T& value) {
  if constexpr (detail::check_readable<T>()) detail::read_value(in, value);
}

/// Appends the CBOR of `value` to `out`.
template <class T>
void encode(const T& value, buffer& out) {
  cbor_writer writer{out};
  write(writer, value);
}

/// The CBOR of `value`.
template <class T>
[[nodiscard]] bytes encode(const T& value) {
  buffer out;
  encode(value, out);
  return {out.view().begin(), out.view().end()};
}

/// Reads `encoded`, which must be one value and nothing behind it, into `value`; see `read`.
template <class T>
void decode_into(T& value, bytes_view encoded) {
  cbor_reader reader{encoded};
  read(reader, value);
  reader.finish();
}

/// The value that `encoded` is. What it does not say about a struct is as T's initialisers have it.
template <class T>
[[nodiscard]] T decode(bytes_view encoded) {
  if constexpr (detail::check_new<T>()) {
    T value{};
    decode_into(value, encoded);
    return value;
  } else {
    return detail::never<T>();
  }
}

}  // namespace v0
}  // namespace troupe
