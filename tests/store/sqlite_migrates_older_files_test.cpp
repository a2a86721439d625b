// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <troupe/store/sqlite_store.hpp>
#include <troupe/testing/simulated_disk.hpp>

#include "older_schemas.hpp"
#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;

namespace {

std::string run_sql(const std::string& path, const char* sql, const char* file_system = nullptr) {
  sqlite3* database = nullptr;
  std::string last;
  const auto keep = [](void* out, int, char** columns, char**) {
    *static_cast<std::string*>(out) = columns[0] == nullptr ? "" : columns[0];
    return 0;
  };
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  REQUIRE(sqlite3_open_v2(path.c_str(), &database, flags, file_system) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql, keep, &last, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  return last;
}

constexpr const char* read_schema = "SELECT value FROM _troupe_meta WHERE name = 'schema'";

}  // namespace

TEST_CASE("a file of schema 1 becomes one of schema 4 when it is opened, and keeps what it has", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  run_sql(path, schema_1);
  {
    const auto store = troupe::sqlite{path}();
    CHECK(store->opening() == 42);
    CHECK(load(*store, 1) == "old");
    CHECK(outgoing(*store).empty());
    REQUIRE(is_committed(send_and_put(*store, 1, 5, "message")));
    CHECK(messages(*store, 1) == "5:message");
  }
  CHECK(run_sql(path, read_schema) == "4");
  const auto store = troupe::sqlite{path}();
  CHECK(store->opening() == 43);
  CHECK(load(*store, 1) == "old");
  CHECK(messages(*store, 1) == "5:message");
}

// Files of version 0.1, which had schema 3: as a killed process left them, with updates in `_troupe_log`, and the last
// commits in SQLite's log beside the database.
TEST_CASE("a file that version 0.1 left when it was killed opens with everything", "[store][sqlite]") {
  const std::filesystem::path files = std::filesystem::path{__FILE__}.parent_path() / "files";
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  for (const std::string suffix : {"", "-wal"}) {
    std::filesystem::copy_file(files / ("version_0_1" + suffix), path + suffix);
  }
  for (std::uint64_t opening = 3; opening != 5; ++opening) {
    const auto store = troupe::sqlite{path}();
    CHECK(store->opening() == opening);
    CHECK(load(*store, 1) == "one at last");
    CHECK(load(*store, 2) == "two at last");
    CHECK(load(*store, 3) == "");
    CHECK(load(*store, 4) == std::nullopt);
    CHECK(messages(*store, 2) == "2:dead letter 3:third 4:arrived");
    CHECK(outgoing(*store) == "8:on its way, 8");
    CHECK(parts(*store, 1, 0) == (opening == 3 ? "" : "key:value"));
    CHECK(due(*store) == (opening == 3 ? "" : "5:key-1/key"));
    REQUIRE(is_committed(put_part(*store, 1, 0, "key", "value", 5)));
    store->close();
    CHECK(run_sql(path, read_schema) == "4");
    CHECK(run_sql(path, "SELECT count(*) FROM _troupe_log") == "0");
    CHECK(run_sql(path, "SELECT group_concat(name || value, ' ') FROM _troupe_tags") == "colourred shaperound");
    CHECK(run_sql(path, "SELECT CAST(input AS TEXT) FROM _troupe_actors WHERE input IS NOT NULL") == "input of three");
  }
}

TEST_CASE("a migrated file has the schema of a new one", "[store][sqlite]") {
  const temporary_directory directory;
  run_sql(directory / "old.db", schema_1);
  troupe::sqlite{directory / "old.db"}()->close();
  troupe::sqlite{directory / "new.db"}()->close();
  constexpr const char* tables =
      "SELECT group_concat(type || name, ' ') FROM (SELECT type, name FROM sqlite_schema ORDER BY type, name)";
  CHECK(run_sql(directory / "old.db", tables) == run_sql(directory / "new.db", tables));
}

TEST_CASE("a migration that fails leaves the file as it was, and is made later", "[store][sqlite]") {
  troupe::testing::simulated_disk disk;
  const char* const file_system = disk.name().c_str();
  run_sql("app.db", schema_1, file_system);
  const std::uint64_t after = GENERATE(0, 1, 4);
  disk.fail(troupe::testing::disk_operation::write, "-wal",
            {.effect = troupe::testing::disk_effect::full, .after = after, .times = 1});
  CHECK_THAT(error_of([&] { disk.sqlite()()->close(); }), Contains("store.full"));
  disk.heal();
  CHECK(run_sql("app.db", read_schema, file_system) == "1");
  CHECK(run_sql("app.db", "SELECT count(*) FROM sqlite_schema WHERE name LIKE '\\_troupe\\_m%' ESCAPE '\\'",
                file_system) == "1");
  const auto store = disk.sqlite()();
  CHECK(store->opening() == 42);
  CHECK(load(*store, 1) == "old");
}
