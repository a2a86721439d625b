// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <troupe/runtime/turn.hpp>

#include "actor_part.hpp"
#include "message_table.hpp"
#include "rows.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The changes of a turn to its actor's messages, each noted as of before the turn, so that the turn can be recorded,
/// or undone, at its end. The cell's holder's.
class queue_changes {
 public:
  /// The message as it was before the turn; nothing if it is new.
  struct entry {
    std::uint64_t id;
    std::optional<queued_message> before;
  };

  queue_changes(actor_part& part, message_table& table) noexcept : part_{part}, table_{table} {}

  /// The message is about to change in this turn.
  void note(queued_message& m, turn& now) {
    begin(now);
    if (!std::exchange(m.touched, true)) log_.push_back({m.id, m});
  }
  /// A message with this id is about to come.
  void note_new(std::uint64_t id, turn& now) {
    begin(now);
    log_.push_back({id, std::nullopt});
  }
  /// The message is about to be removed: `finish_removal` follows, and is given the result. Nothing has changed if this
  /// throws.
  [[nodiscard]] bool begin_removal(const queued_message& m, turn& now) {
    begin(now);
    if (m.touched) return false;
    log_.push_back({m.id, std::nullopt});
    return true;
  }
  /// Removes a message, which has been let go; it was held under this lease before, 0 for none. A new entry takes it
  /// over, so that it is not copied.
  void finish_removal(queued_message& m, std::uint64_t lease, bool has_new_entry) noexcept;

  /// The changes go with the turn.
  void record(row_changes& into);
  /// The changes stay in memory.
  void discard() noexcept;
  /// The changes, to be undone.
  [[nodiscard]] std::vector<entry> take() noexcept { return std::exchange(log_, {}); }
  void clear() noexcept { log_.clear(); }

 private:
  void begin(turn& now) noexcept {
    now.effects();
    part_.note_change();
  }

  actor_part& part_;
  message_table& table_;
  std::vector<entry> log_;
};

/// Attempts are counted up to here.
inline constexpr std::uint32_t attempts_limit = 0xff'ffff;

/// Reads the count of attempts in the row of a message of this queue.
void restore_attempts(queued_message& m, std::uint32_t stored, const queue_entry& entry) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
