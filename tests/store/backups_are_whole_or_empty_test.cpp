// SPDX-License-Identifier: Apache-2.0
#include "disk_lives.hpp"

using namespace disk_lives;
using troupe::testing::disk_effect;
using troupe::testing::disk_operation;

namespace {

constexpr std::size_t commits = 8;

/// A backup of what the plan has committed, on the same disk. The error, if it fails.
std::string back_up(const simulated_disk& disk, planned_commits& plan) {
  const auto store = disk.sqlite()();
  for (std::size_t at = 0; at != commits; ++at) store->commit(plan[at]);
  return store_calls::error_of([&] { store->backup("copy.db"); });
}

std::uint64_t changes_before_the_backup(planned_commits& plan) {
  simulated_disk disk;
  const auto store = disk.sqlite()();
  for (std::size_t at = 0; at != commits; ++at) store->commit(plan[at]);
  return disk.changes();
}

}  // namespace

TEST_CASE("a backup that a crash ended is empty or whole, and what it was made of is whole", "[store][disk]") {
  const ending end = GENERATE(&simulated_disk::crash, &simulated_disk::power_cut);
  planned_commits plan{2, commits};
  bool has_died = true;
  for (std::uint64_t changes = changes_before_the_backup(plan); has_died; ++changes) {
    INFO("the process dies after " << changes << " changes");
    simulated_disk disk{changes};
    disk.halt_after(changes);
    const std::string failure = back_up(disk, plan);
    has_died = disk.halted();
    (disk.*end)();
    const std::string copy = describe(*disk.sqlite("copy.db")());
    if (failure.empty()) {
      REQUIRE(copy == plan.state_after(commits));
    } else {
      REQUIRE(commits_in(copy, plan, 0, 0));
    }
    REQUIRE(describe(*disk.sqlite()()) == plan.state_after(commits));
  }
}

TEST_CASE("a backup that failed leaves nothing, and can be made again", "[store][disk]") {
  planned_commits plan{2, commits};
  for (const disk_operation what : {disk_operation::write, disk_operation::sync, disk_operation::open}) {
    bool has_failed = true;
    for (std::uint64_t after = 0; has_failed; ++after) {
      INFO("operation " << int(what) << " fails after " << after);
      simulated_disk disk{after};
      const auto fault = troupe::testing::disk_fault{.effect = disk_effect::full, .after = after, .times = 1};
      disk.fail(what, "copy.db", fault);
      disk.fail(what, "copy.db-journal", fault);
      const bool made = back_up(disk, plan).empty();
      has_failed = disk.failures() != 0;
      disk.heal();
      if (!made) {
        CHECK(disk.files() == std::vector<std::string>{"app.db", "app.db-troupe-lock"});
        disk.sqlite()()->backup("copy.db");
      }
      REQUIRE(describe(*disk.sqlite("copy.db")()) == plan.state_after(commits));
    }
  }
}

TEST_CASE("on a simulated disk, too, a backup never replaces anything", "[store][disk]") {
  simulated_disk disk;
  planned_commits plan{2, commits};
  disk.replace("copy.db", store_calls::to_bytes("precious"));
  CHECK_THAT(back_up(disk, plan), Catch::Contains("copy.db"));
  CHECK(store_calls::to_text(disk.contents("copy.db")) == "precious");
}
