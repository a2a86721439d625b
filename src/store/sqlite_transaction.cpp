// SPDX-License-Identifier: Apache-2.0
#include "sqlite_transaction.hpp"

#include <utility>

#include "sqlite_schema.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

sqlite_transaction::sqlite_transaction(sqlite_connection& connection, kind what)
    : connection_{connection},
      begin_{connection.prepare(what == kind::write ? sql::begin_write : sql::begin_read)},
      commit_{connection.prepare(sql::commit)},
      roll_back_{connection.prepare(sql::roll_back)} {}

int sqlite_transaction::try_run(sqlite_statement& statement) noexcept {
  const int result = statement.try_run();
  if (result != SQLITE_OK) has_failed_ = true;
  return result;
}

int sqlite_transaction::try_begin() noexcept { return try_run(begin_); }

int sqlite_transaction::try_commit() noexcept { return try_run(commit_); }

void sqlite_transaction::commit() {
  const int result = try_commit();
  if (result != SQLITE_OK) throw connection_.failure(result);
}

void sqlite_transaction::roll_back() noexcept {
  if (std::exchange(has_failed_, false)) {
    begin_.reset();
    commit_.reset();
  }
  if (sqlite3_get_autocommit(connection_.handle()) == 0 && roll_back_.try_run() != SQLITE_OK) roll_back_.reset();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
