// SPDX-License-Identifier: Apache-2.0
#include "queue_changes.hpp"

#include <algorithm>
#include <chrono>

#include <troupe/actor/definition.hpp>
#include <troupe/runtime/cell.hpp>

#include "../core/planted.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr unsigned cuts_shift = 24;
constexpr std::uint32_t cuts_limit = 255;

// A row has both counts of attempts in one number: in its upper bits those that do not count. And an attempt that has
// begun and not ended shows in the row's time: that is the message's own, which no other row with attempts has. So the
// next process knows that the death of this one cut it off.
void show(const queued_message& m, message_row& row) {
  row.attempts = m.attempts | m.cuts << cuts_shift;
  row.due_at = m.due_at;
  if (m.dead()) return;
  if (m.lease != 0) {
    row.due_at = m.created_at;
  } else if (m.attempts != 0 && m.due_at <= m.created_at && m.created_at != wall_time::max()) {
    row.due_at = m.created_at + std::chrono::milliseconds{1};
  }
}

}  // namespace

// After very many deaths they count after all.
void restore_attempts(queued_message& m, std::uint32_t stored, const queue_entry& entry) noexcept {
  m.attempts = stored & attempts_limit;
  m.cuts = std::min(stored >> cuts_shift, m.attempts);
  const bool is_cut = !m.dead() && m.attempts > m.cuts && m.due_at <= m.created_at;
  if (is_cut && !entry.options.attempt_first && m.cuts < cuts_limit) ++m.cuts;
}

void queue_changes::finish_removal(queued_message& m, std::uint64_t lease, bool has_new_entry) noexcept {
  auto node = table_.remove(m);
  if (!has_new_entry) return;
  auto& before = log_.back().before;
  before = std::move(node.mapped());
  before->lease = lease;
}

void queue_changes::record(row_changes& into) {
  for (const entry& each : log_) {
    queued_message* const m = table_.find(each.id);
    if (m == nullptr) {
      if (each.before) into.remove(each.id);
      continue;
    }
    m->touched = false;
    if (m->lease != 0 && each.before && is_planted(planted::queue_acknowledged_early)) {
      into.remove(each.id);
      continue;
    }
    message_row row;
    row.queue = part_.owner.type().queues[m->queue()].name;
    row.dead = m->dead();
    row.fresh = !each.before;
    row.created_at = m->created_at;
    row.body = m->body;
    show(*m, row);
    into.put(m->id, std::move(row));
  }
  log_.clear();  // the memory serves the next turn
}

void queue_changes::discard() noexcept {
  for (const entry& each : log_) {
    if (queued_message* const m = table_.find(each.id); m != nullptr) m->touched = false;
  }
  log_.clear();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
