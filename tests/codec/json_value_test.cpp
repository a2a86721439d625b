// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/schema.hpp>
#include <troupe/core/error.hpp>
#include <troupe/json.hpp>

namespace shop {

struct price {
  int cents = 0;
};
void to_json(nlohmann::json& out, const price& value) { out = std::to_string(value.cents) + " ct"; }
void from_json(const nlohmann::json& in, price& value) { value.cents = std::stoi(in.get<std::string>()); }

class article {
 public:
  article() = default;
  article(std::string name, int stock) : name_{std::move(name)}, stock_{stock} {}
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(article, name_, stock_)
  bool operator==(const article&) const = default;

 private:
  std::string name_;
  int stock_ = 0;
};

enum class mood { good, bad };
NLOHMANN_JSON_SERIALIZE_ENUM(mood, {{mood::good, "good"}, {mood::bad, "bad"}})

struct shelf {
  price each;
  std::vector<article> articles;
  troupe::json notes;
  mood today = mood::good;
};

}  // namespace shop

TEST_CASE("a type with to_json and from_json is stored as they say, also inside other types", "[json]") {
  const auto encoded = troupe::encode(shop::price{250});
  CHECK(troupe::decode<std::string>(encoded) == "250 ct");

  shop::shelf shelf{{99}, {{"tea", 3}, {"salt", 1}}, {{"free", {1, 2.5, nullptr}}}, shop::mood::bad};
  const auto read = troupe::decode<shop::shelf>(troupe::encode(shelf));
  CHECK(read.each.cents == 99);
  CHECK(read.articles == shelf.articles);
  CHECK(read.notes == shelf.notes);
  CHECK(read.today == shop::mood::bad);
  CHECK(troupe::type_schema<shop::shelf>() ==
        R"({"struct":"shelf","fields":{"each":{"json":"price"},"articles":{"list":{"json":"article"}},)"
        R"("notes":"any","today":{"json":"mood"}}})");
}

TEST_CASE("a json value comes back, of every kind", "[json]") {
  for (const char* text : {"null", "true", "-5", "18446744073709551615", "-9223372036854775808", "1.5", R"("x")", "[]",
                           "{}", R"([1,[2,{"a":[]}]])", R"({"b":1,"a":{"c":null}})"}) {
    const auto value = troupe::json::parse(text);
    const auto read = troupe::decode<troupe::json>(troupe::encode(value));
    CHECK(read == value);
    CHECK(read.type() == value.type());
  }
  const auto binary = troupe::json::binary({1, 2, 3});
  CHECK(troupe::decode<troupe::json>(troupe::encode(binary)) == binary);
}

TEST_CASE("what a from_json throws comes out as invalid data with its place", "[json]") {
  const std::vector<int> wrong{1};
  try {
    static_cast<void>(troupe::decode<shop::price>(troupe::encode(wrong)));
    FAIL("nothing was thrown");
  } catch (const troupe::error& failure) {
    CHECK(failure.is(troupe::errc::invalid_data));
    CHECK_THAT(failure.message(), Catch::Contains("at byte 0") && Catch::Contains("type must be string"));
  }
}
