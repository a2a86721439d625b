// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace troupe {
inline namespace v0 {
namespace detail {

/// Ownership of a database file: at any time one object has it, in all processes. It is given up by the destructor, and
/// taken back when the process ends, however it ends. A process that it forks does not inherit it.
///
/// It is a lock on a file of its own, `<path>-troupe-lock`. Not on the database: SQLite's locks there must let other
/// programs read, and closing a second descriptor of the database would drop them. The file stays when the owner goes,
/// because another process may be about to lock it.
class file_ownership {
 public:
  file_ownership() = default;
  file_ownership(const file_ownership&) = delete;
  file_ownership& operator=(const file_ownership&) = delete;
  virtual ~file_ownership() = default;

  /// The database is ours, and open, its log too. Without this, a lock file that was not there before is removed again
  /// where that is safe.
  virtual void keep() noexcept {}

  /// After `keep`: whether the database is still the file that its path names, and its log has not been removed or
  /// replaced. Not where only SQLite knows the file system: then it is taken for granted.
  [[nodiscard]] virtual bool has_files() noexcept { return true; }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
