// SPDX-License-Identifier: Apache-2.0
#include "message_receipts.hpp"

#include <algorithm>
#include <cstddef>

#include <troupe/core/assert.hpp>

#include "../core/planted.hpp"
#include "rows.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

void message_receipts::load(std::span<const part_record> rows) {
  TROUPE_ASSERT(all_.empty(), "receipts are loaded once a life");
  for (const part_record& row : rows) {
    std::uint64_t message = 0;
    for (const std::byte b : row.key) message = message << 8 | static_cast<std::uint64_t>(b);
    all_.push_back(message);
  }
}

bool message_receipts::has(std::uint64_t message) const noexcept {
  if (is_planted(planted::repeat_not_recognised)) return false;
  return std::ranges::find(all_, message) != all_.end() || office_.is_settled(message);
}

void message_receipts::add(std::uint64_t message, row_changes& into) {
  office_.expect(message);  // from now on it may come again, until the store has forgotten it
  const auto kept = all_.size() - added_;
  const auto is_needless = [&](std::uint64_t each) {
    if (!office_.may_go(each)) return false;
    into.drop_receipt(each);
    return true;
  };
  const auto first = all_.begin();
  const auto left = std::remove_if(first, first + static_cast<std::ptrdiff_t>(kept), is_needless);
  all_.erase(left, first + static_cast<std::ptrdiff_t>(kept));
  if (std::ranges::find(all_, message) != all_.end()) return;
  all_.push_back(message);
  ++added_;
}

void message_receipts::undo_turn() noexcept {
  all_.resize(all_.size() - added_);
  added_ = 0;
}

bool message_receipts::are_asked_for() const noexcept {
  return std::ranges::any_of(all_, [&](std::uint64_t each) { return !office_.may_go(each); });
}

std::vector<std::uint64_t> message_receipts::settle() const {
  std::vector<std::uint64_t> settled;
  for (const std::uint64_t each : all_) {
    if (office_.may_go(each)) continue;
    office_.settle(each);
    settled.push_back(each);
  }
  return settled;
}

void message_receipts::clear() noexcept {
  all_.clear();
  added_ = 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
