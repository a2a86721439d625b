// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "database_file.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// How long the connections of a backup wait for a lock of another.
inline constexpr std::chrono::seconds backup_busy_timeout{5};

/// Copies the database as it is now, with everything that others keep in it, to the path `to` of the same file system,
/// where nothing must be. Commits go on meanwhile. The copy gets its name when it is complete and on disk; except that
/// SQLite's own file systems cannot rename: there, a copy that a crash ended is an empty database. Throws
/// `troupe::error`.
void back_up_database(const database_file& from, const std::string& to);

/// Lets `write` make a database at another path in the directory of `to`, and gives it the name `to`, where nothing
/// must be, when it is complete and on disk. Throws `troupe::error`.
void write_backup(const std::string& to, const std::function<void(const std::string& path)>& write);

/// Removes unfinished backups of killed processes from a directory of the operating system's. Those that another
/// process or thread is writing stay.
void remove_leftover_backups(const std::string& directory) noexcept;

/// Throws if there is something at `path`, in the operating system's file system.
void check_is_free(const std::string& path);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
