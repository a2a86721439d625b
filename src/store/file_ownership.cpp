// SPDX-License-Identifier: Apache-2.0
#include "file_ownership.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/fork_watch.hpp"
#include "../core/planted.hpp"
#include "file_watch.hpp"
#include "vfs_ownership.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr int symbolic_links_max = 40;  // as in Linux

[[noreturn]] void fail_with_errno(const std::string& path, int code) {
  if (code == EACCES || code == EPERM || code == EROFS) {
    throw error(errc::store_read_only,
                fmt::format("'{}' cannot be written; check its directory's permissions and mount", path));
  }
  if (code == ENOSPC || code == EDQUOT) {
    throw error(errc::store_full, fmt::format("no space is left to make '{}'; free some", path));
  }
  throw error(errc::store_failed, fmt::format("'{}': {}", path, std::generic_category().message(code)));
}

void check_is_file_path(const std::string& path) {
  if (path.empty() || path == ":memory:") {
    throw error(errc::store_failed,
                fmt::format("'{}' names no file; for a store in memory use troupe::memory{{}}", path));
  }
  if (path.find('\0') != std::string::npos) {
    throw error(errc::store_failed, fmt::format("'{}...' has a null character in it", path.c_str()));
  }
}

/// Where `path` leads to. Unlike `std::filesystem::canonical`, also if the last link leads to no file yet.
std::filesystem::path follow_links(const std::filesystem::path& path) {
  std::filesystem::path at = std::filesystem::absolute(path);
  for (int links = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(at)); ++links) {
    if (links == symbolic_links_max) fail_with_errno(path.string(), ELOOP);
    at = at.parent_path() / std::filesystem::read_symlink(at);  // an absolute right side replaces the left one
  }
  return at;
}

bool has_data(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && found.st_size != 0;
}

void check_is_own_file(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return;
    fail_with_errno(path, errno);
  }
  if (S_ISDIR(found.st_mode)) {
    throw error(errc::store_not_a_database, fmt::format("'{}' is a directory; name a file in it", path));
  }
  if (!S_ISREG(found.st_mode)) {
    throw error(errc::store_not_a_database, fmt::format("'{}' is not a regular file; choose another path", path));
  }
  const bool is_too_small = found.st_size != 0 && found.st_size < database_bytes_min;
  if (is_too_small && !has_data(path + "-journal")) {  // with one, SQLite takes back what a crash ended
    throw error(errc::store_not_a_database,
                fmt::format("'{}' holds something else and was left as it is; choose another path", path));
  }
  if (found.st_nlink > 1) {  // its journal goes by name: under two names, commits would be lost
    throw error(errc::store_in_use,
                fmt::format("'{}' has {} names (hard links), and may be in use by another of them; remove all but one",
                            path, found.st_nlink));
  }
}

std::string resolve_path(const std::string& path) {
  try {
    const std::filesystem::path target = follow_links(path);
    const std::filesystem::path directory = target.parent_path();
    if (!std::filesystem::is_directory(directory)) {
      throw error(errc::store_failed,
                  fmt::format("'{}': there is no directory '{}'; make it first", path, directory.string()));
    }
    std::string resolved = (std::filesystem::canonical(directory) / target.filename()).string();
    check_is_own_file(resolved);
    return resolved;
  } catch (const std::filesystem::filesystem_error& e) {
    fail_with_errno(path, e.code().value());
  }
}

std::optional<long> read_pid(int descriptor) {
  std::array<char, 24> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  if (size <= 0) return std::nullopt;
  long pid = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + size, pid);
  if (failure != std::errc{} || pid <= 0) return std::nullopt;
  return pid;
}

/// For error messages only: that it may fail does not matter.
void write_pid(int descriptor) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, text.data(), text.size(), 0);
  }
}

std::string owner(int descriptor) {
  const std::optional<long> pid = read_pid(descriptor);
  if (!pid) return "another process";
  if (*pid == ::getpid()) return "another runtime of this process";
  return fmt::format("process {}", *pid);
}

/// Tells a file from all others, independently of its names.
struct file_identity {
  dev_t device = 0;
  ino_t number = 0;

  [[nodiscard]] static std::optional<file_identity> of(const std::string& path) noexcept {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return std::nullopt;
    return file_identity{found.st_dev, found.st_ino};
  }
  [[nodiscard]] static std::optional<file_identity> of(int descriptor) noexcept {
    struct stat found {};
    if (::fstat(descriptor, &found) != 0) return std::nullopt;
    return file_identity{found.st_dev, found.st_ino};
  }
  bool operator==(const file_identity&) const = default;
};

/// A `flock`, which belongs to the descriptor, so that it works between two runtimes of one process too. A forked child
/// has the same descriptor, and would keep the lock when its parent dies; so the child closes it at once.
class flock_ownership final : public file_ownership {
 public:
  flock_ownership(std::string path, std::string lock_path) : path_{std::move(path)}, lock_path_{std::move(lock_path)} {
    while (!try_lock()) {
    }
    write_pid(descriptor_);
  }

  ~flock_ownership() override {
    if (log_ >= 0) ::close(log_);
    if (fork_.in_child()) return;
    if (remove_ && is_named()) {
      ::unlink(lock_path_.c_str());  // while we hold it: see try_lock
    } else if (::ftruncate(descriptor_, 0) != 0) {
      // the process id stays in it, and is looked at only while another process has the lock
    }
    close();
  }

  void keep() noexcept override {
    remove_ = false;
    database_ = file_identity::of(path_);
    const std::string log_path = path_ + "-wal";
    log_ = ::open(log_path.c_str(), O_PATH | O_CLOEXEC);  // no file is opened, and no lock lost by closing it
    watch_.begin(path_, log_path);
  }
  void remove_when_done() noexcept { remove_ = true; }

  // Once for each commit.
  [[nodiscard]] bool has_files() noexcept override {
    if (is_planted(planted::lost_files_unnoticed)) return true;
    const bool is_due = watch_.is_look_due();
    if (is_due || !had_files_) had_files_ = look_at_files();
    return had_files_;
  }

 private:
  /// False if the file was removed by its former owner before we had it.
  bool try_lock();
  /// At most once, so that a forked child does not close another file that has the same number by then.
  void close() noexcept { ::close(descriptor_.exchange(-1, std::memory_order_relaxed)); }
  [[nodiscard]] bool look_at_files() const noexcept {
    struct stat log {};
    const bool has_log = log_ < 0 || (::fstat(log_, &log) == 0 && log.st_nlink != 0);
    return has_log && file_identity::of(path_) == database_;
  }
  /// Whether the lock file is still the one that its path names.
  [[nodiscard]] bool is_named() const noexcept {
    const auto locked = file_identity::of(descriptor_);
    return locked && locked == file_identity::of(lock_path_);
  }

  std::string path_;
  std::string lock_path_;
  std::atomic<int> descriptor_{-1};
  bool remove_ = false;
  std::optional<file_identity> database_;
  int log_ = -1;  ///< only a name for it
  file_watch watch_;
  bool had_files_ = false;  ///< at the last look
  fork_watch fork_{[](void* self) noexcept { static_cast<flock_ownership*>(self)->close(); }, this};
};

bool flock_ownership::try_lock() {
  descriptor_ = ::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  remove_ = descriptor_ >= 0;
  if (!remove_) {
    if (errno != EEXIST) fail_with_errno(lock_path_, errno);
    descriptor_ = ::open(lock_path_.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor_ < 0 && errno == ENOENT) return false;
    if (descriptor_ < 0) fail_with_errno(lock_path_, errno);
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    const std::string who = code == EWOULDBLOCK ? owner(descriptor_) : std::string{};
    close();
    if (code == EINTR) return false;
    if (code != EWOULDBLOCK) fail_with_errno(lock_path_, code);
    throw error(errc::store_in_use,
                fmt::format("'{}' belongs to {}; stop that first, or use another file", path_, who));
  }
  const bool same = is_named();
  if (!same) close();
  return same;
}

}  // namespace

error log_without_database(const std::string& path) {
  return error(errc::store_corrupt,
               fmt::format("'{}' is missing or empty, and its log '{}-wal' is not; bring it back, or remove both", path,
                           path));
}

database_file resolve_database_file(const std::string& path, const std::string& vfs) {
  check_is_file_path(path);
  if (vfs.empty()) return {resolve_path(path), vfs};
  check_vfs_database({path, vfs});
  return {path, vfs};
}

std::unique_ptr<file_ownership> own(const database_file& file) {
  if (!file.vfs.empty()) return std::make_unique<vfs_ownership>(file);
  auto held = std::make_unique<flock_ownership>(file.path, file.path + "-troupe-lock");
  // Looked at by its owner alone: between two looks of anybody else, another process may make the database.
  if (!has_data(file.path) && has_data(file.path + "-wal")) throw log_without_database(file.path);
  return held;
}

std::unique_ptr<file_ownership> try_own_file(const std::string& path) {
  try {
    auto held = std::make_unique<flock_ownership>(path, path + "-lock");
    held->remove_when_done();
    return held;
  } catch (const error& e) {
    if (!e.is(errc::store_in_use)) throw;
    return nullptr;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
