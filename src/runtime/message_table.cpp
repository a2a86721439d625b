// SPDX-License-Identifier: Apache-2.0
#include "message_table.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

queued_message& message_table::add(std::uint64_t id, std::uint32_t subqueue) {
  const auto [at, is_new] = all_.try_emplace(id);
  TROUPE_ASSERT(is_new, "a message comes into its table once");
  queued_message& m = at->second;
  m.id = id;
  m.subqueue = subqueue;
  ++subqueues_[subqueue].count;
  return m;
}

queued_message& message_table::put_back(queued_message&& before) {
  TROUPE_ASSERT(!all_.contains(before.id), "a message is put back where there is none");
  queued_message& m = all_[before.id];
  m = std::move(before);
  m.where = place::aside;
  m.at.reset();
  m.lease = 0;
  m.chain.reset();
  m.served = {};
  ++subqueues_[m.subqueue].count;
  return m;
}

void message_table::clear() noexcept {
  timed_.clear();
  held_.clear();
  for (subqueue_state& each : subqueues_) each = {};
  all_.clear();
}

queued_message* message_table::oldest_not_held(std::uint32_t subqueue, std::uint64_t after) noexcept {
  for (auto at = all_.upper_bound(after); at != all_.end(); ++at) {
    if (at->second.subqueue == subqueue && at->second.where != place::held) return &at->second;
  }
  return nullptr;
}

void message_table::delay(queued_message& m, time_point until) {
  leave_place(m);
  set_time(m, until);
  m.where = place::delayed;
}

void message_table::move_to(queued_message& m, std::uint32_t subqueue) noexcept {
  leave_place(m);
  --subqueues_[m.subqueue].count;
  m.subqueue = subqueue;
  ++subqueues_[subqueue].count;
}

queued_message* message_table::take_due(time_point now) noexcept {
  if (timed_.empty() || timed_.begin()->first > now) return nullptr;
  queued_message& m = all_.find(timed_.begin()->second)->second;
  clear_time(m);
  if (m.where == place::delayed) m.where = place::aside;
  return &m;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
