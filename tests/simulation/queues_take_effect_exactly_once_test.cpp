// SPDX-License-Identifier: Apache-2.0
// Handled in one turn, a message takes effect exactly once, whatever goes wrong; in several turns, at least once, and
// its attempts say how often it has begun.

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

#include <troupe/testing/seeds.hpp>

#include "simulation/payments.hpp"
#include "simulation/plans.hpp"

using namespace payments;

namespace {

struct setting {
  std::uint64_t seed = 1;
  troupe::testing::faults faults{};
  std::chrono::nanoseconds sleep_after = 100ms;
  troupe::commit_cut cut = troupe::commit_cut::whole_store;
};

void expect_nothing_broken(const customers& all) {
  for (const std::string& each : all.broken) UNSCOPED_INFO(each);
  REQUIRE(all.broken.empty());
}

/// Payments for some time, then nothing fails any more, and all that was begun comes to its end.
void do_business(const setting& s, customers& all) {
  troupe::options lazy = account::options;
  lazy.sleep_after = s.sleep_after;
  troupe::use_options how;
  how.options = lazy;
  troupe::registry registry;
  registry.use<account>("account", how);

  troupe::testing::simulation_options options;
  options.seed = s.seed;
  options.faults = s.faults;
  options.runtime.store = troupe::memory{s.cut};
  employ(options, all);
  troupe::testing::simulation sim{registry, options};
  for (int i = 0; i < 40 && static_cast<int>(all.asked.size()) < all.orders_max; ++i) sim.advance(1s);
  books last = close(sim, all);
  if (s.sleep_after == troupe::never && sim.crashes() == 0) last.check_order_of_credits();
  expect_nothing_broken(all);
  sim.finish();
}

void pay(std::uint64_t seed, troupe::commit_cut cut) {
  troupe::testing::seeded_random random{seed};
  setting s{.seed = seed, .faults = plans::any_faults(random), .cut = cut};
  if (cut == troupe::commit_cut::per_actor) s.faults.commit_unknown = s.faults.actor_taken = s.faults.commit_fails;
  constexpr std::chrono::nanoseconds naps[] = {20ms, 200ms, 5s};
  s.sleep_after = naps[random.below(3)];
  customers all;
  do_business(s, all);
}

}  // namespace

TEST_CASE("payments add up, and each takes effect once, whatever goes wrong") {
  troupe::testing::for_each_seed(100, [](std::uint64_t seed) { pay(seed, troupe::commit_cut::whole_store); });
}

TEST_CASE("they do with a commit for each actor, too") {
  troupe::testing::for_each_seed(100, [](std::uint64_t seed) { pay(seed, troupe::commit_cut::per_actor); });
}

TEST_CASE("what one actor sends another arrives in the order of sending, if both stay awake") {
  troupe::testing::for_each_seed(50, [](std::uint64_t seed) {
    troupe::testing::seeded_random random{seed};
    setting s{.seed = seed, .faults = plans::any_faults(random), .sleep_after = troupe::never};
    s.faults.crash = s.faults.crash_before_commit = s.faults.crash_after_commit = s.faults.load_fails = {};
    s.cut = seed % 2 == 0 ? troupe::commit_cut::per_actor : troupe::commit_cut::whole_store;
    customers all;
    do_business(s, all);
  });
}

TEST_CASE("what an earlier process left on its way arrives, though the store cannot be read at first") {
  troupe::registry registry;
  registry.use<account>("account");
  troupe::testing::simulation sim{registry, {.seed = 1}};
  const auto payer = sim.client().get_or_create<account>(name_of(0));
  sim.run(payer.call<&account::look>());
  sim.faults().load_fails = {.probability = 1, .until = sim.elapsed() + 10s};
  sim.run(payer.send(account::orders, order{.number = 1, .payee = 1, .amount = 40}));
  sim.advance(1s);
  sim.crash();
  CHECK(sim.stored(sim.client().get<account>(name_of(0)))->balance == opening - 40);
  sim.advance(2min);
  CHECK(sim.stored(sim.client().get<account>(name_of(1)))->balance == opening + 40);
}
