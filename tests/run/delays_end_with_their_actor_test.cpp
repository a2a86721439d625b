// SPDX-License-Identifier: Apache-2.0
// c.delay: on the runtime's clock, and not longer than the actor is awake.

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

bool waits_in_on_wake = false;

struct waiter {
  int done = 0;
  int saved_at_last = 0;

  troupe::task<> on_wake(troupe::context<waiter>& c) {
    if (!waits_in_on_wake) co_return;
    co_await c.delay(2s);
    ++done;
  }
  troupe::task<> on_sleep(troupe::context<waiter>& c) {
    co_await c.delay(1s);
    ++saved_at_last;
  }
  troupe::task<int> wait(troupe::context<waiter>& c, int seconds) {
    co_await c.delay(seconds * 1s);
    co_return ++done;
  }
  troupe::task<int> wait_for_ever(troupe::context<waiter>& c) {
    co_await c.delay(troupe::never);
    co_return ++done;
  }
  troupe::task<std::string> wait_again(troupe::context<waiter>& c) {
    std::string heard;
    for (int i = 0; i < 3; ++i) {
      std::string code;
      try {
        co_await c.delay(1h);
      } catch (const troupe::error& e) {
        code = e.code();
      }
      heard += code + " ";
    }
    co_return heard;
  }
  troupe::task<std::size_t> race(troupe::context<waiter>& c) {
    const auto first = co_await troupe::when_any(c.delay(5s), c.delay(1s), troupe::delay(3s));
    co_return first.index();
  }
  troupe::task<int> in_background(troupe::context<waiter>& c) {
    c.wait_until(linger(c));
    co_return 0;
  }
  troupe::task<> linger(troupe::context<waiter>& c) {
    co_await c.delay(1h);
  }
  int get() const { return done; }
  int at_last() const { return saved_at_last; }
  void rest(troupe::context<waiter>& c) { c.sleep(); }

  static constexpr troupe::options options{.sleep_after = 8s, .on_wake_timeout = 3s};
  using actor = troupe::actor<waiter, &waiter::wait, &waiter::wait_for_ever, &waiter::wait_again, &waiter::race,
                              &waiter::in_background, &waiter::get, &waiter::at_last, &waiter::rest>;
};

struct fixture {
  fixture() { waits_in_on_wake = false; }
  ~fixture() { waits_in_on_wake = false; }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<waiter>("waiter");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<waiter> a = w.client.get_or_create<waiter>("a");
};

}  // namespace

TEST_CASE_METHOD(fixture, "c.delay waits on the runtime's clock, and lets other calls run meanwhile") {
  const auto waits = w.start(a.call<&waiter::wait>(2));
  w.pass(2s - 5ms);
  CHECK_FALSE(waits.done());
  CHECK(w.run(a.call<&waiter::get>()) == 0);
  w.pass(10ms);
  CHECK(waits.value() == 1);
}

TEST_CASE_METHOD(fixture, "an action that waits keeps the actor awake") {
  const auto waits = w.start(a.call<&waiter::wait>(50));
  w.pass(50s + 5ms);
  CHECK(waits.value() == 1);
}

TEST_CASE_METHOD(fixture, "it ends with actor.aborted as soon as the actor shuts down, and so does every later one") {
  const auto one = w.start(a.call<&waiter::wait>(3600));
  const auto two = w.start(a.call<&waiter::wait_for_ever>());
  const auto three = w.start(a.call<&waiter::wait_again>());
  w.run(a.call<&waiter::rest>());
  w.settle();
  CHECK(one.code() == "actor.aborted");
  CHECK(two.code() == "actor.aborted");
  CHECK(three.value() == "aborted aborted aborted ");
}

TEST_CASE_METHOD(fixture, "in on_sleep it has the grace period") {
  w.run(a.call<&waiter::rest>());
  w.pass(500ms);
  CHECK(w.phase(a) == phase::stopping);
  w.pass(1s);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.run(a.call<&waiter::at_last>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "in on_wake it is bounded as all of it") {
  waits_in_on_wake = true;
  const auto woken = w.start(a.call<&waiter::get>());
  w.pass(2s + 5ms);
  CHECK(woken.value() == 1);
}

TEST_CASE_METHOD(fixture, "among the losers of when_any it is cancelled") {
  const auto first = w.start(a.call<&waiter::race>());
  w.pass(1s + 5ms);
  CHECK(first.value() == 1);
}

TEST_CASE_METHOD(fixture, "a time-out cancels it with the call") {
  const auto waits = w.start(a.with(troupe::timeout{2s}).call<&waiter::wait_again>());
  w.pass(3s);
  CHECK(waits.code() == "actor.action_timed_out");
}

TEST_CASE_METHOD(fixture, "a background task that waits does not hold the shutdown up") {
  w.run(a.call<&waiter::in_background>());
  w.settle();
  w.run(a.call<&waiter::rest>());
  w.pass(1s + 5ms);  // what on_sleep takes
  CHECK(w.phase(a) == phase::asleep);
}

TEST_CASE("on many threads timers, losers and the shutdown may all be first, and each wait ends once") {
  struct racer {
    int rounds = 0;
    troupe::task<> run(troupe::context<racer>& c) {
      for (;;) {
        co_await troupe::when_any(c.delay(40us), c.delay(50us), c.delay(1h));
        ++rounds;
      }
    }
    int get() const { return rounds; }
    void rest(troupe::context<racer>& c) {
      if (!c.stop_token().stop_requested()) c.sleep();
    }
    using actor = troupe::actor<racer, &racer::get, &racer::rest>;
  };
  troupe::registry r;
  r.use<racer>("racer");
  std::atomic<int> errors{0};
  troupe::runtime_options options;
  options.threads = 4;
  options.on_error = [&](const std::exception_ptr&, std::string_view) { ++errors; };
  troupe::runtime runtime{r, options};
  std::vector<troupe::handle<racer>> racers;
  for (int i = 0; i < 8; ++i) racers.push_back(client_of(runtime).get_or_create<racer>(std::to_string(i)));
  for (int round = 0; round < 30; ++round) {
    for (const auto& each : racers) each.call<&racer::get>().get();
    for (const auto& each : racers) each.call<&racer::rest>().get();
  }
  for (const auto& each : racers) {
    while (each.call<&racer::get>().get() < 100) std::this_thread::yield();
  }
  runtime.shutdown();
  CHECK(errors == 0);
}
