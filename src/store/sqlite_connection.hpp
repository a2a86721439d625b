// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/error.hpp>

#include "database_file.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class sqlite_statement;

/// The error that a result code of SQLite stands for, where no connection can tell more.
[[nodiscard]] error sqlite_failure(const std::string& path, int result);

/// One connection to one database, used by one thread at a time. All failures are thrown as `troupe::error`s that name
/// the file and the remedy, except where a result code is returned.
class sqlite_connection {
 public:
  /// `file` has been resolved.
  sqlite_connection(database_file file, int open_flags, std::chrono::milliseconds busy_timeout);
  ~sqlite_connection();
  sqlite_connection(const sqlite_connection&) = delete;
  sqlite_connection& operator=(const sqlite_connection&) = delete;

  /// The statement must go before the connection does.
  [[nodiscard]] sqlite_statement prepare(const char* sql);

  /// Runs statements that need no parameters and whose rows do not matter.
  void execute(const char* sql);

  /// The first column of the only row.
  [[nodiscard]] std::int64_t query_number(const char* sql);
  [[nodiscard]] std::string query_text(const char* sql);

  /// The file of the write-ahead log; null if it is not open.
  [[nodiscard]] sqlite3_file* log_file() const noexcept;

  /// The error that the result code of the last call on this connection stands for.
  [[nodiscard]] error failure(int result) const;

  [[nodiscard]] error corrupt(std::string_view what) const;

  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }
  [[nodiscard]] const database_file& file() const noexcept { return file_; }

 private:
  database_file file_;
  std::chrono::milliseconds busy_timeout_;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement. Parameters are bound by reference: they must live until the statement has run.
class sqlite_statement {
 public:
  sqlite_statement(sqlite_connection& connection, sqlite3_stmt* statement) noexcept
      : connection_{&connection}, statement_{statement} {}
  sqlite_statement(sqlite_statement&& other) noexcept
      : connection_{other.connection_}, statement_{std::exchange(other.statement_, nullptr)} {}
  sqlite_statement& operator=(sqlite_statement&&) = delete;
  ~sqlite_statement() { sqlite3_finalize(statement_); }

  void bind(int at, std::int64_t value);
  void bind(int at, std::string_view text);
  void bind(int at, bytes_view blob);
  void bind(int at, const actor_id& id);
  void bind_null(int at);

  /// True if there is a row. The caller resets afterwards; `rows` does it for him.
  [[nodiscard]] bool step();
  void reset() noexcept { sqlite3_reset(statement_); }

  /// Steps to the end and resets: for statements that give no rows.
  void run();
  /// The same, and returns the result code instead of throwing.
  [[nodiscard]] int try_run() noexcept;

  /// Of the current row; views are valid until the next step.
  [[nodiscard]] bool is_null(int column) const noexcept;
  [[nodiscard]] std::int64_t number(int column) const noexcept;
  [[nodiscard]] std::string_view text(int column) const noexcept;
  [[nodiscard]] bytes_view blob(int column) const noexcept;
  [[nodiscard]] actor_id id(int column) const;

 private:
  void check(int result);

  sqlite_connection* connection_;
  sqlite3_stmt* statement_;
};

/// Resets a statement when its rows are no longer needed, which also ends the read transaction that it opened.
class sqlite_rows {
 public:
  explicit sqlite_rows(sqlite_statement& statement) noexcept : statement_{statement} {}
  ~sqlite_rows() { statement_.reset(); }
  sqlite_rows(const sqlite_rows&) = delete;
  sqlite_rows& operator=(const sqlite_rows&) = delete;

 private:
  sqlite_statement& statement_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
