// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sqlite_connection.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The transactions of one connection, one after the other. For the thread that uses the connection.
class sqlite_transaction {
 public:
  enum class kind {
    read,   ///< sees one moment from its first statement on
    write,  ///< has the write lock from its beginning
  };
  sqlite_transaction(sqlite_connection& connection, kind what);

  /// Throws if it cannot begin.
  void begin() { begin_.run(); }
  /// The same, and returns the result code. After a failure comes `roll_back`.
  [[nodiscard]] int try_begin() noexcept;
  /// Throws if it fails. Then comes `roll_back`.
  void commit();
  /// The same, and returns the result code.
  [[nodiscard]] int try_commit() noexcept;
  /// Ends the transaction without its changes. Does nothing if none is open. If it fails, the transaction stays open,
  /// and has to be rolled back before the next one begins.
  void roll_back() noexcept;

 private:
  [[nodiscard]] int try_run(sqlite_statement& statement) noexcept;

  sqlite_connection& connection_;
  sqlite_statement begin_;
  sqlite_statement commit_;
  sqlite_statement roll_back_;
  bool has_failed_ = false;  ///< begin_ or commit_, which has to be reset
};

/// A read transaction over several statements.
class sqlite_moment {
 public:
  explicit sqlite_moment(sqlite_transaction& t) : transaction_{t} {
    t.roll_back();  // what is still open if an earlier end failed
    t.begin();
  }
  ~sqlite_moment() {
    if (transaction_.try_commit() != SQLITE_OK) transaction_.roll_back();
  }
  sqlite_moment(const sqlite_moment&) = delete;
  sqlite_moment& operator=(const sqlite_moment&) = delete;

 private:
  sqlite_transaction& transaction_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
