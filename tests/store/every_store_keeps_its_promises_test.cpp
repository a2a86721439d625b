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

TEST_CASE("the SQLite store keeps every promise", "[store]") {
  const temporary_directory directory;
  const auto synchronous = GENERATE(troupe::synchronous::full, troupe::synchronous::normal);
  const std::size_t log_bytes = GENERATE(1, 16 << 20);
  const troupe::sqlite make{directory / "app.db", {.synchronous = synchronous, .log_bytes = log_bytes}};
  CHECK(troupe::testing::check_store(make) == violations{});
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
