// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {

/// How far a commit goes before it counts.
enum class synchronous {
  full,    ///< survives a power cut: every commit waits for the disk
  normal,  ///< survives a killed process, not a power cut; much faster
};

struct sqlite_options {
  troupe::synchronous synchronous = troupe::synchronous::full;
  /// How long an access waits for another program that has the file locked, before it fails with `store.failed`.
  std::chrono::milliseconds busy_timeout{2'000};
  /// SQLite's name of the file system to use (its "VFS"), which has been registered with SQLite; empty: the operating
  /// system's. What a path means is then up to that one.
  std::string vfs{};
  /// How much may gather in the log of updates before it is folded into the actors' rows, in bytes. It is in memory as
  /// well. More makes scattered updates cheaper, and opening after a crash longer.
  std::size_t log_bytes = 16 << 20;
};

/// Keeps actors in one SQLite database file (WAL mode), which is made if it is missing. It stands in
/// `runtime_options::store`: `{.store = troupe::sqlite{"app.db"}}`.
///
/// One runtime owns the file: a second one, in this or another process, gets `store.in_use` at once. Other programs may
/// read it, and may have tables of their own in it; ours are named `_troupe_*`. A file that is not a database, was
/// written by a newer troupe, or cannot be written is refused with an error that says so, and is left as it was.
///
/// Ownership is a lock on a small file beside it, `<path>-troupe-lock`, which the system takes back when the process
/// ends, however it ends; the file itself stays and does no harm. A symbolic link is followed; a file with several
/// hard links is refused, since SQLite's journal goes by name. A child made by `fork` must not use the store, and as
/// long as it runs, so does the lock: start other programs with `exec`, which lets go of it.
///
/// In a file system of SQLite's own (`sqlite_options::vfs`) ownership is SQLite's lock on that small file, links are
/// not looked for, and a backup has its name from the start: one that a crash ended is empty.
///
/// Updates of states go to the end of a log in the file first, and to the actors' rows later, many together; so while
/// the store is open, a row's state may be older than the actor's. In a file that was closed the rows say all.
///
/// A program that reads the file in one long transaction holds up nothing; the log beside the file grows meanwhile.
/// One that writes, to its own tables, holds up our commits for as long as its transaction takes.
class sqlite {
 public:
  explicit sqlite(std::string path) : path_{std::move(path)} {}
  sqlite(std::string path, sqlite_options options) : path_{std::move(path)}, options_{std::move(options)} {}

  /// Opens it, as `store_factory` says.
  [[nodiscard]] std::unique_ptr<store> operator()() const;

 private:
  std::string path_;
  sqlite_options options_;
};

}  // namespace v0
}  // namespace troupe
