// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace troupe {
inline namespace v0 {
namespace testing {

/// Runs `body` with the seeds 1 to `count`, one after another, and stops at the first one that makes it throw: it
/// prints that seed and the command that replays it to stderr, and lets the exception out.
///
///     TEST_CASE("no money is lost") {
///       troupe::testing::for_each_seed(500, [](std::uint64_t seed) {
///         troupe::testing::simulation sim{registry, {.seed = seed, .faults = {.crash = {.probability = 0.001}}}};
///         ...
///       });
///     }
///
/// The environment may say otherwise: `TROUPE_SEED=42` runs that one alone, `TROUPE_SEEDS=100000` so many,
/// `TROUPE_SEEDS=forever` goes on, from a seed of the moment, until one fails.
void for_each_seed(std::uint64_t count, const std::function<void(std::uint64_t seed)>& body);

}  // namespace testing
}  // namespace v0
}  // namespace troupe
