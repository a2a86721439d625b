// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/actor_id.hpp>

namespace troupe {
inline namespace v0 {
namespace {

constexpr std::size_t text_size = 36;  // 8-4-4-4-12 hex digits

constexpr bool is_dash(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

constexpr int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

actor_id actor_id::make(std::uint64_t unix_milliseconds, std::uint64_t random_high,
                        std::uint64_t random_low) noexcept {
  bytes_type b{};
  for (std::size_t i = 0; i < 6; ++i) b[i] = static_cast<std::uint8_t>(unix_milliseconds >> (40 - 8 * i));
  for (std::size_t i = 0; i < 2; ++i) b[6 + i] = static_cast<std::uint8_t>(random_high >> (8 * i));
  for (std::size_t i = 0; i < 8; ++i) b[8 + i] = static_cast<std::uint8_t>(random_low >> (8 * i));
  b[6] = static_cast<std::uint8_t>(0x70 | (b[6] & 0x0F));  // version 7
  b[8] = static_cast<std::uint8_t>(0x80 | (b[8] & 0x3F));  // the RFC's variant
  return actor_id{b};
}

std::optional<actor_id> actor_id::parse(std::string_view text) noexcept {
  if (text.size() != text_size) return std::nullopt;
  bytes_type b{};
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text_size; ++i) {
    if (is_dash(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = digit_value(text[i]);
    if (value < 0) return std::nullopt;
    auto& byte = b[digits++ / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | value);
  }
  return actor_id{b};
}

std::string actor_id::str() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(text_size, '-');
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text_size; ++i) {
    if (is_dash(i)) continue;
    const auto byte = bytes_[nibble / 2];
    text[i] = digits[nibble++ % 2 == 0 ? byte >> 4 : byte & 0x0F];
  }
  return text;
}

}  // namespace v0
}  // namespace troupe
