// SPDX-License-Identifier: Apache-2.0
// The keys of a map may be of any type. In JSON they are text: other keys are the JSON of the key.

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
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

struct point {
  int x = 0;
  int y = 0;
  auto operator<=>(const point&) const = default;
};

/// Stored as a number if it is whole, else as text.
struct amount {
  std::string text;
  auto operator<=>(const amount&) const = default;
};

template <class T>
bool comes_back(const T& value) {
  const auto once = troupe::encode(value);
  return troupe::decode<T>(once) == value && troupe::decode<T>(troupe::from_json(troupe::to_json(once))) == value;
}
template <class Key>
bool key_comes_back(const Key& key) {
  return comes_back(std::map<Key, int>{{key, 7}});
}

template <class T>
std::string complaint(std::string_view json) {
  try {
    static_cast<void>(troupe::decode<T>(troupe::from_json(json)));
    return {};
  } catch (const troupe::error& failure) {
    CHECK(failure.is(troupe::errc::invalid_data));
    return failure.message();
  }
}

}  // namespace

template <>
struct troupe::codec<amount> {
  static void write(troupe::cbor_writer& out, const amount& value) {
    if (value.text.find_first_not_of("0123456789") == std::string::npos) troupe::write(out, std::stoi(value.text));
    else out.text(value.text);
  }
  static void read(troupe::cbor_reader& in, amount& value) {
    if (in.peek() == cbor_type::text) {
      in.text_into(value.text);
      if (value.text.ends_with('!')) in.fail("no amount");
    } else {
      value.text = std::to_string(in.integer<int>());
    }
  }
};

TEST_CASE("keys of every kind come back, from CBOR and from JSON", "[codec][keys]") {
  CHECK(key_comes_back(std::string{"[1]"}));
  CHECK(key_comes_back(-7));
  CHECK(key_comes_back(true));
  CHECK(key_comes_back(0.5));
  CHECK(key_comes_back(1.0));
  CHECK(key_comes_back(std::pair{1, std::string{"a\"b"}}));
  CHECK(key_comes_back(std::tuple{1, 2.5, true}));
  CHECK(key_comes_back(std::array{1, 2}));
  CHECK(key_comes_back(std::vector<std::string>{"a", "b"}));
  CHECK(key_comes_back(troupe::bytes{std::byte{0}, std::byte{255}}));
  CHECK(key_comes_back(point{1, 2}));
  CHECK(key_comes_back(std::map<point, int>{{point{1, 2}, 3}}));
  CHECK(key_comes_back(std::variant<std::monostate, int>{5}));
  CHECK(key_comes_back(std::optional<int>{}));
  CHECK(key_comes_back(std::optional<int>{5}));
  CHECK(key_comes_back(std::optional<std::string>{"five"}));
  CHECK(key_comes_back(std::chrono::milliseconds{5}));
  CHECK(key_comes_back(std::chrono::year_month_day{std::chrono::year{2024}, std::chrono::month{2}, std::chrono::day{29}}));
  CHECK(key_comes_back(troupe::actor_id::make(1700000000000, 1, 2)));
  CHECK(key_comes_back(amount{"five"}));
  CHECK(key_comes_back(amount{"5"}));
  CHECK(comes_back(std::map<troupe::key, int, decltype([](const troupe::key& a, const troupe::key& b) {
                              return a.canonical() < b.canonical();
                            })>{{troupe::key{"a", "b"}, 1}}));
}

TEST_CASE("a key that is text where another type is meant is JSON, or an error with its place", "[codec][keys]") {
  CHECK_THAT((complaint<std::map<point, int>>(R"({"{\"x\":1,\"y\":\"z\"}":1})")),
             Catch::Contains("a key that should be JSON") && Catch::Contains("y at byte"));
  CHECK_THAT((complaint<std::map<std::pair<int, int>, int>>(R"({"[1]":1})")),
             Catch::Contains("expected an array of 2"));
  CHECK_THAT((complaint<std::map<std::pair<int, int>, int>>(R"({"[1,2] 3":1})")),
             Catch::Contains("a key that should be JSON"));
  CHECK_THAT((complaint<std::map<bool, int>>(R"({"yes":1})")), Catch::Contains("a key that should be JSON"));
  CHECK_THAT((complaint<std::map<troupe::actor_id, int>>(R"({"nobody":1})")),
             Catch::Contains("nobody (the key) at byte") && Catch::Contains("expected an actor id"));
  CHECK_THAT((complaint<std::map<amount, int>>(R"({"five!":1})")), Catch::Contains("no amount"));
}

TEST_CASE("keys within keys count as nesting", "[codec][keys]") {
  using nested = std::map<troupe::bytes, int>;
  const std::string deep = std::string(126, '[') + std::string(126, ']');
  CHECK_THAT((complaint<std::map<std::vector<nested>, int>>("{\"" + deep + "\":1}")), !Catch::Matches(""));
  troupe::json list = troupe::json::array();
  for (int i = 0; i < 124; ++i) {
    troupe::json outer = troupe::json::array();
    outer.push_back(std::move(list));
    list = std::move(outer);
  }
  using any_key = std::map<std::variant<int, troupe::json>, int>;
  CHECK(complaint<any_key>("{" + troupe::json("[1," + list.dump() + "]").dump() + ":1}").empty());
  troupe::json more = troupe::json::array({list});
  more = troupe::json::array({more});
  more = troupe::json::array({more});
  CHECK_THAT((complaint<any_key>("{" + troupe::json("[1," + more.dump() + "]").dump() + ":1}")),
             Catch::Contains("nested deeper than 128 levels"));
}

TEST_CASE("null in an optional is there or not, as it was", "[codec][keys]") {
  const auto present = [](const auto& value) {
    using type = std::remove_cvref_t<decltype(value)>;
    const auto once = troupe::encode(value);
    const type read = troupe::decode<type>(once);
    return static_cast<bool>(read) && troupe::encode(read) == once && troupe::to_json(once) == "null";
  };
  CHECK(present(std::optional<troupe::json>{nullptr}));
  CHECK(present(std::make_unique<troupe::json>(nullptr)));
  CHECK_FALSE(troupe::decode<std::optional<troupe::json>>(troupe::encode(std::optional<troupe::json>{})));
  CHECK_FALSE(troupe::decode<std::optional<troupe::json>>(troupe::from_json("null")));
  CHECK(troupe::decode<std::optional<troupe::json>>(troupe::from_json("[null]")) == troupe::json::array({nullptr}));
  CHECK(hex(troupe::encode(std::optional<troupe::json>{false})) == "f4");
  CHECK(hex(troupe::encode(std::optional<troupe::json>{})) == "f6");
}
