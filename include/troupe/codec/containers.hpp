#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/codec/values.hpp>

namespace troupe::inline v0 {
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
      auto key = read_key(in);
      value.insert_or_assign(value.end(), std::move(key), read_new<mapped_type>(in));
    }
  }

 private:
  // The keys of a JSON object are text, those of a map of ours need not be.
  static key_type read_key(cbor_reader& in) {
    if constexpr (shape_of<key_type> == shape::integer) {
      return in.integer_or_text<key_type>();
    } else if constexpr (shape_of<key_type> == shape::enumeration) {
      return static_cast<key_type>(in.integer_or_text<std::underlying_type_t<key_type>>());
    } else {
      return read_new<key_type>(in);
    }
  }
};

}  // namespace detail
}  // namespace troupe::inline v0
