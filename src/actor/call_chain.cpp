// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/call_chain.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

namespace troupe {
inline namespace v0 {
namespace detail {

void call_chain::join(const pointer& waiting) {
  const std::lock_guard lock{lock_};
  std::erase_if(joined_, [](const auto& one) { return one.expired(); });
  joined_.push_back(waiting);
}

void call_chain::part(const pointer& waiting) noexcept {
  const std::lock_guard lock{lock_};
  const auto is_it = [&](const auto& one) { return !one.owner_before(waiting) && !waiting.owner_before(one); };
  if (const auto found = std::ranges::find_if(joined_, is_it); found != joined_.end()) joined_.erase(found);
}

void call_chain::part_from_all() noexcept {
  const std::lock_guard lock{lock_};
  joined_.clear();
}

bool call_chain::descends_from(const call_chain& other) const {
  for (const call_chain* l = this; l != nullptr; l = l->parent_.get()) {
    if (l == &other) return true;
  }
  visited seen;
  return finds(other, seen);
}

// Depth first. Links that join each other at the same time may form a cycle.
bool call_chain::finds(const call_chain& other, visited& seen) const {
  for (const call_chain* l = this; l != nullptr; l = l->parent_.get()) {
    if (l == &other) return true;
    if (std::ranges::find(seen, l) != seen.end()) return false;
    seen.push_back(l);
    std::vector<pointer> joined;
    {
      const std::lock_guard lock{l->lock_};
      for (const auto& one : l->joined_) {
        if (auto link = one.lock()) joined.push_back(std::move(link));
      }
    }
    if (std::ranges::any_of(joined, [&](const pointer& one) { return one->finds(other, seen); })) return true;
  }
  return false;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
