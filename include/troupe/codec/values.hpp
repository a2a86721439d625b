// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/enums.hpp>
#include <troupe/codec/names.hpp>
#include <troupe/codec/shape.hpp>

// How each shape is written and read. Structures and containers have headers of their own.

namespace troupe {
inline namespace v0 {
namespace detail {

// `T` is known to have a codec; see check.hpp. Reading starts from what `value` holds.
template <class T, shape = shape_of<T>>
struct value_codec;

template <class T>
void write_value(cbor_writer& out, const T& value) {
  value_codec<T>::write(out, value);
}
template <class T>
void read_value(cbor_reader& in, T& value) {
  value_codec<T>::read(in, value);
}

// A new value, as its default constructor leaves it.
template <class T>
T read_new(cbor_reader& in) {
  T value{};
  read_value(in, value);
  return value;
}

[[noreturn]] void fail_valueless_variant();
[[noreturn]] void fail_unknown_value(const cbor_reader& in, std::string_view enumeration, std::size_t start);

template <class T>
struct value_codec<T, shape::custom> {
  static void write(cbor_writer& out, const T& value) { codec<T>::write(out, value); }
  static void read(cbor_reader& in, T& value) { codec<T>::read(in, value); }
};

template <class T>
struct value_codec<T, shape::boolean> {
  static void write(cbor_writer& out, T value) { out.boolean(value); }
  static void read(cbor_reader& in, T& value) { value = in.boolean(); }
};

template <class T>
struct value_codec<T, shape::integer> {
  static void write(cbor_writer& out, T value) { out.integer(value); }
  static void read(cbor_reader& in, T& value) { value = in.integer<T>(); }
};

template <class T>
struct value_codec<T, shape::enumeration> {
  using integer = std::underlying_type_t<T>;

  static void write(cbor_writer& out, T value) { write_value(out, static_cast<integer>(value)); }
  static void read(cbor_reader& in, T& value) {
    const std::size_t start = in.offset();
    value = known(in, read_new<integer>(in), start);
  }

  // The value that a number means. The number is at an earlier offset.
  static T known(const cbor_reader& in, integer number, std::size_t start) {
    if constexpr (has_enum_values<T>) {
      for (const T value : enum_values<T>) {
        if (static_cast<integer>(value) == number) return value;
      }
      constexpr std::string_view name = type_name<T>();
      fail_unknown_value(in, name, start);
    } else {
      static_cast<void>(in);
      static_cast<void>(start);
      return static_cast<T>(number);
    }
  }
};

template <class T>
struct value_codec<T, shape::floating> {
  static void write(cbor_writer& out, T value) { out.floating(static_cast<double>(value)); }
  static void read(cbor_reader& in, T& value) {
    if constexpr (std::is_same_v<T, float>) {
      value = in.single();
    } else {
      value = in.floating();
    }
  }
};

template <class T>
struct value_codec<T, shape::text> {
  static void write(cbor_writer& out, const T& value) {
    out.text({reinterpret_cast<const char*>(value.data()), value.size()});
  }
  static void read(cbor_reader& in, T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      in.text_into(value);
    } else {
      std::string scratch;
      const std::string_view found = in.text(scratch);
      value.assign(found.begin(), found.end());
    }
  }
};

template <class T>
struct value_codec<T, shape::byte_string> {
  static void write(cbor_writer& out, const T& value) {
    out.byte_string({reinterpret_cast<const std::byte*>(value.data()), value.size()});
  }
  static void read(cbor_reader& in, T& value) {
    bytes scratch;
    const bytes_view found = in.byte_string(scratch);
    const auto* const data = reinterpret_cast<const typename T::value_type*>(found.data());
    value.assign(data, data + found.size());
  }
};

template <class T>
struct value_codec<T, shape::fixed_bytes> {
  static void write(cbor_writer& out, const T& value) {
    out.byte_string({reinterpret_cast<const std::byte*>(value.data()), value.size()});
  }
  static void read(cbor_reader& in, T& value) {
    in.byte_string_into({reinterpret_cast<std::byte*>(value.data()), value.size()});
  }
};

template <class T>
struct value_codec<T, shape::monostate> {
  static void write(cbor_writer& out, const T&) { out.null(); }
  static void read(cbor_reader& in, T&) { in.null(); }
};

// The data that a codec<T> or nlohmann/json writes may itself be null. In an optional, such a null has this tag.
template <class T>
concept maybe_written_null = shape_of<T> == shape::custom || shape_of<T> == shape::json;
inline constexpr std::array null_value_tag{std::byte{0xda}, std::byte{0x74}, std::byte{0x72}, std::byte{0x75},
                                           std::byte{0x70}};
// Puts the tag before what has been written from `begin` on, if that is null or undefined.
void mark_null(buffer& out, std::size_t begin);

template <class T>
void write_present(cbor_writer& out, const T& value) {
  if constexpr (maybe_written_null<T>) {
    const std::size_t begin = out.out().size();
    write_value(out, value);
    mark_null(out.out(), begin);
  } else {
    write_value(out, value);
  }
}
// Whether a value is there; if not, null is read.
template <class T>
bool is_present(cbor_reader& in) {
  if constexpr (maybe_written_null<T>) {
    if (in.take(null_value_tag)) return true;
  }
  return !in.take_null();
}

template <class T>
struct value_codec<T, shape::optional> {
  using element = std::remove_const_t<typename T::value_type>;

  static void write(cbor_writer& out, const T& value) {
    if (value) write_present<element>(out, *value);
    else out.null();
  }
  static void read(cbor_reader& in, T& value) {
    if (is_present<element>(in)) read_value(in, value.emplace());
    else value.reset();
  }
};

template <class T>
struct value_codec<T, shape::owner> {
  static void write(cbor_writer& out, const T& value) {
    if (value) write_present<std::remove_cv_t<typename T::element_type>>(out, *value);
    else out.null();
  }
  static void read(cbor_reader& in, T& value) {
    using element = std::remove_cv_t<typename T::element_type>;
    if (!is_present<element>(in)) {
      value.reset();
    } else {
      auto fresh = std::make_unique<element>();
      read_value(in, *fresh);
      value = std::move(fresh);
    }
  }
};

template <class T>
struct value_codec<T, shape::tuple> {
  static constexpr std::size_t size = std::tuple_size_v<T>;

  static void write(cbor_writer& out, const T& value) {
    const cbor_writer::nested level{out};
    out.array(size);
    std::apply([&out](const auto&... element) { (write_value(out, element), ...); }, value);
  }
  static void read(cbor_reader& in, T& value) {
    auto items = in.array_of(size);
    std::apply([&](auto&... element) { ((items.expect(), read_value(in, element)), ...); }, value);
    items.expect_end();
  }
};

template <class T>
struct value_codec<T, shape::variant> {
  static void write(cbor_writer& out, const T& value) {
    if (value.valueless_by_exception()) fail_valueless_variant();
    const cbor_writer::nested level{out};
    out.array(2);
    out.integer(value.index());
    std::visit([&out](const auto& alternative) { write_value(out, alternative); }, value);
  }
  static void read(cbor_reader& in, T& value) {
    auto items = in.array_of(2);
    items.expect();
    const bool known = read_alternative(in, items, value, std::make_index_sequence<std::variant_size_v<T>>{});
    if (!known) in.fail("a variant has no alternative of this number");
    items.expect_end();
  }

 private:
  template <std::size_t... I>
  static bool read_alternative(cbor_reader& in, cbor_reader::items& items, T& value, std::index_sequence<I...>) {
    const auto index = in.index_below(sizeof...(I));
    items.expect();
    return ((index == I && (read_value(in, value.template emplace<I>()), true)) || ...);
  }
};

template <class T>
struct value_codec<T, shape::duration> {
  static void write(cbor_writer& out, T value) { write_value(out, value.count()); }
  static void read(cbor_reader& in, T& value) { value = T{read_new<typename T::rep>(in)}; }
};

// A time point of JavaScript (tag 1: seconds since 1970) is taken as such; a bare number counts the type's own ticks.
template <class T>
struct value_codec<T, shape::time_point> {
  using duration = typename T::duration;
  using rep = typename duration::rep;

  static void write(cbor_writer& out, const T& value) { write_value(out, value.time_since_epoch().count()); }
  static void read(cbor_reader& in, T& value) {
    constexpr auto ticks_per_second = static_cast<double>(duration::period::den) / duration::period::num;
    if (in.tag() == cbor_reader::epoch_seconds) value = T{duration{in.scaled<rep>(ticks_per_second)}};
    else value = T{duration{read_new<rep>(in)}};
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
