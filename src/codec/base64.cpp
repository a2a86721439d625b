// SPDX-License-Identifier: Apache-2.0
#include "base64.hpp"

#include <cstddef>
#include <cstdint>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(bytes_view from) {
  std::string out;
  out.reserve((from.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < from.size(); i += 3) {
    const std::size_t there = from.size() - i < 3 ? from.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < there ? std::to_integer<std::uint32_t>(from[i + j]) : 0);
    }
    for (std::size_t j = 0; j < 4; ++j) out += j <= there ? alphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::optional<bytes> base64_decode(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    group = group << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::byte>(group >> bits & 0xff));
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
