// SPDX-License-Identifier: Apache-2.0
#include "memory_parts.hpp"

#include <limits>
#include <utility>

#include <troupe/core/assert.hpp>

#include "part_order.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

part_record to_record(const memory_parts::place& at, const memory_parts::row& row) {
  return {.collection = at.collection, .key = at.key, .value = *row.value, .due = row.due};
}

}  // namespace

bool memory_parts::in_order::operator()(const place_view& a, const place_view& b) const noexcept {
  return a.collection != b.collection ? a.collection < b.collection : is_before(a.key, b.key);
}

bool memory_parts::in_order_of_time::operator()(const due_view& a, const due_view& b) const noexcept {
  if (a.due != b.due) return a.due < b.due;
  return a.actor != b.actor ? a.actor < b.actor : in_order{}(a.at, b.at);
}

void memory_parts::changes::add(const write_set& write) {
  if (write.parts.empty()) return;
  rows& changed = rows_[write.id];
  for (const part_change& change : write.parts) {
    row next{.value = {}, .due = {}};
    if (change.value) {
      next.value.emplace(change.value->begin(), change.value->end());
      next.due = change.due;
    }
    place which{.collection = change.collection, .key = {change.key.begin(), change.key.end()}};
    const auto at = changed.try_emplace(std::move(which)).first;
    forget(write.id, at->first, at->second, due_);  // of an earlier change of the same row
    if (next.due) due_.insert({*next.due, write.id, change.collection, at->first.key});
    at->second = std::move(next);
  }
}

void memory_parts::apply(changes& changed) noexcept {
  while (!changed.rows_.empty()) {
    auto staged = changed.rows_.extract(changed.rows_.begin());
    const auto at = rows_.find(staged.key());
    if (at != rows_.end()) {
      change(at->first, at->second, staged.mapped(), due_);
      if (at->second.empty()) rows_.erase(at);
      continue;
    }
    std::erase_if(staged.mapped(), [](const auto& each) { return !each.second.value; });
    if (!staged.mapped().empty()) rows_.insert(std::move(staged));
  }
  due_.merge(changed.due_);
  TROUPE_ASSERT(changed.due_.empty(), "a row that is due is in the order of time once");
}

void memory_parts::change(const actor_id& actor, rows& of, rows& changed, due_places& due) noexcept {
  while (!changed.empty()) {
    auto next = changed.extract(changed.begin());
    const auto at = of.find(next.key());
    if (at != of.end()) forget(actor, at->first, at->second, due);
    if (!next.mapped().value) {
      if (at != of.end()) of.erase(at);
    } else if (at != of.end()) {
      at->second = std::move(next.mapped());
    } else {
      of.insert(std::move(next));
    }
  }
}

void memory_parts::forget(const actor_id& actor, const place& at, const row& of, due_places& due) noexcept {
  if (!of.due) return;
  const auto found = due.find(due_view{*of.due, actor, at});
  TROUPE_ASSERT(found != due.end(), "a row that is due is in the order of time");
  due.erase(found);
}

void memory_parts::destroy(const actor_id& actor) noexcept {
  const auto at = rows_.find(actor);
  if (at == rows_.end()) return;
  for (const auto& [place, row] : at->second) forget(actor, place, row, due_);
  rows_.erase(at);
}

void memory_parts::read(const actor_id& actor, std::uint32_t collection, std::vector<part_record>& found) const {
  const rows* const all = of(actor);
  if (all == nullptr) return;
  for (auto at = all->lower_bound(place_view{collection, {}}); at != all->end(); ++at) {
    if (at->first.collection != collection) return;
    found.push_back(to_record(at->first, at->second));
  }
}

void memory_parts::find(parts_request& request) const {
  const rows* const all = of(request.actor);
  if (all == nullptr) return;
  if (request.until && !is_before(request.from, *request.until)) return;
  auto first = all->lower_bound(place_view{request.collection, request.from});
  auto last = all->end();
  if (request.until) {
    last = all->lower_bound(place_view{request.collection, *request.until});
  } else if (request.collection != std::numeric_limits<std::uint32_t>::max()) {
    last = all->lower_bound(place_view{request.collection + 1, {}});
  }
  while (first != last && request.found.size() < request.limit) {
    const auto next = request.reverse ? --last : first++;
    request.found.push_back(to_record(next->first, next->second));
  }
}

void memory_parts::find(due_request& request) const {
  auto at = request.after ? due_.upper_bound(due_view{*request.after}) : due_.begin();
  for (; at != due_.end() && request.found.size() < request.limit; ++at) request.found.push_back({*at, {}, {}});
}

const memory_parts::rows* memory_parts::of(const actor_id& actor) const {
  const auto at = rows_.find(actor);
  return at == rows_.end() ? nullptr : &at->second;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
