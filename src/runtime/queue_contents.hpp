// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <troupe/actor/definition.hpp>
#include <troupe/actor/queues.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/runtime/turn.hpp>

#include "actor_part.hpp"
#include "cell_messages.hpp"
#include "message_table.hpp"
#include "queue_changes.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class consumers;

/// The bit that parked waits of a subqueue look at; subqueues may share one.
[[nodiscard]] constexpr std::uint64_t subqueue_bit(std::uint32_t subqueue) noexcept {
  return std::uint64_t{1} << subqueue % 64;
}

/// The messages of an awake actor, and the effects of their moves: a message that becomes ready wakes consumers, one
/// that has a time arms the alarm, one that changes is noted for the end of the turn. The cell's holder's.
class queue_contents {
 public:
  /// `look` runs when a time is past.
  queue_contents(actor_part& part, cell_alarm::handler look);
  ~queue_contents();

  [[nodiscard]] const queue_entry& entry_of(const queued_message& m) const noexcept {
    return owner.type().queues[m.queue()];
  }
  /// For people.
  [[nodiscard]] std::string describe(const queued_message& m) const;
  [[nodiscard]] bool is_used_up(const queued_message& m) const noexcept {
    return m.failures() >= entry_of(m).options.attempts_max;
  }
  /// Throws if no turn of the actor runs on the calling thread.
  [[nodiscard]] turn& this_turn() const { return own_turn(owner, "queue"); }

  /// A message comes into a queue, in a turn of the actor. Returns its id.
  std::uint64_t add(std::uint32_t queue, message_body body, time_point due);
  /// Whether this program can read it. One of a newer program stays in its place: decoding it could lose fields that
  /// this program does not know.
  void check_version(queued_message& m) const noexcept;
  void report_newer(std::uint32_t queue, std::size_t count) noexcept;

  /// The message is about to change.
  void note(queued_message& m) { changes.note(m, this_turn()); }
  void make_ready(queued_message& m);
  void delay(queued_message& m, time_point until);
  /// Until it is due, which may be past.
  void postpone(queued_message& m, time_point due);
  /// The time of the consumer that holds it ends then.
  void limit(queued_message& m, time_point until);
  /// If a consumer holds it, that does so no longer, and no longer serves the sender.
  void let_go(queued_message& m) noexcept {
    if (m.lease == 0) return;
    if (m.chain) end_serving(m);
    table.let_go(m);
  }
  /// Takes it out of all.
  void forget(queued_message& m) noexcept;
  /// The same, noted for the end of the turn.
  void note_and_forget(queued_message& m);

  /// The alarm is armed for the first time, if there is one.
  void arm() noexcept;
  void disarm() noexcept;
  /// All is gone from memory.
  void clear() noexcept;

  cell& owner;
  message_table table;
  queue_changes changes;
  const std::unique_ptr<consumers> handlers;  ///< null if no queue has a handler

 private:
  void end_serving(queued_message& m) noexcept;

  cell_alarm alarm_;
  std::optional<time_point> armed_at_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
