// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>

namespace {

struct before {
  int count = 1;
  std::string name = "old";
};
struct after {
  std::string name = "none";
  std::optional<int> limit = 7;
  std::vector<int> added = {1, 2};
  int count = 0;
};

}  // namespace

TEST_CASE("a field that the data lacks keeps its initialiser, one that the struct lacks is skipped", "[codec]") {
  const auto upgraded = troupe::decode<after>(troupe::encode(before{5, "kept"}));
  CHECK(upgraded.count == 5);
  CHECK(upgraded.name == "kept");
  CHECK(upgraded.limit == 7);
  CHECK(upgraded.added == std::vector{1, 2});

  const auto downgraded = troupe::decode<before>(troupe::encode(upgraded));
  CHECK(downgraded.count == 5);
  CHECK(downgraded.name == "kept");
}

TEST_CASE("fields may come in any order, under any other keys, and twice", "[codec]") {
  const auto read = [](std::string_view json) { return troupe::decode<after>(troupe::from_json(json)); };
  CHECK(read(R"({"count":3,"added":[],"name":"x"})").name == "x");
  CHECK(read(R"({"count":3,"x":{"y":[1,"z"]},"added":[],"name":"x"})").added.empty());
  CHECK(read(R"({"name":"a","count":3,"name":"b"})").name == "b");
  CHECK(read(R"({"name":"a","name":"b","count":3})").count == 3);
  CHECK(read(R"({"limit":null})").limit == std::nullopt);
  CHECK(read(R"({"limit":["$Undefined",0],"name":["$Undefined",0]})").name == "none");
  CHECK(read("{}").count == 0);

  troupe::buffer out;
  troupe::cbor_writer writer{out};
  writer.map(3);
  troupe::write(writer, 17);
  troupe::write(writer, std::vector<std::string>{"skipped"});
  writer.tag(55799);
  writer.text("count");
  writer.integer(4);
  troupe::write(writer, std::map<int, int>{});
  writer.null();
  CHECK(troupe::decode<after>(out.view()).count == 4);
}

TEST_CASE("decoding into a value replaces what the data has and keeps the rest", "[codec]") {
  after value{"mine", 1, {9}, 3};
  troupe::decode_into(value, troupe::from_json(R"({"added":[4],"count":8})"));
  CHECK(value.name == "mine");
  CHECK(value.limit == 1);
  CHECK(value.added == std::vector{4});
  CHECK(value.count == 8);
}

TEST_CASE("a key that is given twice has its last value", "[codec]") {
  using counts = std::map<std::string, std::vector<int>>;
  troupe::buffer out;
  troupe::cbor_writer writer{out};
  writer.map(2);
  writer.text("a");
  troupe::write(writer, std::vector{1, 2});
  writer.text("a");
  troupe::write(writer, std::vector{3});
  CHECK(troupe::decode<counts>(out.view()) == counts{{"a", {3}}});
}
