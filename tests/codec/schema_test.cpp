// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/schema.hpp>
#include <troupe/core/actor_id.hpp>

namespace {

enum class colour : std::uint8_t { red };
struct message {
  std::string sender;
  std::int64_t sent = 0;
  troupe::transient<int> cache;
};
struct node {
  message value;
  std::vector<node> children;
};

}  // namespace

TEST_CASE("a schema says what an encoded type looks like", "[schema]") {
  CHECK(troupe::type_schema<bool>() == R"("bool")");
  CHECK(troupe::type_schema<int>() == R"("int32")");
  CHECK(troupe::type_schema<std::uint8_t>() == R"("uint8")");
  CHECK(troupe::type_schema<double>() == R"("float64")");
  CHECK(troupe::type_schema<std::string>() == R"("string")");
  CHECK(troupe::type_schema<troupe::bytes>() == R"("bytes")");
  CHECK(troupe::type_schema<std::array<std::uint8_t, 16>>() == R"({"bytes":16})");
  CHECK(troupe::type_schema<std::vector<float>>() == R"({"list":"float32"})");
  CHECK(troupe::type_schema<std::array<int, 3>>() == R"({"list":"int32","size":3})");
  CHECK(troupe::type_schema<std::set<int>>() == R"({"set":"int32"})");
  CHECK(troupe::type_schema<std::map<std::string, bool>>() == R"({"map":"bool","key":"string"})");
  CHECK(troupe::type_schema<std::tuple<int, std::string>>() == R"({"tuple":["int32","string"]})");
  CHECK(troupe::type_schema<std::tuple<>>() == R"({"tuple":[]})");
  CHECK(troupe::type_schema<std::variant<std::monostate, int>>() == R"({"variant":["null","int32"]})");
  CHECK(troupe::type_schema<std::optional<int>>() == R"({"optional":"int32"})");
  CHECK(troupe::type_schema<colour>() == R"({"enum":"colour","as":"uint8"})");
  CHECK(troupe::type_schema<std::chrono::milliseconds>() == R"({"duration":"int64","seconds":"1/1000"})");
  CHECK(troupe::type_schema<std::chrono::sys_time<std::chrono::duration<std::int32_t>>>() ==
        R"({"time":"int32","seconds":"1/1"})");
  CHECK(troupe::type_schema<troupe::actor_id>() == R"("actor_id")");
}

TEST_CASE("the schema of a struct lists its stored fields, and stops where it contains itself", "[schema]") {
  CHECK(troupe::type_schema<message>() == R"({"struct":"message","fields":{"sender":"string","sent":"int64"}})");
  CHECK(troupe::type_schema<node>() ==
        R"({"struct":"node","fields":{"value":{"struct":"message","fields":{"sender":"string","sent":"int64"}},)"
        R"("children":{"list":{"ref":"node"}}}})");
}
