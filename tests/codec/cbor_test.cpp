// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>

#include "hex.hpp"

TEST_CASE("numbers are written as RFC 8949 prefers them (appendix A)", "[cbor]") {
  const auto integer = [](auto value) { return hex(troupe::encode(value)); };
  CHECK(integer(0) == "00");
  CHECK(integer(10) == "0a");
  CHECK(integer(23) == "17");
  CHECK(integer(24) == "1818");
  CHECK(integer(100) == "1864");
  CHECK(integer(1000) == "1903e8");
  CHECK(integer(1000000) == "1a000f4240");
  CHECK(integer(1000000000000) == "1b000000e8d4a51000");
  CHECK(integer(std::numeric_limits<std::uint64_t>::max()) == "1bffffffffffffffff");
  CHECK(integer(-1) == "20");
  CHECK(integer(-10) == "29");
  CHECK(integer(-100) == "3863");
  CHECK(integer(-1000) == "3903e7");
  CHECK(integer(std::numeric_limits<std::int64_t>::min()) == "3b7fffffffffffffff");

  const std::pair<double, const char*> floats[] = {
      {0.0, "f90000"},
      {-0.0, "f98000"},
      {1.0, "f93c00"},
      {1.1, "fb3ff199999999999a"},
      {1.5, "f93e00"},
      {65504.0, "f97bff"},
      {100000.0, "fa47c35000"},
      {3.4028234663852886e+38, "fa7f7fffff"},
      {1.0e+300, "fb7e37e43c8800759c"},
      {5.960464477539063e-8, "f90001"},
      {0.00006103515625, "f90400"},
      {-4.0, "f9c400"},
      {-4.1, "fbc010666666666666"},
      {std::numeric_limits<double>::infinity(), "f97c00"},
      {std::numeric_limits<double>::quiet_NaN(), "f97e00"},
      {-std::numeric_limits<double>::infinity(), "f9fc00"},
  };
  for (const auto& [value, expected] : floats) CHECK(hex(troupe::encode(value)) == expected);
}

TEST_CASE("other values are written as in RFC 8949, appendix A", "[cbor]") {
  CHECK(hex(troupe::encode(false)) == "f4");
  CHECK(hex(troupe::encode(true)) == "f5");
  CHECK(hex(troupe::encode(std::monostate{})) == "f6");
  CHECK(hex(troupe::encode(troupe::bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}})) == "4401020304");
  CHECK(hex(troupe::encode(std::string{})) == "60");
  CHECK(hex(troupe::encode(std::string{"a"})) == "6161");
  CHECK(hex(troupe::encode(std::vector<int>{})) == "80");
  CHECK(hex(troupe::encode(std::vector<int>{1, 2, 3})) == "83010203");
  CHECK(hex(troupe::encode(std::vector<int>(25, 1))).starts_with("9819"));
  CHECK(hex(troupe::encode(std::map<int, int>{{1, 2}, {3, 4}})) == "a201020304");
  CHECK(hex(troupe::encode(std::map<std::string, std::string>{{"a", "A"}, {"b", "B"}})) == "a26161614161626142");

  troupe::buffer out;
  troupe::cbor_writer{out}.wide_integer(7);
  CHECK(hex(out.view()) == "1b0000000000000007");
  out.clear();
  troupe::cbor_writer{out}.tag(1);
  CHECK(hex(out.view()) == "c1");
}

TEST_CASE("other encoders' choices are read: widths, indefinite lengths, tags", "[cbor]") {
  const auto ints = [](const char* text) { return troupe::decode<std::vector<int>>(unhex(text)); };
  const std::vector<int> one_two{1, 2};
  CHECK(ints("9f0102ff") == one_two);
  CHECK(ints("9800").empty());
  CHECK(ints("9b00000000000000020102") == one_two);
  CHECK(ints("82190001" "1b0000000000000002") == one_two);
  CHECK(ints("d9010282c1d8400102") == one_two);
  CHECK(ints("82f93c00fb4000000000000000") == one_two);

  CHECK(troupe::decode<std::string>(unhex("7f657374726561646d696e67ff")) == "streaming");
  CHECK(troupe::decode<std::string>(unhex("d8207800")).empty());
  CHECK(troupe::decode<troupe::bytes>(unhex("5f42010243030405ff")).size() == 5);
  CHECK(troupe::decode<std::vector<std::uint8_t>>(unhex("8301021864")) == std::vector<std::uint8_t>{1, 2, 100});
  CHECK(troupe::decode<std::map<std::string, int>>(unhex("bf616101616202ff")).size() == 2);
  CHECK(troupe::decode<std::map<std::string, int>>(unhex("b900016161" "01")).at("a") == 1);
}

TEST_CASE("numbers are converted only where nothing is lost", "[cbor]") {
  CHECK(troupe::decode<double>(unhex("1864")) == 100);
  CHECK(troupe::decode<double>(unhex("3863")) == -100);
  CHECK(troupe::decode<float>(unhex("fb3ff8000000000000")) == 1.5F);
  CHECK(troupe::decode<std::int64_t>(troupe::encode(-9223372036854775808.0)) == std::numeric_limits<std::int64_t>::min());
  CHECK(troupe::decode<std::uint64_t>(troupe::encode(9223372036854775808.0)) == 9223372036854775808U);
  CHECK_THROWS_AS(troupe::decode<int>(troupe::encode(1.5)), troupe::error);
  CHECK_THROWS_AS(troupe::decode<std::uint64_t>(troupe::encode(18446744073709551616.0)), troupe::error);
  CHECK_THROWS_AS(troupe::decode<std::int64_t>(troupe::encode(9223372036854775808.0)), troupe::error);
  CHECK_THROWS_AS(troupe::decode<int>(unhex("f97c00")), troupe::error);
  CHECK_THROWS_AS(troupe::decode<int>(unhex("f97e00")), troupe::error);
  CHECK_THROWS_AS(troupe::decode<std::uint8_t>(troupe::encode(256)), troupe::error);
  CHECK_THROWS_AS(troupe::decode<std::int8_t>(troupe::encode(-129)), troupe::error);
  CHECK_THROWS_AS(troupe::decode<unsigned>(troupe::encode(-1)), troupe::error);
  CHECK_THROWS_AS(troupe::decode<std::int64_t>(unhex("3bffffffffffffffff")), troupe::error);
  CHECK_THROWS_AS(troupe::decode<float>(troupe::encode(1e300)), troupe::error);
  CHECK_THROWS_AS(troupe::decode<int>(troupe::encode(true)), troupe::error);
}

TEST_CASE("integer keys may come as text, as JSON has them", "[cbor]") {
  using numbered = std::map<int, bool>;
  CHECK(troupe::decode<numbered>(troupe::from_json(R"({"5":true,"-7":false})")) == numbered{{-7, false}, {5, true}});
  CHECK_THROWS_AS(troupe::decode<numbered>(troupe::from_json(R"({"5x":true})")), troupe::error);
  CHECK_THROWS_AS(troupe::decode<numbered>(troupe::from_json(R"({"":true})")), troupe::error);
}

TEST_CASE("a JavaScript date is read into any time point", "[cbor]") {
  using milliseconds = std::chrono::sys_time<std::chrono::milliseconds>;
  const auto expected = milliseconds{std::chrono::milliseconds{1363896240500}};
  CHECK(troupe::decode<milliseconds>(unhex("c1fb41d452d9ec200000")) == expected);
  CHECK(troupe::decode<std::chrono::sys_seconds>(unhex("c11a514b67b0")).time_since_epoch().count() == 1363896240);
}
