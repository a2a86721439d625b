// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Where a database is. SQLite names its journals after the path, so a file must always go by the same one.
struct database_file {
  std::string path;
  std::string vfs;  ///< SQLite's name of the file system that it is on; empty: the operating system's
};

/// A smaller file is no database, but SQLite would take one of a single byte for an empty one.
inline constexpr int database_bytes_min = 512;

/// Checks that a database can be at `path`. In the operating system's file system it gives the one absolute name that
/// all symbolic links to it lead to. What names mean in another one is that one's own affair, and they stay as they
/// are. Throws `troupe::error`.
[[nodiscard]] database_file resolve_database_file(const std::string& path, const std::string& vfs = {});

/// SQLite would remove the log, which may be all that is left.
[[nodiscard]] error log_without_database(const std::string& path);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
