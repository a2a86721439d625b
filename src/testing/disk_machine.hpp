// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sqlite3.h>

#include <troupe/testing/disk_faults.hpp>
#include <troupe/testing/seeded_random.hpp>

#include "disk_directory.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {

/// The disk, the process that uses it, and the face that both show SQLite (disk_vfs.cpp). Members are guarded by
/// `mutex`, but for the name.
class disk_machine : public std::enable_shared_from_this<disk_machine> {
 public:
  explicit disk_machine(std::uint64_t seed);
  ~disk_machine();
  disk_machine(const disk_machine&) = delete;
  disk_machine& operator=(const disk_machine&) = delete;

  /// Whether the process may still make a change; counts it. If not, it is dead from now on.
  [[nodiscard]] bool begin_change() noexcept;

  /// Whether an operation on this file goes wrong, and how.
  [[nodiscard]] std::optional<disk_effect> fault_in(disk_operation what, std::string_view file) noexcept;

  /// Notes what an operating system would say, and gives back the result.
  int fail(int result, int error_number) noexcept;

  [[nodiscard]] std::uint64_t free_bytes() const noexcept;

  /// The process is gone, and with it its handles, locks and shared memory.
  void end_process() noexcept;

  struct armed_fault {
    disk_operation what;
    std::string suffix;
    disk_fault fault;
  };

  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

  const std::string name;
  mutable std::mutex mutex;
  disk_directory directory;
  seeded_random random;
  std::vector<armed_fault> faults;
  std::uint64_t capacity_bytes = unlimited;
  std::uint64_t process = 0;  ///< the number of the present one
  std::uint64_t changes = 0;
  std::uint64_t changes_left = unlimited;
  bool is_halted = false;
  std::uint64_t failures = 0;
  int system_error = 0;
  std::int64_t clock_microseconds = 0;
  std::thread::id first_user{};        ///< the thread that used it first
  bool has_other_users = false;

 private:
  sqlite3_vfs vfs_;
};

/// SQLite's view of the disk, to be registered.
[[nodiscard]] sqlite3_vfs make_vfs(disk_machine& disk) noexcept;

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
