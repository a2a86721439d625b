// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <troupe/troupe.hpp>

using nlohmann::json;

namespace {

struct line {
  std::string item;
  std::int32_t count = 1;
};

struct cart {
  std::vector<line> lines;
  std::optional<std::string> voucher;
  troupe::transient<int> cached;

  std::size_t add(line l) {
    lines.push_back(std::move(l));
    return lines.size();
  }
  void redeem(const std::string& code) { voucher = code; }
  bool has(std::string_view item) const { return !lines.empty() && lines.front().item == item; }
  troupe::task<double> total(troupe::context<cart>&, std::vector<std::string> tags) {
    co_return static_cast<double>(tags.size());
  }

  static constexpr int version = 3;
  using actor = troupe::actor<cart, &cart::add, troupe::named<&cart::redeem, "vouchers.redeem">, &cart::has,
                              troupe::exclusive<&cart::total>>;
};

struct oddly_named {
  int get() const { return 0; }
  using actor = troupe::actor<oddly_named, troupe::named<&oddly_named::get, "say \"hello\"">>;
};

struct empty {
  using actor = troupe::actor<empty>;
};

}  // namespace

TEST_CASE("a manifest names its actions with their types, and the state", "[actor]") {
  const auto manifest = json::parse(troupe::describe<cart>());
  CHECK(manifest["name"] == "cart");
  CHECK(manifest["version"] == 3);
  const auto& actions = manifest["actions"];
  CHECK(actions.size() == 4);
  REQUIRE(actions.contains("vouchers.redeem"));
  CHECK(actions["vouchers.redeem"]["arguments"].size() == 1);
  CHECK(actions["vouchers.redeem"]["result"].is_null());
  CHECK(actions["vouchers.redeem"]["readOnly"] == false);
  CHECK(actions["has"]["readOnly"] == true);
  CHECK(actions["total"]["exclusive"] == true);
  CHECK(actions["add"]["exclusive"] == false);
  CHECK(actions["total"]["arguments"].size() == 1);                               // the context is injected
  CHECK(actions["has"]["arguments"] == actions["vouchers.redeem"]["arguments"]);  // both are strings on the wire
  const auto state = manifest["state"].dump();
  CHECK(state.find("voucher") != std::string::npos);
  CHECK(state.find("item") != std::string::npos);
  CHECK(state.find("cached") == std::string::npos);
}

TEST_CASE("the same definition describes itself alike every time", "[actor]") {
  CHECK(troupe::describe<cart>() == troupe::describe<cart>());
  CHECK(json::parse(troupe::describe<empty>())["actions"].empty());
}

TEST_CASE("a registry describes what it serves, under the served names", "[actor]") {
  troupe::registry registry;
  troupe::use_options camel;
  camel.naming = troupe::camel_case;
  registry.use<cart>("shoppingCart", camel);
  registry.use<empty>("empty");
  const auto all = json::parse(registry.describe());
  REQUIRE(all.size() == 2);
  CHECK(all[0]["name"] == "shoppingCart");
  CHECK(all[1]["name"] == "empty");
  CHECK(json::parse(troupe::registry{}.describe()).empty());
}

TEST_CASE("names with special characters keep the manifest valid JSON", "[actor]") {
  troupe::registry registry;
  registry.use<empty>("a \"quoted\\name\"\n");
  registry.use<oddly_named>("odd");
  const auto all = json::parse(registry.describe());
  CHECK(all[0]["name"] == "a \"quoted\\name\"\n");
  CHECK(all[1]["actions"].contains("say \"hello\""));
}
