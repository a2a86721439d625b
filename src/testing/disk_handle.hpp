// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include <sqlite3.h>

#include "disk_machine.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {

/// An open file. Its members are SQLite's `sqlite3_io_methods`, and give SQLite's results.
class disk_handle : public sqlite3_file {
 public:
  /// The machine is locked.
  disk_handle(std::shared_ptr<disk_machine> disk, std::shared_ptr<disk_node> node, std::string path, int open_flags);
  ~disk_handle();
  disk_handle(const disk_handle&) = delete;
  disk_handle& operator=(const disk_handle&) = delete;

  int read(void* to, int size, sqlite3_int64 at);
  int write(const void* from, int size, sqlite3_int64 at);
  int truncate(sqlite3_int64 size);
  int sync(int flags);
  int file_size(sqlite3_int64* size);
  int lock(int level);
  int unlock(int level);
  int check_reserved_lock(int* found);
  int control(int what, void* argument);
  int map_shared(int region, int size, int extend, void volatile** memory);
  int lock_shared(int from, int count, int flags);
  void shared_barrier();
  int unmap_shared(int remove);

 private:
  /// Of the process that opened it, and that process lives.
  [[nodiscard]] bool is_alive() const noexcept { return process_ == disk_->process && !disk_->is_halted; }
  [[nodiscard]] int highest_lock_of_others() const noexcept;
  int write_partly(bytes_view data, std::size_t at, disk_effect effect);
  void unlock_shared(int from, int count) noexcept;

  std::shared_ptr<disk_machine> disk_;
  std::shared_ptr<disk_node> node_;
  std::string path_;
  std::uint64_t process_;
  bool directory_is_synced_;
  int lock_ = SQLITE_LOCK_NONE;
  std::shared_ptr<shared_memory> shared_;
  std::array<bool, shared_memory::locks_max> holds_shared_{};
  std::array<bool, shared_memory::locks_max> holds_exclusive_{};
};

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
