#include <troupe/testing/seeded_random.hpp>

#include <bit>

namespace troupe::inline v0 { namespace testing {

seeded_random::seeded_random(std::uint64_t seed) noexcept : state_{} {
  for (auto& word : state_) {
    seed += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = seed;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    word = z ^ z >> 31;
  }
}

std::uint64_t seeded_random::next() noexcept {
  auto& s = state_;
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

}}  // namespace troupe::v0::testing
