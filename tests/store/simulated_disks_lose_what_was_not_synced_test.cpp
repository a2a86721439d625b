// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include <troupe/testing/check_store.hpp>

#include "disk_lives.hpp"

using namespace disk_lives;
using namespace store_calls;
using Catch::Matchers::Contains;

namespace {

std::map<std::string, troupe::bytes> everything_on(const simulated_disk& disk) {
  std::map<std::string, troupe::bytes> all;
  for (const std::string& name : disk.files()) all.emplace(name, disk.contents(name));
  return all;
}

/// How many different things are left of the same life, which does not wait for the disk.
std::size_t distinct_ends(ending end) {
  std::set<std::string> found;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    simulated_disk disk{seed};
    planned_commits plan{1, 20};
    const auto store = disk.sqlite("app.db", {.synchronous = troupe::synchronous::normal})();
    for (std::size_t at = 0; at != plan.size(); ++at) store->commit(plan[at]);
    (disk.*end)();
    found.insert(describe(*disk.sqlite()()));
  }
  return found.size();
}

}  // namespace

TEST_CASE("the SQLite store keeps every promise on a simulated disk", "[store][disk]") {
  simulated_disk disk;
  const auto broken = troupe::testing::check_store(disk.sqlite());
  CHECK(broken == std::vector<std::string>{"backing up: a backup is at the path it was given"});  // it is, on the disk
}

TEST_CASE("what a simulated disk has is a function of the seed and of the calls", "[store][disk]") {
  const auto run = [](std::uint64_t seed) {
    simulated_disk disk{seed};
    planned_commits plan{5, 20};
    disk.halt_after(200);
    live(disk, {.synchronous = troupe::synchronous::normal}, plan);
    disk.power_cut();
    return everything_on(disk);
  };
  CHECK(run(1) == run(1));
  CHECK(run(2) == run(2));
  CHECK(run(1) != run(2));
}

TEST_CASE("power cuts differ, and kills do not", "[store][disk]") {
  CHECK(distinct_ends(&simulated_disk::power_cut) >= 4);
  CHECK(distinct_ends(&simulated_disk::crash) == 1);
}

TEST_CASE("one runtime at a time owns a file of a simulated disk, and none after a crash", "[store][disk]") {
  simulated_disk disk;
  auto store = disk.sqlite()();
  REQUIRE(is_committed(create(*store, 1, "first")));
  CHECK_THAT(error_of([&] { disk.sqlite()()->close(); }), Contains("store.in_use") && Contains("app.db"));
  CHECK(error_of([&] { disk.sqlite("other.db")()->close(); }).empty());
  disk.crash();
  const auto next = disk.sqlite()();
  CHECK(load(*next, 1) == "first");
  CHECK(update(*store, 1, "from the grave").result != outcome::committed);
  store.reset();
  CHECK(load(*next, 1) == "first");
  CHECK(is_committed(update(*next, 1, "second")));
}

TEST_CASE("a disk stays while a store on it is open", "[store][disk]") {
  auto disk = std::make_unique<simulated_disk>();
  const auto store = disk->sqlite()();
  REQUIRE(is_committed(create(*store, 1, "first")));
  disk.reset();
  CHECK(is_committed(update(*store, 1, "second")));
  CHECK(load(*store, 1) == "second");
}

TEST_CASE("a file system that SQLite does not know is named in the error", "[store][disk]") {
  CHECK_THAT(error_of([] { troupe::sqlite{"app.db", {.vfs = "none"}}()->close(); }),
             Contains("store.failed") && Contains("none"));
}

TEST_CASE("a simulated disk can be full, and have room again", "[store][disk]") {
  simulated_disk disk;
  const auto store = disk.sqlite()();
  REQUIRE(is_committed(create(*store, 1, "before")));
  disk.set_capacity(100'000);
  const std::string more_than_the_log_has_room_for(400'000, 'x');
  const auto failed = update(*store, 1, more_than_the_log_has_room_for);
  CHECK(failed.result == outcome::failed);
  CHECK_THAT(text_of(failed.failure), Contains("store.full") && Contains("app.db"));
  CHECK(load(*store, 1) == "before");
  disk.set_capacity(2'000'000);
  CHECK(is_committed(update(*store, 1, more_than_the_log_has_room_for)));
}

TEST_CASE("a simulated disk that is full refuses openings until it has room", "[store][disk]") {
  simulated_disk disk;
  disk.set_capacity(10'000);
  CHECK_THAT(error_of([&] { disk.sqlite()()->close(); }), Contains("store.full"));
  disk.set_capacity(1'000'000);
  CHECK(error_of([&] { disk.sqlite()()->close(); }).empty());
}
