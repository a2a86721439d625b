#pragma once

#include <string>

namespace troupe::inline v0 { namespace detail {

/// Where a database is. SQLite names its journals after the path, so a file must always go by the same one.
struct database_file {
  std::string path;
  std::string vfs;  ///< SQLite's name of the file system that it is on; empty: the operating system's
};

/// Checks that a database can be at `path`. In the operating system's file system it gives the one absolute name that
/// all symbolic links to it lead to. What names mean in another one is that one's own affair, and they stay as they
/// are. Throws `troupe::error`.
[[nodiscard]] database_file resolve_database_file(const std::string& path, const std::string& vfs = {});

}}  // namespace troupe::v0::detail
