// SPDX-License-Identifier: Apache-2.0
// In a simulation blocking functions run on its thread, one after the other and in the order in which they were begun;
// and what an actor has acknowledged was done.

#include <cstdint>
#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <troupe/testing/seeds.hpp>
#include <troupe/testing/simulation.hpp>

#include "simulation/program.hpp"

using namespace std::chrono_literals;
using troupe::testing::simulation;

namespace {

struct printer {
  int begun = 0;
  int last_run = 0;
  bool runs = false;
  std::set<int> printed;
};
printer out;
plans::referee* rules = nullptr;

bool print(int sheet, int order) {
  rules->expect(!out.runs, "two functions run at once");
  out.runs = true;
  rules->expect(order > out.last_run, "function {} runs behind {}", order, out.last_run);
  out.last_run = order;
  out.printed.insert(sheet);
  out.runs = false;
  return sheet % 7 != 0;
}

struct clerk {
  std::set<int> done;

  troupe::task<bool> print_sheet(int sheet) {
    const bool good = co_await troupe::blocking(print, sheet, ++out.begun);
    done.insert(sheet);
    co_return good;
  }
  bool has(int sheet) const { return done.contains(sheet); }
  using actor = troupe::actor<clerk, &clerk::print_sheet, &clerk::has>;
};

troupe::task<> order(troupe::handle<clerk> c, int sheet, std::set<int>& acknowledged) {
  bool answered = true;
  try {
    const bool good = co_await c.call<&clerk::print_sheet>(sheet);
    rules->expect(good == (sheet % 7 != 0), "sheet {} has the result of another", sheet);
  } catch (const troupe::error&) {
    answered = false;  // the process died
  }
  if (answered) acknowledged.insert(sheet);
}

// Until an answer comes: the process may still die now and then.
bool has(simulation& sim, int sheet) {
  for (;;) {
    const auto c = sim.client().get_or_create<clerk>(fmt::format("{}", sheet % 5));
    try {
      return sim.run(c.call<&clerk::has>(sheet));
    } catch (const troupe::error& e) {
      rules->expect(e.is(troupe::errc::aborted), "{}", e.what());
      rules->judge();
    }
  }
}

std::uint64_t run_program(std::uint64_t seed) {
  troupe::registry registry;
  registry.use<clerk>("clerk");
  plans::referee here;
  rules = &here;
  out = {};
  troupe::testing::simulation_options options;
  options.seed = seed;
  options.faults.crash = {.probability = 0.002, .most = 4};
  options.faults.delay = {.probability = 0.1};
  simulation sim{registry, options};
  here.watch(sim);
  std::set<int> acknowledged;
  int sheet = 0;
  for (int round = 0; round != 40; ++round) {
    const auto key = fmt::format("{}", sim.random().below(5));
    sim.spawn(order(sim.client().get_or_create<clerk>(key), ++sheet * 5 + std::stoi(key), acknowledged));
    if (sim.random().below(3) == 0) sim.advance(sim.random().up_to(1ms));
    here.judge();
  }
  sim.advance(1min);
  for (const int each : acknowledged) {
    here.expect(out.printed.contains(each), "sheet {} was acknowledged, and is not printed", each);
    here.expect(has(sim, each), "sheet {} was acknowledged, and is lost", each);
  }
  here.judge();
  sim.finish();
  return sim.trace_hash();
}

}  // namespace

TEST_CASE("blocking functions run one after the other, in order, and once acknowledged they have run") {
  troupe::testing::for_each_seed(100, [](std::uint64_t seed) { run_program(seed); });
}

TEST_CASE("with blocking functions a simulation is still a function of its seed") {
  troupe::testing::for_each_seed(5, [](std::uint64_t seed) { CHECK(run_program(seed) == run_program(seed)); });
}
