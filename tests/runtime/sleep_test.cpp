// SPDX-License-Identifier: Apache-2.0
// An actor sleeps when it is idle or asks for it, and wakes with its state when it is called.

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

struct napper {
  int count = 0;
  troupe::transient<int> cached;
  bool sleeps_on_wake = false;

  void on_wake(troupe::context<napper>& c) {
    *cached = 100 + count;
    if (sleeps_on_wake) c.sleep();
  }
  int increment() { return ++count; }
  int get() const { return count; }
  int look() const { return *cached; }
  void touch() { *cached += 1; }
  void rest(troupe::context<napper>& c) {
    c.sleep();
    c.sleep();  // twice is once
  }
  void sleep_on_wake() { sleeps_on_wake = true; }
  troupe::task<int> work(troupe::context<napper>&, int seconds) {
    co_await troupe::delay(seconds * 1s);
    co_return ++count;
  }
  troupe::task<std::string> rest_late(troupe::context<napper>& c) {
    co_await troupe::delay(1s);
    const auto code = behaviour::code_when([&] { c.sleep(); });
    co_return code;
  }
  troupe::task<bool> watch_token(troupe::context<napper>& c) {
    const auto token = c.stop_token();
    while (!token.stop_requested()) {
      co_await troupe::delay(100ms);
    }
    ++count;
    co_return true;
  }

  static constexpr troupe::options options{.sleep_after = 8s, .sleep_grace_period = 15s};
  using actor = troupe::actor<napper, &napper::increment, &napper::get, &napper::look, &napper::touch, &napper::rest,
                              &napper::sleep_on_wake, &napper::work, &napper::rest_late, &napper::watch_token>;
};

struct insomniac {
  int count = 0;
  int increment() { return ++count; }
  void rest(troupe::context<insomniac>& c) { c.sleep(); }
  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<insomniac, &insomniac::increment, &insomniac::rest>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<napper>("napper").use<insomniac>("insomniac");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<napper> n = w.client.get_or_create<napper>("n");
};

}  // namespace

TEST_CASE_METHOD(fixture, "an idle actor sleeps between once and one and a quarter times sleep_after") {
  for (const auto offset : {0ms, 300ms, 1100ms, 1999ms, 3456ms}) {
    w.run(n.call<&napper::get>());
    w.pass(offset);
    w.run(n.call<&napper::get>());
    w.pass(8s - 1ms);
    CHECK(w.phase(n) == phase::awake);
    w.pass(2s + 5ms);
    CHECK(w.phase(n) == phase::asleep);
  }
}

TEST_CASE_METHOD(fixture, "a call wakes a sleeping actor with its state, and transient members are made anew") {
  CHECK(w.run(n.call<&napper::increment>()) == 1);
  w.run(n.call<&napper::touch>());
  CHECK(w.run(n.call<&napper::look>()) == 101);
  w.pass(11s);
  REQUIRE(w.phase(n) == phase::asleep);
  CHECK(w.run(n.call<&napper::increment>()) == 2);
  CHECK(w.run(n.call<&napper::look>()) == 101);
}

TEST_CASE_METHOD(fixture, "calls keep an actor awake, reads too; looking at its status does not") {
  for (int i = 0; i < 10; ++i) {
    w.run(n.call<&napper::get>());
    w.pass(7s);
    CHECK(w.phase(n) == phase::awake);
  }
  w.pass(4s);
  CHECK(w.phase(n) == phase::asleep);
  const auto loads = store.loads();
  for (int i = 0; i < 5; ++i) CHECK(w.reason(n) == "asleep");
  CHECK(store.loads() == loads);
}

TEST_CASE_METHOD(fixture, "a running action keeps its actor awake") {
  const auto call = w.start(n.call<&napper::work>(30));
  w.pass(29s);
  CHECK(w.phase(n) == phase::awake);
  CHECK(w.reason(n) == "awake: work not ended");
  w.pass(2s);
  CHECK(call.value() == 1);
  w.pass(11s);
  CHECK(w.phase(n) == phase::asleep);
}

TEST_CASE_METHOD(fixture, "c.sleep() puts an actor to sleep after the turn, also one that never sleeps by itself") {
  w.run(n.call<&napper::increment>());
  w.run(n.call<&napper::rest>());
  w.settle();
  CHECK(w.phase(n) == phase::asleep);
  CHECK(w.run(n.call<&napper::get>()) == 1);

  const auto i = w.client.get_or_create<insomniac>("i");
  w.run(i.call<&insomniac::increment>());
  w.pass(24h);
  CHECK(w.phase(i) == phase::awake);
  CHECK(w.reason(i) == "awake: idle, and its definition lets it never sleep");
  w.run(i.call<&insomniac::rest>());
  w.settle();
  CHECK(w.phase(i) == phase::asleep);
}

TEST_CASE_METHOD(fixture, "c.sleep() in on_wake is refused with actor.starting") {
  w.run(n.call<&napper::sleep_on_wake>());
  w.run(n.call<&napper::rest>());
  w.settle();
  CHECK(w.code(n.call<&napper::get>()) == "actor.starting");
}

TEST_CASE_METHOD(fixture, "c.sleep() once the actor is going to sleep is refused with actor.stopping") {
  const auto call = w.start(n.call<&napper::rest_late>());
  w.run(n.call<&napper::rest>());
  w.pass(2s);
  REQUIRE(call.done());
  CHECK(call.value() == "actor.stopping");
}

TEST_CASE_METHOD(fixture, "the grace period is for actions that run; then what they await is aborted") {
  const auto quick = w.start(n.call<&napper::work>(10));
  const auto slow = w.start(n.call<&napper::work>(50));
  w.run(n.call<&napper::rest>());
  w.pass(9s);
  CHECK(w.reason(n) == "stopping: waits for work, work to end");
  w.pass(2s);
  REQUIRE(quick.done());
  CHECK(quick.value() == 1);
  CHECK(w.phase(n) == phase::stopping);
  CHECK_FALSE(slow.done());
  w.pass(4s + 2ms);
  REQUIRE(slow.done());
  CHECK(slow.code() == "actor.aborted");
  CHECK(w.phase(n) == phase::asleep);
  CHECK(w.run(n.call<&napper::get>()) == 1);
}

TEST_CASE_METHOD(fixture, "an action hears of the sleep through its stop token") {
  const auto call = w.start(n.call<&napper::watch_token>());
  w.pass(1s);
  CHECK_FALSE(call.done());
  w.run(n.call<&napper::rest>());
  w.pass(200ms);
  REQUIRE(call.done());
  CHECK(w.phase(n) == phase::asleep);
}

TEST_CASE_METHOD(fixture, "a call that arrives while the last commit is under way is served after the wake") {
  w.run(n.call<&napper::increment>());
  store.hold();
  const auto write = w.start(n.call<&napper::increment>());
  const auto sleep = w.start(n.call<&napper::rest>());
  CHECK(w.phase(n) == phase::finalising);
  CHECK(w.reason(n) == "stopping: waits for the last commit");
  const auto call = w.start(n.call<&napper::increment>());
  CHECK_FALSE(call.done());
  store.let_go();
  w.settle();
  CHECK(sleep.done());
  CHECK(write.value() == 2);
  REQUIRE(call.done());
  CHECK(call.value() == 3);
  CHECK(w.phase(n) == phase::awake);
}

TEST_CASE_METHOD(fixture, "status says what a waking actor waits for") {
  w.run(n.call<&napper::get>());
  w.run(n.call<&napper::rest>());
  w.settle();
  store.hold_loads();
  const auto call = w.start(n.call<&napper::get>());
  CHECK(w.phase(n) == phase::waking);
  CHECK(w.reason(n) == "waking: loading from the store");
  store.let_loads_go();
  w.settle();
  REQUIRE(call.done());
  CHECK(w.reason(n) == "awake: idle, sleeps soon");
}

TEST_CASE_METHOD(fixture, "an actor that is asleep and that nobody holds takes no memory") {
  for (int i = 0; i < 100; ++i) {
    w.run(w.client.get_or_create<napper>(std::to_string(i)).call<&napper::increment>());
  }
  CHECK(w.runtime.health().awake == 100);
  CHECK(w.runtime.health().held == 100);
  const auto kept = w.client.get<napper>("7");
  CHECK(w.run(kept.call<&napper::get>()) == 1);
  w.pass(11s);
  CHECK(w.runtime.health().awake == 0);
  CHECK(w.runtime.health().held == 1);
  CHECK(w.run(w.client.get<napper>("8").call<&napper::get>()) == 1);
  w.pass(11s);
  CHECK(w.runtime.health().held == 1);
}

TEST_CASE_METHOD(fixture, "a call for an actor that does not exist leaves nothing behind") {
  CHECK(w.code(w.client.get<napper>("nobody").call<&napper::get>()) == "actor.not_found");
  w.settle();
  CHECK(w.runtime.health().held == 0);
  CHECK(w.runtime.health().awake == 0);
}
