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

message_table::messages::node_type message_table::remove(queued_message& m) noexcept {
  leave_place(m);
  TROUPE_ASSERT(!subqueues_[m.subqueue].ready.contains(m.id), "a message that is removed is not ready");
  --subqueues_[m.subqueue].count;
  return all_.extract(m.id);
}

void message_table::clear() noexcept {
  timed_.clear();
  held_.clear();
  for (subqueue_state& each : subqueues_) each = {};
  all_.clear();
}

queued_message* message_table::oldest_not_held(std::uint32_t subqueue) noexcept {
  for (auto& [id, m] : all_) {
    if (m.subqueue == subqueue && m.where != place::held) return &m;
  }
  return nullptr;
}

queued_message* message_table::first_ready(subqueue_list subqueues) const noexcept {
  queued_message* first = nullptr;
  for (const std::uint32_t subqueue : subqueues) {
    const auto& ready = subqueues_[subqueue].ready;
    if (!ready.empty() && (first == nullptr || ready.begin()->first < first->id)) first = ready.begin()->second;
  }
  return first;
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

void message_table::hold(queued_message& m) {
  TROUPE_ASSERT(m.where == place::ready, "a consumer takes messages that are ready");
  held_.push_back(&m);
  m.held_at = held_.size() - 1;
  subqueues_[m.subqueue].ready.erase(m.id);
  m.lease = ++leases_;
  m.where = place::held;
}

void message_table::limit(queued_message& m, time_point until) {
  TROUPE_ASSERT(m.where == place::held, "the time of a consumer is limited while it holds the message");
  clear_time(m);
  set_time(m, until);
}

void message_table::let_go(queued_message& m) noexcept {
  TROUPE_ASSERT(m.where == place::held, "a consumer lets go of a message that it holds");
  TROUPE_ASSERT(held_[m.held_at] == &m, "a message that is held knows its place");
  clear_time(m);
  held_[m.held_at] = held_.back();
  held_[m.held_at]->held_at = m.held_at;
  held_.pop_back();
  m.lease = 0;
  m.where = place::aside;
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
