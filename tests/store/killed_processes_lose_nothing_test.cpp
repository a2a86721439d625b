// SPDX-License-Identifier: Apache-2.0
#include "disk_lives.hpp"
#include "older_schemas.hpp"

using namespace disk_lives;
using troupe::synchronous;

namespace {

/// Lets a process die within each change that its life makes. Returns how often commits were lost.
int die_everywhere(const troupe::sqlite_options& options, ending end, bool may_lose) {
  planned_commits plan{1, 14};
  int losses = 0;
  bool has_died = true;
  for (std::uint64_t changes = 0; has_died; ++changes) {
    INFO("the process dies after " << changes << " changes");
    simulated_disk disk{changes};
    disk.halt_after(changes);
    const life first = live(disk, options, plan);
    has_died = disk.halted();
    (disk.*end)();

    const std::size_t left = check_survivors(disk, options, plan, first, may_lose);
    if (left < first.acknowledged) ++losses;
    if (changes % 8 == 0) {  // and it goes on
      const life second = live(disk, options, plan, left);
      REQUIRE(second.acknowledged == plan.size());
      check_survivors(disk, options, plan, second, false);
    }
  }
  return losses;
}

}  // namespace

TEST_CASE("killed at any change of its files, a process has kept what it reported", "[store][disk]") {
  const auto synchronous = GENERATE(synchronous::full, synchronous::normal);
  CHECK(die_everywhere({.synchronous = synchronous}, &simulated_disk::crash, false) == 0);
}

TEST_CASE("killed at any change while the log is folded, a process has kept what it reported", "[store][disk]") {
  CHECK(die_everywhere({.log_bytes = 2000}, &simulated_disk::crash, false) == 0);
}

TEST_CASE("a power cut at any change keeps what was reported, if commits wait for the disk", "[store][disk]") {
  const std::size_t log_bytes = GENERATE(2000, 16 << 20);
  CHECK(die_everywhere({.log_bytes = log_bytes}, &simulated_disk::power_cut, false) == 0);
}

TEST_CASE("a power cut keeps whole commits in their order, if they do not wait for the disk", "[store][disk]") {
  CHECK(die_everywhere({.synchronous = synchronous::normal}, &simulated_disk::power_cut, true) > 10);
}

TEST_CASE("killed while it brings an older file up to date, a process has kept what is in it", "[store][disk]") {
  const ending end = GENERATE(&simulated_disk::crash, &simulated_disk::power_cut);
  bool has_died = true;
  for (std::uint64_t changes = 0; has_died; ++changes) {
    INFO("the process dies after " << changes << " changes");
    simulated_disk disk{changes};
    run_sql(disk, schema_1);
    disk.power_cut();  // all has been synced
    disk.halt_after(changes);
    store_calls::error_of([&] { disk.sqlite()()->close(); });
    has_died = disk.halted();
    (disk.*end)();
    const auto store = disk.sqlite()();
    CHECK(store->opening() >= 42);
    CHECK(store_calls::load(*store, 1) == "old");
    CHECK(store_calls::outgoing(*store).empty());
  }
}
