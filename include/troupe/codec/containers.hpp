// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/codec/values.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

// Appends the items of `encoded`, which begin at `starts` one behind the other, in the order of their bytes.
void append_sorted(buffer& out, bytes_view encoded, std::vector<std::size_t>& starts);

// Containers that hash have no order of their own: they are written in the order of their encoded keys, so that equal
// values give equal bytes.
template <class T, class WriteItem>
void write_unordered(cbor_writer& out, const T& value, WriteItem write_item) {
  buffer encoded;
  cbor_writer aside{encoded, out};
  std::vector<std::size_t> starts;
  starts.reserve(value.size());
  for (const auto& item : value) {
    starts.push_back(encoded.size());
    write_item(aside, item);
  }
  append_sorted(out.out(), encoded.view(), starts);
}

// What a hint may reserve: the elements that the input has bytes for, as their size in memory goes.
template <class T>
void reserve_for(T& value, const cbor_reader& in, std::size_t hint) {
  if constexpr (requires { value.reserve(hint); }) {
    const std::size_t covered = in.remaining() / sizeof(typename T::value_type) + 16;
    value.reserve(hint < covered ? hint : covered);
  } else {
    static_cast<void>(in);
    static_cast<void>(hint);
  }
}

template <class T>
struct value_codec<T, shape::sequence> {
  using element = std::remove_cv_t<typename T::value_type>;

  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.array(value.size());
    for (const auto& item : value) write_value<element>(out, item);
  }
  static void read(cbor_reader& in, T& value) {
    value.clear();
    auto items = in.array();
    reserve_for(value, in, items.size_hint());
    while (items.next()) {
      if constexpr (requires { { value.emplace_back() } -> std::same_as<element&>; }) {
        read_value(in, value.emplace_back());
      } else {
        value.push_back(read_new<element>(in));
      }
    }
  }
};

template <class T>
struct value_codec<T, shape::fixed_array> {
  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.array(value.size());
    for (const auto& item : value) write_value(out, item);
  }
  static void read(cbor_reader& in, T& value) {
    auto items = in.array_of(value.size());
    for (auto& item : value) {
      items.expect();
      read_value(in, item);
    }
    items.expect_end();
  }
};

template <class T>
struct value_codec<T, shape::forward_list> {
  using element = typename T::value_type;

  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.array(static_cast<std::size_t>(std::distance(value.begin(), value.end())));
    for (const auto& item : value) write_value(out, item);
  }
  static void read(cbor_reader& in, T& value) {
    value.clear();
    auto last = value.before_begin();
    for (auto items = in.array(); items.next();) last = value.insert_after(last, read_new<element>(in));
  }
};

template <class T>
struct value_codec<T, shape::set> {
  using element = typename T::key_type;

  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.array(value.size());
    const auto write_item = [](cbor_writer& to, const element& item) { write_value(to, item); };
    if constexpr (hashed<T>) {
      write_unordered(out, value, write_item);
    } else {
      for (const auto& item : value) write_item(out, item);
    }
  }
  static void read(cbor_reader& in, T& value) {
    value.clear();
    auto items = in.array();
    reserve_for(value, in, items.size_hint());
    while (items.next()) value.insert(value.end(), read_new<element>(in));
  }
};

// Reads a key from text that stands for it. `may_be_text`: the key's type may be stored as text itself, which is tried
// first; else, the text is the JSON of the key. `read` makes the key.
void read_text_key(cbor_reader& in, bool may_be_text, void* key, void (*read)(cbor_reader& from, void* key));

template <class Key>
concept maybe_written_text = shape_of<Key> == shape::custom || shape_of<Key> == shape::json ||
                             shape_of<Key> == shape::path || shape_of<Key> == shape::optional ||
                             shape_of<Key> == shape::owner;

template <class Enum>
concept written_as_integer =
    shape_of<Enum> == shape::enumeration && !std::is_same_v<std::underlying_type_t<Enum>, bool>;

// The keys of a JSON object are text, those of a map of ours need not be: others are the JSON of the key, as `to_json`
// writes it.
template <class Key>
Key read_key(cbor_reader& in) {
  if constexpr (shape_of<Key> == shape::text) {
    return read_new<Key>(in);
  } else if constexpr (shape_of<Key> == shape::integer) {
    return in.integer_or_text<Key>();
  } else if constexpr (written_as_integer<Key>) {
    const std::size_t start = in.offset();
    return value_codec<Key>::known(in, in.integer_or_text<std::underlying_type_t<Key>>(), start);
  } else {
    if (in.peek() != cbor_type::text) return read_new<Key>(in);
    std::optional<Key> key;
    read_text_key(in, maybe_written_text<Key>, &key, [](cbor_reader& from, void* to) {
      static_cast<std::optional<Key>*>(to)->emplace(read_new<Key>(from));
    });
    return *std::move(key);
  }
}

// A key that is given twice has the value that came last, as in JavaScript.
template <class T>
struct value_codec<T, shape::map> {
  using key_type = typename T::key_type;
  using mapped_type = typename T::mapped_type;

  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.map(value.size());
    const auto write_item = [](cbor_writer& to, const auto& item) {
      write_value(to, item.first);
      write_value(to, item.second);
    };
    if constexpr (hashed<T>) {
      write_unordered(out, value, write_item);
    } else {
      for (const auto& item : value) write_item(out, item);
    }
  }
  static void read(cbor_reader& in, T& value) {
    value.clear();
    auto items = in.map();
    reserve_for(value, in, items.size_hint());
    while (items.next()) {
      auto key = read_key<key_type>(in);
      value.insert_or_assign(value.end(), std::move(key), read_new<mapped_type>(in));
    }
  }
};

// No map of CBOR, which has every key once. Equal keys keep their order, except where a hash has none.
template <class T>
struct value_codec<T, shape::multimap> {
  using key_type = typename T::key_type;
  using mapped_type = typename T::mapped_type;

  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.array(value.size());
    const auto write_item = [](cbor_writer& to, const auto& item) {
      const cbor_writer::nested inner{to};
      to.array(2);
      write_value(to, item.first);
      write_value(to, item.second);
    };
    if constexpr (hashed<T>) {
      write_unordered(out, value, write_item);
    } else {
      for (const auto& item : value) write_item(out, item);
    }
  }
  static void read(cbor_reader& in, T& value) {
    value.clear();
    auto entries = in.array();
    reserve_for(value, in, entries.size_hint());
    while (entries.next()) {
      auto entry = in.array_of(2);
      entry.expect();
      auto key = read_new<key_type>(in);
      entry.expect();
      value.emplace_hint(value.end(), std::move(key), read_new<mapped_type>(in));
      entry.expect_end();
    }
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
