// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>

#include "hex.hpp"

using namespace std::chrono_literals;

namespace {

template <class T>
bool comes_back(const T& value) {
  const auto once = troupe::encode(value);
  const T read = troupe::decode<T>(once);
  return read == value && troupe::encode(read) == once;
}

enum class colour : std::uint8_t { red, green = 200 };
enum plain : int { zero, minus = -5 };

struct point {
  int x = 0;
  int y = 0;
  bool operator==(const point&) const = default;
};
struct empty {
  bool operator==(const empty&) const = default;
};
struct wide {
  int a{}, b{}, c{}, d{}, e{}, f{}, g{}, h{}, i{}, j{}, k{}, l{}, m{};
  int n{}, o{}, p{}, q{}, r{}, s{}, t{}, u{}, v{}, w{}, x{}, y{}, z{};
  point aa, bb;
  std::array<point, 2> cc{};
  std::string dd, ee, ff, gg, hh, ii, jj, kk, ll, mm, nn, oo, pp, qq, rr, ss, tt, uu, vv;
  bool operator==(const wide&) const = default;
};
struct tree {
  int value = 0;
  std::vector<tree> children;
  bool operator==(const tree&) const = default;
};
struct chain {
  int value = 0;
  std::unique_ptr<chain> next;
};
struct with_cache {
  int kept = 1;
  troupe::transient<std::string> cache;
  std::string also = "x";
};

class money {
 public:
  money() = default;
  explicit money(std::int64_t cents) : cents_{cents} {}
  [[nodiscard]] std::int64_t cents() const { return cents_; }
  bool operator==(const money&) const = default;

 private:
  std::int64_t cents_ = 0;
};
struct wallet {
  money held;
  std::map<std::string, money> owed;
  bool operator==(const wallet&) const = default;
};

}  // namespace

template <>
struct troupe::codec<money> {
  static void write(cbor_writer& out, const money& value) { troupe::write(out, value.cents()); }
  static void read(cbor_reader& in, money& value) {
    std::int64_t cents = 0;
    troupe::read(in, cents);
    value = money{cents};
  }
};

TEST_CASE("integers come back exactly, from end to end of every type", "[codec]") {
  CHECK(comes_back(true));
  CHECK(comes_back(false));
  const auto ends = [](auto zero) {
    using T = decltype(zero);
    using limits = std::numeric_limits<T>;
    return comes_back(limits::min()) && comes_back(limits::max()) && comes_back(T{0}) && comes_back(T{23}) &&
           comes_back(T{24}) && comes_back(static_cast<T>(limits::max() / 2)) && comes_back(static_cast<T>(-1));
  };
  CHECK(ends(std::int8_t{}));
  CHECK(ends(std::uint8_t{}));
  CHECK(ends(std::int16_t{}));
  CHECK(ends(std::uint16_t{}));
  CHECK(ends(std::int32_t{}));
  CHECK(ends(std::uint32_t{}));
  CHECK(ends(std::int64_t{}));
  CHECK(ends(std::uint64_t{}));
  CHECK(ends(char{}));
  CHECK(ends(wchar_t{}));
  CHECK(ends(char8_t{}));
  CHECK(ends(char32_t{}));
  CHECK(ends(0LL));
  CHECK(comes_back(colour::green));
  CHECK(comes_back(minus));
}

TEST_CASE("floats come back bit for bit", "[codec]") {
  const double halves[] = {0.0, 1.0, 1.5, 65504.0, 5.960464477539063e-8, 0.00006103515625, -4.0};
  for (const double d : halves) CHECK(comes_back(d));
  for (const double d : {1.1, 1e300, -1e-300, 100000.0, 3.4028234663852886e+38, 1e-310}) CHECK(comes_back(d));
  CHECK(comes_back(std::numeric_limits<double>::infinity()));
  CHECK(comes_back(1.1F));
  CHECK(comes_back(std::numeric_limits<float>::denorm_min()));
  CHECK(std::signbit(troupe::decode<double>(troupe::encode(-0.0))));
  CHECK(std::isnan(troupe::decode<double>(troupe::encode(std::numeric_limits<double>::quiet_NaN()))));
  for (int exponent = -160; exponent < 150; ++exponent) {
    CHECK(comes_back(std::ldexp(1.0, exponent)));
    CHECK(comes_back(std::ldexp(1023.0, exponent)));
    CHECK(comes_back(std::ldexp(1025.0F, exponent)));
  }
}

TEST_CASE("text and bytes come back, whatever they contain", "[codec]") {
  CHECK(comes_back(std::string{}));
  CHECK(comes_back(std::string{"gr\xc3\xbc\xc3\x9f"}));
  CHECK(comes_back(std::string("\0\xff not utf-8", 12)));
  CHECK(comes_back(std::string(70000, 'x')));
  CHECK(comes_back(std::u8string{u8"abc"}));
  CHECK(comes_back(troupe::bytes(300, std::byte{7})));
  CHECK(comes_back(std::vector<std::uint8_t>{1, 2, 3}));
  CHECK(comes_back(std::array<std::byte, 4>{std::byte{1}}));
  CHECK(comes_back(std::array<std::uint8_t, 16>{9}));
  CHECK(hex(troupe::encode(std::vector<std::uint8_t>{1, 2, 3})) == "43010203");
  CHECK(hex(troupe::encode(std::string_view{"IETF"})) == "6449455446");
}

TEST_CASE("containers come back", "[codec]") {
  CHECK(comes_back(std::vector<int>{1, -2, 300}));
  CHECK(comes_back(std::vector<bool>{true, false}));
  CHECK(comes_back(std::vector<std::vector<std::string>>{{"a"}, {}, {"b", "c"}}));
  CHECK(comes_back(std::deque<point>{{1, 2}, {3, 4}}));
  CHECK(comes_back(std::list<double>{1.5, 2}));
  CHECK(comes_back(std::array<point, 2>{point{1, 2}, point{3, 4}}));
  CHECK(comes_back(std::set<std::string>{"b", "a"}));
  CHECK(comes_back(std::multiset<int>{1, 1, 2}));
  CHECK(comes_back(std::unordered_set<std::string>{"b", "a", "c"}));
  CHECK(comes_back(std::map<std::string, std::vector<int>>{{"x", {1}}, {"", {}}}));
  CHECK(comes_back(std::map<int, std::string>{{-1, "a"}, {500, "b"}}));
  CHECK(comes_back(std::map<colour, bool>{{colour::red, true}}));
  CHECK(comes_back(std::map<std::pair<int, int>, int>{{{1, 2}, 3}}));
  CHECK(comes_back(std::unordered_map<std::string, point>{{"p", {1, 2}}, {"q", {}}}));
}

TEST_CASE("equal values give equal bytes, however a hash orders them", "[codec]") {
  std::unordered_map<int, int> forward;
  std::unordered_map<int, int> backward(1000);
  std::unordered_set<std::string> few, many(1000);
  for (int i = 0; i < 100; ++i) {
    forward[i] = i;
    backward[99 - i] = 99 - i;
    few.insert(std::to_string(i));
    many.insert(std::to_string(99 - i));
  }
  CHECK(troupe::encode(forward) == troupe::encode(backward));
  CHECK(troupe::encode(few) == troupe::encode(many));
}

TEST_CASE("sums, products and time come back", "[codec]") {
  CHECK(comes_back(std::optional<int>{}));
  CHECK(comes_back(std::optional<std::string>{"x"}));
  CHECK(comes_back(std::pair<int, std::string>{1, "a"}));
  CHECK(comes_back(std::tuple<int, std::string, std::optional<point>>{1, "a", point{}}));
  CHECK(comes_back(std::tuple<>{}));
  CHECK(comes_back(std::variant<std::monostate, int, std::string>{}));
  CHECK(comes_back(std::variant<std::monostate, int, std::string>{"x"}));
  CHECK(comes_back(std::variant<int, int>{std::in_place_index<1>, 5}));
  CHECK(comes_back(std::monostate{}));
  CHECK(comes_back(1500ms));
  CHECK(comes_back(std::chrono::duration<double>{1.25}));
  CHECK(comes_back(std::chrono::sys_time<std::chrono::milliseconds>{1234567890123ms}));
  CHECK(comes_back(std::chrono::sys_days{std::chrono::days{20000}}));
  CHECK(hex(troupe::encode(1500ms)) == "1905dc");
  CHECK(hex(troupe::encode(std::variant<bool, int>{5})) == "820105");
}

TEST_CASE("structs come back, nested, wide, empty and recursive", "[codec]") {
  CHECK(comes_back(point{1, -2}));
  CHECK(comes_back(empty{}));
  wide w;
  w.a = 1;
  w.z = 26;
  w.bb = {1, 2};
  w.cc[1].y = 7;
  w.vv = "last";
  CHECK(comes_back(w));
  CHECK(comes_back(tree{1, {{2, {}}, {3, {{4, {}}}}}}));
  CHECK(comes_back(wallet{money{5}, {{"bob", money{7}}}}));

  chain c;
  c.next = std::make_unique<chain>();
  c.next->value = 2;
  const auto read = troupe::decode<chain>(troupe::encode(c));
  REQUIRE(read.next);
  CHECK(read.next->value == 2);
  CHECK_FALSE(read.next->next);
}

TEST_CASE("transient members are not stored, and reading leaves them alone", "[codec]") {
  with_cache value;
  value.kept = 5;
  value.cache = "costly";
  CHECK(value.cache->size() == 6);
  const auto encoded = troupe::encode(value);
  CHECK(hex(encoded) == "a2646b65707405" "64616c736f6178");
  with_cache read;
  read.cache = "mine";
  troupe::decode_into(read, encoded);
  CHECK(read.kept == 5);
  CHECK(*read.cache == "mine");
}

TEST_CASE("troupe's own nouns come back", "[codec]") {
  const auto id = troupe::actor_id::make(1700000000000, 1, 2);
  CHECK(comes_back(id));
  CHECK(troupe::decode<std::string>(troupe::encode(id)) == id.str());
  CHECK(comes_back(troupe::key{"org-7", "al/ice"}));
  CHECK(comes_back(troupe::key{}));
  CHECK(hex(troupe::encode(troupe::key{"a", "b"})) == "8261616162");
  CHECK(comes_back(troupe::tags{{"owner", "api"}}));
  CHECK(comes_back(std::map<troupe::actor_id, int>{{id, 1}}));
}

TEST_CASE("argument lists are tuples, of references too", "[codec]") {
  const std::string name = "alice";
  const int amount = 3;
  const auto encoded = troupe::encode(std::tie(name, amount));
  CHECK(troupe::decode<std::tuple<std::string, int>>(encoded) == std::tuple{name, amount});

  troupe::cbor_reader in{encoded};
  auto items = in.array();
  std::string first;
  int second = 0;
  REQUIRE(items.next());
  troupe::read(in, first);
  REQUIRE(items.next());
  troupe::read(in, second);
  CHECK_FALSE(items.next());
  in.finish();
  CHECK(first == name);
  CHECK(second == amount);
}
