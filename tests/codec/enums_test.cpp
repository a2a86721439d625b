// SPDX-License-Identifier: Apache-2.0
// Enums: any number that the underlying type can hold, or only the values that are listed.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/codec/schema.hpp>
#include <troupe/core/error.hpp>

#include "hex.hpp"

namespace {

enum class open : std::uint8_t { red, green = 200 };
enum class closed : std::int16_t { low = -5, high = 300 };
enum plain { zero, minus = -5 };
enum fixed : std::int8_t { one = 1 };
enum class truth : bool { no, yes };
enum class letter : char { a = 'a' };

}  // namespace

template <>
inline constexpr auto troupe::enum_values<closed> = std::array{closed::low, closed::high};
template <>
inline constexpr auto troupe::enum_values<plain> = std::array{zero, minus};

namespace {

template <class T>
T from_text(std::string_view json) {
  return troupe::decode<T>(troupe::from_json(json));
}
template <class T>
std::string complaint(std::string_view json) {
  try {
    static_cast<void>(from_text<T>(json));
    return {};
  } catch (const troupe::error& failure) {
    CHECK(failure.is(troupe::errc::invalid_data));
    return failure.message();
  }
}

template <class T>
bool comes_back(const T& value) {
  return troupe::decode<T>(troupe::encode(value)) == value &&
         from_text<T>(troupe::to_json(troupe::encode(value))) == value;
}

}  // namespace

TEST_CASE("an enum without a list takes what its type can hold", "[codec][enum]") {
  CHECK(from_text<open>("7") == static_cast<open>(7));
  CHECK(from_text<fixed>("-128") == static_cast<fixed>(-128));
  CHECK_THAT(complaint<open>("256"), Catch::Contains("8 bits without sign"));
  CHECK_THAT(complaint<fixed>("128"), Catch::Contains("8 bits with sign"));
}

TEST_CASE("an enum with a list takes its values and refuses others, by name and place", "[codec][enum]") {
  CHECK(comes_back(closed::low));
  CHECK(comes_back(closed::high));
  CHECK(comes_back(minus));
  CHECK_THAT(complaint<closed>("0"), Catch::Contains("expected a value of the enum closed, found the integer 0"));
  CHECK_THAT(complaint<plain>("77"), Catch::Contains("expected a value of the enum plain, found the integer 77"));
  CHECK_THAT(complaint<std::vector<closed>>("[300,299]"), Catch::Contains("[1] at byte"));
  CHECK_THAT(complaint<closed>("70000"), Catch::Contains("16 bits with sign"));
}

TEST_CASE("keys that are enums are held to the list as well", "[codec][enum]") {
  CHECK(comes_back(std::map<closed, int>{{closed::low, 1}, {closed::high, 2}}));
  CHECK(comes_back(std::map<truth, int>{{truth::no, 1}, {truth::yes, 2}}));
  CHECK(comes_back(std::map<letter, int>{{letter::a, 1}}));
  CHECK_THAT((complaint<std::map<closed, int>>(R"({"-5":1,"6":1})")), Catch::Contains("a value of the enum closed"));
  CHECK_THAT((complaint<std::map<plain, int>>(R"({"77":1})")), Catch::Contains("a value of the enum plain"));
}

TEST_CASE("a schema lists the values of an enum that has a list", "[codec][enum]") {
  CHECK(troupe::type_schema<closed>() == R"({"enum":"closed","as":"int16","values":[-5,300]})");
  CHECK(troupe::type_schema<open>() == R"({"enum":"open","as":"uint8"})");
  CHECK(troupe::type_schema<truth>() == R"({"enum":"truth","as":"bool"})");
}
