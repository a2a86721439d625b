// SPDX-License-Identifier: Apache-2.0
#include "usable_cores.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <cerrno>

#include <sched.h>
#endif

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

namespace fs = std::filesystem;

// A quota of more is none: no machine has so many cores.
constexpr std::int64_t cores_max = 1 << 16;

std::string first_line(const fs::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<std::int64_t> number(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.remove_suffix(1);
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Both in microseconds. Without a limit the quota is -1 (version 1) or "max" (version 2), which is no number.
std::optional<unsigned> cores(std::optional<std::int64_t> quota, std::optional<std::int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  const std::int64_t whole = *quota / *period + (*quota % *period != 0 ? 1 : 0);
  if (whole > cores_max) return std::nullopt;
  return static_cast<unsigned>(whole);
}

std::optional<unsigned> quota_2(const fs::path& group) {
  const std::string line = first_line(group / "cpu.max");  // "200000 100000"
  const auto space = line.find(' ');
  if (space == std::string::npos) return std::nullopt;
  return cores(number(std::string_view{line}.substr(0, space)), number(std::string_view{line}.substr(space + 1)));
}

std::optional<unsigned> quota_1(const fs::path& group) {
  return cores(number(first_line(group / "cpu.cfs_quota_us")), number(first_line(group / "cpu.cfs_period_us")));
}

// The least of the groups from `path` up to the root of the hierarchy, which is at `mount`. In a container the path may
// be that of the host, and nothing be there: then the container's own group is the root.
std::optional<unsigned> least(const fs::path& mount, std::string_view path,
                              std::optional<unsigned> (*quota_of)(const fs::path&)) {
  std::optional<unsigned> found;
  fs::path group = fs::path{path}.relative_path();
  for (;;) {
    const auto quota = quota_of(mount / group);
    if (quota && (!found || *quota < *found)) found = quota;
    if (group.empty()) return found;
    group = group.parent_path();
  }
}

bool has_controller(std::string_view list, std::string_view wanted) {
  for (;;) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

// A line of /proc/self/cgroup: "0::/a/b" (version 2), or "4:cpu,cpuacct:/a/b" (version 1).
std::optional<unsigned> quota_of_line(const fs::path& mounts, std::string_view line) {
  const auto first = line.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = line.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto controllers = line.substr(first + 1, second - first - 1);
  const auto path = line.substr(second + 1);
  if (controllers.empty()) {
    const auto whole = least(mounts, path, &quota_2);
    return whole ? whole : least(mounts / "unified", path, &quota_2);
  }
  return has_controller(controllers, "cpu") ? least(mounts / "cpu", path, &quota_1) : std::nullopt;
}

unsigned cores_of_affinity() {
#if defined(__linux__)
  // The kernel refuses a mask that is shorter than its own.
  for (std::size_t words = 16; words <= 4096; words *= 2) {
    std::vector<unsigned long> mask(words);
    const auto bytes = words * sizeof(unsigned long);
    if (::sched_getaffinity(0, bytes, reinterpret_cast<cpu_set_t*>(mask.data())) == 0) {
      const int count = CPU_COUNT_S(bytes, reinterpret_cast<cpu_set_t*>(mask.data()));
      if (count > 0) return static_cast<unsigned>(count);
      break;
    }
    if (errno != EINVAL) break;
  }
#endif
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

std::optional<unsigned> cores_of_quota(const fs::path& root) noexcept {
  try {
    std::optional<unsigned> found;
    std::ifstream groups{root / "proc/self/cgroup"};
    for (std::string line; std::getline(groups, line);) {
      const auto quota = quota_of_line(root / "sys/fs/cgroup", line);
      if (quota && (!found || *quota < *found)) found = quota;
    }
    return found;
  } catch (...) {
    return std::nullopt;  // a path that cannot be, or no memory: the quota is not known
  }
}

unsigned usable_cores() noexcept {
  try {
    const unsigned cores = cores_of_affinity();
    return std::min(cores, cores_of_quota("/").value_or(cores));
  } catch (...) {
    return 1;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
