// SPDX-License-Identifier: Apache-2.0
// A run is a function of its seed and its program: it can be had again, and nothing else has a say in it.

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "testing/simulated_program.hpp"

using namespace behaviour;

namespace {

troupe::testing::faults everything() {
  troupe::testing::faults f;
  f.crash = {.probability = 0.002};
  f.crash_before_commit = f.crash_after_commit = f.commit_fails = f.load_fails = {.probability = 0.01};
  f.commit_fails_for = 50ms;
  f.slow_commit = f.slow_load = f.delay = {.probability = 0.05};
  f.stall = f.clock_jump = f.wall_clock_jump = {.probability = 0.001};
  return f;
}

troupe::task<> visitor(simulation& sim) {
  for (;;) {
    const auto one = clerk_of(sim, sim.random().chance(0.5) ? "a" : "b");
    try {
      if (sim.random().below(3) == 0) {
        co_await one.send(clerk::jobs, static_cast<int>(sim.random().below(100)));
      } else {
        co_await one.call<&clerk::add>(1);
      }
    } catch (const troupe::error& e) {
      sim.note(e.code());
    }
    co_await troupe::delay(sim.random().up_to(1s));
  }
}

simulation_options busy(std::uint64_t seed) {
  simulation_options o;
  o.seed = seed;
  o.faults = everything();
  o.on_start = [](simulation& sim) {
    for (int i = 0; i < 3; ++i) sim.spawn(visitor(sim));
  };
  return o;
}

struct run_record {
  std::uint64_t hash = 0, steps = 0;
  std::uint32_t crashes = 0;
  std::chrono::nanoseconds elapsed{0};
  std::vector<std::string> errors, lines;
  bool operator==(const run_record&) const = default;
};

run_record record_of(simulation& sim, std::vector<std::string> lines = {}) {
  return {sim.trace_hash(), sim.steps(), sim.crashes(), sim.elapsed(), sim.errors(), std::move(lines)};
}

// Time passes in the same pieces each time: they are part of the program.
void go_on(simulation& sim) {
  for (int i = 0; i < 30; ++i) sim.advance(1s);
}

run_record run_with(std::uint64_t seed) {
  auto options = busy(seed);
  std::vector<std::string> lines;
  options.trace = [&lines](std::string_view line) { lines.emplace_back(line); };
  simulation sim{served(), options};
  go_on(sim);
  return record_of(sim, std::move(lines));
}

}  // namespace

TEST_CASE("the same seed gives the same run") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto first = run_with(seed);
    CHECK(first.steps > 100);
    CHECK(first.lines.size() > 10);
    CHECK(run_with(seed) == first);
  }
}

TEST_CASE("other seeds give other runs") {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) hashes.insert(run_with(seed).hash);
  CHECK(hashes.size() == 20);
}

TEST_CASE("seeds differ in what overtakes what") {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    simulation sim{served(), {.seed = seed}};
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) {
      sim.spawn([](simulation& s, std::vector<int>& to, int who) -> troupe::task<> {
        co_await clerk_of(s, std::to_string(who)).call<&clerk::add>(1);
        to.push_back(who);
      }(sim, order, i));
    }
    sim.advance(1s);
    REQUIRE(order.size() == 3);
    orders.insert(order);
  }
  CHECK(orders.size() == 6);
}

TEST_CASE("what listens does not change the run") {
  const auto silent = [] {
    simulation sim{served(), busy(4)};
    go_on(sim);
    return sim.trace_hash();
  }();
  CHECK(run_with(4).hash == silent);
}

TEST_CASE("two simulations in one program do not know of each other") {
  const auto alone = run_with(5);
  simulation one{served(), busy(5)};
  simulation two{served(), busy(6)};
  for (int i = 0; i < 30; ++i) {
    two.advance(1s);
    one.advance(1s);
    two.run(clerk_of(two).call<&clerk::look>());
  }
  CHECK(one.trace_hash() == alone.hash);
  CHECK(one.steps() == alone.steps);
  CHECK(one.errors() == alone.errors);
  CHECK(two.trace_hash() != one.trace_hash());
}

TEST_CASE("the program's random numbers come from the seed") {
  const auto numbers = [](std::uint64_t seed) {
    simulation sim{served(), {.seed = seed}};
    CHECK(sim.seed() == seed);
    std::vector<std::uint64_t> some;
    for (int i = 0; i < 5; ++i) some.push_back(sim.random().next());
    sim.crash();  // they outlive the process
    for (int i = 0; i < 5; ++i) some.push_back(sim.random().next());
    return some;
  };
  CHECK(numbers(1) == numbers(1));
  CHECK(numbers(1) != numbers(2));
  const auto all = numbers(1);
  CHECK(std::set<std::uint64_t>{all.begin(), all.end()}.size() == 10);
}

TEST_CASE("ids of actors come from the seed") {
  const auto id = [](std::uint64_t seed) {
    simulation sim{served(), {.seed = seed}};
    return sim.run(clerk_of(sim).resolve()).str();
  };
  CHECK(id(1) == id(1));
  CHECK(id(1) != id(2));
}

TEST_CASE("notes are part of the trace, and heard by who listens") {
  std::vector<std::string> lines;
  const auto hash = [&](std::string_view what, std::uint64_t number) {
    simulation_options options;
    options.trace = [&lines](std::string_view line) { lines.emplace_back(line); };
    simulation sim{served(), options};
    sim.note(what, number);
    return sim.trace_hash();
  };
  const auto first = hash("a milestone", 7);
  CHECK(std::ranges::any_of(lines, [](const std::string& l) {
    return l.find("a milestone") != l.npos && l.find('7') != l.npos;
  }));
  CHECK(hash("a milestone", 7) == first);
  CHECK(hash("a milestone", 8) != first);
  CHECK(hash("another one", 7) != first);
}

TEST_CASE("the trace tells of crashes, commits and faults") {
  simulation_options options;
  std::string all;
  options.trace = [&all](std::string_view line) { all.append(line).append("\n"); };
  simulation sim{served(), options};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  sim.crash();
  sim.faults().clock_jump = {.probability = 1, .most = 1};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  sim.finish();
  CHECK_THAT(all, Catch::Contains("a process starts"));
  CHECK_THAT(all, Catch::Contains("a crash"));
  CHECK_THAT(all, Catch::Contains("commit of epoch"));
  CHECK_THAT(all, Catch::Contains("both clocks jump"));
  CHECK_THAT(all, Catch::Contains("the process ends"));
}

TEST_CASE("the program may bring a store of its own, which outlives its processes") {
  const troupe::memory kept;
  int opened = 0;
  simulation_options options;
  options.runtime.store = [&] {
    ++opened;
    return kept();
  };
  {
    simulation sim{served(), options};
    sim.run(clerk_of(sim).call<&clerk::add>(1));
    sim.crash();
    sim.run(clerk_of(sim).call<&clerk::add>(1));
    sim.restart();
    CHECK(opened == 3);
    sim.finish();
  }
  simulation next{served(), options};
  CHECK(next.run(clerk_of(next).call<&clerk::look>()) == 2);
}
