// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sqlite_connection.hpp"
#include "sqlite_transaction.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Keeps SQLite's log short, and its file long enough for the next commits. Used between the transactions of the
/// connection that commits. A failure loses nothing: all stays where it is, and it is tried again later.
class log_upkeep {
 public:
  /// `waits`: a commit waits for the disk.
  log_upkeep(sqlite_connection& connection, sqlite_transaction& transaction, bool waits);
  log_upkeep(const log_upkeep&) = delete;
  log_upkeep& operator=(const log_upkeep&) = delete;

  /// Moves the pages of the log to the database, if many have gathered.
  void checkpoint_if_due() noexcept;
  /// Makes the file longer, if the next commits might have to.
  void make_room_if_due() noexcept;

 private:
  void make_room(std::int64_t until) noexcept;

  sqlite_connection& connection_;
  sqlite_transaction& transaction_;
  int log_pages_ = 0;
  int checkpoint_at_pages_;
  std::int64_t page_bytes_;
  std::int64_t room_until_ = 0;  ///< in the file, as far as we know
  bool waits_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
