// SPDX-License-Identifier: Apache-2.0
// The bank in a simulation: money is neither made nor lost, and each order is executed once, whatever happens.
// tests/bank kills real processes, a thousand accounts each; this finds the same, and tells from which seed.

#include "bank.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>
#include <troupe/testing.hpp>
#include <troupe/testing/simulated_disk.hpp>

namespace {

using namespace std::chrono_literals;
using bank::account;
using bank::money;
using troupe::testing::simulation;
using troupe::testing::simulation_options;

constexpr std::array<const char*, 4> customers{"ada", "bert", "cleo", "dora"};
constexpr money opening = 100;

const troupe::registry program = troupe::registry{}.use<account>("account");

void open_accounts(simulation& sim) {
  for (const char* name : customers) sim.run(sim.client().get_or_create<account>(name, opening).call<&account::read>());
}

/// What the customers know of their orders.
struct books {
  bool open = false;
  std::uint64_t orders = 0;
  std::map<std::uint64_t, std::optional<bool>> accepted;  // and whether it is paid, if they heard that
};

troupe::task<> place(simulation& sim, books& known, const char* from, bank::order o, bool waits) {
  const auto payer = sim.client().get<account>(from);
  if (waits) {
    const auto paid = co_await payer.send_and_wait(account::orders, o);
    known.accepted[o.number] = paid.value();
  } else {
    co_await payer.send(account::orders, o);
    known.accepted[o.number] = std::nullopt;
  }
}

// [audit]
/// Once all has arrived, what is stored must agree with itself, and with what the customers know.
void audit(simulation& sim, const books& known) {
  REQUIRE(sim.stored_on_their_way() == 0);
  struct trace {
    int debits = 0, credits = 0, refusals = 0;
  };
  std::map<std::uint64_t, trace> seen;
  money total = 0;
  for (const char* name : customers) {
    const auto where = sim.client().get<account>(name);
    const auto stored = sim.stored(where).value();
    REQUIRE(sim.stored_messages(where, account::orders).empty());
    REQUIRE(sim.stored_messages(where, account::credits).empty());
    money booked = opening;
    for (const bank::line& each : stored.statement) {
      booked += each.amount;
      ++(each.amount < 0 ? seen[each.order].debits : seen[each.order].credits);
    }
    for (const std::uint64_t order : stored.refused) ++seen[order].refusals;
    REQUIRE(stored.balance == booked);
    REQUIRE(stored.balance >= 0);
    total += stored.balance;
  }
  REQUIRE(total == opening * static_cast<money>(customers.size()));
  for (const auto& [order, found] : seen) {
    REQUIRE(found.debits + found.refusals == 1);
    REQUIRE(found.credits == found.debits);
  }
  for (const auto& [order, paid] : known.accepted) {
    REQUIRE(seen.contains(order));
    if (paid) REQUIRE(*paid == (seen[order].debits == 1));
  }
}
// [/audit]

// [every_step]
TEST_CASE("a transfer survives a crash after each of its steps") {
  books known;
  for (int steps = 0; !known.accepted.contains(1); ++steps) {  // until it is done before the crash
    simulation sim{program};
    open_accounts(sim);
    sim.spawn(place(sim, known, "ada", {1, "bert", 70}, true));
    for (int i = 0; i < steps; ++i) sim.step();
    sim.crash();
    sim.advance(1min);
    audit(sim, known);
  }
  CHECK(known.accepted.at(1) == true);
}
// [/every_step]

// [traffic]
/// Places orders until the bank closes, or its process dies.
troupe::task<> trade(simulation& sim, books& known) {
  auto& random = sim.random();
  while (known.open) {
    const char* const from = customers[random.below(customers.size())];
    const bank::order o{++known.orders, customers[random.below(customers.size())], random.between(1, 60)};
    try {
      co_await place(sim, known, from, o, random.chance(0.5));
    } catch (const troupe::error&) {
    }  // whether the bank has it is open
    co_await troupe::delay(random.up_to(200ms));
  }
}
// [/traffic]

// [day]
/// Ten seconds of trade during which all goes wrong that the options say.
void have_a_day(simulation_options options) {
  books known;
  const auto faults = std::exchange(options.faults, {});
  options.on_start = [&known](simulation& sim) {
    for (int i = 0; i < 3 && known.open; ++i) sim.spawn(trade(sim, known));
  };
  simulation sim{program, options};
  open_accounts(sim);
  sim.faults() = faults;
  known.open = true;
  options.on_start(sim);
  sim.advance(10s);

  known.open = false;
  sim.heal();
  sim.advance(10min);  // all that is on its way arrives
  audit(sim, known);
  sim.finish();
}

constexpr troupe::testing::faults bad_day{
    .crash = {.probability = 0.001},
    .crash_before_commit = {.probability = 0.005},
    .crash_after_commit = {.probability = 0.005},
    .commit_fails = {.probability = 0.005},
    .commit_fails_for = 300ms,
    .slow_commit = {.probability = 0.01},
    .load_fails = {.probability = 0.02},
    .slow_load = {.probability = 0.02},
    .delay = {.probability = 0.02},
    .clock_jump = {.probability = 0.001},
};

}  // namespace

TEST_CASE("money is neither made nor lost, and each order is executed once, on a bad day") {
  troupe::testing::for_each_seed(150, [](std::uint64_t seed) { have_a_day({.seed = seed, .faults = bad_day}); });
}
// [/day]

// [disk]
TEST_CASE("and not by power cuts either, with SQLite on a disk that keeps no more than it must") {
  troupe::testing::for_each_seed(20, [](std::uint64_t seed) {
    auto faults = bad_day;
    faults.crash_in_write = {.probability = 0.01};
    faults.power_cut = {.probability = 0.001};
    const auto disk = std::make_shared<troupe::testing::simulated_disk>(seed);
    have_a_day({.seed = seed, .faults = faults, .runtime = {.store = disk->sqlite("bank.db")}, .disk = disk});
  });
}
// [/disk]
