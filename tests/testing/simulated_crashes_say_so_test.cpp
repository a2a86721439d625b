// SPDX-License-Identifier: Apache-2.0
// The errors that the death of a simulated process causes say that it was a simulated crash, and where.

#include <catch2/catch.hpp>

#include "testing/simulated_program.hpp"

using namespace behaviour;

namespace {

simulation_options seeded() {
  simulation_options o;
  o.seed = 77;
  return o;
}

/// Begins a call, and lets it wait.
template <class A>
outcome<int> begin(simulation& sim, A call) {
  outcome<int> out;
  sim.spawn(out.watch(std::move(call), out));
  sim.settle();
  return out;
}

}  // namespace

TEST_CASE("a call whose commit a simulated crash prevents says that it was one, which actor, and where") {
  simulation sim{served(), seeded()};
  const auto one = clerk_of(sim);
  SECTION("before the commit") { sim.crash_before_next_commit(); }
  SECTION("after the commit") { sim.crash_after_next_commit(); }
  const auto failure = failure_of([&] { sim.run(one.call<&clerk::add>(1)); });
  CHECK(code_of(failure) == "store.unavailable");
  CHECK_THAT(text_of(failure), Catch::Contains("a simulated crash") && Catch::Contains("seed 77") &&
                                   Catch::Contains("clerk/"));
}

TEST_CASE("a call that a simulated crash or power cut interrupts says so") {
  simulation sim{served(), seeded()};
  const bool power = GENERATE(false, true);
  const auto waits = begin(sim, clerk_of(sim).call<&clerk::add_after>(1h, 1));
  CHECK_FALSE(waits.done());
  power ? sim.power_cut() : sim.crash();
  REQUIRE(waits.done());
  CHECK_THAT(waits.text(), Catch::Contains(power ? "a simulated power cut" : "a simulated crash"));
}

TEST_CASE("a handle of the process that died says so") {
  simulation sim{served(), seeded()};
  const auto before = clerk_of(sim);
  sim.run(before.call<&clerk::add>(1));
  sim.crash();
  const auto failure = failure_of([&] { sim.run(before.call<&clerk::add>(1)); });
  CHECK(code_of(failure) == "runtime.stopped");
  CHECK_THAT(text_of(failure), Catch::Contains("a simulated crash") && Catch::Contains("seed 77"));
}

TEST_CASE("an orderly end of a simulated process is no crash") {
  simulation sim{served(), seeded()};
  const auto before = clerk_of(sim);
  sim.run(before.call<&clerk::add>(1));
  sim.restart();
  const auto failure = failure_of([&] { sim.run(before.call<&clerk::add>(1)); });
  CHECK(code_of(failure) == "runtime.stopped");
  CHECK_THAT(text_of(failure), !Catch::Contains("crash"));
}
