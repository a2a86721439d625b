// SPDX-License-Identifier: Apache-2.0
// A failure for good is told from one that may go away, with the write-set at fault; others are committed all the same.

#include <cstddef>
#include <new>
#include <string>
#include <vector>

#include <sys/mman.h>

#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>

#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;
using outcome = troupe::commit_request::outcome;

namespace {

// More than SQLite's 1,000,000,000 bytes, of memory that nobody touches.
class too_much {
 public:
  too_much() {
    if (at_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~too_much() { ::munmap(at_, size); }
  too_much(const too_much&) = delete;
  too_much& operator=(const too_much&) = delete;
  [[nodiscard]] troupe::bytes_view view() const { return {static_cast<const std::byte*>(at_), size}; }

 private:
  static constexpr std::size_t size = 1'000'000'001;
  void* at_ = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
};

}  // namespace

TEST_CASE("a value that is too large is refused with the write-set at fault, and others go on", "[store]") {
  const temporary_directory directory;
  const auto store = GENERATE(false, true) ? troupe::sqlite{directory / "app.db"}() : troupe::memory{}();
  REQUIRE(is_committed(create(*store, 1, "one")));
  REQUIRE(is_committed(create(*store, 2, "two")));
  const too_much data;
  const troupe::bytes small = to_bytes("small");
  std::vector<troupe::write_set> writes{update(1, small), update(2, small)};
  troupe::write_set& at_fault = writes[1];
  troupe::write_set::message message{.id = 1, .queue = "queue", .body = data.view()};
  troupe::write_set::sent_message sent{.id = 1, .content = data.view()};
  troupe::part_change part{.collection = 0, .key = {}, .value = data.view(), .due = {}};
  troupe::write_set::creation created{.name = "counter", .key = "new", .input = data.view()};
  switch (GENERATE(0, 1, 2, 3, 4, 5)) {
    case 0: at_fault.state = data.view(); break;
    case 1: at_fault.messages = {&message, 1}; break;
    case 2: at_fault.sent = {&sent, 1}; break;
    case 3: at_fault.parts = {&part, 1}; break;
    case 4:
      at_fault.id = id(3);
      at_fault.what = troupe::write_set::action::create;
      at_fault.initialised = false;
      at_fault.created = &created;
      break;
    default:
      created.input.reset();
      at_fault.id = id(3);
      at_fault.what = troupe::write_set::action::create;
      at_fault.created = &created;
      at_fault.state = data.view();
  }
  for (int attempt = 0; attempt != 2; ++attempt) {
    const auto refused = commit(*store, writes);
    CHECK(refused.result == outcome::refused);
    CHECK(refused.at_fault == &refused.writes[1]);
    CHECK_THAT(text_of(refused.failure), Contains("store.failed") && Contains(at_fault.id.str()) &&
                                             Contains("1000000001"));
  }
  CHECK(load(*store, 1) == "one");
  CHECK(is_committed(update(*store, 1, "later")));
  CHECK(load(*store, 1) == "later");
  CHECK(store->value_bytes_max() < 1'000'000'000);
}

TEST_CASE("a mistake is refused with the write-set at fault", "[store]") {
  const temporary_directory directory;
  const auto store = GENERATE(false, true) ? troupe::sqlite{directory / "app.db"}() : troupe::memory{}();
  REQUIRE(is_committed(create(*store, 2, "two")));
  const troupe::bytes small = to_bytes("small");
  const auto refused = commit(*store, {update(2, small), update(3, small)});
  CHECK(refused.result == outcome::refused);
  REQUIRE(refused.at_fault != nullptr);
  CHECK(refused.at_fault->id == id(3));
  CHECK(load(*store, 2) == "two");
}
