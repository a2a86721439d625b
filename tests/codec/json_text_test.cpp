// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>

#include "hex.hpp"

namespace {

// JSON text to CBOR and back.
std::string there_and_back(std::string_view json) { return troupe::to_json(troupe::from_json(json)); }

template <class T>
std::string json_of(const T& value) {
  return troupe::to_json(troupe::encode(value));
}

std::string complaint(std::string_view json) {
  try {
    static_cast<void>(troupe::from_json(json));
    return {};
  } catch (const troupe::error& failure) {
    CHECK(failure.is(troupe::errc::invalid_data));
    return failure.message();
  }
}

}  // namespace

TEST_CASE("JSON text comes back as it was", "[json]") {
  for (const char* text : {
           "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615",
           "1.0", "1.5", "-0.0", "1e+300", R"("")", R"("a\"b\\c\nd\u0001")", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"",
           "[]", "{}", "[1,[2,[]],{}]", R"({"z":1,"a":{"m":[true,null]},"":2})", R"(["$$a",1])", R"(["$a"])",
           R"(["$a",1,2])", R"(["$Uint8Array","AQID"])", R"([["$$x",["$$y",{}]],3])", R"({"k":["$Uint8Array",""]})",
       }) {
    CHECK(there_and_back(text) == text);
  }
  std::string many = "[0";
  for (int i = 1; i < 70000; ++i) many += ",[" + std::to_string(i) + "]";
  many += "]";
  CHECK(there_and_back(many) == many);
}

TEST_CASE("JSON text and typed values meet", "[json]") {
  CHECK(json_of(std::map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}}) == R"({"a":[1,2],"b":[]})");
  CHECK(json_of(std::map<int, bool>{{-5, true}}) == R"({"-5":true})");
  CHECK(json_of(std::vector<std::string>{"$a", "b"}) == R"(["$$a","b"])");
  CHECK(troupe::decode<std::vector<std::string>>(troupe::from_json(R"(["$$a","b"])"))[0] == "$a");
  const troupe::bytes data{std::byte{1}, std::byte{2}, std::byte{255}, std::byte{254}};
  CHECK(json_of(data) == R"(["$Uint8Array","AQL//g=="])");
  CHECK(troupe::decode<troupe::bytes>(troupe::from_json(R"(["$Uint8Array","AQL//g=="])")) == data);
  CHECK(hex(troupe::from_json("[1,{\"a\":-1}]")) == "8201a1616120");
}

TEST_CASE("RivetKit's forms are read", "[json]") {
  CHECK(there_and_back(R"(["$BigInt","9007199254740993"])") == "9007199254740993");
  CHECK(there_and_back(R"(["$BigInt","-9223372036854775808"])") == "-9223372036854775808");
  CHECK(there_and_back(R"([["$BigInt","-0"],["$ArrayBuffer","AQ"]])") == R"([0,["$Uint8Array","AQ=="]])");
  CHECK(there_and_back(R"(["$Undefined",0])") == "null");
  CHECK(there_and_back(R"([["$Set",[1,[2],{"a":[]}]],[3]])") == R"([[1,[2],{"a":[]}],[3]])");
  CHECK(there_and_back(R"({"s":["$Set",[["$$q",1]]]})") == R"({"s":[["$$q",1]]})");
  CHECK(hex(troupe::from_json(R"(["$Undefined",0])")) == "f7");
  CHECK(complaint(R"(["$BigInt","1e5"])").find("$BigInt") != std::string::npos);
  CHECK_FALSE(complaint(R"(["$BigInt","18446744073709551616"])").empty());
  CHECK_FALSE(complaint(R"(["$BigInt","-9223372036854775809"])").empty());
  CHECK_FALSE(complaint(R"(["$BigInt",5])").empty());
  CHECK_FALSE(complaint(R"(["$Uint8Array","?"])").empty());
  CHECK(complaint(R"(["$Date",5])").find("$Date") != std::string::npos);
  CHECK_FALSE(complaint(R"(["$Set",{}])").empty());
}

TEST_CASE("what JSON cannot say becomes something it can", "[json]") {
  CHECK(json_of(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(json_of(-std::numeric_limits<double>::infinity()) == "null");
  CHECK(json_of(std::string{"a\xff" "b\xc3"}) == "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"");
  CHECK(json_of(std::string{"\xed\xa0\x80"}) == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(json_of(std::string{"\xc0\xaf"}) == "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(troupe::to_json(unhex("3bffffffffffffffff")) == "-1.8446744073709552e+19");
  CHECK(troupe::to_json(unhex("f7")) == "null");
  CHECK(troupe::to_json(unhex("a1820102" "03")) == R"({"[1,2]":3})");
  CHECK(troupe::to_json(unhex("9f01bf6161f5ffff")) == R"([1,{"a":true}])");
  CHECK(troupe::to_json(unhex("c11a514b67b0")) == "1363896240");
}

TEST_CASE("text that is no JSON is refused with its position", "[json]") {
  CHECK(complaint("[1,").find("line 1, column 4") != std::string::npos);
  for (const char* text : {"", " ", "[1 2]", "{\"a\"}", "{1:2}", "nul", "01", "\"\x01\"", "\"\xff\"", "1 2", "[1]]", "'a'",
                           "1e999", "\"\\ud800\""}) {
    CHECK_FALSE(complaint(text).empty());
  }
}
