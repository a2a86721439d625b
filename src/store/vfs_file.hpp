// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include <sqlite3.h>

#include "database_file.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// A file that is open through one of SQLite's file systems, beside any connection. Failures are thrown as
/// `troupe::error`s that name it.
class vfs_file {
 public:
  /// `open_flags` as for `sqlite3_open_v2`. Throws if there is no such file system, or no file and none is to be made.
  vfs_file(const database_file& where, int open_flags);
  vfs_file(const vfs_file&) = delete;
  vfs_file& operator=(const vfs_file&) = delete;

  [[nodiscard]] std::int64_t size();

  /// Takes the lock that one file handle at a time can have, until it is closed. False if another one has it.
  [[nodiscard]] bool try_lock();

  [[nodiscard]] static bool exists(const database_file& where);

  /// That it may fail does not matter.
  static void remove(const database_file& where) noexcept;

 private:
  struct memory_release {
    void operator()(void* memory) const noexcept { sqlite3_free(memory); }
  };
  struct name_release {
    void operator()(const char* name) const noexcept { sqlite3_free_filename(const_cast<char*>(name)); }
  };
  struct file_close {
    void operator()(sqlite3_file* file) const noexcept {
      if (file->pMethods != nullptr) file->pMethods->xClose(file);
    }
  };

  void check(int result) const;

  database_file where_;
  std::unique_ptr<const char, name_release> name_;  // SQLite's file systems keep pointers to it
  std::unique_ptr<void, memory_release> memory_;
  std::unique_ptr<sqlite3_file, file_close> file_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
