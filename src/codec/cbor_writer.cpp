// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/containers.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace {

constexpr unsigned half_head = 0xf9;
constexpr unsigned single_head = 0xfa;
constexpr unsigned double_head = 0xfb;
constexpr std::uint64_t half_nan = 0x7e00;

void append_float(buffer& out, unsigned head, std::uint64_t bits, std::size_t size) {
  std::byte* const at = out.grow(1 + size);
  *at = static_cast<std::byte>(head);
  for (std::size_t i = size; i > 0; --i, bits >>= 8) at[i] = static_cast<std::byte>(bits);
}

// The half-precision float of the same value, if there is one. `value` is not a NaN.
bool exact_half(float value, std::uint64_t& half) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  const int exponent = static_cast<int>(bits >> 23 & 0xff) - 127;
  const std::uint32_t mantissa = bits & 0x7fffff;
  if ((bits & 0x7fffffff) == 0) {
    half = sign;
  } else if (exponent == 128) {
    half = sign | 0x7c00;
  } else if (exponent >= -14 && exponent <= 15 && (mantissa & 0x1fff) == 0) {
    half = sign | static_cast<std::uint32_t>(exponent + 15) << 10 | mantissa >> 13;
  } else if (exponent >= -24 && exponent < -14) {  // subnormal: a multiple of 2^-24
    const std::uint32_t whole = mantissa | 0x800000;
    const int shift = -1 - exponent;
    if ((whole & ((1U << shift) - 1)) != 0) return false;
    half = sign | whole >> shift;
  } else {
    return false;
  }
  return true;
}

}  // namespace

void cbor_writer::wide_integer(std::uint64_t value) { put_head(out_.grow(9), 0, value, 9); }

void cbor_writer::floating(double value) {
  if (std::isnan(value)) return append_float(out_, half_head, half_nan, 2);
  const bool fits = !std::isfinite(value) || std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max());
  const float single = fits ? static_cast<float>(value) : 0.0F;
  if (!fits || static_cast<double>(single) != value) {
    return append_float(out_, double_head, std::bit_cast<std::uint64_t>(value), 8);
  }
  std::uint64_t half = 0;
  if (exact_half(single, half)) return append_float(out_, half_head, half, 2);
  append_float(out_, single_head, std::bit_cast<std::uint32_t>(single), 4);
}

namespace detail {

void fail_too_deep_to_write() {
  throw error(errc::invalid_data, fmt::format("a value nested deeper than {} levels cannot be stored", cbor_depth_max));
}

void fail_valueless_variant() {
  throw error(errc::invalid_data, "a std::variant that lost its value to an exception cannot be stored");
}

void mark_null(buffer& out, std::size_t begin) {
  const std::byte last = out.data()[out.size() - 1];
  if (last != std::byte{0xf6} && last != std::byte{0xf7}) return;
  cbor_reader written{out.view().subspan(begin)};
  if (!written.take_null() || written.remaining() != 0) return;
  const std::size_t size = out.size() - begin;
  std::byte* const at = out.grow(null_value_tag.size()) - size;
  std::memmove(at + null_value_tag.size(), at, size);
  std::memcpy(at, null_value_tag.data(), null_value_tag.size());
}

void append_sorted(buffer& out, bytes_view encoded, std::vector<std::size_t>& starts) {
  // No encoding begins another one, so comparing whole items compares their keys first.
  const std::size_t count = starts.size();
  starts.push_back(encoded.size());
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto item = [&](std::size_t i) { return encoded.subspan(starts[i], starts[i + 1] - starts[i]); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const bytes_view left = item(a);
    const bytes_view right = item(b);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  });
  for (const std::size_t i : order) out.append(item(i));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
