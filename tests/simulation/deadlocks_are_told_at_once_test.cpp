// SPDX-License-Identifier: Apache-2.0
// Exclusive actions lead to one another, through actors that chance picks, and wait without a limit. Every walk ends:
// with `actor.deadlock` where it waits for itself, and only there.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/testing/seeds.hpp>

#include "simulation/program.hpp"

using namespace plans;

namespace {

/// What one process knows of its walks. Each visit to a house has a number.
struct journal {
  std::map<std::uint64_t, std::vector<std::uint64_t>> inside;  // by house: the visits that hold it, the innermost last
  std::map<std::uint64_t, std::uint64_t> doors;                // by visit: the house that it has asked to let it in
  std::map<std::uint64_t, std::uint64_t> leads_to;             // by visit: the one that it waits for
  std::uint64_t visits = 0;
  bool ends = false;  // the process: calls are cut short, in any order
};

struct town {
  std::shared_ptr<journal> now = std::make_shared<journal>();
  seeded_random* chance = nullptr;
  referee rules;
  std::uint64_t open = 0, arrived = 0, deadlocks = 0;
  bool closed = false;
};
town* here = nullptr;

/// Whether the visit waits for a house that another one holds, and that one for ..., and the last one for this.
bool waits_for_itself(const journal& j, std::uint64_t visit) {
  std::uint64_t at = visit;
  for (std::uint64_t steps = 0; steps <= j.doors.size(); ++steps) {
    const auto door = j.doors.find(at);
    if (door == j.doors.end()) return false;
    const auto holders = j.inside.find(door->second);
    if (holders == j.inside.end() || holders->second.empty()) return false;
    at = holders->second.back();
    for (auto on = j.leads_to.find(at); on != j.leads_to.end(); on = j.leads_to.find(at)) at = on->second;
    if (at == visit) return true;
  }
  return false;
}

struct house {
  struct visit {
    visit(std::uint64_t house, std::uint64_t by) : of{house}, log{here->now}, number{++log->visits} {
      log->doors.erase(by);
      if (by != 0) log->leads_to[by] = number;
      log->inside[house].push_back(number);
    }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    ~visit() { std::erase(log->inside[of], number); }

    void asks(std::uint64_t house) const { log->doors[number] = house; }
    void is_answered() const {
      log->doors.erase(number);
      log->leads_to.erase(number);
    }

    std::uint64_t of;
    std::shared_ptr<journal> log;
    std::uint64_t number;
  };

  troupe::task<> enter(troupe::context<house>& c, std::uint64_t by, std::vector<std::uint64_t> way) {
    const visit mine{std::stoull(c.key().canonical()), by};
    co_await troupe::delay(std::chrono::milliseconds(here->chance->below(3)));
    if (way.empty()) co_return;
    const auto next = way.back();
    way.pop_back();
    mine.asks(next);
    auto to = c.client().get_or_create<house>(std::to_string(next)).with(troupe::timeout{troupe::never});
    try {
      co_await to.call<&house::enter>(mine.number, way);
    } catch (const troupe::error& e) {
      if (!e.is(troupe::errc::deadlock)) mine.log->ends = true;
      if (!mine.log->ends && mine.log->doors.contains(mine.number)) {
        here->rules.expect(waits_for_itself(*mine.log, mine.number), "visit {} does not wait for itself: {}",
                           mine.number, e.what());
      }
      mine.is_answered();
      throw;
    }
    mine.is_answered();
  }

  static constexpr troupe::options options{.sleep_after = troupe::never,
                                           .durability = troupe::durability::ephemeral,
                                           .action_timeout = troupe::never};
  using actor = troupe::actor<house, troupe::exclusive<&house::enter>>;
};

troupe::task<> walk(simulation& sim, town& t) {
  const auto log = t.now;
  while (!t.closed && log == t.now) {
    std::vector<std::uint64_t> way;
    for (auto steps = 1 + sim.random().below(4); steps != 0; --steps) way.push_back(sim.random().below(5));
    const auto first = way.back();
    way.pop_back();
    ++t.open;
    try {
      auto door = sim.client().get_or_create<house>(std::to_string(first)).with(troupe::timeout{troupe::never});
      co_await door.call<&house::enter>(0, way);
      ++t.arrived;
    } catch (const troupe::error& e) {
      if (tells_to_end(e) || log != t.now) co_return;
      if (e.is(troupe::errc::deadlock)) ++t.deadlocks;
    }
    --t.open;
    co_await troupe::delay(1ms);
  }
}

}  // namespace

TEST_CASE("a walk that waits for itself ends with actor.deadlock, and no other does") {
  troupe::registry registry;
  registry.use<house>("house");
  std::uint64_t deadlocks = 0;
  std::uint64_t arrived = 0;
  troupe::testing::for_each_seed(100, [&](std::uint64_t seed) {
    seeded_random chance{seed};
    town t;
    here = &t;
    simulation sim{registry, {.seed = seed, .faults = any_faults(chance), .on_start = [&](simulation& s) {
      t.rules.watch(s);
      t.chance = &s.random();
      t.now = std::make_shared<journal>();
      t.open = 0;
      for (int i = 0; i < 4 && !t.closed; ++i) s.spawn(walk(s, t));
    }}};
    run_for(sim, t.rules, 500ms, [] {});
    sim.heal();
    t.closed = true;
    sim.advance(10s);
    t.rules.expect(t.open == 0, "{} walks have not ended", t.open);
    t.rules.judge();
    deadlocks += t.deadlocks;
    arrived += t.arrived;
  });
  CHECK(deadlocks > 0);
  CHECK(arrived > 0);
}
