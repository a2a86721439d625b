// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the examples share: they are tests too, so each checks its results, and leaves nothing behind.

#include <cstdlib>
#include <filesystem>
#include <string>

#include <fmt/core.h>

/// Ends the program with status 1 if something is not as the example says. (clang 14 has no std::source_location.)
inline void check(bool truth, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (truth) return;
  fmt::print(stderr, "{}:{}: not as it should be\n", file, line);
  std::exit(1);
}

/// A folder among the system's temporary ones, removed with all that is in it.
class temporary_folder {
 public:
  temporary_folder() : path_{std::filesystem::temp_directory_path() / "troupe-example-XXXXXX"} {
    std::string name = path_.string();
    check(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};
