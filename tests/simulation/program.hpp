// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <troupe/testing/simulation.hpp>
#include <troupe/troupe.hpp>

#include "plans.hpp"

// What the programs of these tests have in common. Each keeps what it expects outside of the simulated process, where
// crashes do not reach, and tells a referee what it sees.

namespace plans {

using troupe::testing::seeded_random;
using troupe::testing::simulation;

/// Remembers the first promise that was broken, from wherever in the program that is seen.
class referee {
 public:
  template <class... T>
  void expect(bool kept, fmt::format_string<T...> otherwise, T&&... values) {
    if (kept || !broken_.empty()) return;
    broken_ = fmt::format(otherwise, std::forward<T>(values)...);
    if (sim_ != nullptr) broken_ += fmt::format(" (step {}, {} crashes)", sim_->steps(), sim_->crashes());
  }
  void watch(const simulation& sim) noexcept { sim_ = &sim; }

  /// Throws it.
  void judge() const {
    if (!broken_.empty()) throw std::runtime_error(broken_);
  }

 private:
  const simulation* sim_ = nullptr;
  std::string broken_;
};

/// A host coroutine that hears this has to end: its process does, in good order.
inline bool tells_to_end(const troupe::error& e) noexcept { return e.is(troupe::errc::runtime_stopped); }

/// Runs a program for so long. At moments that chance picks, `look` is called, and somebody kills or restarts it, if
/// its faults have crashes at all.
template <class Look>
void run_for(simulation& sim, const referee& rules, std::chrono::nanoseconds length, Look look) {
  const auto& f = sim.faults();
  const bool may_crash = f.crash.probability + f.crash_before_commit.probability + f.crash_after_commit.probability > 0;
  seeded_random random = sim.random().fork();
  const auto end = sim.elapsed() + length;
  while (sim.elapsed() < end) {
    sim.advance(random.up_to(length / 4));
    look();
    rules.judge();
    const auto what = random.below(may_crash ? 12 : 3);
    if (what == 2) sim.restart();
    if (what == 3) sim.crash();
    if (what == 4) sim.crash_before_next_commit();
    if (what == 5) sim.crash_after_next_commit();
  }
  rules.judge();
}

}  // namespace plans
