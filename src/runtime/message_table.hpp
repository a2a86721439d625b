// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <troupe/actor/call_chain.hpp>
#include <troupe/actor/invocation.hpp>
#include <troupe/actor/queues.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/fiber.hpp>

#include "due_times.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// A message in a queue of an awake actor.
struct queued_message {
  /// Where in its table it is. The table alone changes this.
  enum class place : std::uint8_t {
    aside,    ///< in no order: it is being moved, or no consumer can read it
    ready,    ///< a consumer may take it
    delayed,  ///< it has a time, and is ready then
    held,     ///< a consumer has it, and a lease; maybe for a limited time
  };

  std::uint64_t id = 0;
  std::uint32_t subqueue = 0;    ///< the table alone changes this
  std::uint32_t attempts = 0;    ///< that have begun
  std::uint32_t cuts = 0;        ///< of those, the ones that do not count: the process died meanwhile
  place where = place::aside;
  bool unreadable = false;       ///< of a newer version, or a dead letter that cannot be decoded: no consumer gets it
  bool touched = false;          ///< in this turn: see `queue_changes`
  wall_time created_at{};
  wall_time due_at{};            ///< for the row: `created_at` if it was not delayed
  time_point due = at_once;      ///< the same on the executor's clock
  message_body body;
  std::exception_ptr why;        ///< the last attempt failed, if that was in this life
  std::optional<time_point> at;  ///< when its delay or the time of its consumer is over. The table alone changes this
  std::uint64_t lease = 0;       ///< 0: no consumer holds it. The table alone changes this
  std::size_t held_at = 0;       ///< of the table: its place among those that are held
  const fiber* by = nullptr;     ///< the fiber that holds it; null for a plain action
  invocation* of = nullptr;
  call_chain::pointer chain;     ///< of the sender that waits for the answer, while a consumer holds it
  counted_ptr<invocation> served;  ///< that sender

  [[nodiscard]] bool dead() const noexcept { return subqueue % subqueues_per_queue == 1; }
  [[nodiscard]] std::uint32_t queue() const noexcept { return subqueue / subqueues_per_queue; }
  [[nodiscard]] std::uint32_t failures() const noexcept { return attempts - cuts; }
};

/// The messages in the queues of one actor. It knows neither the actor nor a clock. Not thread-safe.
///
///     from      to        by
///               aside     `add`, `put_back`
///     any       ready     `make_ready`, of a message that can be read
///     any       delayed   `delay`
///     ready     held      `hold`
///     held      aside     `let_go`
///     delayed   aside     `take_due`
///     held      held      `limit`, `take_due`
///     any       aside     `move_to`
///     any                 `remove`, `clear`
///
/// 1. A message is in the order of its subqueue while it is ready, and only then.
/// 2. It is among the times while it has one; it has one while it is delayed, and may have one while it is held.
/// 3. It has a lease and is among the held ones while it is held, and only then. No two leases have the same number.
/// 4. The count of a subqueue is that of its messages, wherever they are.
///
/// A message that is held is let go before it goes to another place, so that its consumer's part in it can be ended.
class message_table {
 public:
  using messages = std::map<std::uint64_t, queued_message>;

  explicit message_table(std::size_t subqueues) : subqueues_(subqueues) {}

  /// A new message. There is none with this id.
  queued_message& add(std::uint64_t id, std::uint32_t subqueue);
  /// A message as it was at some time before, in this table. There is none with its id.
  queued_message& put_back(queued_message&& m);
  /// Takes it out, with its node.
  messages::node_type remove(queued_message& m) noexcept;
  void clear() noexcept;

  /// In the order of their ids, which is that in which they came.
  [[nodiscard]] const messages& all() const noexcept { return all_; }
  /// Null if there is none.
  [[nodiscard]] queued_message* find(std::uint64_t id) noexcept {
    const auto found = all_.find(id);
    return found == all_.end() ? nullptr : &found->second;
  }
  /// The oldest of a subqueue that is not held; null if there is none.
  [[nodiscard]] queued_message* oldest_not_held(std::uint32_t subqueue, std::uint64_t after = 0) noexcept;
  /// The oldest of these subqueues that is ready; null if there is none.
  [[nodiscard]] queued_message* first_ready(subqueue_list subqueues) const noexcept;
  [[nodiscard]] std::size_t count(std::uint32_t subqueue) const noexcept { return subqueues_[subqueue].count; }
  [[nodiscard]] std::size_t ready(std::uint32_t subqueue) const noexcept { return subqueues_[subqueue].ready.size(); }

  /// False for one that no consumer can read: that is aside.
  bool make_ready(queued_message& m) {
    leave_place(m);
    if (m.unreadable) return false;
    subqueues_[m.subqueue].ready.emplace(m.id, &m);
    m.where = place::ready;
    return true;
  }
  void delay(queued_message& m, time_point until);
  /// Into another subqueue.
  void move_to(queued_message& m, std::uint32_t subqueue) noexcept;

  /// One that is ready goes to a consumer, with a new lease.
  void hold(queued_message& m);
  /// The consumer's time ends then.
  void limit(queued_message& m, time_point until);
  void let_go(queued_message& m) noexcept;
  /// The messages that consumers hold. One that is let go leaves its place to the last of them.
  [[nodiscard]] std::span<queued_message* const> held() const noexcept { return held_; }

  /// The first of all times.
  [[nodiscard]] std::optional<time_point> first_time() const noexcept {
    return timed_.empty() ? std::nullopt : std::optional{timed_.begin()->first};
  }
  /// The message with the first time, if that is past. It has none any more. Null: no time is past.
  [[nodiscard]] queued_message* take_due(time_point now) noexcept;

 private:
  using place = queued_message::place;
  struct subqueue_state {
    std::map<std::uint64_t, queued_message*> ready;
    std::size_t count = 0;
  };

  void set_time(queued_message& m, time_point at) {
    timed_.emplace(at, m.id);
    m.at = at;
  }
  void clear_time(queued_message& m) noexcept {
    if (!m.at) return;
    timed_.erase({*m.at, m.id});
    m.at.reset();
  }
  void leave_place(queued_message& m) noexcept {
    TROUPE_ASSERT(m.where != place::held, "a message that is held is let go first");
    if (m.where == place::ready) subqueues_[m.subqueue].ready.erase(m.id);
    clear_time(m);
    m.where = place::aside;
  }

  messages all_;
  std::vector<subqueue_state> subqueues_;
  std::set<std::pair<time_point, std::uint64_t>> timed_;
  std::vector<queued_message*> held_;
  std::uint64_t leases_ = 0;
};

// Each message that is handled comes through these.

inline message_table::messages::node_type message_table::remove(queued_message& m) noexcept {
  leave_place(m);
  TROUPE_ASSERT(!subqueues_[m.subqueue].ready.contains(m.id), "a message that is removed is not ready");
  --subqueues_[m.subqueue].count;
  return all_.extract(m.id);
}

inline queued_message* message_table::first_ready(subqueue_list subqueues) const noexcept {
  queued_message* first = nullptr;
  for (const std::uint32_t subqueue : subqueues) {
    const auto& ready = subqueues_[subqueue].ready;
    if (!ready.empty() && (first == nullptr || ready.begin()->first < first->id)) first = ready.begin()->second;
  }
  return first;
}

inline void message_table::hold(queued_message& m) {
  TROUPE_ASSERT(m.where == place::ready, "a consumer takes messages that are ready");
  held_.push_back(&m);
  m.held_at = held_.size() - 1;
  subqueues_[m.subqueue].ready.erase(m.id);
  m.lease = ++leases_;
  m.where = place::held;
}

inline void message_table::limit(queued_message& m, time_point until) {
  TROUPE_ASSERT(m.where == place::held, "the time of a consumer is limited while it holds the message");
  clear_time(m);
  set_time(m, until);
}

inline void message_table::let_go(queued_message& m) noexcept {
  TROUPE_ASSERT(m.where == place::held, "a consumer lets go of a message that it holds");
  TROUPE_ASSERT(held_[m.held_at] == &m, "a message that is held knows its place");
  clear_time(m);
  held_[m.held_at] = held_.back();
  held_[m.held_at]->held_at = m.held_at;
  held_.pop_back();
  m.lease = 0;
  m.where = place::aside;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
