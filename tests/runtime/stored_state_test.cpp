// SPDX-License-Identifier: Apache-2.0
// States in an SQLite file: they are found again, brought up to date, refused if they are newer, and owned by one.

#include <map>
#include <string>

#include <catch2/catch.hpp>

#include <troupe/json.hpp>
#include <troupe/testing/simulated_disk.hpp>

#include "../store/temporary_directory.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

struct first_shape {
  int seconds = 0;
  int add(int n) { return seconds += n; }
  int get() const { return seconds; }
  using actor = troupe::actor<first_shape, &first_shape::add, &first_shape::get>;
};

struct second_shape {
  int milliseconds = 0;
  std::vector<std::string> notes;
  int get() const { return milliseconds; }
  int touch() { return ++milliseconds; }
  static constexpr int version = 2;
  static void migrate(troupe::json& state, int from) {
    if (from < 2) state["milliseconds"] = state["seconds"].get<int>() * 1000;
  }
  using actor = troupe::actor<second_shape, &second_shape::get, &second_shape::touch>;
};

// Two programs that should not be: one takes a member for something else, one cannot bring old state up to date.
struct other_shape {
  std::string seconds;
  std::string get() const { return seconds; }
  void touch() { seconds += "."; }
  using actor = troupe::actor<other_shape, &other_shape::get, &other_shape::touch>;
};

struct broken_shape {
  int seconds = 0;
  int get() const { return seconds; }
  void touch() { ++seconds; }
  static constexpr int version = 2;
  static void migrate(troupe::json& state, int) { state.at("minutes") = 0; }
  using actor = troupe::actor<broken_shape, &broken_shape::get, &broken_shape::touch>;
};

struct keyed_shape {
  std::map<int, std::string> names;
  void put(int at, std::string name) { names[at] = std::move(name); }
  using actor = troupe::actor<keyed_shape, &keyed_shape::put>;
};

struct keyed_later {
  std::map<int, std::string> names;
  int moved = 0;
  std::map<int, std::string> get() const { return names; }
  static constexpr int version = 2;
  static void migrate(troupe::json& state, int) { state["moved"] = 1; }
  using actor = troupe::actor<keyed_later, &keyed_later::get>;
};

template <class A>
troupe::registry serving() {
  troupe::registry r;
  r.use<A>("timer");
  return r;
}

}  // namespace

TEST_CASE("after a restart everything is there") {
  const temporary_directory directory;
  const troupe::sqlite file{directory / "app.db"};
  troupe::actor_id id;
  {
    world w{serving<first_shape>(), file};
    for (int i = 0; i < 20; ++i) {
      w.run(w.client.get_or_create<first_shape>(std::to_string(i)).call<&first_shape::add>(i));
    }
    id = w.run(w.client.get<first_shape>("7").resolve());
  }
  world w{serving<first_shape>(), file};
  for (int i = 0; i < 20; ++i) CHECK(w.run(w.client.get<first_shape>(std::to_string(i)).call<&first_shape::get>()) == i);
  CHECK(w.run(w.client.get_for_id<first_shape>(id).call<&first_shape::get>()) == 7);
  CHECK(w.run(w.client.list<first_shape>()).size() == 20);
}

TEST_CASE("an older state is migrated when it is loaded, and stored in its new shape") {
  const temporary_directory directory;
  const troupe::sqlite file{directory / "app.db"};
  {
    world w{serving<first_shape>(), file};
    w.run(w.client.get_or_create<first_shape>("a").call<&first_shape::add>(3));
  }
  {
    world w{serving<second_shape>(), file};
    CHECK(w.run(w.client.get<second_shape>("a").call<&second_shape::get>()) == 3000);
  }
  {
    world w{serving<second_shape>(), file};  // not a second time
    CHECK(w.run(w.client.get<second_shape>("a").call<&second_shape::touch>()) == 3001);
  }
  world w{serving<first_shape>(), file};
  const auto a = w.client.get<first_shape>("a");
  CHECK(w.code(a.call<&first_shape::get>()) == "actor.newer_state");
  CHECK(w.code(a.call<&first_shape::add>(1)) == "actor.newer_state");
}

TEST_CASE("state that a program cannot read stays in the store as it was") {
  const troupe::memory memory;
  {
    world w{serving<first_shape>(), memory};
    w.run(w.client.get_or_create<first_shape>("a").call<&first_shape::add>(3));
  }
  {
    world w{serving<other_shape>(), memory};
    const auto a = w.client.get_or_create<other_shape>("a");
    CHECK(w.code(a.call<&other_shape::get>()) == "actor.unreadable_state");
    CHECK(w.code(a.call<&other_shape::touch>()) == "actor.unreadable_state");
  }
  {
    world w{serving<broken_shape>(), memory};
    const auto a = w.client.get_or_create<broken_shape>("a");
    CHECK(w.code(a.call<&broken_shape::get>()) == "actor.unreadable_state");
    CHECK(w.code(a.call<&broken_shape::touch>()) == "actor.unreadable_state");
  }
  world w{serving<first_shape>(), memory};
  CHECK(w.run(w.client.get<first_shape>("a").call<&first_shape::get>()) == 3);
}

TEST_CASE("maps keep their keys through a migration, text or not") {
  const troupe::memory memory;
  {
    world w{serving<keyed_shape>(), memory};
    w.run(w.client.get_or_create<keyed_shape>("a").call<&keyed_shape::put>(-7, "seven"));
  }
  world w{serving<keyed_later>(), memory};
  const auto names = w.run(w.client.get<keyed_later>("a").call<&keyed_later::get>());
  CHECK(names == std::map<int, std::string>{{-7, "seven"}});
}

TEST_CASE("two runtimes cannot own one file, nor one memory") {
  const temporary_directory directory;
  const troupe::sqlite file{directory / "app.db"};
  const troupe::memory memory;
  {
    world on_file{serving<first_shape>(), file};
    world in_memory{serving<first_shape>(), memory};
    CHECK(code_when([&] { world second{serving<first_shape>(), file}; }) == "store.in_use");
    CHECK(code_when([&] { world second{serving<first_shape>(), memory}; }) == "store.in_use");
    CHECK(on_file.run(on_file.client.get_or_create<first_shape>("a").call<&first_shape::add>(1)) == 1);
    CHECK(in_memory.run(in_memory.client.get_or_create<first_shape>("a").call<&first_shape::add>(2)) == 2);
  }
  world again{serving<first_shape>(), memory};
  CHECK(again.run(again.client.get<first_shape>("a").call<&first_shape::get>()) == 2);
}

TEST_CASE("a full disk: calls wait, health says so, and space helps") {
  troupe::testing::simulated_disk disk;
  world w{serving<first_shape>(), disk.sqlite()};
  const auto a = w.client.get_or_create<first_shape>("a");
  w.run(a.call<&first_shape::add>(1));
  disk.fail(troupe::testing::disk_operation::write, "-wal", {.effect = troupe::testing::disk_effect::full});
  const auto call = w.start(a.call<&first_shape::add>(1));
  w.pass(1s);
  CHECK_FALSE(call.done());
  CHECK_FALSE(w.runtime.health().store_ok);
  CHECK_THAT(w.runtime.health().store_error, Catch::Contains("store.full"));
  disk.heal();
  w.pass(6s);
  REQUIRE(call.done());
  CHECK(call.value() == 2);
  CHECK(w.runtime.health().store_ok);
}
