// SPDX-License-Identifier: Apache-2.0
#include "vfs_ownership.hpp"

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "sqlite_connection.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

std::int64_t size_of(const database_file& file) {
  return vfs_file::exists(file) ? vfs_file{file, SQLITE_OPEN_READONLY}.size() : 0;
}

}  // namespace

vfs_ownership::vfs_ownership(const database_file& file)
    : lock_{{file.path + "-troupe-lock", file.vfs}, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE} {
  if (lock_.try_lock()) return;
  throw error(errc::store_in_use,
              fmt::format("'{}' belongs to another runtime; stop that first, or use another file", file.path));
}

void check_vfs_database(const database_file& file) {
  const std::int64_t size = size_of(file);
  if (size == 0 && size_of({file.path + "-wal", file.vfs}) != 0) throw log_without_database(file.path);
  const bool is_too_small = size != 0 && size < database_bytes_min;
  if (is_too_small && size_of({file.path + "-journal", file.vfs}) == 0) throw sqlite_failure(file.path, SQLITE_NOTADB);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
