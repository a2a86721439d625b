// SPDX-License-Identifier: Apache-2.0
#include "id_source.hpp"

#include <algorithm>

namespace troupe {
inline namespace v0 {
namespace detail {

actor_id id_source::actor() noexcept {
  // The twelve bits behind the milliseconds count the ids of one, so that ids are in the order of their making (RFC
  // 9562, 6.2, method 1).
  constexpr std::uint64_t per_millisecond = 4096;
  const auto now = static_cast<std::uint64_t>(clock_.wall().time_since_epoch().count()) * per_millisecond;
  auto last = last_.load(std::memory_order_relaxed);
  auto next = std::max(last + 1, now);
  while (!last_.compare_exchange_weak(last, next, std::memory_order_relaxed)) next = std::max(last + 1, now);
  const auto count = next % per_millisecond;
  return actor_id::make(next / per_millisecond, count >> 8 | (count & 0xFF) << 8, random_.next());
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
