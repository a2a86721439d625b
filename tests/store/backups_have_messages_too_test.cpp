// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>

#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;

TEST_CASE("a backup has the messages, those on their way, and the number of openings", "[store][backup]") {
  const temporary_directory directory;
  const troupe::memory memory;
  const troupe::sqlite sqlite{directory / "app.db"};
  const troupe::store_factory make =
      GENERATE(false, true) ? troupe::store_factory{sqlite} : troupe::store_factory{memory};
  for (int opening = 1; opening != 5; ++opening) make()->close();
  const auto store = make();
  REQUIRE(store->opening() == 5);
  REQUIRE(is_committed(create(*store, 1, "first")));
  REQUIRE(is_committed(send_and_put(*store, 1, 7, "message")));
  REQUIRE(is_committed(send_and_put(*store, 1, 8, "another")));
  store->backup(directory / "backup.db");
  const auto copy = troupe::sqlite{directory / "backup.db"}();
  CHECK(messages(*copy, 1) == "7:message 8:another");
  CHECK(outgoing(*copy) == "7:message 8:another");
  CHECK(copy->opening() == 6);
}

TEST_CASE("a backup has what is on its way from actors that are gone", "[store][backup]") {
  const temporary_directory directory;
  const auto store = GENERATE(false, true) ? troupe::sqlite{directory / "app.db"}() : troupe::memory{}();
  REQUIRE(is_committed(create(*store, 1, "first")));
  REQUIRE(is_committed(send_and_put(*store, 1, 7, "message")));
  troupe::write_set gone = update(1, {});
  gone.what = troupe::write_set::action::destroy;
  REQUIRE(is_committed(commit(*store, {gone})));
  store->backup(directory / "backup.db");
  CHECK(outgoing(*troupe::sqlite{directory / "backup.db"}()) == "7:message");
}
