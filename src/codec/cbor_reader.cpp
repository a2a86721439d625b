// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/values.hpp>
#include <troupe/core/error.hpp>

#include "cbor_place.hpp"

namespace troupe {
inline namespace v0 {
namespace {

using detail::cbor_indefinite;

constexpr unsigned simple_false = 20;
constexpr unsigned simple_true = 21;
constexpr unsigned simple_null = 22;
constexpr unsigned simple_undefined = 23;
constexpr unsigned half_precision = 25;
constexpr unsigned double_precision = 27;

double half_to_double(std::uint64_t half) noexcept {
  const auto exponent = static_cast<int>(half >> 10 & 0x1f);
  const auto mantissa = static_cast<double>(half & 0x3ff);
  const double magnitude = exponent == 0    ? std::ldexp(mantissa, -24)
                           : exponent == 31 ? (mantissa == 0 ? std::numeric_limits<double>::infinity()
                                                             : std::numeric_limits<double>::quiet_NaN())
                                            : std::ldexp(mantissa + 1024, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

template <std::size_t Width>
std::uint64_t big_endian(const std::byte* at) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i != Width; ++i) number = number << 8 | std::to_integer<unsigned>(at[i]);
  return number;
}

std::uint64_t big_endian(const std::byte* at, std::size_t width) noexcept {
  switch (width) {
    case 1: return big_endian<1>(at);
    case 2: return big_endian<2>(at);
    case 4: return big_endian<4>(at);
    default: return big_endian<8>(at);
  }
}

}  // namespace

// -- heads ------------------------------------------------------------------------------------------------------------

cbor_reader::head cbor_reader::read_head() {
  if (at_ == end_) fail("the data ends where a value should begin");
  const auto initial = std::to_integer<unsigned>(*at_);
  head found{initial >> 5, initial & 0x1f, initial & 0x1f};
  if (found.low < 24 || found.low == cbor_indefinite) {
    ++at_;
    return found;
  }
  if (found.low > 27) fail("a reserved kind of item, which no encoder writes");
  const std::size_t width = std::size_t{1} << (found.low - 24);
  if (remaining() <= width) fail("the data ends inside of a number or a length");
  found.number = big_endian(at_ + 1, width);
  at_ += 1 + width;
  return found;
}

void cbor_reader::skip_tags() {
  while (at_ != end_ && std::to_integer<unsigned>(*at_) >> 5 == 6) static_cast<void>(tag());
}

std::optional<std::uint64_t> cbor_reader::tag() {
  if (at_ == end_ || std::to_integer<unsigned>(*at_) >> 5 != 6) return std::nullopt;
  const std::byte* const start = at_;
  const head found = read_head();
  if (found.low == cbor_indefinite) fail_at(start, "a tag without a number");
  return found.number;
}

cbor_type cbor_reader::peek() {
  skip_tags();
  if (at_ == end_) fail("the data ends where a value should begin");
  const auto initial = std::to_integer<unsigned>(*at_);
  const unsigned major = initial >> 5;
  const unsigned low = initial & 0x1f;
  if (major == 7 && low >= half_precision && low <= double_precision) return cbor_type::floating;
  return static_cast<cbor_type>(major);
}

bool cbor_reader::at_break() {
  if (at_ == end_) fail("the data ends inside of an array or map");
  if (*at_ != std::byte{0xff}) return false;
  ++at_;
  return true;
}

std::optional<std::size_t> cbor_reader::large_size_of(unsigned major, std::size_t bytes_each) {
  skip_tags();
  const std::byte* const start = at_;
  const std::string_view wanted = major == 4 ? "an array" : "a map";
  if (at_ == end_ || std::to_integer<unsigned>(*at_) >> 5 != major) fail_expected(wanted);
  const head found = read_head();
  if (found.low == cbor_indefinite) return std::nullopt;
  if (found.number > remaining() / bytes_each) {
    fail_at(start, fmt::format("{} of {} items, with {} bytes of data left", wanted, found.number, remaining()));
  }
  return static_cast<std::size_t>(found.number);
}

cbor_reader::items cbor_reader::array_of(std::size_t size) {
  const std::byte* const start = at_;
  const std::optional<std::size_t> found = array_size();
  if (found && *found != size) fail_expected_at(start, fmt::format("an array of {}", size));
  return items{*this, start, found};
}

// -- simple values and numbers ----------------------------------------------------------------------------------------

bool cbor_reader::take_simple(unsigned low) noexcept {
  if (at_ == end_ || *at_ != static_cast<std::byte>(7U << 5 | low)) return false;
  ++at_;
  return true;
}

bool cbor_reader::take_null() {
  skip_tags();
  return take_simple(simple_null) || take_simple(simple_undefined);
}

void cbor_reader::null() {
  if (!take_null()) fail_expected("null");
}

bool cbor_reader::boolean() {
  if (take_simple(simple_true)) return true;
  if (take_simple(simple_false)) return false;
  skip_tags();
  if (take_simple(simple_true)) return true;
  if (take_simple(simple_false)) return false;
  fail_expected("true or false");
}

double cbor_reader::float_of(const head& from) const noexcept {
  if (from.low == half_precision) return half_to_double(from.number);
  if (from.low == double_precision) return std::bit_cast<double>(from.number);
  return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(from.number)));
}

double cbor_reader::floating() {
  const cbor_type type = peek();
  const std::byte* const start = at_;
  const head found = read_head();
  if (type == cbor_type::floating) return float_of(found);
  const bool is_integer = type == cbor_type::unsigned_integer || type == cbor_type::negative_integer;
  if (!is_integer || found.low == cbor_indefinite) fail_expected_at(start, "a number");
  return found.major == 0 ? static_cast<double>(found.number) : -1.0 - static_cast<double>(found.number);
}

float cbor_reader::single() {
  const std::byte* const start = at_;
  const double value = floating();
  if (std::isfinite(value) && std::abs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
    fail_at(start, fmt::format("the number {} is too large for a float of 32 bits", value));
  }
  return static_cast<float>(value);
}

cbor_reader::whole cbor_reader::whole_number(bool or_text) {
  const cbor_type type = peek();
  const std::byte* const start = at_;
  if (type == cbor_type::unsigned_integer || type == cbor_type::negative_integer) {
    const head found = read_head();
    if (found.low == cbor_indefinite) fail_at(start, "an integer without a value");
    return {found.major == 1, found.number};
  }
  if (type == cbor_type::floating) {
    const double value = float_of(read_head());
    const double size = std::abs(value);
    if (std::trunc(value) == value && in_range<std::uint64_t>(size)) {
      const auto magnitude = static_cast<std::uint64_t>(size);
      return {value < 0, value < 0 ? magnitude - 1 : magnitude};
    }
    fail_at(start, fmt::format("expected an integer, found the number {}", value));
  }
  if (type == cbor_type::text && or_text) {
    std::string scratch;
    std::string_view digits = text(scratch);
    const bool negative = digits.starts_with('-');
    digits.remove_prefix(negative ? 1 : 0);
    std::uint64_t magnitude = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude);
    const bool all = failure == std::errc{} && end == digits.data() + digits.size();
    if (all) return negative && magnitude != 0 ? whole{true, magnitude - 1} : whole{false, magnitude};
  }
  fail_expected_at(start, "an integer");
}

std::size_t cbor_reader::index_below(std::size_t limit) {
  const std::byte* const start = at_;
  const auto index = integer<std::size_t>();
  if (index >= limit) fail_at(start, fmt::format("expected a number from 0 to {}, found {}", limit - 1, index));
  return index;
}

// -- strings ----------------------------------------------------------------------------------------------------------

bytes_view cbor_reader::take_bytes(std::uint64_t size) {
  const bytes_view found{at_, static_cast<std::size_t>(size)};
  at_ += found.size();
  return found;
}

bytes_view cbor_reader::string_piece(unsigned major, std::string_view wanted) {
  const std::byte* const start = at_;
  const head found = read_head();
  if (found.major != major || found.low == cbor_indefinite) fail_expected_at(start, wanted);
  if (found.number > remaining()) {
    fail_at(start, fmt::format("{} of {} bytes, with {} bytes of data left", wanted, found.number, remaining()));
  }
  return take_bytes(found.number);
}

std::string_view cbor_reader::whole_string(unsigned major, std::string& scratch) {
  const std::string_view wanted = major == 3 ? "text" : "a byte string";
  skip_tags();
  if (at_ == end_ || *at_ != static_cast<std::byte>(major << 5 | cbor_indefinite)) {
    const bytes_view found = string_piece(major, wanted);
    return {reinterpret_cast<const char*>(found.data()), found.size()};
  }
  ++at_;
  scratch.clear();
  while (!at_break()) {
    const bytes_view piece = string_piece(major, wanted);
    scratch.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  return scratch;
}

bytes_view cbor_reader::byte_string(bytes& scratch) {
  const cbor_type type = peek();
  if (type == cbor_type::array) {
    scratch.clear();
    for (auto numbers = array(); numbers.next();) scratch.push_back(std::byte{integer<std::uint8_t>()});
    return scratch;
  }
  std::string pieces;
  const std::string_view found = whole_string(2, pieces);
  const auto* const data = reinterpret_cast<const std::byte*>(found.data());
  if (found.data() != pieces.data()) return {data, found.size()};
  scratch.assign(data, data + found.size());
  return scratch;
}

void cbor_reader::byte_string_into(std::span<std::byte> value) {
  const std::byte* const start = at_;
  bytes scratch;
  const bytes_view found = byte_string(scratch);
  if (found.size() != value.size()) {
    fail_at(start, fmt::format("expected {} bytes, found {}", value.size(), found.size()));
  }
  if (!found.empty()) std::memcpy(value.data(), found.data(), found.size());
}

// -- whole items ------------------------------------------------------------------------------------------------------

bytes_view cbor_reader::skip() {
  const std::byte* const start = at_;
  skip_item();
  return {start, static_cast<std::size_t>(at_ - start)};
}

void cbor_reader::skip_item() {
  skip_tags();
  const std::byte* const start = at_;
  switch (peek()) {
    case cbor_type::byte_string:
    case cbor_type::text: {
      std::string scratch;
      static_cast<void>(whole_string(std::to_integer<unsigned>(*at_) >> 5, scratch));
      return;
    }
    case cbor_type::array:
      for (auto all = array(); all.next();) skip_item();
      return;
    case cbor_type::map:
      for (auto all = map(); all.next();) {
        skip_item();
        skip_item();
      }
      return;
    default:
      if (read_head().low == cbor_indefinite) fail_at(start, "an end where a value should begin");
  }
}

void cbor_reader::finish() {
  if (at_ != end_) fail(fmt::format("{} bytes behind the end of the value", remaining()));
}

// -- failures ---------------------------------------------------------------------------------------------------------

void cbor_reader::fail_at(const std::byte* at, std::string_view complaint) const {
  const auto offset = static_cast<std::size_t>(at - begin_);
  const std::string path = detail::cbor_path({begin_, end_}, offset);
  throw error(errc::invalid_data,
              fmt::format("{} at byte {}: {}", path.empty() ? "the value" : path, offset, complaint));
}

void cbor_reader::fail_expected_at(const std::byte* at, std::string_view wanted) const {
  const auto offset = static_cast<std::size_t>(at - begin_);
  fail_at(at, fmt::format("expected {}, found {}", wanted, detail::cbor_found({begin_, end_}, offset)));
}

void cbor_reader::fail_range(const std::byte* at, int bits, bool is_signed) const {
  fail_expected_at(at, fmt::format("an integer of {} bits {} sign", bits, is_signed ? "with" : "without"));
}

void cbor_reader::fail_too_deep(const std::byte* at) const {
  fail_at(at, fmt::format("nested deeper than {} levels", cbor_depth_max));
}

void detail::fail_unknown_value(const cbor_reader& in, std::string_view enumeration, std::size_t start) {
  in.fail_expected(fmt::format("a value of the enum {}", enumeration), start);
}

}  // namespace v0
}  // namespace troupe
