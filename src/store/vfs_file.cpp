// SPDX-License-Identifier: Apache-2.0
#include "vfs_file.hpp"

#include <cstring>
#include <new>
#include <vector>

#include <fmt/format.h>

#include "sqlite_connection.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

sqlite3_vfs& find(const database_file& where) {
  sqlite3_vfs* const found = sqlite3_vfs_find(where.vfs.c_str());
  if (found == nullptr) {
    throw error(errc::store_failed, fmt::format("'{}': SQLite has no file system '{}'; register it first", where.path,
                                                where.vfs));
  }
  return *found;
}

std::vector<char> full_name(sqlite3_vfs& vfs, const std::string& path) {
  std::vector<char> name(static_cast<std::size_t>(vfs.mxPathname) + 1);
  const int result = vfs.xFullPathname(&vfs, path.c_str(), static_cast<int>(name.size()), name.data());
  if ((result & 0xff) != SQLITE_OK) throw sqlite_failure(path, result);
  return name;
}

}  // namespace

vfs_file::vfs_file(const database_file& where, int open_flags) : where_{where} {
  sqlite3_vfs& vfs = find(where);
  name_.reset(sqlite3_create_filename(full_name(vfs, where.path).data(), "", "", 0, nullptr));
  const auto size = static_cast<std::size_t>(vfs.szOsFile);
  memory_.reset(sqlite3_malloc64(size));
  if (name_ == nullptr || memory_ == nullptr) throw std::bad_alloc();
  file_.reset(static_cast<sqlite3_file*>(std::memset(memory_.get(), 0, size)));
  int opened_as = 0;
  check(vfs.xOpen(&vfs, name_.get(), file_.get(), open_flags | SQLITE_OPEN_MAIN_DB, &opened_as));
}

void vfs_file::check(int result) const {
  if (result != SQLITE_OK) throw sqlite_failure(where_.path, result);
}

std::int64_t vfs_file::size() {
  sqlite3_int64 found = 0;
  check(file_->pMethods->xFileSize(file_.get(), &found));
  return found;
}

bool vfs_file::try_lock() {
  for (const int level : {SQLITE_LOCK_SHARED, SQLITE_LOCK_RESERVED}) {  // the second is the one that excludes others
    const int result = file_->pMethods->xLock(file_.get(), level);
    if ((result & 0xff) == SQLITE_BUSY) return false;
    check(result);
  }
  return true;
}

bool vfs_file::exists(const database_file& where) {
  sqlite3_vfs& vfs = find(where);
  int found = 0;
  const int result = vfs.xAccess(&vfs, full_name(vfs, where.path).data(), SQLITE_ACCESS_EXISTS, &found);
  if (result != SQLITE_OK) throw sqlite_failure(where.path, result);
  return found != 0;
}

void vfs_file::remove(const database_file& where) noexcept {
  try {
    sqlite3_vfs& vfs = find(where);
    vfs.xDelete(&vfs, full_name(vfs, where.path).data(), 0);
  } catch (...) {
    // there is nothing that could be done about it
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
