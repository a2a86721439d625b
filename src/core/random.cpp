#include <troupe/core/random.hpp>

#include <array>
#include <bit>
#include <random>

namespace troupe::inline v0 {
namespace {

struct xoshiro256 {
  xoshiro256() {
    std::random_device device;
    for (auto& word : s) word = static_cast<std::uint64_t>(device()) << 32 | device();
  }

  std::uint64_t next() noexcept {
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

  std::array<std::uint64_t, 4> s;
};

}  // namespace

std::uint64_t system_random::next() noexcept {
  thread_local xoshiro256 generator;
  return generator.next();
}

}  // namespace troupe::inline v0
