// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <troupe/store/sqlite_store.hpp>

#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;

namespace {

/// Another program's connection.
class foreign {
 public:
  explicit foreign(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK); }
  ~foreign() { sqlite3_close(handle_); }
  foreign(const foreign&) = delete;
  foreign& operator=(const foreign&) = delete;

  std::string run(const char* sql) {
    std::string last;
    const auto keep = [](void* out, int, char** columns, char**) {
      *static_cast<std::string*>(out) = columns[0] == nullptr ? "" : columns[0];
      return 0;
    };
    REQUIRE(sqlite3_exec(handle_, sql, keep, &last, nullptr) == SQLITE_OK);
    return last;
  }

 private:
  sqlite3* handle_ = nullptr;
};

constexpr const char* read_state = "SELECT state FROM _troupe_actors WHERE key = 'key-1'";

void commit_megabytes(troupe::store& store, int count) {
  for (int at = 0; at != count; ++at) {
    REQUIRE(is_committed(update(store, 1, std::string(1'000'000, static_cast<char>('a' + at)))));
  }
}

}  // namespace

TEST_CASE("other programs read while we commit, and find the newest once the store is closed", "[store][sqlite]") {
  const temporary_directory directory;
  const auto store = troupe::sqlite{directory / "app.db"}();
  REQUIRE(is_committed(create(*store, 1, "first")));
  foreign reader{directory / "app.db"};
  CHECK(reader.run(read_state) == "first");
  reader.run("BEGIN");
  CHECK(reader.run(read_state) == "first");
  CHECK(is_committed(update(*store, 1, "second")));
  CHECK(reader.run(read_state) == "first");
  CHECK(load(*store, 1) == "second");
  reader.run("COMMIT");
  store->close();
  CHECK(reader.run(read_state) == "second");
}

TEST_CASE("the log moves to the database between commits, and a foreign read holds up only that", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const auto store = troupe::sqlite{path, {.synchronous = troupe::synchronous::normal}}();
  REQUIRE(is_committed(create(*store, 1, "")));
  commit_megabytes(*store, 20);
  CHECK(std::filesystem::file_size(path) > 1'000'000);
  foreign reader{path};
  reader.run("BEGIN");
  reader.run("SELECT count(*) FROM _troupe_actors");
  commit_megabytes(*store, 20);
  commit_megabytes(*store, 20);
  const auto grown = std::filesystem::file_size(path + "-wal");
  CHECK(grown > 36'000'000);
  reader.run("COMMIT");
  commit_megabytes(*store, 20);
  commit_megabytes(*store, 20);
  commit_megabytes(*store, 20);
  CHECK(std::filesystem::file_size(path + "-wal") < grown + 25'000'000);
}

TEST_CASE("what other programs write into the log stays, whatever room we make behind it", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const auto store = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*store, 1, "")));
  foreign writer{path};
  writer.run("PRAGMA synchronous = OFF");
  writer.run("CREATE TABLE theirs (row INTEGER PRIMARY KEY, text BLOB)");
  for (int round = 1; round <= 100; ++round) {
    writer.run("INSERT INTO theirs (text) VALUES (zeroblob(30000))");
    REQUIRE(is_committed(update(*store, 1, std::to_string(round))));
  }
  CHECK(writer.run("SELECT count(*) FROM theirs WHERE length(text) = 30000") == "100");
  CHECK(load(*store, 1) == "100");
  CHECK(writer.run("PRAGMA integrity_check") == "ok");
  store->close();
  CHECK(writer.run("SELECT count(*) FROM theirs WHERE length(text) = 30000") == "100");
}

TEST_CASE("another program's write transaction makes a commit fail, which can be made again", "[store][sqlite]") {
  using namespace std::chrono_literals;
  const temporary_directory directory;
  const auto store = troupe::sqlite{directory / "app.db", {.busy_timeout = 1ms}}();
  REQUIRE(is_committed(create(*store, 1, "first")));
  foreign writer{directory / "app.db"};
  writer.run("CREATE TABLE mine (a); BEGIN IMMEDIATE; INSERT INTO mine VALUES (1)");
  const auto failed = update(*store, 1, "second");
  CHECK(failed.result == troupe::commit_request::outcome::failed);
  CHECK_THAT(text_of(failed.failure), Contains("store.failed") && Contains("another program") && Contains("app.db"));
  CHECK(load(*store, 1) == "first");
  writer.run("COMMIT");
  CHECK(is_committed(update(*store, 1, "second")));
}

TEST_CASE("another program's lock is reported at opening", "[store][sqlite]") {
  using namespace std::chrono_literals;
  const temporary_directory directory;
  troupe::sqlite{directory / "app.db"}()->close();
  foreign writer{directory / "app.db"};
  writer.run("BEGIN IMMEDIATE");
  CHECK_THAT(error_of([&] { troupe::sqlite{directory / "app.db", {.busy_timeout = 1ms}}()->close(); }),
             Contains("store.failed") && Contains("another program"));
}

TEST_CASE("a database with tables of others is adopted, and they stay", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  foreign{path}.run("CREATE TABLE mine (a); INSERT INTO mine VALUES ('kept')");
  foreign{path}.run("PRAGMA application_id = 7; PRAGMA user_version = 9");
  {
    const auto store = troupe::sqlite{path}();
    REQUIRE(is_committed(create(*store, 1, "ours")));
    store->backup(directory / "backup.db");
  }
  foreign later{path};
  CHECK(later.run("SELECT a FROM mine") == "kept");
  CHECK(later.run("PRAGMA application_id") == "7");
  CHECK(later.run("PRAGMA user_version") == "9");
  CHECK(foreign{directory / "backup.db"}.run("SELECT a FROM mine") == "kept");
}
