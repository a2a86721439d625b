// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <troupe/core/random.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {

/// Random numbers that are a function of the seed alone: the same with every compiler and library, which
/// `std::uniform_int_distribution` and its like are not. xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
/// It fits into `<random>` and `std::ranges::shuffle`, but what those make of it is the library's own. Not thread-safe.
class seeded_random final : public random_source {
 public:
  using result_type = std::uint64_t;

  explicit seeded_random(std::uint64_t seed) noexcept;

  [[nodiscard]] std::uint64_t next() noexcept override;
  [[nodiscard]] std::uint64_t operator()() noexcept { return next(); }
  [[nodiscard]] static constexpr std::uint64_t min() noexcept { return 0; }
  [[nodiscard]] static constexpr std::uint64_t max() noexcept { return std::numeric_limits<std::uint64_t>::max(); }

  /// 0 to `n` - 1; 0 for an `n` of 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t n) noexcept { return n == 0 ? 0 : next() % n; }

  /// From the first to the second, both included.
  [[nodiscard]] std::int64_t between(std::int64_t least, std::int64_t most) noexcept {
    const auto first = static_cast<std::uint64_t>(least);
    const auto count = static_cast<std::uint64_t>(most) - first + 1;  // 0: all there are
    return static_cast<std::int64_t>(first + (count == 0 ? next() : below(count)));
  }

  /// 0 to `most`, included.
  [[nodiscard]] std::chrono::nanoseconds up_to(std::chrono::nanoseconds most) noexcept {
    return std::chrono::nanoseconds{between(0, most.count())};
  }

  /// True so often: 0 is never, 1 is always.
  [[nodiscard]] bool chance(double probability) noexcept {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
  }

  /// Another generator whose numbers have nothing to do with this one's.
  [[nodiscard]] seeded_random fork() noexcept { return seeded_random{next()}; }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace testing
}  // namespace v0
}  // namespace troupe
