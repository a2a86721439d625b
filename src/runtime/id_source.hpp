// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/core/random.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Makes the ids of a runtime. All members may be called from any thread.
class id_source {
 public:
  /// Both outlive this. `opening` is the store's, see `store::opening`.
  id_source(const clock& c, random_source& random, std::uint64_t opening) noexcept
      : clock_{c}, random_{random}, opening_{opening} {}

  /// Of an actor: ids are in the order of their making.
  [[nodiscard]] actor_id actor() noexcept;
  /// Of an activation; never 0.
  [[nodiscard]] std::uint32_t life() noexcept { return lives_.fetch_add(1, std::memory_order_relaxed) + 1; }
  /// For a message, in a queue or on its way: they rise, from one opening of the store to the next as well.
  [[nodiscard]] std::uint64_t message() noexcept {
    return first_message() + messages_.fetch_add(1, std::memory_order_relaxed);
  }
  /// All that other processes have made are lower.
  [[nodiscard]] std::uint64_t first_message() const noexcept { return opening_ << 40; }

 private:
  const clock& clock_;
  random_source& random_;
  const std::uint64_t opening_;
  // Many threads write to these: they stand on a line of their own, away from what all read.
  alignas(64) std::atomic<std::uint64_t> last_{0};  ///< time and count of the newest
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<std::uint32_t> lives_{0};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
