// SPDX-License-Identifier: Apache-2.0
#include "sqlite_log.hpp"

#include <algorithm>
#include <utility>

#include "../core/planted.hpp"
#include "sqlite_schema.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// A batch is a small part of a log that is full, takes some milliseconds at most, and is no less than twice what a
// commit adds: so a round ends before the log has grown by as much again.
constexpr std::size_t batches = 32;
constexpr std::size_t batch_bytes_max = 512 * 1024;
constexpr std::size_t actor_bytes = 2048;  // as if an update had so many, its page included
constexpr std::size_t row_bytes = 4096;
constexpr std::size_t pace = 2;

// The log may grow to so many times the size at which compaction begins. It comes near only while compaction fails.
constexpr std::size_t overfull = 4;

// No commit is too long for a log on account of an option that makes that one short.
constexpr std::size_t commit_bytes_min = 1024 * 1024;

// And none is longer than a row may be, on account of an option that makes it long.
constexpr std::size_t commit_bytes_max = 256 * 1024 * 1024;

constexpr std::int64_t sequence_max = std::int64_t{1} << 60;

}  // namespace

sqlite_log::sqlite_log(sqlite_connection& connection, sqlite_transaction& transaction, log_tail& tail,
                       opening_check& opening, std::size_t bytes, bool waits)
    : connection_{connection},
      transaction_{transaction},
      tail_{tail},
      opening_{opening},
      compact_at_bytes_{std::max<std::size_t>(bytes, 1)},
      batch_bytes_{std::min(bytes / batches, batch_bytes_max)},
      waits_{waits},
      compact_at_{compact_at_bytes_},
      append_{connection.prepare(sql::append_to_log)},
      update_{connection.prepare(sql::update_actor)},
      drop_{connection.prepare(sql::drop_from_log)} {}

void sqlite_log::read() {
  sqlite_statement query = connection_.prepare(sql::read_log);
  std::vector<log_record> records;
  while (query.step()) {
    const bytes_view stored = query.blob(1);
    const row next{.sequence = query.number(0), .bytes = stored.size()};
    const std::int64_t before = rows_.empty() ? 0 : rows_.back().sequence;
    if (next.sequence <= before || next.sequence > sequence_max) {
      throw connection_.corrupt("the log is out of order");
    }
    records.clear();
    for (log_row rest{stored}; !rest.at_end();) {
      const auto record = rest.next();
      if (!record) throw connection_.corrupt("a row of the log is damaged");
      if (!records.empty() && !(records.back().id < record->id)) throw connection_.corrupt("the log is out of order");
      records.push_back(*record);
    }
    tail_.begin(records);
    tail_.succeeded();
    rows_.push_back(next);
    bytes_ += next.bytes;
  }
}

// --- committing -----------------------------------------------------------------------------------------------------

bool sqlite_log::is_for(std::size_t update_bytes) const noexcept {
  return update_bytes <= std::clamp(compact_at_bytes_, commit_bytes_min, commit_bytes_max);
}

void sqlite_log::add(const write_set& update) {
  records_.push_back({.id = update.id, .in_row = false, .initialised = update.initialised, .version = update.version,
                      .state = update.state});
  append_record(row_, records_.back());
}

void sqlite_log::supersede(const actor_id& id) {
  if (rows_.empty()) return;
  records_.push_back({.id = id, .in_row = true});
  append_record(row_, records_.back());
}

void sqlite_log::append() {
  if (records_.empty()) return;
  const row next{.sequence = rows_.empty() ? 1 : rows_.back().sequence + 1, .bytes = row_.size()};
  rows_.push_back(next);
  is_appended_ = true;
  append_.bind(1, next.sequence);
  append_.bind(2, row_);
  append_.run();
  tail_.begin(records_);
}

void sqlite_log::succeeded() noexcept {
  tail_.succeeded();
  bytes_ += row_.size();
  pace_ = {.actors = records_.size(), .rows = is_appended_ ? 1U : 0U, .bytes = row_.size()};
  is_appended_ = false;
  records_.clear();
  row_.clear();
}

void sqlite_log::failed() noexcept {
  tail_.failed();
  if (std::exchange(is_appended_, false)) rows_.pop_back();
  records_.clear();
  row_.clear();
}

// --- compaction -----------------------------------------------------------------------------------------------------

void sqlite_log::compact_some() noexcept {
  if (!compacting_ && bytes_ < compact_at_) return;
  try {
    if (!compacting_) begin_round();
    compact({.actors = std::max({std::size_t{1}, batch_bytes_ / actor_bytes, pace * pace_.actors}),
          .rows = std::max({std::size_t{1}, batch_bytes_ / row_bytes, pace * pace_.rows}),
          .bytes = std::max({std::size_t{1}, batch_bytes_, pace * pace_.bytes})});
  } catch (...) {
    compacting_ = false;
    compact_at_ = bytes_ + compact_at_bytes_ / 4;
  }
}

void sqlite_log::compact_all() {
  while (!rows_.empty()) {
    if (!compacting_) begin_round();
    compact({.actors = 16 * batch_bytes_max / actor_bytes,
          .rows = 16 * batch_bytes_max / row_bytes,
          .bytes = 16 * batch_bytes_max});
  }
}

void sqlite_log::require_space() {
  if (bytes_ / overfull >= compact_at_bytes_) compact_all();
}

void sqlite_log::begin_round() {
  actors_ = tail_.ids();
  std::ranges::sort(actors_);
  next_actor_ = 0;
  last_row_ = rows_.back().sequence;
  compacting_ = true;
}

void sqlite_log::compact(const batch& most) {
  const std::size_t first = next_actor_;
  std::size_t dropped = 0;
  transaction_.roll_back();  // what is still open if an earlier rollback failed
  if (waits_) connection_.execute(sql::synchronous_normal);
  try {
    transaction_.begin();
    opening_.require();  // another owner's rows are not ours to drop
    write_actors(most.actors);
    if (next_actor_ == actors_.size() || is_planted(planted::log_dropped_early)) dropped = drop_rows(most);
    tail_.begin(compacted_);
    transaction_.commit();
  } catch (...) {
    transaction_.roll_back();
    tail_.failed();
    next_actor_ = first;
    if (waits_) connection_.execute(sql::synchronous_full);
    throw;
  }
  opening_.note_own();
  tail_.succeeded();
  for (; dropped != 0; --dropped) {
    bytes_ -= rows_.front().bytes;
    rows_.pop_front();
  }
  if (waits_) connection_.execute(sql::synchronous_full);
  if (!rows_.empty() && rows_.front().sequence <= last_row_) return;
  compacting_ = false;
  compact_at_ = compact_at_bytes_;
}

// The newest update of each, which may be younger than the round: then the log says the same once more.
void sqlite_log::write_actors(std::size_t most) {
  compacted_.clear();
  for (; next_actor_ != actors_.size() && compacted_.size() < most; ++next_actor_) {
    const actor_id& id = actors_[next_actor_];
    const log_tail::update* const newest = tail_.find(id);
    if (newest == nullptr) continue;  // gone
    update_.bind(1, id);
    update_.bind(2, std::int64_t{newest->initialised});
    update_.bind(3, std::int64_t{newest->version});
    update_.bind(4, newest->state);
    update_.run();
    compacted_.push_back({.id = id, .in_row = true});
  }
}

// How many rows it has dropped.
std::size_t sqlite_log::drop_rows(const batch& most) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < rows_.size() && rows_[count].sequence <= last_row_ && count < most.rows && bytes < most.bytes) {
    bytes += rows_[count++].bytes;
  }
  if (count == 0) return 0;
  drop_.bind(1, rows_[count - 1].sequence);
  drop_.run();
  return count;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
