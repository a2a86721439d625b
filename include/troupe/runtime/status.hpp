// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/clock.hpp>

namespace troupe {
inline namespace v0 {

/// What an actor is doing, and why it is not asleep. A snapshot.
struct actor_status {
  enum class phase : std::uint8_t { asleep, waking, awake, stopping, finalising };

  phase state = phase::asleep;
  actor_id id;                       ///< nil if the actor is asleep and was not looked up since
  std::size_t calls_waiting = 0;     ///< in its mailbox, not begun
  std::vector<std::string> running;  ///< actions and background tasks that have begun and now await something
  std::string exclusive;             ///< the exclusive action that keeps others out, or empty
  bool unsaved = false;              ///< has changes that are not durable yet
  std::string reason;                ///< the same in one sentence, for people

  /// For each of `running`, what it waits for: "touch in party/b, while reach held the actor", "a delay", "a message",
  /// "a commit"; empty if its next turn is all that it waits for. Ask for the status of an actor that is named there to
  /// go on.
  std::vector<std::string> waits;
  /// Since when the actor has been in this phase, by the executor's clock. Not noted of one that is asleep, that loads,
  /// or that was woken at once because it is ephemeral and has no hooks.
  std::optional<time_point> since;
  /// What the last action, hook or task that failed since the actor woke has thrown; empty if none has.
  /// Empty for an actor of another process: the text of an error may be internal.
  std::string last_error;
};

/// How a runtime is doing. A snapshot.
struct runtime_health {
  bool store_ok = true;           ///< the last commit succeeded, or none has been tried
  std::string store_error;        ///< else: why it failed
  std::uint32_t failures = 0;     ///< commits that failed one after another
  bool accepts_changes = true;    ///< false when the backlog is full, or the store's outcome is unknown
  std::size_t backlog_actors = 0; ///< actors with changes that wait to be committed
  std::size_t backlog_bytes = 0;  ///< of those, encoded so far
  std::size_t awake = 0;          ///< actors awake, or on their way
  std::size_t held = 0;           ///< actors with a place in memory
  std::uint64_t commits = 0;      ///< since the start
  /// With a store of `commit_cut::per_actor`: commits since the start that the store refused, or does not know the
  /// outcome of. Their actors have ended, and start again from what the store has.
  std::uint64_t losses = 0;
  std::string last_loss;          ///< the last one of these: the actor, and why; empty: there was none
  std::uint64_t errors = 0;       ///< reported to the error handler
};

}  // namespace v0
}  // namespace troupe
