// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>

namespace troupe {
inline namespace v0 {

/// Which page of a listing: `limit` actors in the order of their creation, behind `after`.
struct page {
  page() noexcept = default;
  explicit page(std::size_t l) noexcept : limit{l} {}
  page(std::size_t l, actor_id a) noexcept : limit{l}, after{a} {}
  std::size_t limit = 100;
  std::optional<actor_id> after;
};

/// One actor in a listing.
struct actor_summary {
  actor_id id;
  troupe::key key;
  troupe::tags tags;
  wall_time created_at;
};

namespace detail {

/// A request for a listing, as it leaves the process.
struct listing_request {
  /// A request from elsewhere gets no more actors than this at a time.
  static constexpr std::uint64_t limit_max = 10'000;

  std::uint64_t limit = 0;
  std::optional<actor_id> after;
  std::optional<troupe::tags> labels;  ///< those that the actors carry all of; none: all actors of the type

  [[nodiscard]] page range() const {
    page p{static_cast<std::size_t>(std::min(limit, limit_max))};
    p.after = after;
    return p;
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
