// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include <troupe/store/store.hpp>

#include "log_record.hpp"
#include "log_tail.hpp"
#include "opening_check.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_transaction.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Updates of states go to the end of a log, a row for each commit, and later to their actors' rows: sorted, the newest
/// of each actor, many at a time. So a commit writes few pages, one behind the other, however its actors are scattered.
/// After the log-structured merge-tree (O'Neil et al., 1996), with one level.
///
/// Compaction is in rounds. A round takes the actors that are in the log when it begins, in batches that lie between
/// commits, and then drops the log's rows up to that point, the oldest first. Whatever batch a process comes to, the
/// log still says what the rows do not: a record that counts no more is older than all others of its actor.
///
/// Used by the committing thread.
class sqlite_log {
 public:
  /// Compacts when so many bytes are in the log. `waits` if commits wait for the disk: compaction does not, since what
  /// it does is in the log until a later commit has synced it.
  sqlite_log(sqlite_connection& connection, sqlite_transaction& transaction, log_tail& tail, opening_check& opening,
             std::size_t bytes, bool waits);

  /// Takes in what an earlier process has left.
  void read();

  // --- in a transaction of the writer's; actors in the order of their ids ---

  /// Whether a commit that updates states of so many bytes has anything to gain here. One that would fill the log by
  /// itself would be compacted at once: its updates had better go to their rows.
  [[nodiscard]] bool is_for(std::size_t update_bytes) const noexcept;
  [[nodiscard]] bool has(const actor_id& id) const noexcept { return tail_.find(id) != nullptr; }
  void add(const write_set& update);
  /// The actor's row is newer than what is in the log, or is gone.
  void supersede(const actor_id& id);
  /// Last, before the commit.
  void append();
  void succeeded() noexcept;
  void failed() noexcept;

  // --- between transactions ---

  /// Compacts a batch, if it is time to. A failure is no commit's and loses nothing: it is tried again later.
  void compact_some() noexcept;
  /// Compacts all. Throws if it cannot.
  void compact_all();
  /// Before a commit: compacts if the log is so long that more must not be added. Throws if it cannot.
  void require_space();

 private:
  struct row {
    std::int64_t sequence = 0;
    std::size_t bytes = 0;
  };
  struct batch {
    std::size_t actors = 0;
    std::size_t rows = 0;
    std::size_t bytes = 0;
  };

  void begin_round();
  void compact(const batch& most);
  void write_actors(std::size_t most);
  [[nodiscard]] std::size_t drop_rows(const batch& most);

  sqlite_connection& connection_;
  sqlite_transaction& transaction_;
  log_tail& tail_;
  opening_check& opening_;
  const std::size_t compact_at_bytes_;
  const std::size_t batch_bytes_;
  const bool waits_;

  std::deque<row> rows_;
  std::size_t bytes_ = 0;  ///< of all rows

  // Of the present transaction.
  std::vector<log_record> records_;
  bytes row_;
  bool is_appended_ = false;

  // Of the present round.
  bool compacting_ = false;
  std::vector<actor_id> actors_;  ///< of the round, sorted
  std::size_t next_actor_ = 0;
  std::int64_t last_row_ = 0;     ///< the last one to drop
  batch pace_;                  ///< what the last commit added
  std::size_t compact_at_;           ///< how many bytes start the next round
  std::vector<log_record> compacted_;

  sqlite_statement append_;
  sqlite_statement update_;
  sqlite_statement drop_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
