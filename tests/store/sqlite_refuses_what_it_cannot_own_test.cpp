// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <catch2/catch.hpp>
#include <sqlite3.h>
#include <sys/stat.h>

#include <troupe/store/sqlite_store.hpp>
#include <troupe/testing/simulated_disk.hpp>

#include "child_process.hpp"
#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;
using troupe::testing::disk_effect;
using troupe::testing::disk_operation;
using troupe::testing::simulated_disk;

namespace {

std::string refusal(const std::string& path) {
  return error_of([&] { troupe::sqlite{path}()->close(); });
}

std::string refusal_on(const simulated_disk& disk) {
  return error_of([&] { disk.sqlite()()->close(); });
}

void run_sql(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

}  // namespace

TEST_CASE("a path that names no file is refused and points to troupe::memory", "[store][sqlite]") {
  CHECK_THAT(refusal(""), Contains("store.failed") && Contains("troupe::memory{}"));
  CHECK_THAT(refusal(":memory:"), Contains("store.failed") && Contains("troupe::memory{}"));
  CHECK_THAT(refusal(std::string{"a\0b", 3}), Contains("store.failed") && Contains("null character"));
}

TEST_CASE("a file that is not a database is refused and left as it was", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "notes.txt";
  const std::string contents = GENERATE(as<std::string>{}, "x", "Dear diary, today I wrote no SQL.",
                                        std::string(8192, '\xa5'), "SQLite format 4" + std::string(8000, '\0'));
  write_file(path, contents);
  CHECK_THAT(refusal(path), Contains("store.not_a_database") && Contains(path));
  CHECK(read_file(path) == contents);
  CHECK_FALSE(std::filesystem::exists(path + "-troupe-lock"));
}

TEST_CASE("a log without its database is refused and kept", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  write_file(path + "-wal", "what is left");
  CHECK_THAT(refusal(path), Contains("store.corrupt") && Contains("app.db-wal"));
  CHECK(read_file(path + "-wal") == "what is left");
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(path + "-troupe-lock"));
}

TEST_CASE("something other than a file is refused", "[store][sqlite]") {
  const temporary_directory directory;
  CHECK_THAT(refusal(directory / ""), Contains("store.not_a_database") && Contains("is a directory"));
  std::filesystem::create_directory(directory / "folder");
  CHECK_THAT(refusal(directory / "folder"), Contains("store.not_a_database") && Contains("is a directory"));
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK_THAT(refusal(directory / "pipe"), Contains("store.not_a_database") && Contains("not a regular file"));
  CHECK_THAT(refusal(directory / "none/app.db"), Contains("store.failed") && Contains("make it first"));
  std::filesystem::create_symlink("loop", directory / "loop");
  CHECK_THAT(refusal(directory / "loop"), Contains("store.failed") && Contains("loop"));
}

TEST_CASE("a newer schema is refused and left as it was", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  troupe::sqlite{path}()->close();
  run_sql(path, "UPDATE _troupe_meta SET value = 7 WHERE name = 'schema'");
  const std::string contents = read_file(path);
  CHECK_THAT(refusal(path), Contains("store.newer_schema") && Contains("schema 7") && Contains("update the program"));
  CHECK(read_file(path) == contents);
}

TEST_CASE("a file that says it was opened more often than can be is refused and left as it was", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  troupe::sqlite{path}()->close();
  const char* const sql = GENERATE("UPDATE _troupe_meta SET value = 9223372036854775807 WHERE name = 'openings'",
                                   "UPDATE _troupe_meta SET value = 8388607 WHERE name = 'openings'",
                                   "UPDATE _troupe_meta SET value = -1 WHERE name = 'openings'");
  run_sql(path, sql);
  const std::string contents = read_file(path);
  CHECK_THAT(refusal(path), Contains("store.corrupt") && Contains("opened") && Contains("backup"));
  CHECK(read_file(path) == contents);
}

TEST_CASE("a database in UTF-16 is refused, because it cannot hold every key", "[store][sqlite]") {
  const temporary_directory directory;
  run_sql(directory / "app.db", "PRAGMA encoding = 'UTF-16'; CREATE TABLE mine (a)");
  CHECK_THAT(refusal(directory / "app.db"), Contains("store.failed") && Contains("UTF-16"));
}

TEST_CASE("a truncated database is refused as corrupt", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  {
    const auto store = troupe::sqlite{path}();
    REQUIRE(is_committed(create(*store, 1, std::string(50'000, 'x'))));
  }
  std::filesystem::resize_file(path, 3 * 4096);
  CHECK_THAT(refusal(path), Contains("store.corrupt") && Contains(path) && Contains("backup"));
}

TEST_CASE("a file that can only be read is refused at once", "[store][sqlite]") {
  simulated_disk disk;
  disk.sqlite()()->close();
  disk.fail(disk_operation::open, "app.db", {.effect = disk_effect::read_only});
  CHECK_THAT(refusal_on(disk), Contains("store.read_only") && Contains("app.db"));
  disk.heal();
  CHECK(refusal_on(disk).empty());
}

TEST_CASE("a directory that can only be read is refused at once", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string folder = directory / "folder";
  std::filesystem::create_directory(folder);
  using std::filesystem::perms;
  std::filesystem::permissions(directory / "", perms::owner_all | perms::others_read | perms::others_exec);
  std::filesystem::permissions(folder, perms::owner_read | perms::owner_exec | perms::others_read | perms::others_exec);
  child_process child{[&](const child_process::mouth&) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return false;  // permissions do not hold back root
    return refusal(folder + "/app.db").find("store.read_only") != std::string::npos;
  }};
  CHECK(child.wait() == 0);
  std::filesystem::permissions(folder, perms::owner_all);
}

TEST_CASE("a full disk is reported at opening", "[store][sqlite]") {
  simulated_disk disk;
  disk.fail(disk_operation::write, "app.db", {.effect = disk_effect::full});
  CHECK_THAT(refusal_on(disk), Contains("store.full") && Contains("app.db"));
  disk.heal();
  CHECK(refusal_on(disk).empty());
  disk.fail(disk_operation::write, "-wal", {.effect = disk_effect::full});
  CHECK_THAT(refusal_on(disk), Contains("store.full") && Contains("app.db"));
}
