// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sqlite_connection.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// SQLite's log, where SQLite itself does not look (sqlite.org/fileformat2.html#walformat, sqlite.org/walformat.html).

/// Whether the file holds a whole commit behind those that SQLite knows of: one whose last write failed, although
/// nothing of it is missing. A failed write may have written all but zeros over zeros. Recovery would find that commit.
/// True also if nothing can be told. Outside of transactions of this connection.
[[nodiscard]] bool holds_unknown_commit(const sqlite_connection& connection) noexcept;

/// Writes to the disk what can be read in the file. That need not be on the disk: a sync of an earlier process may have
/// failed, and the operating system then takes for written what is not. In a transaction that has the write lock and
/// has written nothing yet. Throws `troupe::error`.
void write_again(const sqlite_connection& connection);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
