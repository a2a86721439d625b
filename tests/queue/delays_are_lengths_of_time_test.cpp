// SPDX-License-Identifier: Apache-2.0
// A delay is a length of time. While the process lives it keeps it, whatever happens to the wall clock, and whether the
// actor is awake, asleep, or moves between the two. Across a restart the wall clock is all there is.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "queue/world.hpp"

using namespace behaviour;

namespace {

// Takes what comes, asleep while it waits. A message that says "again" is given back for half an hour, once.
struct sleeper {
  static constexpr troupe::queue<"work", std::string> work{{.attempts_max = 10}};
  std::vector<std::string> taken;

  troupe::task<> run(troupe::context<sleeper>& c) {
    for (;;) {
      auto next = co_await c.queue().next(work);
      if (*next == "again" && next.attempts() == 1) {
        next.retry(30min);
      } else {
        taken.push_back(*next);
      }
    }
  }
  texts seen() const { return taken; }

  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<sleeper, work, &sleeper::seen>;
};

// Sends from its own turns.
struct sender {
  int sent = 0;
  troupe::task<> send(troupe::context<sender>& c, std::string to, std::string text) {
    auto whom = c.client().get_or_create<sleeper>(to);
    ++sent;
    co_await whom.send(sleeper::work, text, troupe::delayed(30min));
  }
  using actor = troupe::actor<sender, &sender::send>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<sleeper>("sleeper").use<sender>("sender").use<worker>("worker");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<sleeper> a = w.client.get_or_create<sleeper>("a");
  troupe::handle<worker> b = w.client.get_or_create<worker>("b");
};

// The store as a killed process leaves it; the machine's wall clock shows so much more, or less, than it should.
struct after_kill {
  explicit after_kill(const fixture& f, std::chrono::nanoseconds wrong_by = 0ns) {
    clock->advance(f.w.clock->now() - clock->now());
    clock->set_wall(wrong_by);
    troupe::runtime_options options;
    options.store = f.store.after_crash();
    options.executor =
        std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
    runtime.emplace(fixture::registry(), options);
    a = client_of(*runtime).get<sleeper>("a");
  }
  void pass(std::chrono::nanoseconds duration) {
    for (const auto end = clock->now() + duration; clock->now() < end; clock->advance(1s)) {
      while (runtime->poll() != 0) {
      }
    }
    while (runtime->poll() != 0) {
    }
  }
  texts seen() { return runtime->run(a->call<&sleeper::seen>()); }

  std::shared_ptr<troupe::manual_clock> clock = std::make_shared<troupe::manual_clock>();
  std::optional<troupe::runtime> runtime;
  std::optional<troupe::handle<sleeper>> a;
};

std::chrono::minutes a_step() {
  return GENERATE(as<std::chrono::minutes>{}, 24h, -24h, 1min, -1min, 24h * 365 * 56, -24h * 365 * 56);
}

}  // namespace

TEST_CASE_METHOD(fixture, "a delay keeps its length while the actor sleeps and the wall clock is set") {
  const std::chrono::nanoseconds step = a_step();
  w.run(a.send(sleeper::work, "later", troupe::delayed(30min)));
  w.pass(6s);
  REQUIRE(w.phase(a) == phase::asleep);
  w.clock->set_wall(step);
  w.pass(30min - 8s);
  CHECK(w.phase(a) == phase::asleep);
  w.pass(4s);
  CHECK(w.phase(a) == phase::awake);
  CHECK(w.run(a.call<&sleeper::seen>()) == texts{"later"});
}

TEST_CASE_METHOD(fixture, "it does while the actor is awake") {
  const std::chrono::nanoseconds step = a_step();
  w.run(b.call<&worker::keep_for_later>("later"));  // for ten seconds
  w.clock->set_wall(step);
  w.pass(9s);
  CHECK(w.run(b.call<&worker::take>()) == std::nullopt);
  w.clock->set_wall(-step);
  w.pass(2s);
  CHECK(w.run(b.call<&worker::take>()) == "later");
}

TEST_CASE_METHOD(fixture, "it does while the actor moves between the two, with a step in each") {
  const std::chrono::nanoseconds step = a_step();
  w.run(a.send(sleeper::work, "later", troupe::delayed(30min)));
  for (int i = 0; i != 4; ++i) {
    w.pass(3min);
    REQUIRE(w.phase(a) == phase::asleep);
    w.clock->set_wall(step);
    w.pass(3min);
    CHECK(w.run(a.call<&sleeper::seen>()).empty());
    w.clock->set_wall(i % 2 == 0 ? -step / 2 : step / 3);
  }
  w.pass(6min - 2s);
  CHECK(w.run(a.call<&sleeper::seen>()).empty());
  w.pass(3s);
  CHECK(w.run(a.call<&sleeper::seen>()) == texts{"later"});
}

TEST_CASE_METHOD(fixture, "messages that are sent before and after a step come in the order of their delays") {
  const std::chrono::nanoseconds step = a_step();
  w.run(a.send(sleeper::work, "third", troupe::delayed(30min)));
  w.clock->set_wall(step);
  w.run(a.send(sleeper::work, "second", troupe::delayed(20min)));
  w.pass(1min);
  w.clock->set_wall(-2 * step);
  w.run(a.send(sleeper::work, "first", troupe::delayed(10min)));
  w.pass(11min);
  CHECK(w.run(a.call<&sleeper::seen>()) == texts{"first"});
  w.pass(9min);
  CHECK(w.run(a.call<&sleeper::seen>()) == texts{"first", "second"});
  w.pass(10min);
  CHECK(w.run(a.call<&sleeper::seen>()) == texts{"first", "second", "third"});
}

TEST_CASE_METHOD(fixture, "what is not delayed is there at once, after a sleep with the clock set back as well") {
  w.clock->set_wall(24h);
  w.run(b.call<&worker::keep>("now"));
  w.clock->set_wall(-48h);
  w.run(b.call<&worker::rest>());
  w.settle();
  REQUIRE(w.phase(b) == phase::asleep);
  CHECK(w.run(b.call<&worker::take>()) == "now");
}

TEST_CASE_METHOD(fixture, "a message that is given back comes again after its time, asleep, whatever the clock does") {
  const std::chrono::nanoseconds step = a_step();
  w.run(a.send(sleeper::work, "again"));
  w.pass(6s);
  REQUIRE(w.phase(a) == phase::asleep);
  w.clock->set_wall(step);
  w.pass(30min - 10s);
  CHECK(w.run(a.call<&sleeper::seen>()).empty());
  w.pass(10s);
  CHECK(w.run(a.call<&sleeper::seen>()) == texts{"again"});
}

TEST_CASE_METHOD(fixture, "and after its back-off, awake") {
  const std::chrono::nanoseconds step = a_step();
  w.run(b.send(worker::fragile, "x"));
  CHECK(w.code(b.call<&worker::try_fragile>(true)) == "user.failed");
  w.clock->set_wall(step);
  const auto again = w.start(b.call<&worker::try_fragile>(false));
  w.pass(999ms);
  CHECK_FALSE(again.done());
  w.pass(2ms);
  CHECK(again.done());
}

TEST_CASE_METHOD(fixture, "who holds a message loses it after the visibility time-out, whatever the wall clock does") {
  const std::chrono::nanoseconds step = a_step();
  w.run(b.send(worker::leased, "x"));
  const auto in_time = w.start(b.call<&worker::hold_leased>(4'990ms));
  w.clock->set_wall(step);
  w.pass(5s);
  CHECK(in_time.value() == "completed");
  w.run(b.send(worker::leased, "y"));
  const auto late = w.start(b.call<&worker::hold_leased>(5'010ms));
  w.clock->set_wall(-step);
  w.pass(6s);
  CHECK(late.value() == "lease_lost");
}

TEST_CASE_METHOD(fixture, "a delay that an actor's turn gives keeps its length") {
  const std::chrono::nanoseconds step = a_step();
  const auto from = w.client.get_or_create<sender>("s");
  w.run(from.call<&sender::send>("a", "later"));
  w.clock->set_wall(step);
  w.pass(30min - 2s);
  CHECK(w.run(a.call<&sleeper::seen>()).empty());
  w.pass(3s);
  CHECK(w.run(a.call<&sleeper::seen>()) == texts{"later"});
}

TEST_CASE_METHOD(fixture, "so it does however often the wall clock is set") {
  for (int i = 0; i != 5'000; ++i) {
    w.clock->set_wall(i % 2 == 0 ? 1h : -59min);
    w.run(b.send(worker::work, "x", troupe::delayed(1ms)));
    w.pass(2ms);
    REQUIRE(w.run(b.call<&worker::take>()) == "x");
  }
  w.run(b.call<&worker::keep_for_later>("later"));
  w.run(b.call<&worker::rest>());
  w.settle();
  w.clock->set_wall(24h);
  w.pass(9s);
  CHECK(w.run(b.call<&worker::take>()) == std::nullopt);
  w.pass(2s);
  CHECK(w.run(b.call<&worker::take>()) == "later");
}

TEST_CASE_METHOD(fixture, "a restart reads the rest of a delay from the wall clock") {
  w.run(a.send(sleeper::work, "later", troupe::delayed(30min)));
  w.pass(10min);
  after_kill next{*this};
  next.pass(20min - 3s);
  CHECK(next.seen().empty());
  next.pass(4s);
  CHECK(next.seen() == texts{"later"});
}

TEST_CASE_METHOD(fixture, "what is sent after the wall clock was put right is right for the next process") {
  w.clock->set_wall(-24h * 365 * 20);  // as on a machine that has no clock of its own, and asks others
  w.clock->set_wall(24h * 365 * 20);
  w.run(a.send(sleeper::work, "later", troupe::delayed(30min)));
  w.pass(10min);
  after_kill next{*this};
  next.pass(20min - 3s);
  CHECK(next.seen().empty());
  next.pass(4s);
  CHECK(next.seen() == texts{"later"});
}

TEST_CASE_METHOD(fixture, "so it is if the clock was wrong when the runtime started, and put right before the send") {
  w.clock->set_wall(24h * 365 * 20);
  w.run(a.send(sleeper::work, "later", troupe::delayed(30min)));
  w.pass(10min);
  after_kill next{*this, 24h * 365 * 20};
  next.pass(20min - 3s);
  CHECK(next.seen().empty());
  next.pass(4s);
  CHECK(next.seen() == texts{"later"});
}

TEST_CASE_METHOD(fixture, "with its clock far behind, a process waits for no longer than the whole delay once more") {
  w.run(a.send(sleeper::work, "later", troupe::delayed(30min)));
  w.pass(10min);
  const bool looks_in = GENERATE(false, true);
  after_kill next{*this, -24h * 365 * 50};
  if (looks_in) CHECK(next.seen().empty());
  next.clock->set_wall(24h * 365 * 50);  // put right while it runs: what has been read stays as it was read
  next.pass(30min - 3s);
  CHECK(next.runtime->run(next.a->status()).state == phase::asleep);
  next.pass(4s);
  CHECK(next.seen() == texts{"later"});
}

TEST_CASE_METHOD(fixture, "messages say when they were made by the wall clock as it is") {
  w.run(b.send(worker::work, "x"));
  w.clock->set_wall(24h);
  const auto before = w.clock->wall();
  w.run(b.send(worker::work, "y", troupe::delayed(1s)));
  std::vector<troupe::wall_time> made;
  for (const auto& [id, record] : store.durable()) {
    for (const auto& m : record.messages) made.push_back(m.created_at);
  }
  REQUIRE(made.size() == 2);
  CHECK(made[1] == before);
  CHECK(made[1] - made[0] >= 24h);
}
