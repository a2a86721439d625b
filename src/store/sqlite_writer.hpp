// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <troupe/store/store.hpp>

#include "definition_names.hpp"
#include "log_upkeep.hpp"
#include "opening_check.hpp"
#include "refusal.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_log.hpp"
#include "sqlite_messages.hpp"
#include "sqlite_parts.hpp"
#include "sqlite_transaction.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The committing side of the SQLite store, used by one thread at a time.
class sqlite_writer {
 public:
  /// The connection is open, has our schema, and is not used for anything else. `waits`: a commit does, for the disk.
  sqlite_writer(sqlite_connection& connection, sqlite_transaction& transaction, definition_names& names,
                sqlite_log& log, opening_check& opening, std::size_t value_bytes_max, bool waits);

  /// Fills in `result` and `failure`, and does not call `done`.
  void commit(commit_request& request) noexcept;

  /// Work that can be done between commits. First, compacts a batch of our log, if it is time to. Then moves the pages
  /// of SQLite's log to the database, if many have gathered, and sees to it that the next commits have room in
  /// the file of that log. A failure is not the commit's and loses nothing: all stays where it is, and it is tried
  /// again later.
  void run_maintenance() noexcept;

 private:
  /// A write-set, with what of its id tells most of them apart.
  struct place {
    std::uint64_t first = 0;
    const write_set* write = nullptr;
  };
  struct new_actor {
    const write_set* write = nullptr;
    std::int64_t definition = 0;
  };

  void apply(const commit_request& request);
  void sort_by_id(std::span<const write_set> writes);
  void create(const write_set& write);
  void create_all();
  void bind(sqlite_statement& statement, std::size_t row, const new_actor& one);
  void add_tags();
  void replace_tags(const write_set& write);
  void update(const write_set& write, bool may_log);
  void keep(const write_set& write);
  void destroy(const write_set& write);
  [[nodiscard]] definition_names::entry& store_definition(std::string_view name);
  [[nodiscard]] refusal not_unique(const write_set& write) const;

  void require_actor(const write_set& write, std::string_view verb);

  void roll_back() noexcept;
  [[nodiscard]] bool is_undone(int commit_result) noexcept;
  [[nodiscard]] int commit_elsewhere() noexcept;

  sqlite_connection& connection_;
  sqlite_transaction& transaction_;
  definition_names& names_;
  sqlite_log& log_;
  opening_check& opening_;
  const write_set* at_ = nullptr;  ///< the one that is being written
  std::vector<definition_names::entry*> new_names_;  ///< of the open transaction
  std::vector<place> sorted_;
  std::vector<new_actor> new_actors_;  ///< of the open transaction, those that are not inserted yet
  log_upkeep upkeep_;
  std::size_t value_bytes_max_;

  sqlite_statement create_;
  sqlite_statement create_many_;
  sqlite_statement update_;
  sqlite_statement find_;
  sqlite_statement destroy_;
  sqlite_statement add_tag_;
  sqlite_statement add_tag_to_;
  sqlite_statement count_tags_;
  sqlite_statement remove_tags_;
  sqlite_statement add_definition_;
  sqlite_statement count_failed_commit_;
  sqlite_messages messages_;
  sqlite_parts parts_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
