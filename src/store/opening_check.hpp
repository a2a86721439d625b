// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sqlite_connection.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The store has lost its database to another owner.
class lost_ownership : public error {
 public:
  explicit lost_ownership(std::string_view why) : error{errc::store_in_use, why} {}
};

/// Whether the database has been opened by another runtime since: one that found no lock file, because somebody had
/// removed it. Each opening is counted in the database, so the count tells.
///
/// Used by the committing thread, on the connection that it is made with.
class opening_check {
 public:
  explicit opening_check(sqlite_connection& connection);

  /// `opening`: how often the database has been opened, this time included. Before that, nothing is checked.
  void begin(std::int64_t opening) noexcept { opening_ = opening; }

  /// In a transaction that has the write lock: throws `lost_ownership` unless the last opening is this one. Reads the
  /// count only if somebody else, or this connection outside of `note_own`, has changed the database since.
  void require();

  /// After a transaction of this connection has changed the database.
  void note_own() noexcept { version_ = data_version(); }

 private:
  [[nodiscard]] std::uint32_t data_version() noexcept;

  sqlite_connection& connection_;
  sqlite_statement read_;
  std::int64_t opening_ = 0;
  std::uint32_t version_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
