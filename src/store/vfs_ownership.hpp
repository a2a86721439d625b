// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "database_file.hpp"
#include "ownership.hpp"
#include "vfs_file.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Ownership in a file system that only SQLite knows. The lock file is never removed: whether another one has opened it
/// meanwhile cannot be told.
class vfs_ownership final : public file_ownership {
 public:
  explicit vfs_ownership(const database_file& file);

 private:
  vfs_file lock_;
};

/// Throws if something other than a database is there. `file` has not been resolved.
void check_vfs_database(const database_file& file);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
