// SPDX-License-Identifier: Apache-2.0
// A run loop that only waits for messages lets its actor sleep, and goes on when there is one.

#include <catch2/catch.hpp>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

struct consumer {
  static constexpr troupe::queue<"work", std::string> work{};
  static constexpr troupe::queue<"other", std::string> other{};
  std::vector<std::string> taken;
  int starts = 0;

  troupe::task<> run(troupe::context<consumer>& c) {
    ++starts;
    for (;;) {
      auto job = co_await c.queue().next(work);
      taken.push_back(*job);
    }
  }
  std::vector<std::string> seen() const { return taken; }
  int begun() const { return starts; }
  void rest(troupe::context<consumer>& c) { c.sleep(); }
  void fill(troupe::context<consumer>& c, int count) {
    for (int i = 0; i < count; ++i) c.queue().send(work, std::to_string(i));
  }
  troupe::task<int> linger(troupe::context<consumer>& c) {
    co_await c.delay(20s);
    co_return 0;
  }

  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<consumer, work, other, &consumer::seen, &consumer::begun, &consumer::rest,
                              &consumer::fill, &consumer::linger>;
};

// Waits in more than one way.
struct chooser {
  static constexpr troupe::queue<"work", std::string> work{};
  std::string mode;
  int rounds = 0;
  std::string end;

  troupe::task<> run(troupe::context<chooser>& c) {
    end.clear();
    try {
      if (mode == "limit") {
        for (;;) {
          auto job = co_await c.queue().next(work, 2s);
          ++rounds;
          if (job) end += **job;
        }
      }
      if (mode == "any") {
        co_await troupe::when_any(c.queue().next(work), c.delay(1h));
      }
      if (mode == "stream") {
        auto jobs = c.queue().messages(work);
        for (;;) {
          auto job = co_await jobs.next();
          if (!job) break;
          end += **job;
        }
        end += " ended";
      }
      if (mode == "stop") {
        auto job = co_await c.queue().next(work, c.stop_token());
        end += *job;
      }
    } catch (const troupe::error& e) {
      end += e.code();
    }
  }
  void begin(troupe::context<chooser>& c, std::string how) {
    mode = std::move(how);
    c.sleep();
  }
  std::string ended() const { return end; }
  int count() const { return rounds; }
  void rest(troupe::context<chooser>& c) { c.sleep(); }

  static constexpr troupe::options options{.sleep_after = 8s};
  using actor =
      troupe::actor<chooser, work, &chooser::begin, &chooser::ended, &chooser::count, &chooser::rest>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<consumer>("consumer").use<chooser>("chooser");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<consumer> a = w.client.get_or_create<consumer>("a");
  troupe::handle<chooser> b = w.client.get_or_create<chooser>("b");

  void begin(const std::string& how) {
    w.run(b.call<&chooser::begin>(how));
    w.settle();
    w.run(b.call<&chooser::count>());
    w.settle();
  }
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(fixture, "run takes messages in their order, whoever sends them") {
  w.run(a.send(consumer::work, "one"));
  w.run(a.send(consumer::work, "two"));
  w.run(a.call<&consumer::fill>(2));
  w.run(a.send(consumer::work, "three"));
  w.settle();
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"one", "two", "0", "1", "three"});
  CHECK(w.run(a.call<&consumer::begun>()) == 1);
}

TEST_CASE_METHOD(fixture, "an actor whose run waits for a message sleeps when idle") {
  w.run(a.send(consumer::work, "one"));
  w.settle();
  CHECK(w.reason(a) == "awake: run waits for a message, sleeps soon");
  w.pass(6s);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.errors.empty());
  w.pass(1h);
  CHECK(w.phase(a) == phase::asleep);
}

TEST_CASE_METHOD(fixture, "a message wakes it, and run goes on") {
  w.run(a.send(consumer::work, "one"));
  w.pass(6s);
  REQUIRE(w.phase(a) == phase::asleep);
  w.run(a.send(consumer::work, "two"));
  w.settle();
  CHECK(w.phase(a) == phase::awake);
  CHECK(w.run(a.call<&consumer::seen>()) == lines{"one", "two"});
  CHECK(w.run(a.call<&consumer::begun>()) == 2);
}

TEST_CASE_METHOD(fixture, "messages that come one by one keep it awake, and an action that runs does too") {
  for (int i = 0; i < 10; ++i) {
    w.run(a.send(consumer::work, "x"));
    w.pass(3s);
    CHECK(w.phase(a) == phase::awake);
  }
  const auto lingers = w.start(a.call<&consumer::linger>());
  w.pass(15s);
  CHECK(w.phase(a) == phase::awake);
  CHECK(w.reason(a) == "awake: linger, run not ended");
  w.pass(5s + 5ms);
  CHECK(lingers.done());
  w.pass(6s);
  CHECK(w.phase(a) == phase::asleep);
}

TEST_CASE_METHOD(fixture, "a wait with a time-out lets the actor sleep, too") {
  begin("limit");
  w.pass(5s);
  CHECK(w.run(b.call<&chooser::count>()) == 2);
  w.run(b.send(chooser::work, "x"));
  w.settle();
  CHECK(w.run(b.call<&chooser::ended>()) == "x");
  CHECK(w.run(b.call<&chooser::count>()) == 3);
}

TEST_CASE_METHOD(fixture, "a wait among others keeps it awake") {
  begin("any");
  w.pass(1min);
  CHECK(w.phase(b) == phase::awake);
  CHECK(w.reason(b) == "awake: run not ended");
  w.run(b.send(chooser::work, "x"));
  w.settle();
  CHECK(w.reason(b) == "awake: idle, sleeps soon");
}

TEST_CASE_METHOD(fixture, "a stream of messages ends when the actor shuts down") {
  begin("stream");
  w.run(b.send(chooser::work, "x"));
  w.run(b.send(chooser::work, "y"));
  w.settle();
  w.run(b.call<&chooser::rest>());
  w.settle();
  CHECK(w.phase(b) == phase::asleep);
  CHECK(w.run(b.call<&chooser::ended>()) == "xy ended");
}

TEST_CASE_METHOD(fixture, "a wait ends with actor.aborted when the actor shuts down, also with the actor's own stop token") {
  begin("stop");
  w.run(b.call<&chooser::rest>());
  w.settle();
  CHECK(w.phase(b) == phase::asleep);
  CHECK(w.run(b.call<&chooser::ended>()) == "aborted");
}
