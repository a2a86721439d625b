// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/random.hpp>

#include <array>
#include <random>

#include "xoshiro256.hpp"

namespace troupe {
inline namespace v0 {
namespace {

std::array<std::uint64_t, 4> state_from_device() {
  std::random_device device;
  std::array<std::uint64_t, 4> state{};
  for (auto& word : state) word = static_cast<std::uint64_t>(device()) << 32 | device();
  return state;
}

}  // namespace

std::uint64_t system_random::next() noexcept {
  thread_local std::array<std::uint64_t, 4> state = state_from_device();
  return detail::next_of_xoshiro256(state);
}

}  // namespace v0
}  // namespace troupe
