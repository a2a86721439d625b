// SPDX-License-Identifier: Apache-2.0
// A migration is tested with what an older program has written: a database of the version that was released, kept with
// the tests. A struct that is changed by mistake fails here, and not in the field.

#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <troupe/json.hpp>
#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

#include "../support.hpp"

namespace {

using troupe::testing::simulation;

// [now]
struct line {
  std::string item;
  int pieces = 1;
};

struct basket {
  std::vector<line> lines;  // version 1 had `items`, a list of texts

  void add(std::string item) { lines.push_back(line{std::move(item), 1}); }
  std::vector<line> content() const { return lines; }

  static constexpr int version = 2;
  static void migrate(troupe::json& state, int from) {
    if (from < 2) {
      for (const auto& item : state["items"]) state["lines"].push_back({{"item", item}, {"pieces", 1}});
    }
  }

  using actor = troupe::actor<basket, &basket::add, &basket::content>;
};
// [/now]

std::filesystem::path file_of(const std::string& release) {
  return std::filesystem::path{__FILE__}.parent_path() / "files" / release;
}

}  // namespace

// [test]
TEST_CASE("baskets of the first release are read, and can be filled") {
  const temporary_folder folder;
  const auto copy = folder / "shop.db";  // opening it migrates the store, too: never the file that is kept
  std::filesystem::copy_file(file_of("baskets_1"), copy);

  troupe::testing::simulation_options options;
  options.runtime.store = troupe::sqlite{copy};
  simulation sim{troupe::registry{}.use<basket>("basket"), options};
  const auto alice = sim.client().get<basket>("alice");
  sim.run(alice.call<&basket::add>("milk"));
  sim.crash();  // the store has the second version now

  const auto content = sim.stored(sim.client().get<basket>("alice")).value().lines;
  REQUIRE(content.size() == 3);
  CHECK(content[0].item == "tea");
  CHECK(content[1].item == "sugar \"brown\"");
  CHECK(content[2].item == "milk");
  for (const auto& each : content) CHECK(each.pieces == 1);
  CHECK(sim.stored(sim.client().get<basket>("bert")).value().lines.empty());
}
// [/test]

namespace first_release {

// [then]
struct basket {
  std::vector<std::string> items;
  void add(std::string item) { items.push_back(std::move(item)); }
  using actor = troupe::actor<basket, &basket::add>;
};
// [/then]

}  // namespace first_release

// [write]
// How the file came to be: `example_recipes_test "[.write]"`, with the program of that release. Never again after it.
TEST_CASE("the first release writes its baskets", "[.write]") {
  troupe::runtime runtime{troupe::registry{}.use<first_release::basket>("basket")};
  const auto client = runtime.client();
  const auto alice = client.get_or_create<first_release::basket>("alice");
  alice.call<&first_release::basket::add>("tea").get();
  alice.call<&first_release::basket::add>("sugar \"brown\"").get();
  static_cast<void>(client.get_or_create<first_release::basket>("bert").resolve().get());
  runtime.backup(file_of("baskets_1").string());
}
// [/write]
