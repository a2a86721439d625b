// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Lets two parties meet: the one that arrives second goes on for both. The two are, most often, an event and the
/// suspension of the coroutine that waits for it. The second sees all that the first wrote before.
class latch2 {
 public:
  latch2() noexcept = default;
  latch2(const latch2&) = delete;
  latch2& operator=(const latch2&) = delete;

  /// From any thread, once for each party. True for the second.
  [[nodiscard]] bool arrive() noexcept { return missing_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  /// Before another pair can arrive.
  void reset() noexcept { missing_.store(2, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint8_t> missing_{2};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
