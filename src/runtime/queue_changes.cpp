// SPDX-License-Identifier: Apache-2.0
// How a turn's changes to its actor's queues are noted, recorded and undone.

#include <algorithm>
#include <chrono>
#include <utility>

#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "core.hpp"
#include "queues.hpp"
#include "retry.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr unsigned cuts_shift = 24;
constexpr std::uint32_t cuts_limit = 255;

}  // namespace

void cell_queues::log_undo(queued& m, turn& now) {
  now.effects();
  note_change();
  if (std::exchange(m.touched, true)) return;
  undo_log_.push_back({m.id, m});
}

// The message leaves, so that its entry in the undo log need not be a copy.
void cell_queues::note_and_forget(queued& m) {
  this_turn().effects();
  note_change();
  const bool is_noted = m.touched;
  if (!is_noted) undo_log_.push_back({m.id, std::nullopt});
  const auto lease = m.lease;
  take_out(m);
  const auto node = all_.extract(m.id);
  if (is_noted) return;
  undo_log_.back().before = std::move(node.mapped());
  undo_log_.back().before->lease = lease;
}

void cell_queues::record(row_changes& into) {
  for (const undo_entry& t : undo_log_) {
    const auto found = all_.find(t.id);
    if (found == all_.end()) {
      if (t.before) into.remove(t.id);
      continue;
    }
    queued& m = found->second;
    m.touched = false;
    if (m.lease != 0 && t.before && is_planted(planted::queue_acknowledged_early)) {
      into.remove(t.id);
      continue;
    }
    message_row row;
    row.queue = entry_of(m).name;
    row.dead = m.dead();
    row.fresh = !t.before;
    row.created_at = m.created_at;
    row.body = m.body;
    show(m, row);
    into.put(m.id, std::move(row));
  }
  undo_log_.clear();  // the memory serves the next turn
}

// A row has both counts of attempts in one number: in its upper bits those that do not count. And an attempt that has
// begun and not ended shows in the row's time: that is the message's own, which no other row with attempts has. So the
// next process knows that the death of this one cut it off.
void cell_queues::show(const queued& m, message_row& row) const {
  row.attempts = m.attempts | m.cuts << cuts_shift;
  row.due_at = m.due_at;
  if (m.dead()) return;
  if (m.lease != 0) {
    row.due_at = m.created_at;
  } else if (m.attempts != 0 && m.due_at <= m.created_at && m.created_at != wall_time::max()) {
    row.due_at = m.created_at + std::chrono::milliseconds{1};
  }
}

// After very many deaths they count after all.
void cell_queues::restore_attempts(queued& m, std::uint32_t stored) const noexcept {
  m.attempts = stored & attempts_limit;
  m.cuts = std::min(stored >> cuts_shift, m.attempts);
  const bool is_cut = !m.dead() && m.attempts > m.cuts && m.due_at <= m.created_at;
  if (is_cut && !entry_of(m).options.attempt_first && m.cuts < cuts_limit) ++m.cuts;
}

void cell_queues::discard() noexcept {
  for (const undo_entry& t : undo_log_) {
    if (all_.empty()) break;
    if (const auto found = all_.find(t.id); found != all_.end()) found->second.touched = false;
  }
  undo_log_.clear();
}

// Messages that the turn added are gone again; those that it acknowledged or gave back are there again, and held by
// nobody.
void cell_queues::roll_back() noexcept {
  for (undo_entry& t : std::exchange(undo_log_, {})) {
    const auto found = all_.find(t.id);
    if (found != all_.end() && found->second.lease != 0 && t.before) {
      found->second.touched = false;
      continue;
    }
    if (found != all_.end()) forget(found->second);
    if (!t.before) {
      answer(t.id, std::nullopt, this_turn().failure());
      continue;
    }
    take_back(t);
  }
}

// The turn that handled the message cannot be stored, and might not be the next time either: so this is a failed
// attempt, with its back-off.
void cell_queues::take_back(undo_entry& t) noexcept {
  queued& m = all_[t.id];
  m = std::move(*t.before);
  const bool had_begun = std::exchange(m.lease, 0) != 0;
  m.touched = false;
  m.at.reset();
  m.chain.reset();
  ++subqueues_[m.subqueue].count;
  if (m.dead()) return make_ready(m);
  if (!had_begun && m.attempts < attempts_limit) ++m.attempts;
  const auto& options = entry_of(m).options;
  const auto usual = backoff(options.retry_min, options.retry_max, m.failures());
  const auto wait = std::max<std::chrono::nanoseconds>(usual, std::chrono::milliseconds{1});
  m.due = due_after(owner.core().exec(), wait);
  set_time(m, m.due);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
