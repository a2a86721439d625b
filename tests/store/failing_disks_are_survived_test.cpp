// SPDX-License-Identifier: Apache-2.0
#include "disk_lives.hpp"

using namespace disk_lives;
using troupe::testing::disk_effect;
using troupe::testing::disk_fault;
using troupe::testing::disk_operation;

namespace {

constexpr std::size_t commits = 10;

/// What happens once something has failed.
enum class sequel { heal, crash, power_cut };

void end(simulated_disk& disk, sequel then) {
  if (then == sequel::power_cut) {
    disk.power_cut();
  } else {
    disk.crash();
  }
}

/// Makes the commits with this fault, and checks what was said of each. Returns whether anything failed.
bool try_fault(planned_commits& plan, troupe::synchronous synchronous, disk_operation what, disk_fault fault,
               sequel then, std::uint64_t seed) {
  simulated_disk disk{seed};
  const auto open = disk.sqlite("app.db", {.synchronous = synchronous});
  const bool may_lose = synchronous == troupe::synchronous::normal && then == sequel::power_cut;
  open()->close();
  disk.fail(what, {}, fault);

  std::size_t done = 0;
  std::unique_ptr<troupe::store> store;
  const auto reopen = [&] {
    store.reset();
    store = open();
  };
  try {
    reopen();
  } catch (const troupe::error&) {
    if (then != sequel::heal) end(disk, then);
    disk.heal();
    reopen();
  }
  REQUIRE((disk.failures() != 0 || store != nullptr));
  while (done != plan.size()) {
    if (done == commits / 2) run_sql(disk, "PRAGMA wal_checkpoint");
    troupe::commit_request& next = plan[done];
    store->commit(next);
    if (next.result == outcome::committed) {
      ++done;
      continue;
    }
    INFO("commit " << done << ": " << store_calls::text_of(next.failure));
    REQUIRE(next.failure);
    if (then != sequel::heal) end(disk, then);
    disk.heal();
    const bool may_be_there = next.result == outcome::unknown;
    if (may_be_there || then != sequel::heal) reopen();
    const auto found = commits_in(describe(*store), plan, may_lose ? 0 : done, done + (may_be_there ? 1 : 0));
    REQUIRE(found.has_value());
    done = *found;
  }
  store.reset();  // a fault may hit what closing does
  disk.heal();
  end(disk, then);
  REQUIRE(commits_in(describe(*open()), plan, may_lose ? 0 : plan.size(), plan.size()));
  return disk.failures() != 0;
}

/// At each operation, or at every so-manieth of them, from another one on each time.
void try_fault_everywhere(disk_operation what, disk_effect effect, std::uint64_t stride,
                          troupe::synchronous synchronous = troupe::synchronous::full) {
  planned_commits plan{3, commits};
  std::uint64_t first = 0;
  for (const sequel then : {sequel::heal, sequel::crash, sequel::power_cut}) {
    for (const std::uint64_t times : {std::uint64_t{1}, disk_fault::forever}) {
      bool has_failed = true;
      for (std::uint64_t after = first++ % stride; has_failed; after += stride) {
        INFO("operation " << int(what) << ", effect " << int(effect) << ", after " << after << ", " << times
                          << " times, then " << int(then));
        has_failed = try_fault(plan, synchronous, what, {.effect = effect, .after = after, .times = times}, then, after);
      }
    }
  }
}

}  // namespace

TEST_CASE("a failed write fails its commit without a trace, and nothing else", "[store][disk]") {
  const auto effect = GENERATE(disk_effect::error, disk_effect::partial, disk_effect::full, disk_effect::read_only);
  try_fault_everywhere(disk_operation::write, effect, 7);
}

TEST_CASE("of a failed sync the store says what has become of the commit", "[store][disk]") {
  const auto synchronous = GENERATE(troupe::synchronous::full, troupe::synchronous::normal);
  try_fault_everywhere(disk_operation::sync, GENERATE(disk_effect::error, disk_effect::forgets), 1, synchronous);
}

TEST_CASE("a failed read loses nothing", "[store][disk]") {
  try_fault_everywhere(disk_operation::read, GENERATE(disk_effect::error, disk_effect::partial), 3);
}

TEST_CASE("whatever else fails, nothing is lost", "[store][disk]") {
  const auto what = GENERATE(disk_operation::open, disk_operation::look, disk_operation::truncate,
                             disk_operation::remove, disk_operation::lock, disk_operation::share);
  try_fault_everywhere(what, disk_effect::error, what == disk_operation::lock || what == disk_operation::look ? 7 : 1);
}

TEST_CASE("what a failed sync left in the log is no hole in it later", "[store][disk]") {
  planned_commits plan{3, commits};
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    simulated_disk disk{seed};
    auto store = disk.sqlite()();
    store->commit(plan[0]);
    REQUIRE(plan[0].result == outcome::committed);
    disk.fail(disk_operation::sync, "-wal", {.effect = disk_effect::forgets});
    store->commit(plan[1]);
    REQUIRE(plan[1].result == outcome::unknown);
    disk.crash();
    store.reset();
    disk.heal();
    disk.halt_after(seed * 3);
    const life second = live(disk, {}, plan, 1);
    REQUIRE((disk.halted() || second.acknowledged == commits));
    disk.power_cut();
    check_survivors(disk, {}, plan, second, false);
  }
}
