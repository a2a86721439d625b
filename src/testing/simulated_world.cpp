// SPDX-License-Identifier: Apache-2.0
#include "simulated_world.hpp"

#include <bit>

#include <fmt/format.h>

namespace troupe {
inline namespace v0 {
namespace testing::detail {

void trace::add(std::uint64_t number) noexcept {
  hash_ = std::rotl((hash_ ^ number) * 0x9E3779B97F4A7C15ULL, 29);
}

void trace::add(bytes_view bytes) noexcept {
  add(bytes.size());
  for (const std::byte b : bytes) hash_ = (hash_ ^ static_cast<std::uint8_t>(b)) * 0x100000001B3ULL;
}

void trace::note(std::string_view what, std::uint64_t number) noexcept {
  for (const char c : what) hash_ = (hash_ ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
  add(number);
  if (tell) tell(fmt::format("{} {}", what, number));
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace troupe
