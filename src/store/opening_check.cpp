// SPDX-License-Identifier: Apache-2.0
#include "opening_check.hpp"

#include <fmt/format.h>

#include "../core/planted.hpp"
#include "sqlite_schema.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

opening_check::opening_check(sqlite_connection& connection)
    : connection_{connection}, read_{connection.prepare(sql::read_openings)} {}

void opening_check::require() {
  if (opening_ == 0 || is_planted(planted::opening_not_checked)) return;
  const std::uint32_t now = data_version();
  if (now != 0 && now == version_) return;
  const sqlite_rows rows{read_};
  const bool is_ours = read_.step() && read_.number(0) == opening_;
  if (!is_ours) {
    throw lost_ownership(fmt::format("'{}' was opened by another runtime while this one had it (its lock file was "
                                     "removed); stop one of them, and restart the other",
                                     connection_.file().path));
  }
  version_ = now;
}

// A number that SQLite changes with every transaction that changes the database, of any connection.
std::uint32_t opening_check::data_version() noexcept {
  std::uint32_t version = 0;
  const int result = sqlite3_file_control(connection_.handle(), "main", SQLITE_FCNTL_DATA_VERSION, &version);
  return result == SQLITE_OK ? version : 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
