// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "program.hpp"

namespace random_programs {

/// The smallest program that still fails, which is found by leaving out one part after another: hosts, steps, bodies,
/// words of options, hooks, faults. `tries_max`: how many programs it runs at most.
[[nodiscard]] program shrink(program p, const std::function<bool(const program&)>& fails, std::size_t tries_max = 3000);

}  // namespace random_programs
