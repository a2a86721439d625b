// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace troupe {
inline namespace v0 {
namespace detail {

/// xoshiro256** (Blackman and Vigna, 2018): gives the next number, and moves on. Not all words may be 0.
[[nodiscard]] inline std::uint64_t next_of_xoshiro256(std::array<std::uint64_t, 4>& s) noexcept {
  const std::uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
