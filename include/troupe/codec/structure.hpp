// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <troupe/codec/values.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

template <std::size_t Size>
consteval auto encoded_text(std::string_view text) {
  static_assert(Size < 256, "troupe: a field's name has at most 255 characters");
  constexpr std::size_t head = Size < 24 ? 1 : 2;
  std::array<std::byte, head + Size> encoded{};
  encoded[0] = static_cast<std::byte>(head == 1 ? 0x60 + Size : 0x78);
  if (head == 2) encoded[1] = static_cast<std::byte>(Size);
  for (std::size_t i = 0; i < Size; ++i) encoded[head + i] = static_cast<std::byte>(text[i]);
  return encoded;
}

// The name of T's field I as it stands in an encoding, so that writing a name is a copy and expecting it a comparison.
template <class T, std::size_t I>
inline constexpr auto encoded_name = encoded_text<field_names<T>[I].size()>(field_names<T>[I]);

template <class T, std::size_t... I>
consteval std::size_t stored_fields(std::index_sequence<I...>) {
  return (std::size_t{!is_transient<field_type<T, I>>} + ... + 0);
}

template <class T>
struct value_codec<T, shape::structure> {
  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.map(stored_fields<T>(indices{}));
    with_fields<field_count<T>>(value, [&out](const auto&... field) { write_fields(out, indices{}, field...); });
  }

  static void read(cbor_reader& in, T& value) {
    auto entries = in.map();
    with_fields<field_count<T>>(value, [&](auto&... field) { read_fields(in, entries, indices{}, field...); });
  }

 private:
  using indices = std::make_index_sequence<field_count<T>>;

  template <std::size_t... I, class... Fields>
  static void write_fields([[maybe_unused]] cbor_writer& out, std::index_sequence<I...>, const Fields&... field) {
    (write_field<I>(out, field), ...);
  }
  template <std::size_t I, class Field>
  static void write_field(cbor_writer& out, const Field& field) {
    if constexpr (!is_transient<Field>) {
      out.raw(encoded_name<T, I>);
      write_value(out, field);
    }
  }

  // Fields mostly come in the order of their declaration: one pass takes each that is next. What is left after it, in
  // whatever order, is looked up by name; unknown names are skipped.
  template <std::size_t... I, class... Fields>
  static void read_fields(cbor_reader& in, cbor_reader::items& entries, std::index_sequence<I...>, Fields&... field) {
    bool more = entries.next();
    (read_if_next<I>(in, entries, more, field), ...);
    if (more) [[unlikely]] read_by_name(in, entries, std::index_sequence<I...>{}, field...);
  }
  template <std::size_t I, class Field>
  static void read_if_next(cbor_reader& in, cbor_reader::items& entries, bool& more, Field& field) {
    if constexpr (!is_transient<Field>) {
      if (!more || !in.take(encoded_name<T, I>)) return;
      read_field(in, field);
      more = entries.next();
    }
  }

  template <std::size_t... I, class... Fields>
  [[gnu::noinline]] static void read_by_name(cbor_reader& in, cbor_reader::items& entries, std::index_sequence<I...>,
                                             Fields&... field) {
    std::string scratch;
    do {
      if (in.peek() != cbor_type::text) {
        in.skip();
        in.skip();
        continue;
      }
      [[maybe_unused]] const std::string_view name = in.text(scratch);
      if (!(read_if_named<I>(in, name, field) || ...)) in.skip();
    } while (entries.next());
  }
  template <std::size_t I, class Field>
  static bool read_if_named(cbor_reader& in, std::string_view name, Field& field) {
    if constexpr (is_transient<Field>) {
      return false;
    } else {
      if (name != field_names<T>[I]) return false;
      read_field(in, field);
      return true;
    }
  }

  // A member without a value, in JavaScript, is as good as a missing one.
  template <class Field>
  static void read_field(cbor_reader& in, Field& field) {
    if (!in.take_undefined()) read_value(in, field);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
