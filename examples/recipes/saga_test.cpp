// SPDX-License-Identifier: Apache-2.0
// A saga: several bookings that all hold in the end, or none does. It is one message, unacknowledged until it is decided.
// So a crash in the middle begins it again, and its steps can be taken twice. Use it where the parties are actors or
// services of their own; what one actor owns is one turn, and needs no saga.

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

namespace {

using namespace std::chrono_literals;
using troupe::testing::simulation;

// [steps]
// A hotel or a flight: it has some places. Each step can be taken again, for it carries the name of the trip.
struct house {
  int places = 0;
  std::set<std::string> taken;

  void on_create(troupe::context<house>&, int how_many) { places = how_many; }

  bool book(std::string trip) {
    if (taken.contains(trip)) return true;
    if (places == static_cast<int>(taken.size())) return false;
    taken.insert(trip);
    return true;
  }
  void cancel(std::string trip) { taken.erase(trip); }  // the compensation: nothing is wrong if there is no booking

  using actor = troupe::actor<house, &house::book, &house::cancel>;
};
// [/steps]

// [saga]
struct trip {
  std::string name, flight, hotel;
};

struct travel_agency {
  // It is tried until it is decided: a saga that became a dead letter would leave bookings behind.
  static constexpr troupe::queue<"trips", trip, bool> trips{
      {.attempts_max = 1'000'000, .retry_min = 1s, .retry_max = 1min, .concurrency = 16}};

  std::map<std::string, bool> decided;

  troupe::task<bool> on_trip(troupe::context<travel_agency>& c, trip t) {
    if (const auto known = decided.find(t.name); known != decided.end()) co_return known->second;
    auto flight = c.client().get_or_create<house>(t.flight, 2);
    auto hotel = c.client().get_or_create<house>(t.hotel, 3);
    const bool flies = co_await flight.call<&house::book>(t.name);
    bool stays = false;
    if (flies) {
      stays = co_await hotel.call<&house::book>(t.name);
    }
    if (flies && !stays) {
      co_await flight.call<&house::cancel>(t.name);
    }
    decided[t.name] = stays;  // in the turn that acknowledges the message
    co_return stays;
  }

  using actor = troupe::actor<travel_agency, troupe::consumes<trips, &travel_agency::on_trip>>;
};
// [/saga]

const troupe::registry program = troupe::registry{}.use<house>("house").use<travel_agency>("agency");

troupe::handle<travel_agency> agency(simulation& sim) { return sim.client().get_or_create<travel_agency>("ours"); }

std::set<std::string> guests(simulation& sim, const std::string& of) {
  const auto found = sim.stored(sim.client().get<house>(of));
  return found ? found->taken : std::set<std::string>{};
}

}  // namespace

TEST_CASE("a trip without a bed leaves no seat taken") {
  simulation sim{program};
  for (const char* name : {"ada", "bert", "cleo"}) {
    const std::string flight = name == std::string{"cleo"} ? "late flight" : "early flight";
    CHECK(sim.run(agency(sim).send_and_wait(travel_agency::trips, trip{name, flight, "inn"})) == true);
  }
  CHECK(sim.run(agency(sim).send_and_wait(travel_agency::trips, trip{"dora", "late flight", "inn"})) == false);
  CHECK(guests(sim, "late flight") == std::set<std::string>{"cleo"});
  CHECK(guests(sim, "inn") == std::set<std::string>{"ada", "bert", "cleo"});
}

TEST_CASE("a trip that is sent again has the same answer") {
  simulation sim{program};
  const auto ask = [&](const char* name) {
    return sim.run(agency(sim).send_and_wait(travel_agency::trips, trip{name, "flight", "inn"}));
  };
  CHECK(ask("ada") == true);
  CHECK(ask("bert") == true);
  CHECK(ask("cleo") == false);
  sim.run(sim.client().get<house>("flight").call<&house::cancel>("bert"));
  CHECK(ask("cleo") == false);
  CHECK(ask("ada") == true);
}

// [test]
TEST_CASE("whatever crashes, each trip has all of its bookings or none") {
  constexpr troupe::testing::faults bad_day{
      .crash = {.probability = 0.02},
      .crash_before_commit = {.probability = 0.05},
      .crash_after_commit = {.probability = 0.05},
      .commit_fails = {.probability = 0.02},
  };
  troupe::testing::for_each_seed(100, [&](std::uint64_t seed) {
    simulation sim{program, {.seed = seed, .faults = bad_day}};
    std::set<std::string> accepted;
    for (int i = 0; i < 8; ++i) {
      const trip wanted{"trip " + std::to_string(i), "flight " + std::to_string(i % 3), "inn"};
      try {
        sim.run(agency(sim).send(travel_agency::trips, wanted));
        accepted.insert(wanted.name);
      } catch (const troupe::error&) {  // the outcome is open
      }
    }
    sim.heal();
    sim.advance(10min);

    std::set<std::string> flying;
    for (const char* flight : {"flight 0", "flight 1", "flight 2"}) {
      for (const auto& name : guests(sim, flight)) flying.insert(name);
    }
    REQUIRE(flying == guests(sim, "inn"));
    const auto decided = sim.stored(agency(sim)).value().decided;
    for (const auto& name : accepted) REQUIRE(decided.contains(name));
    for (const auto& [name, booked] : decided) REQUIRE(booked == flying.contains(name));
    REQUIRE(sim.stored_messages(agency(sim), travel_agency::trips).empty());
    sim.finish();
  });
}
// [/test]
