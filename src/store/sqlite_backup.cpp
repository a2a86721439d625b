// SPDX-License-Identifier: Apache-2.0
#include "sqlite_backup.hpp"

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "file_ownership.hpp"
#include "sqlite_connection.hpp"
#include "vfs_file.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// A backup in the making. Its lock is held meanwhile, so that leftovers of a killed process can be told from it.
constexpr const char* unfinished_suffix = "-troupe-unfinished";

[[noreturn]] void fail_to_name(const std::string& path, int code) {
  throw error(errc::store_failed, fmt::format("backup '{}': {}", path, std::generic_category().message(code)));
}

void copy_pages(const database_file& from, const database_file& to) {
  sqlite_connection source{from, SQLITE_OPEN_READONLY, backup_busy_timeout};
  sqlite_connection target{to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, backup_busy_timeout};
  target.execute("PRAGMA synchronous = EXTRA");  // else its journal may be found after a power cut, and undo the copy
  sqlite3_backup* const copying = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
  if (copying == nullptr) throw target.failure(sqlite3_extended_errcode(target.handle()));
  sqlite3_backup_step(copying, -1);  // all at once: a commit in between would make it start again
  const int result = sqlite3_backup_finish(copying);
  if (result != SQLITE_OK) throw target.failure(result);
}

/// Fails if `to` has come to exist meanwhile, on file systems that can tell.
void rename_to_free(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return;
  }
  if (errno == EEXIST) fail_to_name(to, EEXIST);
  if (::rename(from.c_str(), to.c_str()) != 0) fail_to_name(to, errno);  // there are no hard links here
}

void sync_directory(const std::string& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // one may write here but not look: the name is as durable as the system makes it
  ::fsync(descriptor);
  ::close(descriptor);
}

void remove_unfinished(const std::string& path) noexcept {
  for (const char* const of : {"", "-journal", "-wal", "-shm", "-troupe-lock"}) ::unlink((path + of).c_str());
}

[[noreturn]] void fail_because_it_exists(const std::string& path) {
  throw error(errc::store_failed,
              fmt::format("backup '{}': that exists; choose another path, or move it away", path));
}

void back_up_in_place(const database_file& from, const std::string& to) {
  const database_file target = resolve_database_file(to, from.vfs);
  const database_file journal{to + "-journal", from.vfs};
  if (vfs_file::exists(target)) fail_because_it_exists(to);
  vfs_file::remove(journal);
  try {
    copy_pages(from, target);
  } catch (...) {
    vfs_file::remove(target);
    vfs_file::remove(journal);
    throw;
  }
}

}  // namespace

void check_is_free(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::symlink_status(path, ignored).type() != std::filesystem::file_type::not_found) {
    fail_because_it_exists(path);
  }
}

void write_backup(const std::string& to, const std::function<void(const std::string& path)>& write) {
  check_is_free(to);
  const std::string target = resolve_database_file(to).path;
  const std::string directory = std::filesystem::path{target}.parent_path().string();
  remove_leftover_backups(directory);
  const std::string unfinished = target + unfinished_suffix;
  const std::unique_ptr<file_ownership> held = try_own_file(unfinished);
  if (held == nullptr) {
    throw error(errc::store_failed, fmt::format("backup '{}': another one is being written there; wait for it", to));
  }
  try {
    write(unfinished);
    rename_to_free(unfinished, target);
  } catch (...) {
    remove_unfinished(unfinished);
    throw;
  }
  remove_unfinished(unfinished);  // the files beside it
  sync_directory(directory);
}

void back_up_database(const database_file& from, const std::string& to) {
  if (!from.vfs.empty()) return back_up_in_place(from, to);
  write_backup(to, [&](const std::string& path) { copy_pages(from, {path, {}}); });
}

void remove_leftover_backups(const std::string& directory) noexcept {
  try {
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
      std::string path = entry.path().string();
      const auto at = path.rfind(unfinished_suffix);
      if (at == std::string::npos || at < directory.size()) continue;
      path.resize(at + std::string_view{unfinished_suffix}.size());  // maybe only a journal or a lock is left
      if (const auto held = try_own_file(path); held != nullptr) remove_unfinished(path);
    }
  } catch (...) {
    // there is nothing that could be done about it, and they do no harm
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
