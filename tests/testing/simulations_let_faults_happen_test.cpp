// SPDX-License-Identifier: Apache-2.0
// Each fault does what it says, as often as it says, and when.

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "testing/simulated_program.hpp"

using namespace behaviour;
using troupe::testing::fault;
using troupe::testing::faults;

namespace {

constexpr fault once{.probability = 1, .most = 1};

simulation_options with(const faults& f) {
  simulation_options o;
  o.seed = 5;
  o.faults = f;
  return o;
}

/// How much virtual time `f` takes.
template <class F>
std::chrono::nanoseconds time_of(simulation& sim, F&& f) {
  const auto before = sim.elapsed();
  f();
  return sim.elapsed() - before;
}

}  // namespace

TEST_CASE("by default nothing goes wrong") {
  simulation sim{served()};
  for (int i = 0; i < 200; ++i) sim.run(clerk_of(sim).call<&clerk::add>(1));
  CHECK(sim.crashes() == 0);
  CHECK(sim.errors().empty());
}

TEST_CASE("a crash between two pieces of work") {
  faults f;
  f.crash = once;
  simulation sim{served(), with(f)};
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  CHECK(sim.crashes() == 1);
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 1);
  CHECK(sim.crashes() == 1);
}

TEST_CASE("a power cut between two pieces of work") {
  faults f;
  f.power_cut = {.probability = 1, .most = 3};
  simulation sim{served(), with(f)};
  for (int i = 0; i < 3; ++i) CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 1);
  CHECK(sim.crashes() == 3);
}

TEST_CASE("a crash before a commit, of which nothing is stored") {
  faults f;
  f.crash_before_commit = once;
  simulation sim{served(), with(f)};
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  CHECK(sim.crashes() == 1);
  CHECK_FALSE(sim.stored(clerk_of(sim)).has_value());
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 1);
}

TEST_CASE("a crash after a commit, of which nobody is told") {
  faults f;
  f.crash_after_commit = once;
  simulation sim{served(), with(f)};
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  CHECK(sim.crashes() == 1);
  CHECK(sim.stored(clerk_of(sim)).has_value());
}

TEST_CASE("faults have a time from which and until which they happen") {
  faults f;
  f.crash_before_commit = {.probability = 1, .from = 10s, .until = 20s};
  f.down_max = 0s;
  simulation sim{served(), with(f)};
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 1);
  sim.advance(10s - sim.elapsed());
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  sim.advance(5s);
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  sim.advance(20s - sim.elapsed());
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 2);
  CHECK(sim.crashes() == 2);
}

TEST_CASE("a fault happens as often as it is likely") {
  faults f;
  f.crash_before_commit = {.probability = 0.25};
  simulation sim{served(), with(f)};
  int failed = 0;
  for (int i = 0; i < 400; ++i) failed += code_in(sim, clerk_of(sim).call<&clerk::add>(1)).empty() ? 0 : 1;
  CHECK(failed > 60);
  CHECK(failed < 140);
  CHECK(sim.crashes() == static_cast<std::uint32_t>(failed));
}

TEST_CASE("a commit that fails once is tried again, and nobody notices") {
  faults f;
  f.commit_fails = once;
  simulation sim{served(), with(f)};
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 1);
  CHECK(sim.stored(clerk_of(sim))->count == 1);
  REQUIRE(sim.errors().size() == 1);
  CHECK_THAT(sim.errors()[0], Catch::Contains("store.") && Catch::Contains("a fault of the simulation"));
  CHECK(sim.crashes() == 0);
}

TEST_CASE("a commit of unknown outcome ends its actor, which wakes with what is stored") {
  int stored = 0;
  int not_stored = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto o = with({});
    o.seed = seed;
    o.cut = troupe::commit_cut::per_actor;
    simulation sim{served(), o};
    sim.run(clerk_of(sim).call<&clerk::add>(1));
    sim.run(clerk_of(sim, "b").call<&clerk::add>(1));
    sim.faults().commit_unknown = once;
    CHECK(code_in(sim, clerk_of(sim).call<&clerk::add>(1)) == "store.unavailable");
    CHECK(sim.run(clerk_of(sim, "b").call<&clerk::add>(1)) == 2);
    const int count = sim.run(clerk_of(sim).call<&clerk::look>());
    CHECK(sim.stored(clerk_of(sim))->count == count);
    ++(count == 2 ? stored : not_stored);
    CHECK(sim.crashes() == 0);
  }
  CHECK(stored > 3);
  CHECK(not_stored > 3);
}

TEST_CASE("an actor that has had another owner for a moment ends, and nothing is stored") {
  auto o = with({});
  o.cut = troupe::commit_cut::per_actor;
  simulation sim{served(), o};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  sim.faults().actor_taken = once;
  CHECK(code_in(sim, clerk_of(sim).call<&clerk::add>(1)) == "store.unavailable");
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 2);
}

TEST_CASE("answers to commits of several actors come in any order") {
  auto o = with({});
  o.cut = troupe::commit_cut::per_actor;
  o.faults.slow_commit = {.probability = 0.5};
  simulation sim{served(), o};
  std::vector<int> order;
  const auto note = [&](int n) -> troupe::task<> {
    auto each = clerk_of(sim, std::to_string(n));
    co_await each.call<&clerk::add>(1);
    order.push_back(n);
  };
  for (int n = 0; n < 20; ++n) sim.spawn([&note, n] { return note(n); });
  CHECK(sim.advance_until([&] { return order.size() == 20; }, 1min));
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("commits that fail for a while go through afterwards") {
  faults f;
  f.commit_fails = once;
  f.commit_fails_for = 20s;
  simulation sim{served(), with(f)};
  const auto time = time_of(sim, [&] { CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 1); });
  CHECK(time >= 20s);
  CHECK(time < 30s);  // the runtime tries again after 5 seconds at most
}

TEST_CASE("commits that fail for ever go through when all is healed") {
  faults f;
  f.commit_fails = once;
  f.commit_fails_for = troupe::never;
  simulation sim{served(), with(f)};
  outcome<int> adding;
  const auto patient = clerk_of(sim).with(troupe::timeout{troupe::never});
  sim.spawn(adding.watch(patient.call<&clerk::add>(1), adding));
  sim.advance(24h);
  CHECK_FALSE(adding.done());
  CHECK_FALSE(sim.stored(patient).has_value());
  sim.heal();
  sim.advance(10s);
  CHECK(adding.value() == 1);
  CHECK(sim.stored(patient)->count == 1);
}

TEST_CASE("a program ends well though its commits fail for ever") {
  faults f;
  f.commit_fails = once;
  f.commit_fails_for = troupe::never;
  simulation sim{served(), with(f)};
  using relaxed = careless<troupe::durability::relaxed>;
  sim.run(sim.client().get_or_create<relaxed>("a").call<&relaxed::add>(1));
  sim.advance(1min);
  sim.restart();  // the end is without faults
  CHECK(sim.run(sim.client().get_or_create<relaxed>("a").call<&relaxed::add>(1)) == 2);
}

TEST_CASE("slow commits take as long as they may") {
  const auto time_with = [](const fault& slow, std::chrono::nanoseconds most) {
    faults f;
    f.slow_commit = slow;
    f.slow_commit_max = most;
    simulation sim{served(), with(f)};
    return time_of(sim, [&] {
      for (int i = 0; i < 20; ++i) sim.run(clerk_of(sim).call<&clerk::add>(1));
    });
  };
  CHECK(time_with({}, 20s) < 1s);
  CHECK(time_with({.probability = 1}, 20s) > 60s);
  CHECK(time_with({.probability = 1}, 20s) < 400s);
}

TEST_CASE("an actor that cannot be read fails its callers, and is read later") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  sim.put_to_sleep(clerk_of(sim));
  sim.faults().load_fails = once;
  CHECK(code_in(sim, clerk_of(sim).call<&clerk::look>()) == "store.failed");
  CHECK(sim.run(clerk_of(sim).call<&clerk::look>()) == 1);
}

TEST_CASE("slow reads take as long as they may") {
  simulation sim{served()};
  const auto wake_ten_times = [&] {
    for (int i = 0; i < 10; ++i) {
      sim.run(clerk_of(sim).call<&clerk::look>());
      sim.put_to_sleep(clerk_of(sim));
    }
  };
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  CHECK(time_of(sim, wake_ten_times) < 1s);
  sim.faults().slow_load = {.probability = 1};
  sim.faults().slow_load_max = 10s;
  CHECK(time_of(sim, wake_ten_times) > 10s);
}

TEST_CASE("work comes late, or stalls") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  const auto add_often = [&] {
    for (int i = 0; i < 20; ++i) sim.run(clerk_of(sim).call<&clerk::add>(1));
  };
  CHECK(time_of(sim, add_often) < 1s);
  sim.faults().delay = {.probability = 0.5};
  sim.faults().delay_max = 1s;
  CHECK(time_of(sim, add_often) > 5s);
  sim.faults().delay = {};
  sim.faults().stall = {.probability = 1, .most = 10};
  sim.faults().stall_max = 30s;
  CHECK(time_of(sim, add_often) > 1s);
  CHECK(sim.run(clerk_of(sim).call<&clerk::look>()) == 61);
}

TEST_CASE("a suspended process wakes to find both clocks further on") {
  simulation sim{served()};
  const auto wall = sim.run(clerk_of(sim).call<&clerk::wall>());
  const auto before = sim.elapsed();
  sim.faults().clock_jump = {.probability = 1, .most = 10};
  sim.faults().clock_jump_max = 1h;
  sim.advance(1ms);
  for (int i = 0; i < 20; ++i) static_cast<void>(code_in(sim, clerk_of(sim).call<&clerk::look>()));
  const auto passed = sim.elapsed() - before;
  CHECK(passed > 1h);
  CHECK(passed < 10h);
  const auto wall_passed = sim.run(clerk_of(sim).call<&clerk::wall>()) - wall;
  CHECK(wall_passed > passed - 1s);
  CHECK(wall_passed < passed + 1s);
}

TEST_CASE("somebody sets the wall clock, and no time passes") {
  bool forward = false, back = false;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    simulation sim{served(), {.seed = seed}};
    const auto wall = sim.run(clerk_of(sim).call<&clerk::wall>());
    const auto before = sim.elapsed();
    sim.faults().wall_clock_jump = once;
    const auto now = sim.run(clerk_of(sim).call<&clerk::wall>());
    CHECK(sim.elapsed() - before < 1s);
    forward = forward || now - wall > 1min;
    back = back || now - wall < -1min;
    CHECK(now - wall < 61min);
    CHECK(now - wall > -61min);
  }
  CHECK(forward);
  CHECK(back);
}

TEST_CASE("a fault that cannot happen leaves the run as it was") {
  const auto hash_with = [](const faults& f) {
    simulation sim{served(), with(f)};
    for (int i = 0; i < 20; ++i) sim.run(clerk_of(sim).call<&clerk::add>(1));
    sim.advance(1min);
    return sim.trace_hash();
  };
  faults f;
  const auto without = hash_with(f);
  const fault never_now{.probability = 1, .from = 24h};
  const fault none{.probability = 1, .most = 0};
  const fault over{.probability = 1, .until = 0s};
  for (const fault& each : {never_now, none, over}) {
    f.crash = f.crash_before_commit = f.crash_after_commit = f.power_cut = f.commit_fails = f.slow_commit = each;
    f.load_fails = f.slow_load = f.delay = f.stall = f.clock_jump = f.wall_clock_jump = each;
    CHECK(hash_with(f) == without);
  }
  f = {};
  f.busy = {};
  CHECK(hash_with(f) != without);  // everyday life on several threads
}

TEST_CASE("heal ends all faults, and new ones may begin") {
  faults f;
  f.crash_before_commit = {.probability = 1};
  simulation sim{served(), with(f)};
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  sim.heal();
  CHECK(sim.faults().crash_before_commit.probability == 0);
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 1);
  sim.faults().crash_before_commit = once;
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
}
