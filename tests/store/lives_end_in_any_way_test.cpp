// SPDX-License-Identifier: Apache-2.0
#include "disk_lives.hpp"

using namespace disk_lives;
using troupe::testing::seeded_random;

namespace {

constexpr std::uint64_t seeds = 60;

/// Several processes, one after the other on one disk, each of which ends somewhere.
void live_and_die(std::uint64_t seed) {
  INFO("seed " << seed);
  seeded_random random{seed};
  simulated_disk disk{random.next()};
  planned_commits plan{random.next(), 40};
  const bool full = random.below(2) == 0;
  troupe::sqlite_options options{.synchronous = full ? troupe::synchronous::full : troupe::synchronous::normal};
  options.log_bytes = std::size_t{1} << random.below(16);
  std::size_t done = 0;
  for (int process = 0; process != 6 && done != plan.size(); ++process) {
    disk.halt_after(random.below(400));
    const life lived = live(disk, options, plan, done);
    const bool by_power_cut = random.below(2) == 0;
    if (by_power_cut) {
      disk.power_cut();
    } else {
      disk.crash();
    }
    done = check_survivors(disk, options, plan, lived, by_power_cut && !full);
  }
}

}  // namespace

TEST_CASE("however processes end one after the other, each finds what the one before reported", "[store][disk]") {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) live_and_die(seed);
}
