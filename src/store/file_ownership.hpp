#pragma once

#include <string>

namespace troupe::inline v0 { namespace detail {

/// Checks that a database can be at `path` and gives the one absolute name that all symbolic links to it lead to, so
/// that SQLite, which names its journal after the file, never sees one file under two names. Throws `troupe::error`.
[[nodiscard]] std::string resolve_database_path(const std::string& path);

/// Ownership of a database file: at any time one object in all processes of the machine has it. The operating system
/// takes it back when the process ends, however it ends.
///
/// It is a `flock` on a file of its own, `<path>-troupe-lock`. Not on the database: SQLite's locks there must let other
/// programs read, and closing a second descriptor of the database would drop them. The lock belongs to the
/// descriptor, so it works between two runtimes of one process too. The file stays when the owner goes, because
/// another process may be about to lock it.
class file_ownership {
 public:
  /// `path` has been resolved. Throws `store.in_use`, with the owner's process id if that is known, and others.
  explicit file_ownership(std::string path);
  ~file_ownership();
  file_ownership(const file_ownership&) = delete;
  file_ownership& operator=(const file_ownership&) = delete;

  /// The database is ours. Without this, a lock file that was not there before is removed again.
  void keep() noexcept { remove_ = false; }

 private:
  /// False if the file was removed by its former owner before we had it.
  bool try_lock();

  std::string path_;
  std::string lock_path_;
  int descriptor_ = -1;
  bool remove_ = false;
};

}}  // namespace troupe::v0::detail
