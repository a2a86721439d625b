// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <new>
#include <thread>

#include "disk_handle.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {
namespace {

constexpr int path_bytes_max = 512;
constexpr std::int64_t first_moment = 210'866'760'000'000 + 1'700'000'000'000;  // Julian day, in milliseconds

disk_machine& of(sqlite3_vfs* vfs) noexcept { return *static_cast<disk_machine*>(vfs->pAppData); }

/// A member of the handle as a function that SQLite can call.
template <auto Member>
struct method;

template <class... Arguments, int (disk_handle::*Member)(Arguments...)>
struct method<Member> {
  static int call(sqlite3_file* file, Arguments... arguments) noexcept {
    try {
      return (static_cast<disk_handle*>(file)->*Member)(arguments...);
    } catch (const std::exception&) {
      return SQLITE_NOMEM;
    }
  }
};

int close(sqlite3_file* file) noexcept {
  static_cast<disk_handle*>(file)->~disk_handle();
  return SQLITE_OK;
}

void shared_barrier(sqlite3_file* file) noexcept { static_cast<disk_handle*>(file)->shared_barrier(); }

// As the Unix file system of SQLite says of any local disk.
int sector_size(sqlite3_file*) noexcept { return 4096; }
int characteristics(sqlite3_file*) noexcept { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

constexpr sqlite3_io_methods methods{2,  // no mapping of files
                                     close,
                                     method<&disk_handle::read>::call,
                                     method<&disk_handle::write>::call,
                                     method<&disk_handle::truncate>::call,
                                     method<&disk_handle::sync>::call,
                                     method<&disk_handle::file_size>::call,
                                     method<&disk_handle::lock>::call,
                                     method<&disk_handle::unlock>::call,
                                     method<&disk_handle::check_reserved_lock>::call,
                                     method<&disk_handle::control>::call,
                                     sector_size,
                                     characteristics,
                                     method<&disk_handle::map_shared>::call,
                                     method<&disk_handle::lock_shared>::call,
                                     shared_barrier,
                                     method<&disk_handle::unmap_shared>::call,
                                     nullptr,
                                     nullptr};

/// Finds the file, or makes it; the result is SQLite's.
int find_to_open(disk_machine& disk, const std::string& path, int& flags, std::shared_ptr<disk_node>& node) {
  if (const auto effect = disk.fault_in(disk_operation::open, path)) {
    const bool is_new = disk.directory.find(path) == nullptr;
    const bool passes = effect == disk_effect::full && !is_new;
    if (effect == disk_effect::read_only && !is_new) {
      flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    } else if (!passes) {
      const bool is_full = effect == disk_effect::full;
      return disk.fail(SQLITE_CANTOPEN, is_full ? ENOSPC : effect == disk_effect::read_only ? EROFS : EIO);
    }
  }
  if (path.empty()) {  // a temporary file
    node = std::make_shared<disk_node>();
    return SQLITE_OK;
  }
  node = disk.directory.find(path);
  if (node != nullptr) return (flags & SQLITE_OPEN_EXCLUSIVE) == 0 ? SQLITE_OK : disk.fail(SQLITE_CANTOPEN, EEXIST);
  if ((flags & SQLITE_OPEN_CREATE) == 0) return disk.fail(SQLITE_CANTOPEN, ENOENT);
  if (!disk.begin_change()) return disk.fail(SQLITE_CANTOPEN, EIO);
  node = std::make_shared<disk_node>();
  disk.directory.set(path, node);
  return SQLITE_OK;
}

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* at, int flags, int* out_flags) noexcept {
  at->pMethods = nullptr;
  try {
    disk_machine& disk = of(vfs);
    const std::lock_guard guard{disk.mutex};
    if (disk.is_halted) return disk.fail(SQLITE_CANTOPEN, EIO);
    std::string path = name == nullptr ? "" : name;
    std::shared_ptr<disk_node> node;
    if (const int result = find_to_open(disk, path, flags, node); result != SQLITE_OK) return result;
    auto* const handle = new (at) disk_handle{disk.shared_from_this(), std::move(node), std::move(path), flags};
    handle->pMethods = &methods;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  } catch (const std::exception&) {
    return SQLITE_NOMEM;
  }
}

int remove(sqlite3_vfs* vfs, const char* name, int sync_directory) noexcept {
  try {
    disk_machine& disk = of(vfs);
    const std::lock_guard guard{disk.mutex};
    if (disk.is_halted) return disk.fail(SQLITE_IOERR_DELETE, EIO);
    if (disk.directory.find(name) == nullptr) return disk.fail(SQLITE_IOERR_DELETE_NOENT, ENOENT);
    if (!disk.begin_change() || disk.fault_in(disk_operation::remove, name)) {
      return disk.fail(SQLITE_IOERR_DELETE, EIO);
    }
    disk.directory.set(name, nullptr);
    if (sync_directory != 0) disk.directory.sync();
    return SQLITE_OK;
  } catch (const std::exception&) {
    return SQLITE_NOMEM;
  }
}

int access(sqlite3_vfs* vfs, const char* name, int what, int* result) noexcept {
  try {
    disk_machine& disk = of(vfs);
    const std::lock_guard guard{disk.mutex};
    if (disk.is_halted || disk.fault_in(disk_operation::look, name)) return disk.fail(SQLITE_IOERR_ACCESS, EIO);
    const auto node = disk.directory.find(name);
    *result = node != nullptr && (what != SQLITE_ACCESS_EXISTS || node->file.size() != 0);  // as SQLite has it on Unix
    return SQLITE_OK;
  } catch (const std::exception&) {
    return SQLITE_NOMEM;
  }
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) noexcept {
  const std::size_t length = std::strlen(name);
  if (length >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, length + 1);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) noexcept {
  disk_machine& disk = of(vfs);
  const std::lock_guard guard{disk.mutex};
  std::generate_n(out, size, [&disk] { return static_cast<char>(disk.random.next() & 0x7f); });
  return size;
}

/// Takes no time, but lets other threads go on, for one of which the caller may be waiting.
// One thread waits for nobody. Among several, SQLite gives up after so many sleeps, so they must take their time.
int sleep(sqlite3_vfs* vfs, int microseconds) noexcept {
  bool is_shared = false;
  {
    disk_machine& disk = of(vfs);
    const std::lock_guard guard{disk.mutex};
    disk.clock_microseconds += microseconds;
    is_shared = disk.has_other_users;
  }
  if (is_shared) std::this_thread::sleep_for(std::chrono::microseconds{microseconds});
  return microseconds;
}

int current_time_64(sqlite3_vfs* vfs, sqlite3_int64* out) noexcept {
  disk_machine& disk = of(vfs);
  const std::lock_guard guard{disk.mutex};
  *out = first_moment + disk.clock_microseconds / 1000;
  return SQLITE_OK;
}

int current_time(sqlite3_vfs* vfs, double* out) noexcept {
  sqlite3_int64 milliseconds = 0;
  current_time_64(vfs, &milliseconds);
  *out = static_cast<double>(milliseconds) / 86'400'000.0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs* vfs, int, char*) noexcept {
  disk_machine& disk = of(vfs);
  const std::lock_guard guard{disk.mutex};
  return disk.system_error;
}

}  // namespace

sqlite3_vfs make_vfs(disk_machine& disk) noexcept {
  sqlite3_vfs vfs{};
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(disk_handle));
  vfs.mxPathname = path_bytes_max;
  vfs.zName = disk.name.c_str();
  vfs.pAppData = &disk;
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = access;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep;
  vfs.xCurrentTime = current_time;
  vfs.xCurrentTimeInt64 = current_time_64;
  vfs.xGetLastError = last_error;
  return vfs;
}

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
