// SPDX-License-Identifier: Apache-2.0
#include "disk_lives.hpp"

using namespace disk_lives;
using troupe::testing::seeded_random;

namespace {

constexpr std::uint64_t seeds = 400;
constexpr std::size_t commits = 20;

struct files {
  troupe::bytes database;
  troupe::bytes log;
};

files on(const simulated_disk& disk) {
  const auto names = disk.files();
  const bool has_log = std::ranges::find(names, "app.db-wal") != names.end();
  return {disk.contents("app.db"), has_log ? disk.contents("app.db-wal") : troupe::bytes{}};
}

/// After all commits of the plan: all in the database; or the second half in the log.
files after(planned_commits& plan, bool in_log) {
  simulated_disk disk;
  const auto store = disk.sqlite()();
  for (std::size_t at = 0; at != plan.size(); ++at) {
    if (at == commits / 2) run_sql(disk, "PRAGMA wal_checkpoint");
    store->commit(plan[at]);
    REQUIRE(plan[at].result == outcome::committed);
  }
  if (!in_log) store->close();
  return on(disk);
}

/// Some damage that disks and people do.
void damage(troupe::bytes& file, seeded_random& random) {
  const std::uint64_t kind = random.below(5);
  const std::size_t at = random.below(file.size());
  const auto rest = std::span{file}.subspan(at);
  switch (kind) {
    case 0:  // a few bits, maybe in the header
      for (std::uint64_t count = 1 + random.below(8); count-- != 0;) {
        const std::size_t reach = random.below(3) == 0 ? std::min<std::size_t>(file.size(), 128) : file.size();
        file[random.below(reach)] ^= static_cast<std::byte>(1U << random.below(8));
      }
      break;
    case 1:  // garbage
      for (std::byte& each : rest.first(std::min<std::size_t>(rest.size(), 1 + random.below(600)))) {
        each = static_cast<std::byte>(random.next());
      }
      break;
    case 2:  // sectors that came back empty
      std::ranges::fill(rest.first(std::min<std::size_t>(rest.size(), 512 * (1 + random.below(16)))), std::byte{0});
      break;
    case 3:  // the end is missing
      file.resize(at);
      break;
    default:  // a page in the place of another one
      if (file.size() < 3 * 4096) break;
      std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(4096 * random.below(file.size() / 4096)), 4096,
                  file.begin() + static_cast<std::ptrdiff_t>(4096 * random.below(file.size() / 4096)));
  }
}

/// What was read, or the error.
std::string read_all(troupe::store& store) {
  try {
    return describe(store);
  } catch (const troupe::error& e) {
    return e.what();
  } catch (const std::runtime_error& e) {  // describe finds that the answers contradict each other
    return e.what();
  }
}

/// Uses the store, in which anything may be wrong: calls answer, or fail with an error of ours.
void use(troupe::store& store, planned_commits& plan) {
  read_all(store);
  for (std::size_t at = 0; at != 3; ++at) {
    store.commit(plan[at]);
    CHECK((plan[at].result == outcome::committed) == (plan[at].failure == nullptr));
    store_calls::text_of(plan[at].failure);
  }
  read_all(store);
}

}  // namespace

TEST_CASE("a damaged database is used as far as it goes, or refused and left as it was", "[store][disk]") {
  planned_commits plan{7, commits};
  const files whole = after(plan, GENERATE(false, true));
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    seeded_random random{seed};
    files damaged = whole;
    damage(damaged.database, random);
    simulated_disk disk{seed};
    disk.replace("app.db", damaged.database);
    if (!damaged.log.empty()) disk.replace("app.db-wal", damaged.log);
    try {
      const auto store = disk.sqlite()();
      use(*store, plan);
    } catch (const troupe::error& e) {
      ++refused;
      CHECK(e.group() == "store");
      CHECK(std::string{e.what()}.find("app.db") != std::string::npos);
      CHECK(disk.contents("app.db") == damaged.database);
      if (!damaged.log.empty()) CHECK(disk.contents("app.db-wal") == damaged.log);
    }
  }
  CHECK(refused > 10);
}

TEST_CASE("of a damaged log, whole commits up to the damage are there", "[store][disk]") {
  planned_commits plan{7, commits};
  const files whole = after(plan, true);
  REQUIRE_FALSE(whole.log.empty());
  std::size_t found_most = 0;
  std::size_t found_least = commits;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    seeded_random random{seed};
    files damaged = whole;
    damage(damaged.log, random);
    simulated_disk disk{seed};
    disk.replace("app.db", damaged.database);
    disk.replace("app.db-wal", damaged.log);
    try {
      const auto found = commits_in(describe(*disk.sqlite()()), plan, commits / 2, commits);
      REQUIRE(found.has_value());
      found_least = std::min(found_least, *found);
      found_most = std::max(found_most, *found);
    } catch (const troupe::error& e) {
      CHECK(e.group() == "store");
      CHECK(disk.contents("app.db") == damaged.database);
      CHECK(disk.contents("app.db-wal") == damaged.log);
    }
  }
  CHECK(found_least == commits / 2);
  CHECK(found_most == commits);
}

TEST_CASE("a log whose database is missing or empty is kept", "[store][disk]") {
  planned_commits plan{7, commits};
  const files whole = after(plan, true);
  simulated_disk disk;
  disk.replace("app.db-wal", whole.log);
  if (GENERATE(false, true)) disk.replace("app.db", {});
  CHECK_THAT(store_calls::error_of([&] { disk.sqlite()(); }),
             Catch::Contains("store.corrupt") && Catch::Contains("app.db-wal"));
  CHECK(disk.contents("app.db-wal") == whole.log);
  disk.replace("app.db", whole.database);
  CHECK(describe(*disk.sqlite()()) == plan.state_after(commits));
}
