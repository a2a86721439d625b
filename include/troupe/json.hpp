// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_fwd.hpp>
#include <troupe/codec/json_text.hpp>

/// \file
/// Makes nlohmann/json known to the codec: `troupe::json` can be stored, and so can types that have `to_json` and
/// `from_json` in their own namespace (or as friends). Declare those next to the type: where a translation unit does
/// not see them, the type would be stored field by field. Where it sees them without this header, it does not compile.
/// A `from_json` gets what a client sends: `get_ref<const std::int64_t&>()` refuses what is not a whole number, where
/// `get<std::int64_t>()` casts a double, however large, which is undefined behaviour.

namespace troupe {
inline namespace v0 {
namespace detail {

template <class T>
  requires(shape_of<T> == shape::json)
inline constexpr bool json_known<T> = true;

inline void write_json(cbor_writer& out, const json& value) {
  std::optional<cbor_writer::nested> level;
  if (value.is_structured()) level.emplace(out);
  switch (value.type()) {
    case json::value_t::null:
    case json::value_t::discarded: return out.null();
    case json::value_t::boolean: return out.boolean(value.get<bool>());
    case json::value_t::number_integer: return out.integer(value.get<std::int64_t>());
    case json::value_t::number_unsigned: return out.integer(value.get<std::uint64_t>());
    case json::value_t::number_float: return out.floating(value.get<double>());
    case json::value_t::string: return out.text(value.get_ref<const std::string&>());
    case json::value_t::binary: {
      const auto& data = value.get_binary();
      return out.byte_string({reinterpret_cast<const std::byte*>(data.data()), data.size()});
    }
    case json::value_t::array:
      out.array(value.size());
      for (const json& item : value) write_json(out, item);
      return;
    case json::value_t::object:
      out.map(value.size());
      for (auto entry = value.begin(); entry != value.end(); ++entry) {
        out.text(entry.key());
        write_json(out, entry.value());
      }
      return;
  }
}

inline json read_json_number(cbor_reader& in) {
  if (in.peek() == cbor_type::unsigned_integer) return in.integer<std::uint64_t>();
  if (in.peek() == cbor_type::floating) return in.floating();
  if (const auto exact = in.integer_if<std::int64_t>()) return *exact;
  return in.floating();
}

inline json read_json(cbor_reader& in) {
  switch (in.peek()) {
    case cbor_type::unsigned_integer:
    case cbor_type::negative_integer:
    case cbor_type::floating: return read_json_number(in);
    case cbor_type::text: {
      std::string value;
      in.text_into(value);
      return value;
    }
    case cbor_type::byte_string: {
      bytes pieces;
      const bytes_view data = in.byte_string(pieces);
      const auto* const begin = reinterpret_cast<const std::uint8_t*>(data.data());
      return json::binary(json::binary_t::container_type(begin, begin + data.size()));
    }
    case cbor_type::array: {
      json value = json::array();
      for (auto items = in.array(); items.next();) value.push_back(read_json(in));
      return value;
    }
    case cbor_type::map: {
      json value = json::object();
      for (auto entries = in.map(); entries.next();) {
        std::string key = read_json_key(in);
        value[std::move(key)] = read_json(in);
      }
      return value;
    }
    case cbor_type::simple: break;
  }
  if (in.take_null()) return nullptr;
  return in.boolean();
}

namespace json_hooks {
template <class T>
void write_hooked(cbor_writer& out, const T& value) {
  json tree;
  to_json(tree, value);
  write_json(out, tree);
}
// What `from_json` throws says nothing of where in the data that was, so the place is added.
template <class T>
void read_hooked(cbor_reader& in, T& value) {
  const std::size_t start = in.offset();
  const json tree = read_json(in);
  try {
    from_json(tree, value);
  } catch (const json::exception& failure) {
    in.fail(failure.what(), start);
  }
}
}  // namespace json_hooks

template <class T>
struct value_codec<T, shape::json> {
  static void write(cbor_writer& out, const T& value) {
    if constexpr (std::is_same_v<T, json>) write_json(out, value);
    else json_hooks::write_hooked(out, value);
  }
  static void read(cbor_reader& in, T& value) {
    if constexpr (std::is_same_v<T, json>) value = read_json(in);
    else json_hooks::read_hooked(in, value);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
