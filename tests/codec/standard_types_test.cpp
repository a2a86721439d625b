// SPDX-License-Identifier: Apache-2.0
// Types of the standard library that are neither numbers, nor text, nor ordinary containers.

#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstdint>
#include <filesystem>
#include <forward_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <stack>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/codec/schema.hpp>
#include <troupe/core/error.hpp>

#include "hex.hpp"

using namespace std::chrono_literals;

namespace {

// By way of its JSON as well.
template <class T>
bool comes_back(const T& value) {
  const auto once = troupe::encode(value);
  const T read = troupe::decode<T>(once);
  const T from_text = troupe::decode<T>(troupe::from_json(troupe::to_json(once)));
  return read == value && troupe::encode(read) == once && from_text == value;
}

template <class T>
std::string as_json(const T& value) {
  return troupe::to_json(troupe::encode(value));
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

struct counts : std::vector<int> {
  using std::vector<int>::vector;
};

}  // namespace

TEST_CASE("complex numbers are two numbers", "[codec]") {
  CHECK(comes_back(std::complex<double>{1.5, -2}));
  CHECK(comes_back(std::complex<float>{0, 0.25F}));
  CHECK(as_json(std::complex<double>{1, -2}) == "[1.0,-2.0]");
  CHECK(troupe::type_schema<std::complex<float>>() == R"({"tuple":["float32","float32"]})");
  CHECK_THAT(complaint<std::complex<double>>("[1]"), Catch::Contains("expected an array of 2"));
  CHECK_THAT(complaint<std::complex<double>>("[1,2,3]"), Catch::Contains("expected an array of 2"));
  CHECK_THAT(complaint<std::complex<double>>(R"([1,"x"])"), Catch::Contains("[1] at byte"));
}

TEST_CASE("bitsets are byte strings, the first bit the lowest of the first byte", "[codec]") {
  CHECK(comes_back(std::bitset<11>{0b10000000001}));
  CHECK(comes_back(std::bitset<8>{0xa5}));
  CHECK(comes_back(std::bitset<0>{}));
  CHECK(comes_back(std::bitset<1>{1}));
  std::bitset<200> wide;
  wide.set(199);
  CHECK(comes_back(wide));
  CHECK(hex(troupe::encode(std::bitset<11>{0b10000000001})) == "420104");
  CHECK(troupe::type_schema<std::bitset<11>>() == R"({"bits":11})");
  CHECK_THAT(complaint<std::bitset<11>>(R"(["$Uint8Array","AQg="])"), Catch::Contains("behind the last one"));
  CHECK_THAT(complaint<std::bitset<11>>(R"(["$Uint8Array","AQ=="])"), Catch::Contains("expected 2 bytes, found 1"));
}

TEST_CASE("paths are text", "[codec]") {
  CHECK(comes_back(std::filesystem::path{"/var/lib/../app.db"}));
  CHECK(comes_back(std::filesystem::path{}));
  CHECK(as_json(std::filesystem::path{"a/b"}) == R"("a/b")");
  CHECK(comes_back(std::map<std::filesystem::path, int>{{"a/b", 1}, {"17", 2}}));
  CHECK(troupe::type_schema<std::filesystem::path>() == R"("string")");
  CHECK_THAT(complaint<std::filesystem::path>("7"), Catch::Contains("expected text"));
}

TEST_CASE("dates are numbers and lists of them, whether there is such a day or not", "[codec]") {
  using namespace std::chrono;
  CHECK(comes_back(2024y / February / 29));
  CHECK(comes_back(year_month_day{year{-5}, month{13}, day{0}}));
  CHECK(comes_back(year_month_day{}));
  CHECK(comes_back(2024y / March));
  CHECK(comes_back(March / 31));
  CHECK(comes_back(year::min()));
  CHECK(comes_back(year::max()));
  CHECK(comes_back(month{12}));
  CHECK(comes_back(day{31}));
  CHECK(comes_back(Sunday));
  CHECK(comes_back(Saturday));
  CHECK(as_json(2024y / February / 29) == "[2024,2,29]");
  CHECK(as_json(Saturday) == "6");
  CHECK(troupe::type_schema<weekday>() == R"({"calendar":"weekday","as":"uint8"})");
  CHECK(troupe::type_schema<year_month>() ==
        R"({"calendar":"year_month","as":{"tuple":[{"calendar":"year","as":"int16"},)"
        R"({"calendar":"month","as":"uint8"}]}})");
  CHECK_THAT(complaint<year_month_day>("[2024,256,1]"), Catch::Contains("[1] at byte") && Catch::Contains("8 bits"));
  CHECK_THAT(complaint<year_month_day>("[40000,1,1]"), Catch::Contains("[0] at byte") && Catch::Contains("16 bits"));
  CHECK_THAT(complaint<year_month_day>("[2024,2]"), Catch::Contains("expected an array of 3"));
  CHECK_THAT(complaint<weekday>("-1"), Catch::Contains("8 bits without sign"));
}

TEST_CASE("time points of every clock but a steady one come back", "[codec]") {
  using namespace std::chrono;
  CHECK(comes_back(utc_time<milliseconds>{5ms}));
  CHECK(comes_back(file_clock::time_point{nanoseconds{-7}}));
  CHECK(comes_back(local_time<seconds>{5s}));
  CHECK(comes_back(sys_time<duration<double>>{duration<double>{1.5}}));
  STATIC_REQUIRE_FALSE(troupe::serialisable<steady_clock::time_point>);
}

TEST_CASE("lists of one direction come back", "[codec]") {
  CHECK(comes_back(std::forward_list<int>{3, 1, 2}));
  CHECK(comes_back(std::forward_list<std::string>{}));
  CHECK(as_json(std::forward_list<int>{3, 1, 2}) == "[3,1,2]");
  CHECK(troupe::type_schema<std::forward_list<int>>() == R"({"list":"int32"})");
  CHECK_THAT(complaint<std::forward_list<int>>(R"([1,"x"])"), Catch::Contains("[1] at byte"));
}

TEST_CASE("multimaps are lists of pairs, equal keys in their order", "[codec]") {
  using ordered = std::multimap<int, std::string>;
  using hashed = std::unordered_multimap<std::string, int>;
  CHECK(comes_back(ordered{{1, "b"}, {1, "a"}, {0, "c"}}));
  CHECK(comes_back(ordered{}));
  CHECK(comes_back(hashed{{"k", 2}, {"k", 1}, {"j", 3}}));
  CHECK(comes_back(std::unordered_multiset<int>{1, 1, 2}));
  CHECK(comes_back(std::multimap<std::pair<int, int>, int>{{{1, 2}, 3}}));
  CHECK(as_json(ordered{{1, "b"}, {1, "a"}, {0, "c"}}) == R"([[0,"c"],[1,"b"],[1,"a"]])");
  CHECK(troupe::encode(hashed{{"k", 2}, {"k", 1}}) == troupe::encode(hashed{{"k", 1}, {"k", 2}}));
  CHECK(troupe::type_schema<ordered>() == R"({"list":{"tuple":["int32","string"]}})");
  CHECK_THAT(complaint<ordered>("[[1]]"), Catch::Contains("expected an array of 2"));
  CHECK_THAT(complaint<ordered>(R"([[1,"a",2]])"), Catch::Contains("expected an array of 2"));
  CHECK_THAT(complaint<ordered>(R"({"1":"a"})"), Catch::Contains("expected an array"));
}

TEST_CASE("text of wider characters is a list of numbers", "[codec]") {
  CHECK(comes_back(std::u16string{u"a\u20ac"}));
  CHECK(comes_back(std::u32string{U"a\U0001f600"}));
  CHECK(comes_back(std::wstring{L"abc"}));
  CHECK(as_json(std::u16string{u"ab"}) == "[97,98]");
}

TEST_CASE("arrays of anything come back, of bool too", "[codec]") {
  CHECK(comes_back(std::array<bool, 3>{true, false, true}));
  CHECK(comes_back(std::array<char, 2>{'a', 'b'}));
  CHECK(comes_back(std::array<std::string, 0>{}));
  CHECK(comes_back(std::array<std::optional<int>, 2>{1, std::nullopt}));
}

TEST_CASE("a container that is a base class is one, if the struct has nothing else", "[codec]") {
  CHECK(comes_back(counts{1, 2}));
}

TEST_CASE("what another thread or another owner may change is not stored", "[codec]") {
  STATIC_REQUIRE_FALSE(troupe::serialisable<std::shared_ptr<int>>);
  STATIC_REQUIRE_FALSE(troupe::serialisable<std::weak_ptr<int>>);
  STATIC_REQUIRE_FALSE(troupe::serialisable<std::atomic<int>>);
  STATIC_REQUIRE_FALSE(troupe::serialisable<std::stack<int>>);
  STATIC_REQUIRE_FALSE(troupe::serialisable<std::priority_queue<int>>);
  STATIC_REQUIRE_FALSE(troupe::serialisable<std::optional<std::optional<int>>>);
  STATIC_REQUIRE_FALSE(troupe::serialisable<std::unique_ptr<std::optional<int>>>);
  STATIC_REQUIRE_FALSE(troupe::serialisable<std::pair<const int, int>>);
  STATIC_REQUIRE(troupe::serialisable<std::variant<std::monostate, std::optional<int>>>);
}
