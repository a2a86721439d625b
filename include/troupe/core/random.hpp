// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace troupe {
inline namespace v0 {

/// Where a runtime takes its random numbers from (ids, jitter). May be called from any thread.
class random_source {
 public:
  random_source() = default;
  random_source(const random_source&) = delete;
  random_source& operator=(const random_source&) = delete;
  virtual ~random_source() = default;

  [[nodiscard]] virtual std::uint64_t next() noexcept = 0;
};

/// The operating system's generator, through a per-thread xoshiro256** (Blackman and Vigna, 2018) seeded from it.
/// Good for ids that do not collide; not for secrets.
class system_random final : public random_source {
 public:
  [[nodiscard]] std::uint64_t next() noexcept override;
};

}  // namespace v0
}  // namespace troupe
