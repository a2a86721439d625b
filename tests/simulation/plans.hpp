// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include <troupe/testing/faults.hpp>
#include <troupe/testing/seeded_random.hpp>

// What may go wrong in a run, drawn from its seed.

namespace plans {

using namespace std::chrono_literals;

/// Which faults there are in a run, and how likely: each is there or not, and some runs have none, since a mistake that
/// only a quiet run shows is one too. A run of `length` has some crashes, and gets on all the same.
///
/// What can make a run last longer than the program asks for (stalls, clock jumps, stores that fail for long) is
/// bounded by some seconds.
inline troupe::testing::faults any_faults(troupe::testing::seeded_random& random) {
  troupe::testing::faults f;
  if (random.below(12) == 0) return f;
  const auto maybe = [&random](double rare, double often) -> troupe::testing::fault {
    const auto how = random.below(4);
    if (how < 2) return {};
    return {.probability = how == 2 ? rare : often};
  };
  f.crash = maybe(0.0002, 0.002);
  f.crash_before_commit = maybe(0.002, 0.02);
  f.crash_after_commit = maybe(0.002, 0.02);
  f.down_max = std::chrono::milliseconds{random.below(2000)};
  f.commit_fails = maybe(0.005, 0.05);
  f.commit_fails_for = std::chrono::milliseconds{random.below(2) * random.below(1500)};
  f.slow_commit = maybe(0.01, 0.1);
  f.slow_commit_max = std::chrono::milliseconds{1 + random.below(1000)};
  f.load_fails = maybe(0.005, 0.05);
  f.slow_load = maybe(0.05, 0.5);
  f.slow_load_max = std::chrono::milliseconds{1 + random.below(200)};
  f.delay = maybe(0.01, 0.1);
  f.delay_max = std::chrono::milliseconds{1 + random.below(50)};
  f.stall = maybe(0.0002, 0.001);
  f.stall_max = std::chrono::milliseconds{1 + random.below(5000)};
  f.clock_jump = maybe(0.0002, 0.001);
  f.clock_jump_max = std::chrono::milliseconds{1 + random.below(5000)};
  f.wall_clock_jump = maybe(0.0002, 0.001);
  f.busy = maybe(1.0 / 16, 1.0 / 4);
  return f;
}

}  // namespace plans
