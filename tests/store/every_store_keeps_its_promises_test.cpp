// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>
#include <troupe/testing/check_store.hpp>

#include "store_calls.hpp"
#include "temporary_directory.hpp"

using violations = std::vector<std::string>;

TEST_CASE("the memory store keeps every promise", "[store]") {
  CHECK(troupe::testing::check_store(troupe::memory{}) == violations{});
}

TEST_CASE("the memory store keeps every promise with a commit for each actor", "[store]") {
  CHECK(troupe::testing::check_store(troupe::memory{troupe::commit_cut::per_actor}) == violations{});
}

TEST_CASE("the SQLite store keeps every promise", "[store]") {
  const temporary_directory directory;
  const auto synchronous = GENERATE(troupe::synchronous::full, troupe::synchronous::normal);
  const std::size_t log_bytes = GENERATE(1, 16 << 20);
  const troupe::sqlite make{directory / "app.db", {.synchronous = synchronous, .log_bytes = log_bytes}};
  CHECK(troupe::testing::check_store(make) == violations{});
}

TEST_CASE("the SQLite store names the one actor of a crowd that cannot be created", "[store]") {
  using namespace store_calls;
  const temporary_directory directory;
  const auto store = troupe::sqlite{directory / "app.db"}();
  REQUIRE(is_committed(create(*store, 1, "first", "/taken")));
  std::vector<troupe::write_set::creation> creations(20);
  std::vector<troupe::write_set> writes;
  for (std::uint8_t i = 0; i != 20; ++i) {
    creations[i].name = "counter";
    creations[i].key = std::string_view{"/abcdefghijklmnopqrstuvw"}.substr(0, 2 + i);
    if (i == 13) creations[i].key = "/taken";
    troupe::write_set& write = writes.emplace_back(update(static_cast<std::uint8_t>(100 + i), {}));
    write.what = troupe::write_set::action::create;
    write.created = &creations[i];
  }
  const auto refused = commit(*store, writes);
  CHECK(refused.result == troupe::commit_request::outcome::refused);
  CHECK(refused.at_fault == &refused.writes[13]);
  const std::string named = id(113).str() + " as counter/taken";
  CHECK_THAT(text_of(refused.failure), Catch::Matchers::Contains(named));
  CHECK(load(*store, 100) == std::nullopt);
  creations[13].key = "/free";
  CHECK(is_committed(commit(*store, writes)));
  CHECK(load(*store, 113) == "");
}

TEST_CASE("the SQLite store tells keys apart by their bytes, whatever they are", "[store]") {
  using namespace store_calls;
  const temporary_directory directory;
  const auto store = troupe::sqlite{directory / "app.db"}();
  const std::string keys[] = {std::string{"a\0b", 3}, std::string{"a\0c", 3}, "a", "A", "\xff\xfe", "\xc3", "1", "01"};
  std::uint8_t number = 0;
  for (const std::string& key : keys) REQUIRE(is_committed(create(*store, ++number, key, key)));
  for (const std::string& key : keys) {
    troupe::load_request request;
    request.name = "counter";
    request.key = key;
    request.done = [](troupe::load_request&) noexcept {};
    store->load(request);
    REQUIRE(request.found.has_value());
    CHECK(request.found->key == key);
    CHECK(to_text(request.found->state) == key);
  }
}
