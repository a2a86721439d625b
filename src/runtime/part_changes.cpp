// SPDX-License-Identifier: Apache-2.0
#include "part_changes.hpp"

#include <numeric>

#include <troupe/core/assert.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
std::size_t part_changes::bytes_of(const rows::value_type& each) noexcept {
  const auto& [at, now] = each;
  return row_bytes + at.second.size() + (now ? now->value.size() : 0);
}

void part_changes::change(place at, std::optional<row> now) {
  const auto [known, is_new] = rows_.try_emplace(std::move(at));
  if (!is_new) bytes_ -= bytes_of(*known);
  known->second = std::move(now);
  bytes_ += bytes_of(*known);
}

void part_changes::merge(part_changes&& later) {
  while (!later.rows_.empty()) {
    auto each = later.rows_.extract(later.rows_.begin());
    change(std::move(each.key()), std::move(each.mapped()));
  }
  later.bytes_ = 0;
}

std::span<const part_change> part_changes::show() {
  TROUPE_ASSERT(bytes_ == std::accumulate(rows_.begin(), rows_.end(), std::size_t{0},
                                          [](std::size_t sum, const auto& each) { return sum + bytes_of(each); }),
                "the size of all rows is the sum of theirs");
  shown_.clear();
  for (const auto& [at, now] : rows_) {
    auto& change = shown_.emplace_back();
    change.collection = at.first;
    change.key = at.second;
    if (!now) continue;
    change.value = now->value;
    change.due = now->due;
  }
  return shown_;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
