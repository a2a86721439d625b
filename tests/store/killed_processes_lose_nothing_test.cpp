#include <catch2/catch.hpp>

#include <troupe/testing/simulated_disk.hpp>

#include "planned_commits.hpp"

using troupe::testing::simulated_disk;
using ending = void (simulated_disk::*)();
using outcome = troupe::commit_request::outcome;

namespace {

/// What a process had been told when it died.
struct life {
  bool has_opened = false;
  std::uint64_t opening = 0;
  std::size_t acknowledged = 0;  ///< commits
  bool in_flight = false;        ///< one more had begun
};

/// Opens the store, makes the commits from `from` on, and closes it, or dies on the way.
life live(const simulated_disk& disk, const troupe::sqlite_options& options, planned_commits& plan,
          std::size_t from = 0) {
  life lived;
  lived.acknowledged = from;
  try {
    const auto store = disk.sqlite("app.db", options)();
    lived.has_opened = true;
    lived.opening = store->opening();
    for (; lived.acknowledged != plan.size(); ++lived.acknowledged) {
      troupe::commit_request& next = plan[lived.acknowledged];
      store->commit(next);
      if (next.result == outcome::committed) continue;
      lived.in_flight = true;
      break;
    }
  } catch (const troupe::error&) {
    if (!disk.halted()) throw;
  }
  return lived;
}

/// How many commits made what the store has now; -1 if it has something else.
std::ptrdiff_t commits_in(const std::string& state, const planned_commits& plan, std::size_t least, std::size_t most) {
  for (std::size_t count = most + 1; count-- > least;) {
    if (plan.state_after(count) == state) return static_cast<std::ptrdiff_t>(count);
  }
  return -1;
}

void check_everywhere(const troupe::sqlite_options& options, ending end, bool may_lose) {
  planned_commits plan{1, 14};
  for (std::uint64_t changes = 0;; ++changes) {
    INFO("the process dies after " << changes << " changes");
    simulated_disk disk{changes};
    disk.halt_after(changes);
    const life first = live(disk, options, plan);
    const bool has_died = disk.halted();
    (disk.*end)();

    std::ptrdiff_t found = -1;
    {
      const auto store = disk.sqlite("app.db", options)();
      const std::size_t most = first.acknowledged + (first.in_flight ? 1 : 0);
      found = commits_in(describe(*store), plan, may_lose ? 0 : first.acknowledged, most);
      REQUIRE(found >= 0);
      if (!may_lose) CHECK(store->opening() > first.opening);
    }
    if (changes % 8 == 0) {  // and it goes on
      const life second = live(disk, options, plan, static_cast<std::size_t>(found));
      REQUIRE(second.acknowledged == plan.size());
      CHECK(describe(*disk.sqlite("app.db", options)()) == plan.state_after(plan.size()));
    }
    if (!has_died) break;
  }
}

}  // namespace

TEST_CASE("killed at any change of its files, a process has kept what it reported") {
  const auto synchronous = GENERATE(troupe::synchronous::full, troupe::synchronous::normal);
  check_everywhere({.synchronous = synchronous}, &simulated_disk::crash, false);
}

TEST_CASE("a power cut at any change keeps what was reported, if commits wait for the disk") {
  check_everywhere({.synchronous = troupe::synchronous::full}, &simulated_disk::power_cut, false);
}

TEST_CASE("a power cut at any change keeps whole commits in their order, if they do not wait for the disk") {
  check_everywhere({.synchronous = troupe::synchronous::normal}, &simulated_disk::power_cut, true);
}
