// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>

#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;

TEST_CASE("a backup has the rows of parts and what is due", "[store][backup]") {
  const temporary_directory directory;
  const auto store = GENERATE(false, true) ? troupe::sqlite{directory / "app.db"}() : troupe::memory{}();
  REQUIRE(is_committed(create(*store, 1, "first")));
  REQUIRE(is_committed(create(*store, 2, "second")));
  REQUIRE(is_committed(put_part(*store, 1, 7, "later", "value", 2000)));
  REQUIRE(is_committed(put_part(*store, 1, 7, "sooner", "", 1000)));
  REQUIRE(is_committed(put_part(*store, 2, 0, "whenever", "of another actor")));
  REQUIRE(is_committed(send_and_put(*store, 1, 5, "message")));
  store->backup(directory / "backup.db");
  REQUIRE(is_committed(put_part(*store, 1, 7, "later", {})));
  const auto copy = troupe::sqlite{directory / "backup.db"}();
  CHECK(parts(*copy, 1, 7) == "later:value sooner:");
  CHECK(parts(*copy, 2, 0) == "whenever:of another actor");
  CHECK(due(*copy) == "1000:key-1/sooner 2000:key-1/later");
  CHECK(messages(*copy, 1) == "5:message");
  CHECK(parts(*store, 1, 7) == "sooner:");
}
