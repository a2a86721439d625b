// SPDX-License-Identifier: Apache-2.0
// Hooks run in their order, within their limits, and a throw in each of them has the effect that is promised for it.

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

std::vector<std::string> diary;
std::string throws_in;

void reach(const std::string& place) {
  diary.push_back(place);
  if (throws_in == place) throw troupe::user_error("thrown", "in " + place);
}

struct player {
  int points = 0;

  void on_create(troupe::context<player>&) { reach("create"); }
  void on_wake(troupe::context<player>&) { reach("wake"); }
  void on_sleep(troupe::context<player>&) { reach("sleep"); }
  void on_destroy(troupe::context<player>&) { reach("destroy"); }
  void on_state_change(troupe::context<player>&) const { reach("change"); }

  int add(int n) {
    diary.emplace_back("add");
    return points += n;
  }
  int get() const { return points; }
  void rest(troupe::context<player>& c) { c.sleep(); }
  void end(troupe::context<player>& c) { c.destroy(); }

  using actor = troupe::actor<player, &player::add, &player::get, &player::rest, &player::end>;
};

// Its hooks are coroutines that take their time.
std::chrono::seconds create_takes{0}, wake_takes{0}, sleep_takes{0}, destroy_takes{0};

struct slow_player {
  int points = 1;

  troupe::task<> take(std::string hook, std::chrono::seconds time) {
    diary.push_back(hook + " begins");
    if (time > 0s) {
      co_await troupe::delay(time);
    }
    diary.push_back(hook + " ends");
  }
  troupe::task<> on_create(troupe::context<slow_player>&) { return take("create", create_takes); }
  troupe::task<> on_wake(troupe::context<slow_player>&) { return take("wake", wake_takes); }
  troupe::task<> on_sleep(troupe::context<slow_player>&) { return take("sleep", sleep_takes); }
  troupe::task<> on_destroy(troupe::context<slow_player>&) { return take("destroy", destroy_takes); }

  int add(int n) { return points += n; }
  int get() const { return points; }
  void rest(troupe::context<slow_player>& c) { c.sleep(); }
  void end(troupe::context<slow_player>& c) { c.destroy(); }

  static constexpr troupe::options options{
      .sleep_grace_period = 15s, .on_create_timeout = 5s, .on_wake_timeout = 30s};
  using actor = troupe::actor<slow_player, &slow_player::add, &slow_player::get, &slow_player::rest, &slow_player::end>;
};

struct fixture {
  fixture() {
    diary.clear();
    throws_in.clear();
    create_takes = wake_takes = sleep_takes = destroy_takes = 0s;
  }
  ~fixture() { throws_in.clear(); }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<player>("player").use<slow_player>("slowPlayer");
    return r;
  }
  std::vector<std::string> read() { return std::exchange(diary, {}); }
  world w{registry()};
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(fixture, "hooks run in the order create, wake, sleep, wake, destroy") {
  const auto p = w.client.get_or_create<player>("ann");
  CHECK(w.run(p.call<&player::get>()) == 0);
  CHECK(read() == lines{"create", "wake"});
  w.run(p.call<&player::rest>());
  w.settle();
  CHECK(read() == lines{"sleep"});
  CHECK(w.phase(p) == phase::asleep);
  CHECK(w.run(p.call<&player::add>(2)) == 2);
  CHECK(read() == lines{"wake", "add", "change"});
  w.run(p.call<&player::end>());
  w.settle();
  CHECK(read() == lines{"destroy"});
  CHECK(w.run(p.call<&player::get>()) == 0);
  CHECK(read() == lines{"create", "wake"});
}

TEST_CASE_METHOD(fixture, "a throw in on_create: there was never an actor, the key is free, the caller hears why") {
  const auto p = w.client.get_or_create<player>("ann");
  throws_in = "create";
  CHECK(w.code(p.call<&player::get>()) == "user.thrown");
  CHECK(w.code(w.client.create<player>("ann")) == "user.thrown");
  CHECK(w.code(w.client.get<player>("ann").call<&player::get>()) == "actor.not_found");
  CHECK(w.run(w.client.list<player>()).empty());
  CHECK(w.errors.empty());
  throws_in.clear();
  const auto made = w.run(w.client.create<player>("ann"));
  CHECK(w.run(made.call<&player::add>(1)) == 1);
}

TEST_CASE_METHOD(fixture, "a throw in a suspended on_create takes back what was stored meanwhile") {
  create_takes = 60s;
  const auto p = w.client.get_or_create<slow_player>("ann");
  const auto call = w.start(p.call<&slow_player::get>());
  CHECK_FALSE(call.done());
  w.pass(6s);
  REQUIRE(call.done());
  CHECK(call.code() == "actor.callback_timed_out");
  CHECK(w.run(w.client.list<slow_player>()).empty());
  create_takes = 0s;
  CHECK(w.run(p.call<&slow_player::get>()) == 1);
}

TEST_CASE_METHOD(fixture, "a throw in on_wake: the caller hears why, the next call tries again, the state is kept") {
  const auto p = w.client.get_or_create<player>("ann");
  w.run(p.call<&player::add>(5));
  w.run(p.call<&player::rest>());
  w.settle();
  throws_in = "wake";
  CHECK(w.code(p.call<&player::get>()) == "user.thrown");
  CHECK(w.phase(p) == phase::asleep);
  CHECK(w.code(p.call<&player::add>(1)) == "user.thrown");
  throws_in.clear();
  CHECK(w.run(p.call<&player::get>()) == 5);
}

TEST_CASE_METHOD(fixture, "a throw in the first on_wake leaves an actor that has been created") {
  throws_in = "wake";
  const auto p = w.client.get_or_create<player>("ann");
  CHECK(w.code(p.call<&player::get>()) == "user.thrown");
  CHECK(w.run(w.client.list<player>()).size() == 1);
  throws_in.clear();
  read();
  CHECK(w.run(p.call<&player::get>()) == 0);
  CHECK(read() == lines{"wake"});
}

TEST_CASE_METHOD(fixture, "a throw in on_sleep or on_destroy is reported and does not stop the shutdown") {
  const auto p = w.client.get_or_create<player>("ann");
  w.run(p.call<&player::add>(5));
  throws_in = "sleep";
  w.run(p.call<&player::rest>());
  w.settle();
  CHECK(w.phase(p) == phase::asleep);
  CHECK(w.errors == lines{"on_sleep of player/ann: user.thrown"});
  CHECK(w.run(p.call<&player::get>()) == 5);
  throws_in = "destroy";
  w.run(p.call<&player::end>());
  w.settle();
  CHECK(w.errors.size() == 2);
  CHECK(w.errors.back() == "on_destroy of player/ann: user.thrown");
  CHECK(w.code(w.client.get<player>("ann").call<&player::get>()) == "actor.not_found");
  CHECK(w.runtime.health().errors == 2);
}

TEST_CASE_METHOD(fixture, "a hook that takes too long: callers get callback_timed_out at once, with its name and limit") {
  wake_takes = 40s;
  const auto p = w.client.get_or_create<slow_player>("ann");
  const auto first = w.start(p.call<&slow_player::get>());
  w.pass(29s);
  const auto second = w.start(p.call<&slow_player::get>());
  CHECK_FALSE(first.done());
  CHECK(w.reason(p) == "waking: on_create or on_wake has not returned");
  w.pass(2s);
  for (const auto* call : {&first, &second}) {
    REQUIRE(call->done());
    CHECK(call->code() == "actor.callback_timed_out");
    CHECK_THAT(call->text(), Catch::Contains(R"({"callback_name":"on_wake","duration_ms":30000})"));
  }
  wake_takes = 1s;
  const auto third = w.start(p.call<&slow_player::get>());
  w.pass(2s);
  REQUIRE(third.done());
  CHECK(third.value() == 1);
}

TEST_CASE_METHOD(fixture, "the time-out of on_create names on_create") {
  create_takes = 6s;
  const auto call = w.start(w.client.create<slow_player>("ann"));
  w.pass(5s + 2ms);
  REQUIRE(call.done());
  CHECK_THAT(call.text(), Catch::Contains(R"({"callback_name":"on_create","duration_ms":5000})"));
}

TEST_CASE_METHOD(fixture, "on_sleep and on_destroy are cut at the end of the grace period") {
  const auto p = w.client.get_or_create<slow_player>("ann");
  sleep_takes = destroy_takes = 60s;
  w.run(p.call<&slow_player::rest>());
  w.pass(14s);
  CHECK(w.reason(p) == "stopping: on_sleep or on_destroy has not returned");
  w.pass(1s + 2ms);
  CHECK(w.phase(p) == phase::asleep);
  CHECK(w.errors == lines{"on_sleep of slowPlayer/ann: actor.aborted"});
  w.run(p.call<&slow_player::end>());
  w.pass(15s + 2ms);
  CHECK(w.code(w.client.get<slow_player>("ann").call<&slow_player::get>()) == "actor.not_found");
}

TEST_CASE_METHOD(fixture, "on_state_change runs once per turn that changed the state") {
  const auto p = w.client.get_or_create<player>("ann");
  w.run(p.call<&player::get>());
  read();
  w.run(p.call<&player::add>(1));
  CHECK(read() == lines{"add", "change"});
  w.run(p.call<&player::get>());
  w.run(p.call<&player::add>(0));
  CHECK(read() == lines{"add"});
  w.run(p.call<&player::rest>());
  w.settle();
  w.run(p.call<&player::get>());
  CHECK(read() == lines{"sleep", "wake"});
}

TEST_CASE_METHOD(fixture, "a throw in on_state_change reaches the caller, and the change is kept") {
  const auto p = w.client.get_or_create<player>("ann");
  w.run(p.call<&player::get>());
  throws_in = "change";
  CHECK(w.code(p.call<&player::add>(3)) == "user.thrown");
  throws_in.clear();
  CHECK(w.run(p.call<&player::get>()) == 3);
  read();
  CHECK(w.run(p.call<&player::add>(0)) == 3);
  CHECK(read() == lines{"add"});
}
