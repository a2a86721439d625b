// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Bugs that are built in on purpose, to prove that tests find them: tests/simulation/planted.
/// Each stands for a mistake that somebody could make.
enum class planted : std::uint8_t {
  none,
  gate_dropped,              ///< a reply leaves at once, whatever it depends on
  freeze_forgotten,          ///< a large state is not encoded before a turn of a later epoch changes it
  dependency_dropped,        ///< a turn does not take in what its message depends on
  read_dependency_dropped,   ///< a call of a turn that changes nothing does not depend on what the turn has read
  ack_before_commit,         ///< a reply waits for the epoch before: it leaves when the commit of its own begins
  failed_commit_forgotten,   ///< what is tried again after a failed commit is not what failed
  double_activation,         ///< an actor is in the directory only once it is awake, so two may wake it
  lost_wake_up,              ///< who lets go of an actor does not look whether a message has come meanwhile
  mailbox_reordered,         ///< what has queued up is not turned round: the newest comes first
  exclusive_forgotten,       ///< an exclusive action lets others in when it awaits
  timer_lost,                ///< of timers that are due at the same time, one fires
  sleep_loses_change,        ///< what a relaxed actor has not saved when it is put to sleep is not saved
  save_skipped,              ///< the timer of a relaxed actor's save is not armed
  destroyed_comes_back,      ///< an actor is destroyed in memory alone
  queue_acknowledged_early,  ///< a message is removed from the store when it is taken
  message_sent_twice,        ///< that a message has arrived is not noted, so the next process sends it again
  message_forgotten,         ///< an actor that is put to sleep is not woken for its messages
  due_message_missed,        ///< a message becomes due while its actor is awake, and the actor does not look
  rows_of_failed_turn_kept,  ///< a turn whose state cannot be stored still sends and acknowledges
  event_before_commit,       ///< an event leaves at once, whatever it depends on
  log_dropped_early,         ///< rows of the log are dropped before all that they say has been folded
  bad_message_stalls_loop,   ///< a run that throws while it holds a message waits for its own back-off
  event_reordered,           ///< an event that may leave overtakes one that waits
  stopped_call_runs,         ///< a call whose stop token was triggered before it began runs
  gate_given_up_quietly,     ///< a caller that gives up while only the commit is missing is not told that it ran
  refused_get_runs,          ///< get() on a thread that must not block is refused after the action has run
  deadlock_missed,           ///< a cycle of calls that keep one another out is not noticed
  wake_without_chain,        ///< the hooks of a wake do not descend from the calls that wait for it
  inner_hold_opens,          ///< an exclusive action that ends within another one opens the actor to all
  destroyed_takes_more,      ///< an actor that was told to end takes calls and messages until it does
  given_up_call_runs,        ///< a call whose caller has given up while it waited runs all the same
  stop_token_ignored,        ///< a caller that waits does not hear of its stop token
  posted_exclusive_shared,   ///< an exclusive action that was posted lets others in when it awaits
  posted_exclusive_unlinked,  ///< calls that a posted exclusive action leads to are kept out
  named_exclusive_shared,    ///< an exclusive action that was called by name lets others in when it awaits
  background_intrudes,       ///< background tasks and run loops go on while an exclusive action holds the actor
  line_reply_ungated,        ///< a reply over a connection leaves at once, whatever it depends on
  delay_ignored,             ///< a delayed message may be taken at once
  delay_forgotten_at_wake,   ///< a delayed message may be taken as soon as its actor wakes
  retry_acknowledges,        ///< a message that is given back with retry() is gone
  waiting_parcel_dropped,    ///< a message that waits at a full queue is lost when the actor goes to sleep
  unencodable_put_off,       ///< a state whose encoding can fail is encoded when its epoch closes, if it is large
  attempt_not_committed,     ///< the attempt at a message is not committed before its handler begins
  send_without_limit,        ///< a sender that waits does not heed its time limit
  refused_call_counted,      ///< a call that is refused at its turn keeps its place among those that wait
  overloaded_call_counted,   ///< a call that is refused because too many wait is counted among them
  line_exclusive_shared,     ///< an exclusive action that was called over a connection lets others in when it awaits
  own_delay_ignored,         ///< a delayed message to the actor itself may be taken at once
  sent_delay_ignored,        ///< a delayed message of another actor may be taken at once
  stopped_send_goes,         ///< a message whose stop token was triggered before goes out, if its sender waits
  opening_not_checked,       ///< a commit does not look whether another runtime has opened the database
  part_change_kept,          ///< a part keeps in memory what a turn changed that cannot be stored
  due_row_forgotten,         ///< an actor that is put to sleep is not woken for a row that is due later
  lost_files_unnoticed,      ///< a commit is acknowledged though the database or its log is no longer where it was
  own_commit_not_awaited,    ///< where each actor is committed alone: a reply does not wait for its actor's commit
  call_leaves_ungated,       ///< the same: a call leaves its actor before that actor's commit
  repeat_not_recognised,     ///< the same: a message that comes again is taken for a new one
};

#ifdef TROUPE_PLANTED_FAULTS
/// Whether the environment variable TROUPE_PLANTED names this one.
[[nodiscard]] bool is_planted(planted which) noexcept;
#else
/// In a library that is built for use nothing is planted, and nothing is left of the question.
[[nodiscard]] consteval bool is_planted(planted) noexcept { return false; }
#endif

}  // namespace detail
}  // namespace v0
}  // namespace troupe
