#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>
#include <troupe/testing/check_store.hpp>

#include "temporary_directory.hpp"

using violations = std::vector<std::string>;

TEST_CASE("the memory store keeps every promise", "[store]") {
  CHECK(troupe::testing::check_store(troupe::memory{}) == violations{});
}

TEST_CASE("the SQLite store keeps every promise", "[store]") {
  const temporary_directory directory;
  const auto synchronous = GENERATE(troupe::synchronous::full, troupe::synchronous::normal);
  CHECK(troupe::testing::check_store(troupe::sqlite{directory / "app.db", {.synchronous = synchronous}}) == violations{});
}
