// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "program.hpp"

namespace random_programs {

/// What became of a run.
struct result {
  std::string rule;   ///< the promise that was broken; empty if none was
  std::string what;
  std::uint64_t steps = 0, crashes = 0, effects = 0, answered = 0, refused = 0, open = 0;
  std::uint64_t hash = 0;
};

/// Runs a program in a simulation. Promises whose names are in `allowed` may be broken.
[[nodiscard]] result simulate(const program& p, const std::set<std::string>& allowed);

/// Runs a program that was printed, and throws what is wrong.
void replay(const program& p);

/// Runs it on `threads` threads, in real time, without the driver's steps and without faults.
[[nodiscard]] result run_on_threads(const program& p, const std::set<std::string>& allowed, unsigned threads);

}  // namespace random_programs
