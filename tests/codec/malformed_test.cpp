// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/key.hpp>
#include <troupe/json.hpp>

#include "hex.hpp"

namespace {

struct message {
  std::string sender;
  std::string text;
  std::int32_t stars = 0;
};
struct room {
  std::vector<message> messages;
  std::map<std::string, std::vector<std::optional<double>>> scores;
  std::variant<std::monostate, int, message> last;
  troupe::bytes picture;
  std::array<std::uint8_t, 4> colour{};
  troupe::key name;
  troupe::actor_id owner;
  std::unordered_map<int, bool> flags;
  troupe::json extra;
};

room a_room() {
  room r;
  r.messages = {{"alice", "hi", 3}, {"bob", std::string(30, 'x'), -70000}};
  r.scores = {{"a", {1.5, std::nullopt, 1e300}}, {"b", {}}};
  r.last = message{"carol", "bye", 1};
  r.picture = troupe::bytes(20, std::byte{7});
  r.name = troupe::key{"org", "general"};
  r.flags = {{1, true}, {-500, false}};
  r.extra = {{"list", {1, 2.5, nullptr, "x"}}};
  return r;
}

// What went wrong, or nothing.
template <class T>
std::string complaint(troupe::bytes_view encoded) {
  try {
    static_cast<void>(troupe::decode<T>(encoded));
    return {};
  } catch (const troupe::error& failure) {
    CHECK(failure.is(troupe::errc::invalid_data));
    return failure.message();
  }
}
template <class T>
std::string complaint(std::string_view hexadecimal) {
  return complaint<T>(troupe::bytes_view{unhex(hexadecimal)});
}

}  // namespace

TEST_CASE("a cut off encoding is an error, wherever it is cut", "[codec][malformed]") {
  const auto whole = troupe::encode(a_room());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const troupe::bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(complaint<room>(cut).empty());
    CHECK_THROWS_AS(troupe::to_json(cut), troupe::error);
  }
  CHECK(complaint<room>(whole).empty());
}

TEST_CASE("a damaged encoding is an error or another value, and harmless", "[codec][malformed]") {
  const auto whole = troupe::encode(a_room());
  std::mt19937 random{20261121};
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
  };
  int errors = 0;
  for (int i = 0; i < 40000; ++i) {
    troupe::bytes damaged = whole;
    for (std::size_t hits = 1 + below(4); hits > 0; --hits) {
      const auto at = damaged.begin() + static_cast<std::ptrdiff_t>(below(damaged.size()));
      switch (below(4)) {
        case 0: *at = static_cast<std::byte>(below(256)); break;
        case 1: *at ^= static_cast<std::byte>(1U << below(8)); break;
        case 2: damaged.insert(at, static_cast<std::byte>(below(256))); break;
        default: damaged.erase(at); break;
      }
    }
    try {
      const room read = troupe::decode<room>(damaged);
      static_cast<void>(troupe::encode(read));
    } catch (const troupe::error& failure) {
      REQUIRE(failure.is(troupe::errc::invalid_data));
      ++errors;
    }
    try {
      static_cast<void>(troupe::to_json(damaged));
    } catch (const troupe::error& failure) {
      REQUIRE(failure.is(troupe::errc::invalid_data));
    }
  }
  CHECK(errors > 20000);
}

TEST_CASE("random bytes are harmless", "[codec][malformed]") {
  std::mt19937 random{7};
  for (int i = 0; i < 40000; ++i) {
    troupe::bytes noise(random() % 40);
    for (std::byte& b : noise) b = static_cast<std::byte>(random());
    try {
      static_cast<void>(troupe::decode<troupe::json>(noise));
    } catch (const troupe::error& failure) {
      REQUIRE(failure.is(troupe::errc::invalid_data));
    }
    static_cast<void>(complaint<std::vector<message>>(noise));
  }
}

TEST_CASE("a length that the data cannot have is refused before anything is allocated", "[codec][malformed]") {
  CHECK(complaint<std::vector<int>>("9bffffffffffffffff").find("0 bytes of data left") != std::string::npos);
  CHECK_FALSE(complaint<std::vector<room>>("9b0000000100000000" "a0").empty());
  CHECK_FALSE(complaint<std::map<int, int>>("bb7fffffffffffffff").empty());
  CHECK_FALSE(complaint<std::string>("7bffffffffffffffff").empty());
  CHECK_FALSE(complaint<troupe::bytes>("5b7fffffffffffffff00").empty());
  CHECK_FALSE(complaint<std::string>("7f7bffffffffffffffff").empty());
  CHECK_FALSE(complaint<std::optional<int>>("").empty());
}

TEST_CASE("nesting has a limit, in every direction", "[codec][malformed]") {
  const auto nested = [](std::size_t depth) {
    troupe::bytes out(depth, std::byte{0x81});
    out.push_back(std::byte{0});
    return out;
  };
  CHECK(complaint<troupe::json>(nested(128)).empty());
  CHECK(complaint<troupe::json>(nested(129)).find("nested deeper than 128 levels") != std::string::npos);
  CHECK_FALSE(complaint<troupe::json>(nested(1000000)).empty());
  CHECK_FALSE(complaint<troupe::json>(troupe::bytes(1000000, std::byte{0xc1})).empty());
  CHECK_FALSE(complaint<message>(unhex("a16178" + std::string(2000, '8') + "0")).empty());
  CHECK_NOTHROW(troupe::to_json(nested(128)));
  CHECK_THROWS_AS(troupe::to_json(nested(129)), troupe::error);
  CHECK_NOTHROW(troupe::from_json(std::string(128, '[') + std::string(128, ']')));
  CHECK_THROWS_AS(troupe::from_json(std::string(129, '[') + std::string(129, ']')), troupe::error);
  CHECK_THROWS_AS(troupe::from_json(std::string(1000000, '[')), troupe::error);

  troupe::json deep;
  for (int i = 0; i < 200; ++i) {
    troupe::json outer = troupe::json::array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  CHECK_THROWS_AS(troupe::encode(deep), troupe::error);
}

TEST_CASE("what is nested as deep as may be can be read, written and printed", "[codec][malformed]") {
  const auto deepest = [](troupe::bytes inner) {
    troupe::bytes out(128, std::byte{0x81});
    out.insert(out.end(), inner.begin(), inner.end());
    return out;
  };
  const auto number = deepest(unhex("00"));
  CHECK(troupe::encode(troupe::decode<troupe::json>(number)) == number);
  const auto data = deepest(unhex("420102"));
  CHECK(troupe::encode(troupe::decode<troupe::json>(data)) == data);
  CHECK(troupe::from_json(troupe::to_json(data)) == data);
  CHECK_THROWS_AS(troupe::from_json(std::string(129, '[') + "1,2" + std::string(129, ']')), troupe::error);
}

TEST_CASE("keys within keys do not grow without bound", "[codec][malformed]") {
  const auto nested = [](int depth) {  // {{{"": 0}: 0}: 0}
    troupe::bytes out(static_cast<std::size_t>(depth), std::byte{0xa1});
    out.push_back(std::byte{0x60});
    out.insert(out.end(), static_cast<std::size_t>(depth), std::byte{0});
    return out;
  };
  CHECK(troupe::to_json(nested(1)) == R"({"":0})");
  CHECK(troupe::to_json(nested(2)) == R"({"{\"\":0}":0})");
  CHECK_NOTHROW(troupe::to_json(nested(4)));
  CHECK(troupe::decode<troupe::json>(nested(4)).dump() == troupe::to_json(nested(4)));
  CHECK_THROWS_WITH(troupe::to_json(nested(5)), Catch::Contains("keys within keys"));
  CHECK_THROWS_WITH(troupe::to_json(nested(40)), Catch::Contains("keys within keys"));
  CHECK_THROWS_WITH(troupe::decode<troupe::json>(nested(5)), Catch::Contains("keys within keys"));
}

TEST_CASE("a key that is too large is data that is not what its type says", "[codec][malformed]") {
  CHECK_THAT(complaint<troupe::key>(troupe::encode(std::vector<std::string>{std::string(129, 'x')})),
             Catch::Contains("129 bytes, 128 are allowed"));
}

TEST_CASE("an error names the place, what was expected and what is there", "[codec][malformed]") {
  auto text = [](std::string_view json) { return complaint<room>(troupe::from_json(json)); };
  CHECK_THAT(text(R"({"messages":[{"sender":"a"},{"sender":7}]})"),
             Catch::Contains("messages[1].sender at byte 29: expected text, found the integer 7"));
  CHECK_THAT(text(R"({"scores":{"a b":[1,"x"]}})"),
             Catch::Contains(R"(scores["a b"][1] at byte )") && Catch::Contains(R"(expected a number, found the text "x")"));
  CHECK_THAT(text("[]"), Catch::Contains("the value at byte 0: expected a map, found an array of 0"));
  CHECK_THAT(text(R"({"messages":[{"stars":3000000000}]})"),
             Catch::Contains("messages[0].stars") && Catch::Contains("an integer of 32 bits with sign"));
  CHECK_THAT(text(R"({"last":[9,0]})"), Catch::Contains("last[0]") && Catch::Contains("expected a number from 0 to 2"));
  CHECK_THAT(text(R"({"last":[1]})"), Catch::Contains("last at byte") && Catch::Contains("expected an array of 2"));
  CHECK_THAT(text(R"({"colour":["$Uint8Array","AAA="]})"), Catch::Contains("expected 4 bytes, found 2"));
  CHECK_THAT(text(R"({"owner":"nobody"})"), Catch::Contains("owner") && Catch::Contains("expected an actor id"));
  CHECK_THAT(complaint<int>("0000"), Catch::Contains("1 bytes behind the end of the value"));
  CHECK_THAT(complaint<int>(""), Catch::Contains("the data ends where a value should begin"));
  CHECK_THAT(complaint<int>("ff"), Catch::Contains("found the end of an array or map"));
  CHECK_THAT(complaint<int>("1c"), Catch::Contains("reserved"));
}
