// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <troupe/core/bytes.hpp>

inline std::string hex(troupe::bytes_view from) {
  std::string out;
  for (const std::byte b : from) out += fmt::format("{:02x}", std::to_integer<unsigned>(b));
  return out;
}

inline troupe::bytes unhex(std::string_view text) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  troupe::bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<std::byte>(digit(text[i]) << 4 | digit(text[i + 1])));
  }
  return out;
}
