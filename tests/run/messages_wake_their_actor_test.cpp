// SPDX-License-Identifier: Apache-2.0
// Messages of an actor that sleeps and has a run loop: it is woken when they are due, whatever has happened meanwhile.

#include <catch2/catch.hpp>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

int wakes_that_fail = 0;
int wakes = 0;

struct consumer {
  static constexpr troupe::queue<"work", std::string> work{};
  std::vector<std::string> taken;
  bool lazy = false;

  void on_wake(troupe::context<consumer>&) {
    ++wakes;
    if (wakes_that_fail > 0) {
      --wakes_that_fail;
      throw troupe::user_error("grumpy", "Not now");
    }
  }
  troupe::task<> run(troupe::context<consumer>& c) {
    while (!lazy) {
      auto job = co_await c.queue().next(work);
      taken.push_back(*job);
    }
  }
  std::vector<std::string> seen() const { return taken; }
  void rest(troupe::context<consumer>& c) { c.sleep(); }
  void end(troupe::context<consumer>& c) { c.destroy(); }
  void be_lazy(bool how) { lazy = how; }

  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<consumer, work, &consumer::seen, &consumer::rest, &consumer::end, &consumer::be_lazy>;
};

// Has no run loop: its messages wait for somebody to ask for them.
struct shelf {
  static constexpr troupe::queue<"work", std::string> work{};
  int taken = 0;
  std::string take(troupe::context<shelf>& c) {
    auto job = c.queue().try_next(work);
    return job ? **job : "";
  }
  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<shelf, work, &shelf::take>;
};

// Its run loop takes from one queue, its actions from another.
struct divided {
  static constexpr troupe::queue<"work", std::string> work{};
  static constexpr troupe::queue<"asides", std::string> asides{};
  int taken = 0;
  int starts = 0;
  troupe::task<> run(troupe::context<divided>& c) {
    ++starts;
    for (;;) {
      co_await c.queue().next(work);
      ++taken;
    }
  }
  std::size_t left(troupe::context<divided>& c) { return c.queue().size(asides); }
  int count() const { return taken; }
  int begun() const { return starts; }
  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<divided, work, asides, &divided::left, &divided::count, &divided::begun>;
};

struct fixture {
  fixture() { wakes = wakes_that_fail = 0; }
  ~fixture() { wakes = wakes_that_fail = 0; }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<consumer>("consumer").use<shelf>("shelf").use<divided>("divided");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<consumer> a = w.client.get_or_create<consumer>("a");
};

using lines = std::vector<std::string>;

// The store as a killed process leaves it, at a clock that shows the same time.
struct after_kill {
  explicit after_kill(const fixture& f) : w{fixture::registry(), f.store.after_crash()} {
    w.clock->advance(f.w.clock->now() - w.clock->now());
    w.settle();
  }
  world w;
  troupe::handle<consumer> a = w.client.get<consumer>("a");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a delayed message wakes the actor when it is due, and not earlier") {
  w.run(a.send(consumer::work, "later", troupe::delayed{1h}));
  w.pass(6s);
  CHECK(w.phase(a) == phase::asleep);
  w.pass(1h - 8s);
  CHECK(w.phase(a) == phase::asleep);
  w.pass(4s);
  CHECK(w.phase(a) == phase::awake);
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"later"});
  CHECK(wakes == 2);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "the earliest of several wakes it, then the next") {
  w.run(a.send(consumer::work, "third", troupe::delayed{3min}));
  w.run(a.send(consumer::work, "first", troupe::delayed{1min}));
  w.run(a.send(consumer::work, "second", troupe::delayed{2min}));
  w.pass(65s);
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"first"});
  w.pass(10s);
  CHECK(w.phase(a) == phase::asleep);
  w.pass(50s);
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"first", "second"});
  w.pass(1min);
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"first", "second", "third"});
}

TEST_CASE_METHOD(fixture, "an actor that was woken meanwhile is not woken again for what it has taken") {
  w.run(a.send(consumer::work, "later", troupe::delayed{20s}));
  w.pass(6s);
  REQUIRE(w.phase(a) == phase::asleep);
  w.run(a.call<&consumer::seen>());
  w.pass(13s);
  w.run(a.call<&consumer::seen>());
  w.pass(3s);
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"later"});
  w.pass(10s);
  CHECK(w.phase(a) == phase::asleep);
  const int before = wakes;
  w.pass(10min);
  CHECK(wakes == before);
}

TEST_CASE_METHOD(fixture, "one that goes to sleep with a message that is due wakes again at once") {
  w.run(a.call<&consumer::be_lazy>(true));
  w.run(a.call<&consumer::rest>());
  w.settle();
  w.run(a.send(consumer::work, "x"));
  w.settle();
  w.run(a.call<&consumer::be_lazy>(false));
  w.run(a.call<&consumer::rest>());
  w.pass(5ms);
  CHECK(w.phase(a) == phase::awake);
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"x"});
}

TEST_CASE_METHOD(fixture, "what a killed process left in a queue wakes its actor at the next start") {
  w.run(a.call<&consumer::be_lazy>(true));
  w.run(a.call<&consumer::rest>());
  w.settle();
  w.run(a.send(consumer::work, "x"));
  w.run(a.send(consumer::work, "y"));
  w.run(a.call<&consumer::be_lazy>(false));
  after_kill next{*this};
  next.w.pass(5ms);
  CHECK(next.w.phase(next.a) == phase::awake);
  CHECK(next.w.run(next.a.call<&consumer::seen>()) == lines{"x", "y"});
}

TEST_CASE_METHOD(fixture, "a delayed one does at its time") {
  w.run(a.send(consumer::work, "later", troupe::delayed{1min}));
  after_kill next{*this};
  next.w.pass(50s);
  CHECK(next.w.phase(next.a) == phase::asleep);
  next.w.pass(12s);
  CHECK(next.w.phase(next.a) == phase::awake);
  CHECK(next.w.run(next.a.call<&consumer::seen>()) == lines{"later"});
}

TEST_CASE_METHOD(fixture, "a start wakes all who wait, however many, and nobody else") {
  constexpr int count = 350;  // more than one page
  for (int i = 0; i < count; ++i) {
    const auto each = w.client.get_or_create<consumer>("c" + std::to_string(i));
    w.run(each.call<&consumer::be_lazy>(true));
    w.run(each.call<&consumer::rest>());
    w.settle();
    if (i % 7 != 0) w.run(each.send(consumer::work, "x"));
    w.run(each.call<&consumer::be_lazy>(false));
  }
  after_kill next{*this};
  next.w.pass(5ms);
  for (int i = 0; i < count; ++i) {
    const auto each = next.w.client.get<consumer>("c" + std::to_string(i));
    CHECK(next.w.phase(each) == (i % 7 != 0 ? phase::awake : phase::asleep));
  }
  CHECK(next.w.errors.empty());
}

TEST_CASE_METHOD(fixture, "messages that its run does not wait for do not wake it") {
  const auto d = w.client.get_or_create<divided>("d");
  w.run(d.send(divided::asides, "x"));
  w.run(d.send(divided::asides, "y", troupe::delayed{1min}));
  w.run(d.send(divided::work, "z", troupe::delayed{2min}));
  w.pass(6s);
  CHECK(w.phase(d) == phase::asleep);
  w.pass(90s);
  CHECK(w.phase(d) == phase::asleep);
  w.pass(26s);
  CHECK(w.phase(d) == phase::awake);
  CHECK(w.run(d.call<&divided::count>()) == 1);
  w.pass(1min);
  CHECK(w.phase(d) == phase::asleep);
  CHECK(w.run(d.call<&divided::left>()) == 2);
  w.settle();
  CHECK(w.run(d.call<&divided::begun>()) == 3);
}

TEST_CASE_METHOD(fixture, "an actor without a run loop is not woken") {
  const auto s = w.client.get_or_create<shelf>("s");
  w.run(s.send(shelf::work, "x"));
  w.pass(6s);
  CHECK(w.phase(s) == phase::asleep);
  after_kill next{*this};
  next.w.pass(1min);
  const auto again = next.w.client.get<shelf>("s");
  CHECK(next.w.phase(again) == phase::asleep);
  CHECK(next.w.run(again.call<&shelf::take>()) == "x");
}

TEST_CASE_METHOD(fixture, "a wake that fails is reported and tried again, less and less often") {
  w.run(a.send(consumer::work, "later", troupe::delayed{10s}));
  w.pass(6s);
  REQUIRE(w.phase(a) == phase::asleep);
  wakes_that_fail = 8;
  w.pass(4s + 5ms);
  CHECK(w.errors == lines{"waking consumer/a for what is due: user.grumpy"});
  w.pass(1s + 5ms);
  CHECK(w.errors.size() == 2);
  w.pass(2s + 5ms);
  CHECK(w.errors.size() == 3);
  w.pass(4s + 8s + 16s + 32s + 60s + 1s);
  CHECK(w.errors.size() == 8);
  w.pass(1min);
  CHECK(w.phase(a) != phase::waking);
  CHECK(w.errors.size() == 8);
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"later"});
}

TEST_CASE_METHOD(fixture, "one that was destroyed meanwhile is left alone") {
  w.run(a.send(consumer::work, "later", troupe::delayed{1min}));
  w.pass(6s);
  w.run(a.call<&consumer::end>());
  w.pass(2min);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(store.durable().empty());
  CHECK(w.errors == lines{"the queues of consumer/a: actor.destroying"});  // of the message that went with it
}

TEST_CASE_METHOD(fixture, "a runtime that ends wakes nobody any more") {
  w.run(a.send(consumer::work, "later", troupe::delayed{1min}));
  w.pass(6s);
  w.runtime.shutdown();
  const int before = wakes;
  w.clock->advance(1h);
  w.settle();
  CHECK(wakes == before);
}

TEST_CASE_METHOD(fixture, "an actor that waits for its time asleep takes no place in memory") {
  for (int i = 0; i < 50; ++i) {
    const auto each = w.client.get_or_create<consumer>("c" + std::to_string(i));
    w.run(each.send(consumer::work, "later", troupe::delayed{1h}));
  }
  w.pass(10s);
  CHECK(w.runtime.health().awake == 0);
  CHECK(w.runtime.health().held <= 1);  // the fixture's own handle
  w.pass(1h);
  for (int i = 0; i < 50; ++i) {
    const auto each = w.client.get<consumer>("c" + std::to_string(i));
    CHECK(w.run(each.call<&consumer::seen>()) == lines{"later"});
  }
}
