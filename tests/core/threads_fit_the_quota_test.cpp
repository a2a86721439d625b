// SPDX-License-Identifier: Apache-2.0
// How many threads a pool has by default: no more than the process may run at once, in a container too.

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>
#include <sched.h>

#include "../../src/core/usable_cores.hpp"
#include "store/temporary_directory.hpp"

using troupe::detail::cores_of_quota;
using troupe::detail::usable_cores;

namespace {

// The files that the kernel shows, below a directory.
struct machine {
  void file(const std::string& path, std::string_view content) const {
    const std::filesystem::path where = root / path;
    std::filesystem::create_directories(where.parent_path());
    std::ofstream{where} << content;
  }
  void groups(std::string_view lines) const { file("proc/self/cgroup", lines); }
  [[nodiscard]] std::optional<unsigned> quota() const { return cores_of_quota(root / ""); }

  temporary_directory root;
};

}  // namespace

TEST_CASE_METHOD(machine, "without control groups, or without a quota, there is none", "[core]") {
  CHECK(quota() == std::nullopt);
  groups("0::/\n");
  CHECK(quota() == std::nullopt);
  file("sys/fs/cgroup/cpu.max", "max 100000\n");
  CHECK(quota() == std::nullopt);
}

TEST_CASE_METHOD(machine, "a quota of version 2 is rounded up, and is at least one core", "[core]") {
  groups("0::/\n");
  file("sys/fs/cgroup/cpu.max", "200000 100000\n");
  CHECK(quota() == 2U);
  file("sys/fs/cgroup/cpu.max", "250000 100000\n");
  CHECK(quota() == 3U);
  file("sys/fs/cgroup/cpu.max", "1000 100000\n");
  CHECK(quota() == 1U);
}

TEST_CASE_METHOD(machine, "the least quota counts, of the group and of those around it", "[core]") {
  groups("0::/machine.slice/box/app\n");
  file("sys/fs/cgroup/machine.slice/box/app/cpu.max", "max 100000\n");
  file("sys/fs/cgroup/machine.slice/box/cpu.max", "150000 50000\n");
  file("sys/fs/cgroup/machine.slice/cpu.max", "800000 100000\n");
  CHECK(quota() == 3U);
}

TEST_CASE_METHOD(machine, "a quota of version 1 is that of the hierarchy of the controller cpu", "[core]") {
  groups("9:memory:/box\n4:cpuacct,cpu:/box\n0::/box\n");
  file("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "350000\n");
  file("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  CHECK(quota() == 4U);
  file("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
  CHECK(quota() == std::nullopt);
}

TEST_CASE_METHOD(machine, "in a container that sees the path of the host, its own group is the root", "[core]") {
  groups("4:cpu,cpuacct:/docker/0123456789abcdef\n");
  file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(quota() == 2U);
}

TEST_CASE_METHOD(machine, "what cannot be read is no quota", "[core]") {
  groups("0::/\n");
  const std::string_view line = GENERATE("", "\n", "100000", "100000 ", " 100000", "0 100000", "100000 0", "-5 100000",
                                         "1e5 100000", "99999999999999999999 100000", "9223372036854775807 1",
                                         "100000 100000 100000", "max", "max max");
  CAPTURE(line);
  file("sys/fs/cgroup/cpu.max", line);
  CHECK(quota() == std::nullopt);
  groups("nonsense\n::\n:\n\n0:\n4:cpu\n4:cpu:\n0::../../..\n");
  CHECK(quota() == std::nullopt);
}

TEST_CASE("the default is no more than the affinity mask has cores", "[core]") {
  cpu_set_t before;
  REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(usable_cores() >= 1);
  CHECK(usable_cores() <= static_cast<unsigned>(CPU_COUNT(&before)));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
  const unsigned found = usable_cores();
  REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
  CHECK(found == 1);
}
