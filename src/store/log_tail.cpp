// SPDX-License-Identifier: Apache-2.0
#include "log_tail.hpp"

#include <algorithm>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Above this a state's memory is not kept for the next one.
constexpr std::size_t spare_bytes_max = 1024;

}  // namespace

bool log_tail::complete(actor_record& row, std::uint64_t since, bool with_state) const {
  const std::lock_guard lock{mutex_};
  const auto next = std::ranges::lower_bound(committing_, row.id, {}, &log_record::id);
  if (next != committing_.end() && next->id == row.id) return false;
  const auto found = updates_.find(row.id);
  if (found == updates_.end()) return taken_out_ <= since;
  const update& newest = found->second;
  if (newest.moment > since) return false;
  row.version = newest.version;
  row.initialised = newest.initialised;
  if (newest.initialised) row.input.reset();
  if (with_state) row.state = newest.state;
  return true;
}

// Without the lock: nobody else changes it.
const log_tail::update* log_tail::find(const actor_id& id) const noexcept {
  const auto found = updates_.find(id);
  return found == updates_.end() ? nullptr : &found->second;
}

std::vector<actor_id> log_tail::ids() const {
  std::vector<actor_id> all;
  all.reserve(updates_.size());
  for (const auto& [id, newest] : updates_) all.push_back(id);
  return all;
}

// All memory is taken here, before the commit.
void log_tail::begin(std::span<const log_record> records) {
  const std::lock_guard lock{mutex_};
  committing_ = records;
  places_.assign(records.size(), nullptr);
  if (states_.size() < records.size()) states_.resize(records.size());
  for (std::size_t i = 0; i != records.size(); ++i) {
    if (records[i].in_row) continue;
    places_[i] = &updates_[records[i].id];
    states_[i].assign(records[i].state.begin(), records[i].state.end());
  }
}

void log_tail::succeeded() noexcept {
  const std::lock_guard lock{mutex_};
  const std::uint64_t now = moment_.load(std::memory_order_relaxed) + 1;
  for (std::size_t i = 0; i != committing_.size(); ++i) {
    const log_record& record = committing_[i];
    if (record.in_row) {
      if (updates_.erase(record.id) != 0) taken_out_ = now;
      continue;
    }
    update& newest = *places_[i];
    newest.moment = now;
    newest.version = record.version;
    newest.initialised = record.initialised;
    newest.state.swap(states_[i]);
    if (states_[i].capacity() > spare_bytes_max) states_[i] = {};
  }
  committing_ = {};
  moment_.store(now, std::memory_order_release);
}

void log_tail::failed() noexcept {
  const std::lock_guard lock{mutex_};
  for (const log_record& record : committing_) {
    const auto found = updates_.find(record.id);
    if (found != updates_.end() && found->second.moment == not_yet) updates_.erase(found);
  }
  committing_ = {};
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
