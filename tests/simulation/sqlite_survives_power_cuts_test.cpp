// SPDX-License-Identifier: Apache-2.0
// The whole runtime on SQLite, on a disk that loses power, tears writes, fails and fills up.

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <troupe/testing/seeds.hpp>
#include <troupe/testing/simulated_disk.hpp>

#include "simulation/payments.hpp"
#include "simulation/plans.hpp"

using namespace payments;
using troupe::testing::disk_effect;
using troupe::testing::disk_operation;
using troupe::testing::simulated_disk;
using troupe::testing::simulation;

namespace {

troupe::testing::simulation_options on(const std::shared_ptr<simulated_disk>& disk, std::uint64_t seed,
                                       troupe::synchronous how) {
  troupe::sqlite_options sqlite;
  sqlite.synchronous = how;
  sqlite.log_bytes = std::size_t{1} << seed % 24;  // from folding all the time to never
  troupe::testing::simulation_options options;
  options.seed = seed;
  options.disk = disk;
  options.runtime.store = disk->sqlite("app.db", sqlite);
  return options;
}

void expect_nothing_broken(const customers& all) {
  for (const std::string& each : all.broken) UNSCOPED_INFO(each);
  REQUIRE(all.broken.empty());
}

troupe::registry bank() {
  troupe::registry registry;
  registry.use<account>("account");
  return registry;
}

/// Something that goes wrong with files, for some operations or until it is healed.
void break_something(simulated_disk& disk, troupe::testing::seeded_random& random) {
  constexpr disk_operation operations[] = {disk_operation::any,      disk_operation::read, disk_operation::write,
                                           disk_operation::truncate, disk_operation::sync, disk_operation::lock};
  constexpr disk_effect effects[] = {disk_effect::error, disk_effect::partial, disk_effect::full,
                                     disk_effect::read_only, disk_effect::forgets};
  if (random.below(4) == 0) {
    std::uint64_t used = 0;
    for (const std::string& each : disk.files()) used += disk.contents(each).size();
    return disk.set_capacity(used + random.below(20'000));
  }
  troupe::testing::disk_fault f;
  f.effect = effects[random.below(std::size(effects))];
  f.after = random.below(30);
  if (random.below(2) == 0) f.times = 1 + random.below(3);
  disk.fail(operations[random.below(std::size(operations))], random.below(2) == 0 ? "-wal" : "", f);
}

/// Numbers, as they come.
struct book {
  std::vector<int> pages;
  void write(int number) { pages.push_back(number); }
  using actor = troupe::actor<book, &book::write>;
};

constexpr int shelves = 3;

std::set<int> stored_pages(simulation& sim) {
  std::set<int> all;
  for (int i = 0; i < shelves; ++i) {
    const auto one = sim.stored(sim.client().get<book>(std::to_string(i)));
    if (one) all.insert(one->pages.begin(), one->pages.end());
  }
  return all;
}

/// What was written, one after another, and whether that was acknowledged.
struct attempt {
  int number = 0;
  bool acknowledged = false;
};

}  // namespace

TEST_CASE("payments add up over crashes within writes and power cuts") {
  std::uint32_t deaths = 0;
  const auto registry = bank();
  troupe::testing::for_each_seed(40, [&](std::uint64_t seed) {
    troupe::testing::seeded_random random{seed};
    auto options = on(std::make_shared<simulated_disk>(seed), seed, troupe::synchronous::full);
    options.faults = plans::any_faults(random);
    options.faults.crash_in_write = {.probability = random.below(2) == 0 ? 0.01 : 0.05};
    options.faults.power_cut = {.probability = random.below(2) == 0 ? 0.0005 : 0.005};
    customers all;
    all.orders_max = 40;
    employ(options, all);
    simulation sim{registry, options};
    for (int i = 0; i < 20 && static_cast<int>(all.asked.size()) < all.orders_max; ++i) sim.advance(1s);
    static_cast<void>(close(sim, all));
    expect_nothing_broken(all);
    deaths += sim.crashes();
    sim.finish();
  });
  CHECK(deaths > 0);
}

TEST_CASE("payments add up over I/O errors and a full disk") {
  std::uint64_t failures = 0;
  const auto registry = bank();
  troupe::testing::for_each_seed(40, [&](std::uint64_t seed) {
    troupe::testing::seeded_random random{seed};
    const auto disk = std::make_shared<simulated_disk>(seed);
    auto options = on(disk, seed, troupe::synchronous::full);
    customers all;
    all.orders_max = 40;
    employ(options, all);
    simulation sim{registry, options};
    for (int i = 0; i < 8; ++i) {
      break_something(*disk, random);
      sim.advance(std::chrono::milliseconds{random.below(1500)});
      failures += disk->failures();
      disk->heal();
      disk->set_capacity(troupe::testing::disk_fault::forever);
      if (random.below(3) == 0) sim.advance(1s);  // it may have survived
      random.below(2) == 0 ? sim.crash() : sim.power_cut();
      expect_nothing_broken(all);
    }
    static_cast<void>(close(sim, all));
    expect_nothing_broken(all);
    sim.finish();
  });
  CHECK(failures > 0);
}

TEST_CASE("commits after a failed sync and a restart are as durable as others") {
  troupe::registry registry;
  registry.use<book>("book");
  troupe::testing::for_each_seed(40, [&](std::uint64_t seed) {
    const auto disk = std::make_shared<simulated_disk>(seed);
    simulation sim{registry, on(disk, seed, troupe::synchronous::full)};
    int number = 0;
    const auto write = [&] { sim.run(sim.client().get_or_create<book>("0").call<&book::write>(++number)); };
    write();
    disk->fail(disk_operation::sync, "-wal", {.effect = disk_effect::forgets});
    CHECK_THROWS_AS(write(), troupe::error);
    disk->heal();
    sim.crash();
    write();
    const int acknowledged = number;
    sim.power_cut();
    CAPTURE(seed);
    REQUIRE(stored_pages(sim).contains(acknowledged));
  });
}

TEST_CASE("with synchronous::normal a power cut loses the end of what was acknowledged, and a crash nothing") {
  std::size_t lost = 0, kept = 0;
  troupe::registry registry;
  registry.use<book>("book");
  troupe::testing::for_each_seed(40, [&](std::uint64_t seed) {
    auto options = on(std::make_shared<simulated_disk>(seed), seed, troupe::synchronous::normal);
    options.faults.crash_in_write = {.probability = 0.02};
    simulation sim{registry, options};
    auto& random = sim.random();
    std::vector<attempt> attempts;
    auto crashes = sim.crashes();
    for (int n = 1; n <= 150; ++n) {
      const auto shelf = sim.client().get_or_create<book>(std::to_string(random.below(shelves)));
      attempt& made = attempts.emplace_back(attempt{n});
      try {
        sim.run(shelf.call<&book::write>(n));
        made.acknowledged = true;
      } catch (const troupe::error&) {
      }
      const bool cut = random.below(20) == 0;
      if (cut) sim.power_cut();
      if (sim.crashes() == std::exchange(crashes, sim.crashes())) continue;
      const auto there = stored_pages(sim);
      bool ended = false;
      for (const attempt& each : attempts) {
        const bool is_there = there.contains(each.number);
        CAPTURE(seed, n, cut, each.number, each.acknowledged, ended);
        if (is_there) {
          if (ended) FAIL("a later one is there, and an earlier is not");
          ++kept;
        } else if (each.acknowledged) {
          if (!cut) FAIL("a crash has lost what was acknowledged");
          ended = true;
          ++lost;
        }
      }
      std::erase_if(attempts, [&](const attempt& each) { return !there.contains(each.number); });
      for (attempt& each : attempts) each.acknowledged = true;  // it has survived, so it stays
    }
    sim.finish();
  });
  CHECK(lost > 0);  // else it would not have been tested
  CHECK(kept > 0);
}
