// SPDX-License-Identifier: Apache-2.0
// How much simulated life fits into a second of ours.

#include <chrono>
#include <cstdint>

#include <troupe/testing.hpp>

#include "world.hpp"

namespace {

using bench::tally;
using namespace std::chrono_literals;
using troupe::testing::simulation;

troupe::registry tallies() {
  troupe::registry registry;
  registry.use<tally>("tally");
  return registry;
}

troupe::task<> add_for_ever(troupe::client client, std::chrono::nanoseconds pause) {
  for (std::uint64_t n = 0;; ++n) {
    const auto h = client.get_or_create<tally>(bench::key_of(n % 10));
    co_await h.call<&tally::add>(1);
    if (pause != pause.zero()) {
      co_await troupe::delay(pause);
    }
  }
}

troupe::testing::faults everything() {
  troupe::testing::faults f;
  f.crash = {.probability = 0.002};
  f.crash_after_commit = f.crash_before_commit = {.probability = 0.01};
  f.commit_fails = f.slow_commit = f.slow_load = f.delay = {.probability = 0.02};
  f.stall = f.clock_jump = f.wall_clock_jump = {.probability = 0.001};
  return f;
}

// A day in which nothing happens but that so many actors go to sleep.
void a_quiet_day(benchmark::State& state) {
  const auto served = tallies();
  simulation sim{served};
  for (auto _ : state) {
    state.PauseTiming();
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      const auto h = sim.client().get_or_create<tally>(bench::key_of(static_cast<std::size_t>(i)));
      sim.run(h.call<&tally::add>(1));
    }
    state.ResumeTiming();
    sim.advance(24h);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(a_quiet_day)->Name("simulation/day")->Arg(0)->Arg(100)->UseRealTime();

// A committed call every few virtual milliseconds, from each of ten coroutines.
void busy(benchmark::State& state) {
  const auto served = tallies();
  simulation sim{served, {.on_start = [](simulation& s) {
                            for (int i = 0; i < 10; ++i) s.spawn(add_for_ever(s.client(), 5ms));
                          }}};
  const auto before = sim.steps();
  for (auto _ : state) sim.advance(1s);
  state.SetItemsProcessed(static_cast<std::int64_t>(sim.steps() - before));
}
BENCHMARK(busy)->Name("simulation/steps")->UseRealTime();

// The same with all faults: a seed is ten virtual seconds with some crashes, from the making of the simulation to its end.
void seeds(benchmark::State& state) {
  const auto served = tallies();
  std::uint64_t seed = 0;
  for (auto _ : state) {
    simulation sim{served, {.seed = ++seed, .faults = everything(), .on_start = [](simulation& s) {
                              for (int i = 0; i < 3; ++i) s.spawn(add_for_ever(s.client(), 50ms));
                            }}};
    sim.advance(10s);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(seeds)->Name("simulation/seeds")->UseRealTime();

void crash(benchmark::State& state) {
  const auto served = tallies();
  simulation sim{served};
  for (auto _ : state) {
    const auto h = sim.client().get_or_create<tally>("a");
    sim.run(h.call<&tally::add>(1));
    sim.crash();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(crash)->Name("simulation/crash")->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
