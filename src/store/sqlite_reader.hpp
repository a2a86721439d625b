// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include <troupe/store/store.hpp>

#include "definition_names.hpp"
#include "load_list.hpp"
#include "log_tail.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_transaction.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// One reading connection, used by one thread at a time. Each answer is of one moment of the database: a list that
/// returns false must be asked for again, because a commit came in between.
class sqlite_reader {
 public:
  sqlite_reader(const database_file& file, std::chrono::milliseconds busy_timeout, const definition_names& names,
                const log_tail& tail);

  /// Moves what it has an answer for. A commit came in between for the others, and they must be asked for again.
  void load(load_list& asked, load_list& answered);
  [[nodiscard]] bool list(list_request& request);
  [[nodiscard]] bool list_outgoing(outgoing_request& request);
  [[nodiscard]] bool list_waiting(waiting_request& request);
  [[nodiscard]] bool list_parts(parts_request& request);
  [[nodiscard]] bool list_due(due_request& request);

 private:
  [[nodiscard]] bool load_one(load_request& request, std::uint64_t since);
  [[nodiscard]] std::optional<actor_record> read_actor(sqlite_statement& statement, const load_request& request);
  [[nodiscard]] actor_record read_head(sqlite_statement& statement);
  [[nodiscard]] std::string definition_name(std::int64_t number);
  [[nodiscard]] tags read_tags(const actor_id& id);
  [[nodiscard]] std::vector<message_record> read_messages(const actor_id& id);
  void read_parts(const parts_request& range, std::vector<part_record>& found);
  void list_all(std::int64_t definition, const actor_id& from, std::size_t limit, std::vector<actor_record>& found);
  void list_tagged(std::int64_t definition, const tags& labels, const actor_id& from, std::size_t limit,
                   std::vector<actor_record>& found);
  [[nodiscard]] std::optional<actor_id> next_with_all(std::int64_t definition, const tags& labels, actor_id from);

  sqlite_connection connection_;
  const definition_names& names_;
  const log_tail& tail_;
  sqlite_transaction transaction_;
  sqlite_statement load_by_id_;
  sqlite_statement load_by_key_;
  sqlite_statement list_;
  sqlite_statement read_tags_;
  sqlite_statement next_with_tag_;
  sqlite_statement read_messages_;
  sqlite_statement list_outgoing_;
  sqlite_statement list_waiting_;
  sqlite_statement list_parts_;
  sqlite_statement list_parts_reverse_;
  sqlite_statement list_due_;
};

/// Lends readers to threads. It opens them as they are needed, up to a few; who comes later waits.
class sqlite_readers {
 public:
  sqlite_readers(database_file file, std::chrono::milliseconds busy_timeout, const definition_names& names,
                 const log_tail& tail);

  class lease {
   public:
    explicit lease(sqlite_readers& pool) : pool_{pool}, reader_{pool.take()} {}
    ~lease() { pool_.give_back(std::move(reader_)); }
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    sqlite_reader& operator*() const noexcept { return *reader_; }

   private:
    sqlite_readers& pool_;
    std::unique_ptr<sqlite_reader> reader_;
  };

 private:
  [[nodiscard]] std::unique_ptr<sqlite_reader> take();
  void give_back(std::unique_ptr<sqlite_reader> reader) noexcept;

  static constexpr std::size_t readers_max = 8;

  database_file file_;
  std::chrono::milliseconds busy_timeout_;
  const definition_names& names_;
  const log_tail& tail_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<sqlite_reader>> idle_;
  std::size_t open_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
