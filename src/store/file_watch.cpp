// SPDX-License-Identifier: Apache-2.0
#include "file_watch.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr long xfs_magic = 0x58465342;  // not in linux/magic.h

/// Whether every change of a name in this file system goes through a call of this kernel that tells of it. Not so in
/// network file systems, in those of user programs, in layers over other directories, and where a subvolume may go.
bool tells_all(const std::string& path) noexcept {
  struct statfs found {};
  if (::statfs(path.c_str(), &found) != 0) return false;
  const auto type = static_cast<long>(found.f_type);
  return type == EXT4_SUPER_MAGIC || type == TMPFS_MAGIC || type == xfs_magic;
}

}  // namespace

void file_watch::begin(const std::string& path, const std::string& beside) noexcept {
  is_new_ = true;
  try {
    if (!watch_all(path, beside)) end();
  } catch (...) {
    end();  // no memory
  }
}

// Beginning with the file: a directory that is watched later has not lost it before.
bool file_watch::watch_all(const std::string& path, const std::string& beside) {
  changes_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  mounts_ = ::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (changes_ < 0 || mounts_ < 0) return false;
  // IN_ATTRIB is a removal of the name of a file that is still open, among others.
  constexpr std::uint32_t of_file = IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB | IN_DONT_FOLLOW;
  constexpr std::uint32_t of_directory = IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW;
  const auto watches = [&](const std::string& name, std::uint32_t what) {
    return tells_all(name) && ::inotify_add_watch(changes_, name.c_str(), what) >= 0;
  };
  if (!watches(path, of_file) || !watches(beside, of_file)) return false;
  auto at = std::filesystem::path{path}.parent_path();
  for (; at.has_relative_path(); at = at.parent_path()) {
    if (!watches(at.string(), of_directory)) return false;
  }
  return true;
}

bool file_watch::is_look_due() noexcept {
  if (changes_ < 0) return true;
  std::array<pollfd, 2> asked{pollfd{changes_, POLLIN, 0}, pollfd{mounts_, POLLPRI, 0}};
  const int found = ::poll(asked.data(), asked.size(), 0);
  if (found == 0) return std::exchange(is_new_, false);
  if (asked[0].revents != 0) read_changes();
  is_new_ = false;
  return true;
}

// A watch stays with its file or directory. Once one of them has been elsewhere, the path may lead through others.
void file_watch::read_changes() noexcept {
  alignas(inotify_event) std::array<char, 4096> read_bytes;
  for (;;) {
    const ssize_t size = ::read(changes_, read_bytes.data(), read_bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return end();
    for (ssize_t at = 0; at < size;) {
      inotify_event change{};
      std::memcpy(&change, read_bytes.data() + at, sizeof change);
      if ((change.mask & ~std::uint32_t{IN_ATTRIB}) != 0) return end();
      at += static_cast<ssize_t>(sizeof change + change.len);
    }
  }
}

void file_watch::end() noexcept {
  for (int* const each : {&changes_, &mounts_}) {
    if (const int descriptor = std::exchange(*each, -1); descriptor >= 0) ::close(descriptor);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
