// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>

#include <troupe/core/clock.hpp>
#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class cell;
class fiber;
class invocation;
class row_changes;

/// Why a part is unloaded.
enum class unload_reason : std::uint8_t {
  slept,          ///< the actor may wake again in this runtime
  destroyed,      ///< the actor is gone for good, and its rows with it
  runtime_stops,  ///< the actor wakes in another runtime, if it is stored
  lost,           ///< it may wake again, with what the store has: changes that it had made are lost
};

/// The rows that the store has of an actor's parts when the actor wakes; none of an actor that is new or is never
/// stored. A part may move from the rows of its own.
class stored_rows {
 public:
  stored_rows() = default;
  explicit stored_rows(actor_record& from) noexcept : messages_{from.messages}, rows_{from.parts} {}

  /// The messages of the actor's queues; for an entry that `loads_messages`.
  [[nodiscard]] std::span<message_record> messages() const noexcept { return messages_; }
  /// The rows of one collection, in the order of their keys; for an entry that has it in its `collections`.
  [[nodiscard]] std::span<part_record> in(std::uint32_t collection) const noexcept {
    const auto first = std::ranges::lower_bound(rows_, collection, {}, &part_record::collection);
    const auto last = std::ranges::upper_bound(rows_, collection, {}, &part_record::collection);
    return {first, last};
  }

 private:
  std::span<message_record> messages_;
  std::span<part_record> rows_;
};

/// A kind of durable data that an actor has beside its fields: its messages, say. The part is made with the first life
/// of the actor in this runtime, and is empty while the actor sleeps.
///
///     from       to         by                                                              the store
///     unloaded   loaded     `load`, when the actor wakes, before its hooks                  is as the rows say
///     loaded     changed    the part's own functions, in a turn of the actor                knows nothing of it yet
///     changed    loaded     `record`: the changes go with the turn's, in one epoch          will have it, or neither
///     changed    loaded     `roll_back`: the turn cannot be stored                          stays as it is
///     changed    loaded     `discard`: the actor is never stored                            has nothing of it
///     loaded     unloaded   `unload`, when the actor sleeps or is gone                      is as the part was
///
/// A function that changes the part calls `turn::effects()` and `note_change`, so that the end of the turn comes to the
/// part. The holder of the cell calls all of these; `part_list` has the parts of one actor.
class actor_part {
 public:
  actor_part(const actor_part&) = delete;
  actor_part& operator=(const actor_part&) = delete;
  virtual ~actor_part() = default;

  // --- the life of the actor ---

  /// The actor wakes. It is in a turn, which may change the part. One that throws keeps the actor asleep; then nothing
  /// is recorded.
  virtual void load(const stored_rows& stored) = 0;
  /// The actor is awake, and its code may run.
  virtual void woken() {}
  /// The actor is not awake any more. An actor that sleeps is told once more when the runtime stops.
  virtual void unload(unload_reason why) noexcept = 0;

  /// When the actor, which is about to sleep, is to be woken for something that no row of the part tells. This is kept
  /// in memory.
  [[nodiscard]] virtual std::optional<time_point> next_due() const noexcept { return std::nullopt; }
  /// The same for rows: the least due time in `part_change::due` of all that the part has recorded. The store is asked
  /// for it in time, see `alarms`.
  [[nodiscard]] virtual std::optional<wall_time> next_due_row() const noexcept { return std::nullopt; }

  // --- the end of a turn ---

  // Called if the turn has changed the part.

  /// The changes are to be durable with the turn's. It fails for want of memory alone: a change that cannot be encoded
  /// is refused when it is made.
  virtual void record(row_changes& into) = 0;
  /// The turn cannot be stored: the part is as it was before.
  virtual void roll_back() noexcept = 0;
  /// The actor is never stored: the changes stay in memory.
  virtual void discard() noexcept = 0;

  // --- code that holds something of the part ---

  /// An invocation that has set `settles_parts` is over. True if that was a failed attempt at something that the part
  /// handed out, so that the failure costs that its back-off.
  virtual bool invocation_ended(const invocation&, const std::exception_ptr& /*failure*/) noexcept { return false; }
  /// The same for an action that ran on its caller's thread, without an invocation.
  virtual void plain_action_ended(bool /*failed*/) noexcept {}
  /// A branch of an invocation is over, and the whole takes over what it holds.
  virtual void branch_ended(const fiber& /*branch*/, const fiber& /*whole*/, bool /*cancelled*/) noexcept {}
  /// A text for people about the things that an invocation holds: `, message 5 of queue "work"`; empty if it holds
  /// none.
  [[nodiscard]] virtual std::string describe_held(const invocation&) const { return {}; }

  /// The turn has changed the part.
  void note_change() noexcept {
    if (changed_) return;
    changed_ = true;
    next_changed_ = *first_changed_;
    *first_changed_ = this;
  }

  cell& owner;

 protected:
  explicit actor_part(cell& c) noexcept : owner{c} {}

 private:
  friend class part_list;
  bool changed_ = false;
  actor_part* next_changed_ = nullptr;
  actor_part** first_changed_ = nullptr;  ///< in the actor's list
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
