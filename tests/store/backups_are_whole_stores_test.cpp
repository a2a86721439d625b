// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>

#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;

TEST_CASE("a backup of either store is a database that opens as a store", "[store][backup]") {
  const temporary_directory directory;
  const auto store = GENERATE(false, true) ? troupe::sqlite{directory / "app.db"}() : troupe::memory{}();
  REQUIRE(is_committed(create(*store, 1, "first")));
  REQUIRE(is_committed(create(*store, 2, std::string(100'000, 'x'))));
  store->backup(directory / "backup.db");
  REQUIRE(is_committed(update(*store, 1, "later")));
  const auto copy = troupe::sqlite{directory / "backup.db"}();
  CHECK(load(*copy, 1) == "first");
  CHECK(load(*copy, 2) == std::string(100'000, 'x'));
  CHECK(load(*store, 1) == "later");
}

TEST_CASE("a backup never replaces anything", "[store][backup]") {
  const temporary_directory directory;
  const auto store = GENERATE(false, true) ? troupe::sqlite{directory / "app.db"}() : troupe::memory{}();
  write_file(directory / "taken", "precious");
  std::filesystem::create_symlink("nowhere", directory / "dangling");
  CHECK_THAT(error_of([&] { store->backup(directory / "taken"); }), Contains("store.failed") && Contains("exists"));
  CHECK_THAT(error_of([&] { store->backup(directory / "dangling"); }), Contains("store.failed") && Contains("exists"));
  CHECK_THAT(error_of([&] { store->backup(directory / "none/b.db"); }), Contains("store.failed") && Contains("none"));
  CHECK(read_file(directory / "taken") == "precious");
}

TEST_CASE("a backup that a crash left unfinished does not stand in the way", "[store][backup]") {
  const temporary_directory directory;
  const auto store = troupe::sqlite{directory / "app.db"}();
  REQUIRE(is_committed(create(*store, 1, "state")));
  write_file(directory / "backup.db-troupe-unfinished", "half a page");
  store->backup(directory / "backup.db");
  CHECK_FALSE(std::filesystem::exists(directory / "backup.db-troupe-unfinished"));
  CHECK(load(*troupe::sqlite{directory / "backup.db"}(), 1) == "state");
}
