// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <unordered_set>

#include <catch2/catch.hpp>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/random.hpp>

using troupe::actor_id;

TEST_CASE("an id is a UUID of version 7, and its text gives it back", "[core]") {
  const auto id = actor_id::make(0x0123456789AB, UINT64_MAX, UINT64_MAX);
  CHECK(id.str() == "01234567-89ab-7fff-bfff-ffffffffffff");
  CHECK(actor_id::parse(id.str()) == id);
  CHECK(actor_id::parse("01234567-89AB-7FFF-BFFF-FFFFFFFFFFFF") == id);
  CHECK(actor_id{id.bytes()} == id);
}

TEST_CASE("text that is no id is none", "[core]") {
  for (const char* text : {"", "home", "01234567-89ab-7fff-bfff-fffffffffff", "01234567-89ab-7fff-bfff-fffffffffffff",
                           "01234567089ab-7fff-bfff-fffffffffff", "01234567-89ab-7fff-bfff-ffffffffffxg",
                           "0123456789ab7fffbfffffffffffffffffff"}) {
    CAPTURE(text);
    CHECK_FALSE(actor_id::parse(text));
  }
}

TEST_CASE("the nil id names nothing", "[core]") {
  CHECK_FALSE(actor_id{});
  CHECK(actor_id{}.str() == "00000000-0000-0000-0000-000000000000");
  CHECK(actor_id::make(0, 0, 0));
}

TEST_CASE("ids are in the order of their time, whatever the random part", "[core]") {
  CHECK(actor_id::make(1, UINT64_MAX, UINT64_MAX) < actor_id::make(2, 0, 0));
  CHECK(actor_id::make(255, UINT64_MAX, UINT64_MAX).str() < actor_id::make(256, 0, 0).str());
}

TEST_CASE("ids of one millisecond do not collide", "[core]") {
  troupe::system_random random;
  std::unordered_set<actor_id> ids;
  constexpr std::size_t count = 100'000;
  for (std::size_t i = 0; i < count; ++i) {
    const auto high = random.next();
    ids.insert(actor_id::make(7, high, random.next()));
  }
  CHECK(ids.size() == count);
}
