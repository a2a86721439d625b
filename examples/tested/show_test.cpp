// SPDX-License-Identifier: Apache-2.0
// How an actor is tested, from the cheapest test to the strongest. docs/testing.md tells more of each.

#include "show.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <troupe/testing.hpp>

namespace {

using namespace std::chrono_literals;
using tickets::payment;
using tickets::show;
using troupe::testing::simulation;

constexpr int seats = 10;

// [program]
const troupe::registry program = troupe::registry{}.use<show>("show");

troupe::handle<show> tonight(simulation& sim) { return sim.client().get_or_create<show>("tonight", seats); }
// [/program]

int sold_by(const show& s) {
  int sum = 0;
  for (const auto& [order, count] : s.sold) sum += count;
  return sum;
}

}  // namespace

// [struct]
TEST_CASE("seats that are held are not free, until the time is over") {
  show s;  // an actor is a struct
  s.free = 10;
  const troupe::wall_time evening{};
  CHECK(s.hold("ada", 7, evening));
  CHECK_FALSE(s.hold("bert", 4, evening));
  CHECK(s.hold("ada", 7, evening));  // again
  CHECK(s.free == 3);
  s.end_holds(evening + 10min);
  CHECK(s.hold("bert", 4, evening));
}
// [/struct]

// [time]
TEST_CASE("seats are free again after ten minutes, and who waits for them hears of it") {
  simulation sim{program};
  const auto tickets = tonight(sim);
  const auto heard = sim.record(tickets, show::seats_left);
  CHECK(sim.run(tickets.call<&show::reserve>("ada", 7)));
  sim.advance(9min);  // no waiting
  CHECK(sim.run(tickets.call<&show::left>()) == 3);
  sim.advance(2min);
  CHECK(sim.run(tickets.call<&show::left>()) == 10);
  CHECK(heard.events() == std::vector{3, 10});
}
// [/time]

// [crash]
TEST_CASE("what was answered is there after a crash") {
  simulation sim{program};
  sim.run(tonight(sim).call<&show::reserve>("ada", 7));
  sim.crash();
  CHECK(sim.stored(tonight(sim))->held.contains("ada"));
  CHECK(sim.run(tonight(sim).call<&show::left>()) == 3);
  sim.advance(11min);
  CHECK(sim.run(tonight(sim).call<&show::left>()) == 10);
}
// [/crash]

// [commit]
TEST_CASE("whoever did not hear the answer asks again, and has the seats once") {
  const bool is_stored = GENERATE(false, true);
  simulation sim{program};
  sim.run(tonight(sim).call<&show::left>());
  is_stored ? sim.crash_after_next_commit() : sim.crash_before_next_commit();
  CHECK_THROWS_AS(sim.run(tonight(sim).call<&show::reserve>("ada", 7)), troupe::error);
  CHECK(sim.stored(tonight(sim))->held.contains("ada") == is_stored);
  CHECK(sim.run(tonight(sim).call<&show::reserve>("ada", 7)));
  CHECK(sim.run(tonight(sim).call<&show::left>()) == 3);
}
// [/commit]

// [sleep]
TEST_CASE("seats that became free while the actor slept are free when it is asked") {
  simulation sim{program};
  sim.run(tonight(sim).call<&show::reserve>("ada", 7));
  sim.put_to_sleep(tonight(sim));
  sim.advance(11min);
  CHECK_FALSE(sim.is_awake(tonight(sim)));
  CHECK(sim.run(tonight(sim).call<&show::reserve>("bert", 4)));
}
// [/sleep]

// [queue]
TEST_CASE("a payment waits for its time, and one for nothing becomes a dead letter") {
  simulation sim{program};
  const auto tickets = tonight(sim);
  sim.run(tickets.call<&show::reserve>("ada", 7));
  sim.run(tickets.send(show::payments, payment{"ada"}, troupe::delayed(5min)));
  sim.run(tickets.send(show::payments, payment{"nobody"}));
  CHECK(sim.stored_messages(tickets, show::payments).size() == 2);
  sim.advance(1min);
  CHECK(sim.stored_messages(tickets, show::payments).at(0).order == "ada");
  CHECK(sim.stored_dead_letters(tickets, show::payments).at(0).order == "nobody");
  CHECK(sim.errors().size() == 4);  // of three attempts, and of the dead letter
  sim.advance(5min);
  CHECK(sim.stored(tickets)->sold.contains("ada"));
}
// [/queue]

namespace {

// [customers]
using names = std::set<std::string>;

/// Reserves, and pays some time later, often too late; asks again where the outcome is open.
troupe::task<> buy(simulation& sim, std::string order, names& accepted) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    try {
      const auto tickets = tonight(sim);
      const bool is_held = co_await tickets.call<&show::reserve>(order, 3);
      if (!is_held) co_return;
      co_await troupe::delay(sim.random().up_to(12min));
      const payment sent{order};
      co_await tickets.send(show::payments, sent);
      accepted.insert(order);
      co_return;
    } catch (const troupe::error&) {
    }
    co_await troupe::delay(1s);
  }
}
// [/customers]

}  // namespace

// [seeds]
TEST_CASE("whatever happens, no seat is sold twice or lost, and no payment is lost") {
  constexpr troupe::testing::faults bad_day{
      .crash = {.probability = 0.01},
      .crash_before_commit = {.probability = 0.05},
      .crash_after_commit = {.probability = 0.05},
      .commit_fails = {.probability = 0.02},
      .slow_commit = {.probability = 0.05},
      .delay = {.probability = 0.02},
  };
  troupe::testing::for_each_seed(200, [&](std::uint64_t seed) {
    names accepted;  // payments that the show has acknowledged
    const auto open = [&](simulation& sim) {  // at the beginning, and after each crash
      for (const char* order : {"ada", "bert", "cleo", "dora", "emil"}) {
        if (!accepted.contains(order)) sim.spawn(buy(sim, order, accepted));
      }
    };
    simulation sim{program, {.seed = seed, .faults = bad_day, .on_start = open}};
    sim.advance(30min);
    sim.heal();
    sim.advance(1h);

    sim.run(tonight(sim).call<&show::left>());
    const show s = sim.stored(tonight(sim)).value();
    REQUIRE(s.held.empty());
    REQUIRE(s.free + sold_by(s) == seats);
    names known;
    for (const auto& [order, count] : s.sold) known.insert(order);
    for (const auto& late : sim.stored_dead_letters(tonight(sim), show::payments)) known.insert(late.order);
    REQUIRE(std::includes(known.begin(), known.end(), accepted.begin(), accepted.end()));
    sim.finish();
  });
}
// [/seeds]
