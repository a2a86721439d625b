// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/core/bytes.hpp>
#include <troupe/store/sqlite_store.hpp>
#include <troupe/store/store.hpp>
#include <troupe/testing/disk_faults.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {

namespace detail {
class disk_machine;
}

/// A disk for SQLite that can lose power: a file system in memory, which SQLite knows by `name()` while it lives. It
/// is for the tests of what stands on it, above all of our store:
///
///     troupe::testing::simulated_disk disk{seed};
///     auto store = disk.sqlite("app.db")();
///     disk.halt_after(7);          // the process dies within its eighth change
///     ...                          // commits fail
///     store.reset();
///     disk.power_cut();            // what was not synced is lost, in part
///     store = disk.sqlite("app.db")();
///
/// What it promises about a power cut is what POSIX does, and no more. Writes that were not synced are kept, dropped or
/// torn, each sector of 512 bytes by itself: a sector has what one of its writes left, and maybe a part of the next
/// one, or garbage where that would have been; bytes outside of a write stay. So with a file's size. A file's name,
/// whether new or removed, is durable once the directory has been synced; SQLite does that when it removes a file and
/// at the first sync of a new log or journal, but not for a new database. All files are in one directory. What was
/// synced stays.
///
/// Everything that happens is a function of the seed and of the calls, SQLite's random numbers included: while a disk
/// lives, those of the whole process come from the seed of the disk that was made last. As long as
/// one thread uses it, no time passes: a busy connection's sleep returns at once.
///
/// All members may be called from any thread, within the calls of a store as well.
class simulated_disk {
 public:
  explicit simulated_disk(std::uint64_t seed = 1);
  /// Files that are still open stay, for their handles alone.
  ~simulated_disk();
  simulated_disk(const simulated_disk&) = delete;
  simulated_disk& operator=(const simulated_disk&) = delete;

  /// SQLite's name of this file system: the `zVfs` of `sqlite3_open_v2`.
  [[nodiscard]] const std::string& name() const noexcept;

  /// Opens our store on this disk. The factory and its copies keep the disk alive.
  [[nodiscard]] store_factory sqlite(std::string path = "app.db", sqlite_options options = {}) const;

  // --- the end of a process ---

  /// The process is killed. Each handle is dead: every operation on it fails and changes nothing, but it can be closed.
  /// Locks and shared memory are gone. All that was written stays. Faults stay too.
  void crash();

  /// As `crash`, and the power fails: writes, sizes and names that were not synced are lost, in part.
  void power_cut();

  /// Lets so many more changes pass: writes, truncations, syncs, removals, and openings that make a file. The process
  /// dies within the next one (a write may get a part done): all handles are dead and none can be opened, until `crash`
  /// or `power_cut` says what stays and a new process begins.
  void halt_after(std::uint64_t changes);

  /// Whether it has come to that.
  [[nodiscard]] bool halted() const;

  /// How many there have been.
  [[nodiscard]] std::uint64_t changes() const;

  // --- faults ---

  /// From now on, the operation goes wrong on files whose names end in `suffix`. The earliest of several faults that
  /// fit and are due comes first.
  void fail(disk_operation what, std::string_view suffix = {}, disk_fault fault = {});

  /// No operation goes wrong any more.
  void heal();

  /// How many operations have gone wrong.
  [[nodiscard]] std::uint64_t failures() const;

  /// How many bytes all files may have together. A write that needs more gets a part done and finds the disk full.
  void set_capacity(std::uint64_t bytes);

  // --- what is on it ---

  /// The names of all files, sorted.
  [[nodiscard]] std::vector<std::string> files() const;

  /// As a program would read it. Throws `store.failed` if there is no such file.
  [[nodiscard]] bytes contents(const std::string& path) const;

  /// Makes the file, or all that is in it, anew. It is durable.
  void replace(const std::string& path, bytes_view contents);

  /// Changes bytes of a file that exists, which grows if need be. They are durable.
  void overwrite(const std::string& path, std::size_t at, bytes_view contents);

  /// Removes the file, if it is there. That is durable.
  void remove(const std::string& path);

 private:
  std::shared_ptr<detail::disk_machine> machine_;
};

}  // namespace testing
}  // namespace v0
}  // namespace troupe
