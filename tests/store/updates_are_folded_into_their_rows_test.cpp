// SPDX-License-Identifier: Apache-2.0
// Updates go to a log in the file, and from there to the actors' rows. Whoever asks the store never notices.

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <atomic>
#include <thread>

#include <troupe/store/sqlite_store.hpp>
#include <troupe/testing/simulated_disk.hpp>

#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;
using troupe::testing::simulated_disk;

namespace {

/// What another program sees, as text.
std::string query(const std::string& path, const std::string& sql, const char* file_system = nullptr) {
  sqlite3* database = nullptr;
  std::string last;
  const auto keep = [](void* out, int, char** columns, char**) {
    *static_cast<std::string*>(out) = columns[0] == nullptr ? "" : columns[0];
    return 0;
  };
  REQUIRE(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, file_system) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql.c_str(), keep, &last, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  return last;
}

constexpr const char* log_bytes = "SELECT ifnull(sum(length(updates)), 0) FROM _troupe_log";
constexpr const char* log_rows = "SELECT count(*) FROM _troupe_log";
constexpr const char* newest_row = "SELECT CAST(max(state) AS TEXT) FROM _troupe_actors";

}  // namespace

TEST_CASE("a store that was closed has everything in its rows", "[store][sqlite][log]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const auto store = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*store, 1, "one")));
  REQUIRE(is_committed(update(*store, 1, "two")));
  CHECK(query(path, log_rows) == "1");
  CHECK(query(path, newest_row) == "one");
  CHECK(load(*store, 1) == "two");
  store->close();
  CHECK(query(path, log_rows) == "0");
  CHECK(query(path, newest_row) == "two");
}

TEST_CASE("the log does not grow beyond its bound, however much is written", "[store][sqlite][log]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  constexpr std::size_t bound = 20'000;
  const auto store = troupe::sqlite{path, {.synchronous = troupe::synchronous::normal, .log_bytes = bound}}();
  for (std::uint8_t n = 1; n <= 8; ++n) REQUIRE(is_committed(create(*store, n, "new")));
  std::size_t longest = 0;
  for (int i = 0; i != 1000; ++i) {
    REQUIRE(is_committed(update(*store, static_cast<std::uint8_t>(1 + i % 8), std::string(500, 'x'))));
    if (i % 20 == 0) longest = std::max<std::size_t>(longest, std::stoul(query(path, log_bytes)));
  }
  CHECK(longest >= bound / 2);  // else nothing has gathered
  CHECK(longest <= 2 * bound);
}

TEST_CASE("a large state goes to its row at once, and what the log says of it no longer counts", "[store][sqlite][log]") {
  simulated_disk disk;
  {
    const auto store = disk.sqlite()();
    REQUIRE(is_committed(create(*store, 1, "first")));
    REQUIRE(is_committed(update(*store, 1, "second")));
    REQUIRE(is_committed(update(*store, 1, std::string(100'000, 'x'))));
    CHECK(load(*store, 1) == std::string(100'000, 'x'));
    disk.halt_after(0);
  }
  disk.crash();
  const auto store = disk.sqlite()();
  CHECK(load(*store, 1) == std::string(100'000, 'x'));
  REQUIRE(is_committed(update(*store, 1, "small again")));
  CHECK(load(*store, 1) == "small again");
}

TEST_CASE("a commit that would fill the log goes to its rows at once, and what the log says no longer counts",
          "[store][sqlite][log]") {
  constexpr std::uint8_t actors = 200;
  const troupe::bytes bytes = to_bytes(std::string(16'000, 'y'));
  std::vector<troupe::write_set> writes;
  for (std::uint8_t n = 1; n <= actors; ++n) writes.push_back(update(n, bytes));
  simulated_disk disk;
  {
    const auto store = disk.sqlite("app.db", {.log_bytes = 1'000'000})();
    for (std::uint8_t n = 1; n <= actors; ++n) REQUIRE(is_committed(create(*store, n, "first")));
    REQUIRE(is_committed(update(*store, 1, "second")));
    const int before = std::stoi(query("app.db", log_bytes, disk.name().c_str()));
    REQUIRE(before > 0);
    REQUIRE(is_committed(commit(*store, writes)));
    const int after = std::stoi(query("app.db", log_bytes, disk.name().c_str()));
    CHECK(after < before + actors * 32);
    CHECK(query("app.db", newest_row, disk.name().c_str()).size() == bytes.size());
    CHECK(load(*store, 1) == to_text(bytes));
    REQUIRE(is_committed(update(*store, 2, "third")));
    disk.halt_after(0);
  }
  disk.crash();
  const auto store = disk.sqlite()();
  CHECK(load(*store, 1) == to_text(bytes));
  CHECK(load(*store, 2) == "third");
  CHECK(load(*store, actors) == to_text(bytes));
}

TEST_CASE("an actor under an id that was destroyed does not inherit from the log", "[store][sqlite][log]") {
  simulated_disk disk;
  {
    const auto store = disk.sqlite()();
    REQUIRE(is_committed(create(*store, 1, "old")));
    REQUIRE(is_committed(update(*store, 1, "older")));
    troupe::write_set end = update(1, {});
    end.what = troupe::write_set::action::destroy;
    REQUIRE(is_committed(commit(*store, {end})));
    CHECK_FALSE(load(*store, 1));
    REQUIRE(is_committed(create(*store, 1, "new")));
    CHECK(load(*store, 1) == "new");
    disk.halt_after(0);
  }
  disk.crash();
  CHECK(load(*disk.sqlite()(), 1) == "new");
}

TEST_CASE("an update that fails leaves nothing in the log", "[store][sqlite][log]") {
  simulated_disk disk;
  const auto store = disk.sqlite()();
  REQUIRE(is_committed(create(*store, 1, "kept")));
  disk.fail(troupe::testing::disk_operation::write, "-wal", {.effect = troupe::testing::disk_effect::full});
  CHECK_FALSE(is_committed(update(*store, 1, "lost")));
  CHECK(load(*store, 1) == "kept");
  disk.heal();
  REQUIRE(is_committed(update(*store, 1, "later")));
  CHECK(load(*store, 1) == "later");
}

TEST_CASE("while folding fails commits go on, until the log is too long", "[store][sqlite][log]") {
  simulated_disk disk;
  constexpr std::size_t bound = 4000;
  const auto store = disk.sqlite("app.db", {.log_bytes = bound})();
  REQUIRE(is_committed(create(*store, 1, "new")));
  query("app.db", "CREATE TRIGGER mine BEFORE UPDATE ON _troupe_actors BEGIN SELECT raise(ABORT, 'not now'); END",
        disk.name().c_str());
  int committed = 0;
  const auto next = [&] { return std::to_string(committed) + std::string(500, '.'); };
  while (committed < 100 && is_committed(update(*store, 1, next()))) ++committed;
  CHECK(committed >= 16);
  CHECK(committed < 100);
  CHECK_THAT(load(*store, 1).value(), Catch::Matchers::StartsWith(std::to_string(committed - 1) + '.'));
  query("app.db", "DROP TRIGGER mine", disk.name().c_str());
  REQUIRE(is_committed(update(*store, 1, "free")));
  CHECK(load(*store, 1) == "free");
}

TEST_CASE("a log that is damaged is refused, and the file is left as it was", "[store][sqlite][log]") {
  simulated_disk disk;
  {
    const auto store = disk.sqlite()();
    REQUIRE(is_committed(create(*store, 1, "one")));
    REQUIRE(is_committed(update(*store, 1, "two")));
    disk.halt_after(0);
  }
  disk.crash();
  const char* const damage = GENERATE("UPDATE _troupe_log SET updates = substr(updates, 2)",
                                      "UPDATE _troupe_log SET updates = x'00'",
                                      "UPDATE _troupe_log SET updates = x'0000000000000000000000000000000108'",
                                      "UPDATE _troupe_log SET sequence = -sequence",
                                      "UPDATE _troupe_log SET sequence = 9223372036854775807");
  query("app.db", damage, disk.name().c_str());
  const auto before = disk.contents("app.db");
  CHECK_THAT(error_of([&] { disk.sqlite()()->close(); }), Contains("store.corrupt") && Contains("log"));
  CHECK(disk.contents("app.db") == before);
}

TEST_CASE("readers beside commits and folding see what was committed, and each actor as of one moment",
          "[store][sqlite][log]") {
  const temporary_directory directory;
  const troupe::sqlite_options options{.synchronous = troupe::synchronous::normal, .log_bytes = 3000};
  const auto store = troupe::sqlite{directory / "app.db", options}();
  constexpr std::uint8_t actors = 4;
  for (std::uint8_t n = 1; n <= actors; ++n) REQUIRE(is_committed(create(*store, n, "0")));
  std::atomic<int> acknowledged{0};
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0};
  const auto read = [&] {
    while (!over) {
      const int least = acknowledged;
      for (std::uint8_t n = 1; n <= actors; ++n) {
        troupe::load_request request;
        request.id = id(n);
        request.with_messages = true;
        request.done = [](troupe::load_request&) noexcept {};
        store->load(request);
        // The message carries the number of the state that it came with.
        const int seen = std::stoi(to_text(request.found->state));
        const auto& messages = request.found->messages;
        const bool is_whole = seen == 0 || (messages.size() == 1 && messages[0].attempts == static_cast<unsigned>(seen));
        if (seen < least || !is_whole) ++wrong;
      }
    }
  };
  std::thread readers[] = {std::thread{read}, std::thread{read}};
  for (int i = 1; i <= 400; ++i) {
    const std::string state = std::to_string(i);
    const troupe::bytes stored = to_bytes(state);
    const troupe::write_set::message message{.id = 1, .queue = "q", .attempts = static_cast<unsigned>(i)};
    troupe::commit_request request;
    request.done = [](troupe::commit_request&) noexcept {};
    for (std::uint8_t n = 1; n <= actors; ++n) {
      auto& write = request.writes.emplace_back();
      write.id = id(n);
      write.state = stored;
      write.messages = {&message, 1};
    }
    store->commit(request);
    REQUIRE(request.result == troupe::commit_request::outcome::committed);
    acknowledged = i;
  }
  over = true;
  for (auto& each : readers) each.join();
  CHECK(wrong == 0);
}
