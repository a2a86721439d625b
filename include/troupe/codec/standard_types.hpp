// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <troupe/codec/values.hpp>

// Types of the standard library that are values and no containers. Those whose headers are heavy are recognised by what
// they can do, so that only a program that uses them includes their headers.

namespace troupe {
inline namespace v0 {
namespace detail {

template <class T>
struct value_codec<T, shape::complex> {
  using part = typename T::value_type;

  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.array(2);
    write_value<part>(out, value.real());
    write_value<part>(out, value.imag());
  }
  static void read(cbor_reader& in, T& value) {
    auto items = in.array_of(2);
    items.expect();
    const part real = read_new<part>(in);
    items.expect();
    const part imaginary = read_new<part>(in);
    items.expect_end();
    value = T{real, imaginary};
  }
};

// Bit i is bit i % 8 of byte i / 8. The bits of the last byte that mean nothing are 0.
template <class T>
struct value_codec<T, shape::bits> {
  static constexpr std::size_t bits = T{}.size();
  static constexpr std::size_t size = (bits + 7) / 8;

  static void write(cbor_writer& out, const T& value) {
    std::array<std::byte, size> packed{};
    for (std::size_t i = 0; i < bits; ++i) {
      if (value.test(i)) packed[i / 8] |= std::byte{1} << i % 8;
    }
    out.byte_string(packed);
  }
  static void read(cbor_reader& in, T& value) {
    const std::size_t start = in.offset();
    std::array<std::byte, size> packed{};
    in.byte_string_into(packed);
    value.reset();
    for (std::size_t i = 0; i < size * 8; ++i) {
      if ((packed[i / 8] >> i % 8 & std::byte{1}) == std::byte{}) continue;
      if (i >= bits) in.fail("a bit is set behind the last one of the bitset", start);
      value.set(i);
    }
  }
};

template <class T>
struct value_codec<T, shape::path> {
  static void write(cbor_writer& out, const T& value) { out.text(value.native()); }
  static void read(cbor_reader& in, T& value) {
    typename T::string_type text;
    in.text_into(text);
    value = std::move(text);
  }
};

template <class T>
using calendar_number = std::conditional_t<std::is_same_v<T, std::chrono::year>, std::int16_t, std::uint8_t>;

// Values that are no dates, such as a 13th month, come back as they are: `ok()` tells.
template <class T>
struct value_codec<T, shape::calendar_part> {
  using number = calendar_number<T>;

  static void write(cbor_writer& out, T value) {
    if constexpr (std::is_same_v<T, std::chrono::year>) out.integer(static_cast<int>(value));
    else if constexpr (std::is_same_v<T, std::chrono::weekday>) out.integer(value.c_encoding());
    else out.integer(static_cast<unsigned>(value));
  }
  static void read(cbor_reader& in, T& value) { value = T{in.integer<number>()}; }
};

constexpr auto parts_of_date(const std::chrono::year_month_day& d) {
  return std::tuple{d.year(), d.month(), d.day()};
}
constexpr auto parts_of_date(const std::chrono::year_month& d) { return std::tuple{d.year(), d.month()}; }
constexpr auto parts_of_date(const std::chrono::month_day& d) { return std::tuple{d.month(), d.day()}; }
template <class T>
using date_parts = decltype(parts_of_date(std::declval<const T&>()));

template <class T>
struct value_codec<T, shape::calendar_date> {
  static void write(cbor_writer& out, const T& value) { write_value(out, parts_of_date(value)); }
  static void read(cbor_reader& in, T& value) {
    value = std::make_from_tuple<T>(read_new<date_parts<T>>(in));
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
