// SPDX-License-Identifier: Apache-2.0
// In a simulation time is a number: it passes when the program has nothing else to do, and never for real.

#include <catch2/catch.hpp>

#include "testing/simulated_program.hpp"

using namespace behaviour;

TEST_CASE("a world that sleeps takes no steps, however much time passes") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  sim.advance(1h);
  REQUIRE_FALSE(sim.is_awake(clerk_of(sim)));
  const auto steps = sim.steps();
  const auto before = sim.elapsed();
  sim.advance(24h * 365 * 100);
  CHECK(sim.steps() == steps);
  CHECK(sim.elapsed() - before == 24h * 365 * 100);
  CHECK_FALSE(sim.step());
  CHECK(sim.run(clerk_of(sim).call<&clerk::look>()) == 1);
}

TEST_CASE("advance passes at least the time it is asked for, and hardly more") {
  simulation sim{served()};
  for (const auto by : {0ns, 1ns, std::chrono::nanoseconds{1s}, std::chrono::nanoseconds{24h}}) {
    sim.run(clerk_of(sim).call<&clerk::add>(1));
    const auto before = sim.elapsed();
    sim.advance(by);
    CHECK(sim.elapsed() - before >= by);
    CHECK(sim.elapsed() - before < by + 10ms);
  }
}

TEST_CASE("advance runs what becomes due, in the order of time") {
  simulation sim{served()};
  std::vector<int> order;
  const auto wait = [](std::vector<int>& to, std::chrono::nanoseconds time, int what) -> troupe::task<> {
    co_await troupe::delay(time);
    to.push_back(what);
  };
  sim.spawn(wait(order, 3h, 3));
  sim.spawn(wait(order, 1h, 1));
  sim.spawn(wait(order, 2h, 2));
  sim.advance(150min);
  CHECK(order == std::vector{1, 2});
  sim.advance(1h);
  CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("run lets as much time pass as the answer needs") {
  simulation sim{served()};
  const auto patient = clerk_of(sim).with(troupe::timeout{48h});
  const auto before = sim.elapsed();
  CHECK(sim.run(patient.call<&clerk::add_after>(24h, 5)) == 5);
  CHECK(sim.elapsed() - before >= 24h);
  CHECK(sim.elapsed() - before < 24h + 1s);
}

TEST_CASE("time-outs come in virtual time") {
  simulation sim{served()};
  const auto before = sim.elapsed();
  CHECK(code_in(sim, clerk_of(sim).call<&clerk::add_after>(24h, 5)) == "actor.action_timed_out");
  CHECK(sim.elapsed() - before >= 60s);
  CHECK(sim.elapsed() - before < 61s);
}

TEST_CASE("actors fall asleep in virtual time") {
  simulation sim{served()};
  const auto one = clerk_of(sim);
  CHECK_FALSE(sim.is_awake(one));
  sim.run(one.call<&clerk::add>(1));
  CHECK(sim.is_awake(one));
  sim.advance(29s);
  CHECK(sim.is_awake(one));
  sim.advance(10s);
  CHECK_FALSE(sim.is_awake(one));
  CHECK(clerk::sleeps == 1);
}

TEST_CASE("delayed messages and retries come in virtual time") {
  simulation sim{served()};
  const auto one = clerk_of(sim);
  sim.run(one.send(clerk::jobs, 7, troupe::delayed{24h}));
  sim.run(one.send(clerk::jobs, -1));
  sim.advance(5min);
  CHECK(sim.stored(one)->done.empty());
  sim.advance(6min);
  CHECK(sim.stored(one)->done == std::vector{-1});
  sim.advance(23h);
  CHECK(sim.stored(one)->done == std::vector{-1});
  sim.advance(1h);
  CHECK(sim.stored(one)->done == std::vector{-1, 7});
}

TEST_CASE("settle runs what can run, and lets no time pass") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  std::vector<std::string> seen;
  sim.spawn([](simulation& s, std::vector<std::string>& to) -> troupe::task<> {
    to.push_back("begun");
    co_await clerk_of(s).call<&clerk::look>();
    to.push_back("answered");
    co_await troupe::delay(1s);
    to.push_back("later");
  }(sim, seen));
  const auto before = sim.elapsed();
  sim.settle();
  CHECK(seen == std::vector<std::string>{"begun", "answered"});
  CHECK(sim.elapsed() - before < 1s);
  sim.settle();
  CHECK(seen.size() == 2);
  sim.advance(2s);
  CHECK(seen.size() == 3);
}

TEST_CASE("step does one thing, or lets time pass to the next") {
  simulation sim{served()};
  bool over = false;
  sim.spawn([](bool& to) -> troupe::task<> {
    co_await troupe::delay(1h);
    to = true;
  }(over));
  int taken = 0;
  while (!over) {
    REQUIRE(sim.step());
    REQUIRE(++taken < 100);
  }
  while (sim.step()) REQUIRE(++taken < 100);
  CHECK(sim.elapsed() >= 1h);
}

TEST_CASE("the wall clock goes with the time that passes") {
  simulation sim{served()};
  const auto before = sim.run(clerk_of(sim).call<&clerk::wall>());
  sim.advance(24h);
  const auto after = sim.run(clerk_of(sim).call<&clerk::wall>());
  CHECK(after - before >= 24h);
  CHECK(after - before < 24h + 1s);
}
