// SPDX-License-Identifier: Apache-2.0
// A call that could never be answered, because its caller and the actors that it waits for wait for one another, fails
// at once with `actor.deadlock`. A call that would be answered never does.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "runtime/world.hpp"

using namespace behaviour;
using Catch::Matchers::Contains;
using troupe::context;
using troupe::task;

namespace {

std::string code_of_error(const troupe::error& e) { return e.group() + "." + e.code(); }

using names = std::vector<std::string>;

/// Holds itself, waits, and calls others.
struct party {
  static constexpr troupe::queue<"letters", int, int> letters{};

  int touched = 0;
  int handled = 0;
  bool writes_to_itself = false;
  std::string calls_when_handling;
  std::string calls_on_wake;
  std::string said;

  task<> on_wake(context<party>& c) {
    if (calls_on_wake.empty()) co_return;
    auto to = c.client().get<party>(calls_on_wake);
    co_await to.call<&party::touch>();
  }

  int touch() { return ++touched; }
  int count() const { return touched; }
  int letters_handled() const { return handled; }
  std::string last_said() const { return said; }
  void wakes_with_a_call(std::string other) { calls_on_wake = std::move(other); }
  void handles_with_a_call(std::string other) { calls_when_handling = std::move(other); }
  void will_write_to_itself() { writes_to_itself = true; }
  void rest(context<party>& c) { c.sleep(); }

  task<> touch_after(std::int64_t seconds) {
    co_await troupe::delay(std::chrono::seconds(seconds));
    ++touched;
  }
  task<int> forward(context<party>& c, std::string other) {
    auto to = c.client().get_or_create<party>(other);
    co_return co_await to.call<&party::touch>();
  }
  task<int> write_to(context<party>& c, std::string other) {
    auto to = c.client().get_or_create<party>(other);
    const int letter = 1;
    auto answer = co_await to.send_and_wait(letters, letter);
    co_return answer.value_or(0);
  }
  task<int> read_letter(context<party>& c) {
    auto letter = co_await c.queue().next(letters);
    letter.complete(77);
    co_return 77;
  }
  void post_to(context<party>& c, std::string other) { c.client().get_or_create<party>(other).post<&party::touch>(); }

  task<int> on_letter(context<party>& c, int) {
    ++handled;
    if (!calls_when_handling.empty()) {
      auto to = c.client().get_or_create<party>(calls_when_handling);
      co_await to.call<&party::touch>();
    }
    if (std::exchange(writes_to_itself, false)) {
      auto self = c.client().get<party>(c.key());
      const int letter = 2;
      try {
        co_await self.send_and_wait(letters, letter);
      } catch (const troupe::error& e) {
        said = e.what();
      }
    }
    co_return handled;
  }

  // All of these are exclusive. They yield the error that they end with, or nothing.

  task<std::string> reach(context<party>& c, std::int64_t seconds, std::string other) {
    if (seconds != 0) {
      co_await troupe::delay(std::chrono::seconds(seconds));
    }
    auto to = c.client().get_or_create<party>(other).with(troupe::timeout{troupe::never});
    try {
      co_await to.call<&party::touch>();
    } catch (const troupe::error& e) {
      co_return e.what();
    }
    co_return "";
  }
  task<std::string> reach_through(context<party>& c, std::int64_t seconds, std::string between, std::string other) {
    if (seconds != 0) {
      co_await troupe::delay(std::chrono::seconds(seconds));
    }
    auto to = c.client().get_or_create<party>(between);
    try {
      co_await to.call<&party::forward>(other);
    } catch (const troupe::error& e) {
      co_return e.what();
    }
    co_return "";
  }
  task<std::string> reach_slowly(context<party>& c, std::string other) {
    auto to = c.client().get_or_create<party>(other);
    try {
      co_await to.call<&party::touch_after>(2);
    } catch (const troupe::error& e) {
      co_return e.what();
    }
    co_return "";
  }
  /// Gives up what it waits for after a second, and goes on for ten.
  task<std::string> reach_in_vain(context<party>& c, std::string between, std::string other) {
    auto to = c.client().get_or_create<party>(between).with(troupe::timeout{1s});
    std::string code;
    try {
      co_await to.call<&party::forward>(other);
    } catch (const troupe::error& e) {
      code = code_of_error(e);
    }
    co_await troupe::delay(10s);
    co_return code;
  }
  task<std::string> reach_all(context<party>& c, names others) {
    co_await troupe::delay(1s);
    std::vector<troupe::call<party, &party::touch>> calls;
    for (const auto& each : others) calls.push_back(c.client().get_or_create<party>(each).call<&party::touch>());
    try {
      co_await troupe::when_all(std::move(calls));
    } catch (const troupe::error& e) {
      co_return code_of_error(e);
    }
    co_return "";
  }
  task<std::string> reach_or_leave(context<party>& c, std::string other) {
    auto to = c.client().get_or_create<party>(other);
    auto first = co_await troupe::when_any(to.call<&party::touch>(), troupe::delay(5s));
    co_return first.index() == 0 ? "reached" : "left";
  }
  task<std::string> post_and_stay(context<party>& c, std::string other) {
    c.client().get_or_create<party>(other).post<&party::touch>();
    co_await troupe::delay(5s);
    co_return "";
  }
  task<std::string> write(context<party>& c, std::int64_t seconds, std::string other) {
    if (seconds != 0) {
      co_await troupe::delay(std::chrono::seconds(seconds));
    }
    auto to = c.client().get_or_create<party>(other);
    const int letter = 1;
    try {
      co_await to.send_and_wait(letters, letter);
    } catch (const troupe::error& e) {
      co_return e.what();
    }
    co_return "";
  }
  task<std::string> let_write(context<party>& c, std::string between) {
    auto to = c.client().get_or_create<party>(between);
    const auto self = c.key().canonical();
    try {
      co_await to.call<&party::write_to>(self);
    } catch (const troupe::error& e) {
      co_return e.what();
    }
    co_return "";
  }
  task<int> write_and_read(context<party>& c) {
    auto self = c.client().get<party>(c.key());
    auto writing = self.call<&party::write_to>(c.key().canonical());
    auto reading = self.call<&party::read_letter>();
    auto both = co_await troupe::when_all(std::move(writing), std::move(reading));
    co_return std::get<0>(both);
  }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor =
      troupe::actor<party, troupe::consumes<letters, &party::on_letter>, &party::touch, &party::count,
                    &party::letters_handled, &party::last_said, &party::wakes_with_a_call,
                    &party::handles_with_a_call, &party::will_write_to_itself, &party::rest, &party::touch_after,
                    &party::forward, &party::write_to, &party::read_letter, &party::post_to,
                    troupe::exclusive<&party::reach>, troupe::exclusive<&party::reach_through>,
                    troupe::exclusive<&party::reach_slowly>, troupe::exclusive<&party::reach_in_vain>,
                    troupe::exclusive<&party::reach_all>, troupe::exclusive<&party::reach_or_leave>,
                    troupe::exclusive<&party::post_and_stay>, troupe::exclusive<&party::write>,
                    troupe::exclusive<&party::let_write>, troupe::exclusive<&party::write_and_read>>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<party>("party");
    return r;
  }
  /// A little longer, since timers are never early.
  void pass(std::chrono::nanoseconds duration) { w.pass(duration + 5ms); }

  world w{registry()};
  troupe::handle<party> a = w.client.get_or_create<party>("a");
  troupe::handle<party> b = w.client.get_or_create<party>("b");
  troupe::handle<party> d = w.client.get_or_create<party>("d");
  troupe::handle<party> o = w.client.get_or_create<party>("o");
};

}  // namespace

TEST_CASE_METHOD(fixture, "two exclusive actions that call each other's actors: the second call fails at once") {
  const auto first = w.start(a.call<&party::reach>(1, "b"));
  const auto second = w.start(b.call<&party::reach>(2, "a"));
  pass(1500ms);
  CHECK_FALSE(first.done());
  pass(500ms);
  REQUIRE(second.done());
  CHECK(second.value() ==
        "troupe: actor.deadlock: The call waits for an actor that waits for the call, so it was given up before it "
        "began: touch in party/a is kept out by reach in party/a, which waits for touch in party/b, which is kept out "
        "by reach in party/b, which waits for touch in party/a");
  REQUIRE(first.done());
  CHECK(first.value().empty());
  CHECK(w.run(a.call<&party::count>()) == 0);
  CHECK(w.run(b.call<&party::count>()) == 1);
}

TEST_CASE_METHOD(fixture, "a cycle of three actors is found, also through actors that are not exclusive") {
  const auto first = w.start(a.call<&party::reach_through>(1, "x", "b"));
  const auto second = w.start(b.call<&party::reach>(1, "d"));
  const auto third = w.start(d.call<&party::reach_through>(1, "y", "a"));
  pass(1s);
  REQUIRE(third.done());
  CHECK_THAT(third.value(), Contains("actor.deadlock") && Contains("forward in party/x") &&
                                Contains("touch in party/a is kept out by reach_through in party/a"));
  REQUIRE(first.done());
  REQUIRE(second.done());
  CHECK(first.value().empty());
  CHECK(second.value().empty());
}

TEST_CASE_METHOD(fixture, "a branch of when_all that is deadlocked fails, and with it the whole") {
  const auto first = w.start(a.call<&party::reach_all>(names{"x", "b", "y"}));
  const auto second = w.start(b.call<&party::reach>(2, "a"));
  pass(2s);
  REQUIRE(second.done());
  CHECK_THAT(second.value(), Contains("actor.deadlock"));
  REQUIRE(first.done());
  CHECK(first.value().empty());
  const auto third = w.start(b.call<&party::reach>(0, "a"));
  const auto fourth = w.start(a.call<&party::reach>(5, "x"));
  w.settle();
  CHECK(third.done());
  const auto fifth = w.start(b.call<&party::reach>(0, "a"));  // behind the fourth
  const auto sixth = w.start(d.call<&party::reach_all>(names{"x", "b"}));
  pass(5s);
  CHECK(fourth.done());
  CHECK(fifth.value().empty());
  CHECK(sixth.value().empty());
}

TEST_CASE_METHOD(fixture, "the when_all that closes a cycle gets the error") {
  const auto first = w.start(b.call<&party::reach>(0, "a"));
  CHECK(first.done());
  const auto holds = w.start(a.call<&party::reach_all>(names{"x", "b"}));
  const auto waits = w.start(b.call<&party::reach>(0, "a"));
  pass(1s);
  REQUIRE(holds.done());
  CHECK(holds.value() == "actor.deadlock");
  REQUIRE(waits.done());
  CHECK(waits.value().empty());
}

TEST_CASE_METHOD(fixture, "a call in a branch of when_any is no deadlock: another branch may end first") {
  const auto first = w.start(a.call<&party::reach_or_leave>("b"));
  CHECK(first.value() == "reached");
  const auto holds = w.start(b.call<&party::reach>(1, "a"));
  const auto leaves = w.start(a.call<&party::reach_or_leave>("b"));
  pass(2s);
  CHECK_FALSE(holds.done());
  CHECK_FALSE(leaves.done());
  pass(3s);
  REQUIRE(leaves.done());
  CHECK(leaves.value() == "left");
  REQUIRE(holds.done());
  CHECK(holds.value().empty());
}

TEST_CASE_METHOD(fixture, "a call that the holder of an actor has given up is no deadlock") {
  const auto holds = w.start(b.call<&party::reach>(2, "a"));
  const auto gives_up = w.start(a.call<&party::reach_in_vain>("x", "b"));
  pass(3s);
  CHECK_FALSE(holds.done());  // a waits for nothing of b by now
  CHECK_FALSE(gives_up.done());
  pass(8s);
  REQUIRE(gives_up.done());
  CHECK(gives_up.value() == "actor.action_timed_out");
  REQUIRE(holds.done());
  CHECK(holds.value().empty());
}

TEST_CASE_METHOD(fixture, "posts wait for nothing, and so are no deadlock") {
  const auto one = w.start(a.call<&party::post_and_stay>("b"));
  const auto two = w.start(b.call<&party::post_and_stay>("a"));
  pass(6s);
  CHECK(one.done());
  CHECK(two.done());
  CHECK(w.run(a.call<&party::count>()) == 1);
  CHECK(w.run(b.call<&party::count>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "calls in one direction wait, however long the line") {
  const auto last = w.start(d.call<&party::reach>(5, "x"));
  const auto middle = w.start(b.call<&party::reach>(0, "d"));
  const auto first = w.start(a.call<&party::reach>(0, "b"));
  const auto also = w.start(o.call<&party::reach>(0, "b"));
  pass(6s);
  for (const auto* each : {&last, &middle, &first, &also}) {
    REQUIRE(each->done());
    CHECK(each->value().empty());
  }
}

TEST_CASE_METHOD(fixture, "an action that an exclusive one interrupts cannot be refused: the other call is") {
  const auto first = w.start(a.call<&party::reach_slowly>("b"));  // begins in b, and goes on after two seconds
  const auto second = w.start(b.call<&party::reach>(0, "a"));
  pass(1s);
  CHECK_FALSE(second.done());
  pass(1s);
  REQUIRE(second.done());
  CHECK_THAT(second.value(), Contains("actor.deadlock") &&
                                 Contains("touch_after in party/b, which is kept out by reach in party/b"));
  REQUIRE(first.done());
  CHECK(first.value().empty());
}

TEST_CASE_METHOD(fixture, "a hook that calls back is let in though it called before its caller waited") {
  w.run(o.call<&party::wakes_with_a_call>("a"));
  w.run(o.call<&party::rest>());
  w.settle();
  REQUIRE(w.phase(o) == phase::asleep);
  const auto holds = w.start(a.call<&party::reach>(1, "o"));
  const auto wakes = w.start(o.call<&party::touch>());  // on_wake calls a, and has to wait
  CHECK_FALSE(wakes.done());
  pass(1s);
  REQUIRE(holds.done());
  CHECK(holds.value().empty());
  CHECK(wakes.done());
}

TEST_CASE_METHOD(fixture, "a cycle through the wake of an actor is found") {
  w.run(o.call<&party::wakes_with_a_call>("a"));
  w.run(o.call<&party::rest>());
  w.settle();
  REQUIRE(w.phase(o) == phase::asleep);
  const auto first = w.start(a.call<&party::reach>(0, "a"));
  CHECK(first.done());
  const auto holds = w.start(b.call<&party::reach>(2, "o"));
  const auto waits = w.start(a.call<&party::reach>(1, "b"));
  const auto wakes = w.start(o.call<&party::touch>());  // on_wake waits for a, a for b, and b will for o
  pass(2s);
  REQUIRE(holds.done());
  CHECK_THAT(holds.value(), Contains("actor.deadlock") && Contains("touch in party/o is kept out by wake in party/o"));
  CHECK(waits.done());
  CHECK(wakes.done());
}

TEST_CASE_METHOD(fixture, "an exclusive action that waits for a message to its own actor gets an error") {
  const auto self = w.start(a.call<&party::write>(0, "a"));
  REQUIRE(self.done());
  CHECK_THAT(self.value(), Contains("actor.deadlock") && Contains("write in party/a keeps all consumers out"));
  w.settle();
  CHECK(w.run(a.call<&party::letters_handled>()) == 1);  // it stays in the queue
  const auto through = w.start(a.call<&party::let_write>("b"));
  REQUIRE(through.done());
  CHECK_THAT(through.value(), Contains("actor.deadlock") && Contains("write_to in party/b"));
}

TEST_CASE_METHOD(fixture, "a message to oneself is answered where something else may take it") {
  CHECK(w.run(a.call<&party::write_to>("a")) == 1);          // its handler, between the turns of the action
  const auto both = w.start(a.call<&party::write_and_read>());  // another branch of the exclusive action
  REQUIRE(both.done());
  CHECK(both.value() == 77);
}

TEST_CASE_METHOD(fixture, "a handler that waits for a message to its own queue gets an error") {
  w.run(a.call<&party::will_write_to_itself>());
  CHECK(w.run(b.call<&party::write_to>("a")) == 1);
  CHECK_THAT(w.run(a.call<&party::last_said>()), Contains("actor.deadlock") && Contains("on_letter in party/a"));
  w.settle();
  CHECK(w.run(a.call<&party::letters_handled>()) == 1);  // the message was not sent
}

TEST_CASE_METHOD(fixture, "a sender that waits closes a cycle as a caller does, and its message arrives") {
  const auto holds = w.start(b.call<&party::reach>(1, "a"));
  const auto writes = w.start(a.call<&party::write>(2, "b"));
  pass(2s);
  REQUIRE(writes.done());
  CHECK_THAT(writes.value(), Contains("actor.deadlock") && Contains("send in party/b"));
  REQUIRE(holds.done());
  CHECK(holds.value().empty());
  w.settle();
  CHECK(w.run(b.call<&party::letters_handled>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a cycle through the consumer of a message is found") {
  w.run(b.call<&party::handles_with_a_call>("d"));
  const auto waits = w.start(a.call<&party::write>(1, "b"));
  const auto holds = w.start(d.call<&party::reach>(2, "a"));
  pass(2s);
  REQUIRE(holds.done());
  CHECK_THAT(holds.value(), Contains("actor.deadlock") && Contains("on_letter in party/b"));
  REQUIRE(waits.done());
  CHECK(waits.value().empty());
}

namespace {

std::atomic<int> arrived{0};

/// Takes its actor, waits until all others have theirs, and calls the next one.
struct ring_member {
  void touch() {}
  task<bool> take_and_call(context<ring_member>& c, int members, std::string next) {
    arrived.fetch_add(1);
    while (arrived.load() % members != 0) {
      co_await troupe::delay(0ns);
    }
    auto to = c.client().get_or_create<ring_member>(next).with(troupe::timeout{troupe::never});
    try {
      co_await to.call<&ring_member::touch>();
    } catch (const troupe::error& e) {
      if (e.is(troupe::errc::deadlock)) co_return true;
      throw;
    }
    co_return false;
  }
  static constexpr troupe::options options{.durability = troupe::durability::ephemeral,
                                           .action_timeout = troupe::never};
  using actor = troupe::actor<ring_member, &ring_member::touch, troupe::exclusive<&ring_member::take_and_call>>;
};

}  // namespace

TEST_CASE("of a cycle that several threads close at the same time, one call fails") {
  const int members = GENERATE(2, 3, 5);
  troupe::registry registry;
  registry.use<ring_member>("ring");
  troupe::runtime_options options;
  options.threads = 4;
  troupe::runtime runtime{registry, std::move(options)};
  arrived = 0;
  for (int round = 0; round != 1000; ++round) {
    std::vector<troupe::call<ring_member, &ring_member::take_and_call>> calls;
    for (int i = 0; i != members; ++i) {
      const auto next = std::to_string((i + 1) % members);
      auto one = client_of(runtime).get_or_create<ring_member>(std::to_string(i));
      calls.push_back(std::move(one).call<&ring_member::take_and_call>(members, next));
    }
    const auto failed = runtime.run(troupe::when_all(std::move(calls)));
    REQUIRE(std::ranges::count(failed, true) == 1);
  }
}
