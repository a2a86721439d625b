// SPDX-License-Identifier: Apache-2.0
// Members that are named nearly like those that mean something, and are not of their kind, are ordinary state.

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/json.hpp>
#include <troupe/troupe.hpp>

namespace {

struct poll {
  std::string option;
  std::vector<int> opts;
  int versions = 1;
  int schema_version = 2;
  std::vector<std::string> migrations;
  static constexpr int version = 1;
  static constexpr int state_version = 7;  // of something else: there is a version
  struct options {
    int seats = 3;
  };
  options room;

  void migrate_state(int to) { schema_version = to; }
  int on_migrate() const { return schema_version; }

  using actor = troupe::actor<poll, &poll::migrate_state, &poll::on_migrate>;
};

/// Named by a cast where it is overloaded, and by hand where it is an operator.
struct overloaded {
  int count = 0;
  int add(int n) { return count += n; }
  int add(double n) { return count += static_cast<int>(n); }
  int operator()() const { return count; }

  using actor = troupe::actor<overloaded, static_cast<int (overloaded::*)(int)>(&overloaded::add),
                              troupe::named<&overloaded::operator(), "get">>;
};

}  // namespace

TEST_CASE("members that are nearly named options, version or migrate are state", "[actor]") {
  troupe::registry registry;
  registry.use<poll>("poll");
  troupe::runtime runtime{registry};
  const auto p = runtime.client().get_or_create<poll>("a");
  p.call<&poll::migrate_state>(5).get();
  CHECK(p.call<&poll::on_migrate>().get() == 5);
  const auto fields = troupe::json::parse(troupe::describe<poll>())["state"]["fields"];
  for (const char* name : {"option", "opts", "versions", "schema_version", "migrations", "room"}) {
    CHECK(fields.contains(name));
  }
}

TEST_CASE("an overloaded method is listed by a cast, an operator by a name", "[actor]") {
  troupe::registry registry;
  registry.use<overloaded>("overloaded");
  troupe::runtime runtime{registry};
  const auto o = runtime.client().get_or_create<overloaded>("a");
  CHECK(o.call("add", "[3]").get() == "3");
  CHECK(o.call("get", "[]").get() == "3");
}
