// SPDX-License-Identifier: Apache-2.0
#include <troupe/testing/seeded_random.hpp>

#include "../core/xoshiro256.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {

seeded_random::seeded_random(std::uint64_t seed) noexcept : state_{} {
  for (auto& word : state_) {
    seed += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = seed;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    word = z ^ z >> 31;
  }
}

std::uint64_t seeded_random::next() noexcept { return troupe::detail::next_of_xoshiro256(state_); }

}  // namespace testing
}  // namespace v0
}  // namespace troupe
