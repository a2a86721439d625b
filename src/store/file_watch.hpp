// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Tells whether a look at a file's path is due. While it says no, the path leads to the same file as at the last look:
/// neither that file nor a directory above it has been renamed, replaced or removed, and nothing has been mounted or
/// unmounted.
///
/// A question costs a system call, and no walk along the path. The kernel notes a change before the call that makes it
/// returns. Where it might not note all changes, a look is always due.
class file_watch {
 public:
  file_watch() = default;
  ~file_watch() { end(); }
  file_watch(const file_watch&) = delete;
  file_watch& operator=(const file_watch&) = delete;

  /// `path` has no symbolic links in it. `beside` is a file of the same directory.
  void begin(const std::string& path, const std::string& beside) noexcept;

  /// Since the last question. True the first time, too.
  [[nodiscard]] bool is_look_due() noexcept;

 private:
  [[nodiscard]] bool watch_all(const std::string& path, const std::string& beside);
  void read_changes() noexcept;
  void end() noexcept;

  int changes_ = -1;  ///< inotify
  int mounts_ = -1;   ///< all mounts, as a file
  bool is_new_ = true;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
