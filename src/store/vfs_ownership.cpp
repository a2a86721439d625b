#include "vfs_ownership.hpp"

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "sqlite_connection.hpp"

namespace troupe::inline v0 { namespace detail {

vfs_ownership::vfs_ownership(const database_file& file)
    : lock_{{file.path + "-troupe-lock", file.vfs}, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE} {
  if (lock_.try_lock()) return;
  throw error(errc::store_in_use,
              fmt::format("'{}' belongs to another runtime; stop that first, or use another file", file.path));
}

void check_vfs_database(const database_file& file) {
  if (!vfs_file::exists(file)) return;
  const std::int64_t size = vfs_file{file, SQLITE_OPEN_READONLY}.size();
  if (size != 0 && size < 512) throw sqlite_failure(file.path, SQLITE_NOTADB);  // SQLite takes one byte for no file
}

}}  // namespace troupe::v0::detail
