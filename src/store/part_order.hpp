// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The order of keys in a collection, which is SQLite's order of blobs.
[[nodiscard]] inline bool is_before(bytes_view a, bytes_view b) noexcept {
  return std::ranges::lexicographical_compare(a, b);
}

/// Whether these are in rising order, each once: as a request must name them.
[[nodiscard]] inline bool are_rising(std::span<const std::uint32_t> collections) noexcept {
  return std::ranges::adjacent_find(collections, std::ranges::greater_equal{}) == collections.end();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
