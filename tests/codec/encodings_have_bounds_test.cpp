// SPDX-License-Identifier: Apache-2.0
// No value of a type that always encodes fails to encode, and no encoding is larger than its bound.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/json.hpp>
#include <troupe/troupe.hpp>

#include <troupe/codec/bounds.hpp>

using troupe::detail::always_encodes;
using troupe::detail::encoded_bytes_bound;

namespace bounded {

struct point {
  int x = 0;
  double y = 0;
};
enum class colour : std::uint8_t { red, green };
struct fixed {
  std::array<point, 3> points;
  std::optional<colour> tint;
  std::chrono::sys_time<std::chrono::milliseconds> at;
  std::array<std::uint8_t, 20> digest{};
  std::tuple<bool, float, std::uint64_t> rest{true, 1.5F, ~std::uint64_t{0}};
  troupe::actor_id id;
};
struct first_of_three {
  std::string first;
  std::string second;
  std::string third;
};
struct growing {
  std::string text;
  std::vector<fixed> all;
  std::map<std::string, std::vector<point>> by_name;
  std::unordered_map<int, std::string> hashed;
  std::set<std::string> names;
  std::vector<first_of_three> triples;
  std::unique_ptr<fixed> owned;
  std::optional<std::pair<std::string, int>> pair;
  troupe::transient<std::variant<int, std::string>> left_out;
};
struct tree {
  std::vector<tree> children;
};
struct chain {
  std::unique_ptr<chain> next;
};
struct choice {
  std::variant<int, std::string> value;
};
struct own_way {
  int value = 0;
};
struct holds_json {
  troupe::json value;
};
struct holds_own_way {
  std::vector<own_way> values;
};

// So many arrays within one another.
template <int Levels>
struct nested {
  using type = std::array<typename nested<Levels - 1>::type, 1>;  // whose name is no longer than that of its element
};
template <>
struct nested<0> {
  using type = int;
};
struct deepest {
  nested<troupe::cbor_depth_max - 1>::type value;
};
struct too_deep {
  nested<troupe::cbor_depth_max>::type value;
};

}  // namespace bounded

using namespace bounded;

template <>
struct troupe::codec<own_way> {
  static void write(troupe::cbor_writer& out, const own_way& value) { troupe::write(out, value.value); }
  static void read(troupe::cbor_reader& in, own_way& value) { troupe::read(in, value.value); }
};

TEST_CASE("types always encode unless they contain themselves, or run code of the user's, or can be without a value") {
  STATIC_REQUIRE(always_encodes<fixed>);
  STATIC_REQUIRE(always_encodes<growing>);
  STATIC_REQUIRE(always_encodes<troupe::key>);
  STATIC_REQUIRE(always_encodes<troupe::tags>);
  STATIC_REQUIRE_FALSE(always_encodes<tree>);
  STATIC_REQUIRE_FALSE(always_encodes<chain>);
  STATIC_REQUIRE_FALSE(always_encodes<choice>);
  STATIC_REQUIRE_FALSE(always_encodes<holds_json>);
  STATIC_REQUIRE_FALSE(always_encodes<holds_own_way>);
  STATIC_REQUIRE(always_encodes<deepest>);
  STATIC_REQUIRE_FALSE(always_encodes<too_deep>);
}

TEST_CASE("no encoding is larger than its bound") {
  growing g;
  const auto check = [&g] { CHECK(troupe::encode(g).size() <= encoded_bytes_bound(g)); };
  check();
  fixed most;
  for (auto& p : most.points) p = {-2'000'000'000, 0.1};
  most.tint = colour::green;
  most.at = std::chrono::sys_time<std::chrono::milliseconds>::max();
  most.digest.fill(255);
  CHECK(troupe::encode(most).size() <= encoded_bytes_bound(most));
  for (const std::size_t size : {0U, 1U, 30U, 300U, 70'000U}) {
    g.text.assign(size, 'x');
    g.all.assign(size / 100, most);
    g.by_name[g.text].assign(size / 10, {-1'000'000'000, 1e300});
    g.hashed[static_cast<int>(size)] = g.text;
    g.names.insert(g.text);
    g.triples.assign(3, {g.text, "", g.text});
    g.owned = std::make_unique<fixed>(most);
    g.pair.emplace(g.text, -1);
    check();
  }
  troupe::tags many;
  for (int i = 0; i < 32; ++i) {
    many.insert_or_assign(std::string(125, 'n') + std::to_string(100 + i), std::string(128, 'v'));
  }
  CHECK(troupe::encode(many).size() <= encoded_bytes_bound(many));
}

TEST_CASE("the bound of a state that is mostly one string is little more than the string") {
  growing g;
  g.text.assign(1'000'000, 'x');
  CHECK(encoded_bytes_bound(g) < 1'010'000);
}
