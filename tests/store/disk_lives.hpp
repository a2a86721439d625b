// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <troupe/testing/simulated_disk.hpp>

#include "planned_commits.hpp"

/// Processes that live on a simulated disk and end in one way or another.
namespace disk_lives {

using troupe::testing::simulated_disk;
using outcome = troupe::commit_request::outcome;

/// How a process ends: `&simulated_disk::crash` or `&simulated_disk::power_cut`.
using ending = void (simulated_disk::*)();

/// Runs SQL as another program would. Failures do not matter.
inline void run_sql(const simulated_disk& disk, const char* sql) {
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2("app.db", &database, flags, disk.name().c_str()) == SQLITE_OK) {
    sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  }
  sqlite3_close(database);
}

/// What a process had been told when it ended.
struct life {
  bool has_opened = false;
  std::uint64_t opening = 0;
  std::size_t acknowledged = 0;  ///< of the plan's commits
  bool in_flight = false;        ///< one more had begun
};

/// Opens the store, makes the commits from `from` on, and closes it, or dies on the way. Now and then it moves the log
/// to the database, so that the next commit starts the log afresh.
inline life live(const simulated_disk& disk, const troupe::sqlite_options& options, planned_commits& plan,
                 std::size_t from = 0) {
  life lived;
  lived.acknowledged = from;
  try {
    const auto store = disk.sqlite("app.db", options)();
    lived.has_opened = true;
    lived.opening = store->opening();
    for (; lived.acknowledged != plan.size(); ++lived.acknowledged) {
      if (lived.acknowledged % 5 == 4) run_sql(disk, "PRAGMA wal_checkpoint");
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

/// How many commits made this state, of at least and at most so many; nothing if none did.
inline std::optional<std::size_t> commits_in(const std::string& state, const planned_commits& plan, std::size_t least,
                                             std::size_t most) {
  for (std::size_t count = most + 1; count-- > least;) {
    if (plan.state_after(count) == state) return count;
  }
  return std::nullopt;
}

/// Opens the store again and checks that it has what the contract says.
inline std::size_t check_survivors(const simulated_disk& disk, const troupe::sqlite_options& options,
                                   const planned_commits& plan, const life& lived, bool may_lose) {
  const auto store = disk.sqlite("app.db", options)();
  const std::string state = describe(*store);
  const std::size_t most = lived.acknowledged + (lived.in_flight ? 1 : 0);
  const auto found = commits_in(state, plan, may_lose ? 0 : lived.acknowledged, most);
  INFO("of " << lived.acknowledged << " commits and " << (most - lived.acknowledged) << " in flight, this is left:\n"
             << state);
  REQUIRE(found.has_value());
  REQUIRE(store->opening() > lived.opening);
  return *found;
}

}  // namespace disk_lives
