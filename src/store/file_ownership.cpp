#include "file_ownership.hpp"

#include <array>
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

#include "vfs_ownership.hpp"

namespace troupe::inline v0 { namespace detail {
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

/// A `flock`, which belongs to the descriptor, so that it works between two runtimes of one process too.
class flock_ownership final : public file_ownership {
 public:
  explicit flock_ownership(std::string path) : path_{std::move(path)}, lock_path_{path_ + "-troupe-lock"} {
    while (!try_lock()) {
    }
    write_pid(descriptor_);
  }

  ~flock_ownership() override {
    if (remove_) {
      ::unlink(lock_path_.c_str());  // while we hold it: see try_lock
    } else if (::ftruncate(descriptor_, 0) != 0) {
      // the process id stays in it, and is looked at only while another process has the lock
    }
    ::close(descriptor_);
  }

  void keep() noexcept override { remove_ = false; }

 private:
  /// False if the file was removed by its former owner before we had it.
  bool try_lock();

  std::string path_;
  std::string lock_path_;
  int descriptor_ = -1;
  bool remove_ = false;
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
    ::close(descriptor_);
    if (code == EINTR) return false;
    if (code != EWOULDBLOCK) fail_with_errno(lock_path_, code);
    throw error(errc::store_in_use,
                fmt::format("'{}' belongs to {}; stop that first, or use another file", path_, who));
  }
  struct stat locked {};
  struct stat named {};
  const bool same = ::fstat(descriptor_, &locked) == 0 && ::stat(lock_path_.c_str(), &named) == 0 &&
                    locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
  if (!same) ::close(descriptor_);
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
  auto held = std::make_unique<flock_ownership>(file.path);
  // Looked at by its owner alone: between two looks of anybody else, another process may make the database.
  if (!has_data(file.path) && has_data(file.path + "-wal")) throw log_without_database(file.path);
  return held;
}

}}  // namespace troupe::v0::detail
