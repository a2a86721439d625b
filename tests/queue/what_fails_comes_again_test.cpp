// SPDX-License-Identifier: Apache-2.0
// A consumer that fails gets the message again, after a back-off, until its attempts are used up.

#include <catch2/catch.hpp>

#include "queue/world.hpp"

using namespace behaviour;

TEST_CASE("A message comes again after a back-off that doubles, with its attempts") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::fragile, "egg"));
  CHECK(w.code(a.call<&worker::try_fragile>(true)) == "user.failed");
  const auto second = w.start(a.call<&worker::try_fragile>(true));
  w.pass(999ms);
  CHECK_FALSE(second.done());
  w.pass(2ms);
  CHECK(second.code() == "user.failed");
  const auto third = w.start(a.call<&worker::try_fragile>(false));
  w.pass(1999ms);
  CHECK_FALSE(third.done());
  w.pass(2ms);
  REQUIRE(third.done());
  CHECK(third.value() == 3);
  CHECK(w.run(a.call<&worker::sizes>())[3] == 0);
  CHECK(w.errors.empty());
}

TEST_CASE("A message whose attempts are used up is a dead letter, and the error handler hears of it") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::fragile, "egg"));
  for (int i = 0; i < 3; ++i) {
    w.code(a.call<&worker::try_fragile>(true));
    w.pass(3s);
  }
  CHECK(w.errors == texts{"queue \"fragile\" of worker/a: queue.dead_letter"});
  CHECK(w.run(a.call<&worker::sizes>())[3] == 0);
  CHECK(w.run(a.call<&worker::sizes>())[4] == 1);
  w.run(a.call<&worker::rest>());
  w.settle();
  CHECK(w.run(a.call<&worker::bury>()) == "egg after 3");
  CHECK(w.run(a.call<&worker::bury>()) == std::nullopt);
}

TEST_CASE("A plain action that throws gives back what it took") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::work, "one"));
  CHECK(w.code(a.call<&worker::take_and_throw>()) == "user.no");
  CHECK(w.run(a.call<&worker::take>()) == std::nullopt);
  w.pass(1100ms);
  CHECK(w.run(a.call<&worker::take>()) == "one");
}

TEST_CASE("A consumer gives a message back for a time of its choice") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::fragile, "egg"));
  w.run(a.call<&worker::put_back>(20s));
  const auto again = w.start(a.call<&worker::try_fragile>(false));
  w.pass(19s);
  CHECK_FALSE(again.done());
  w.pass(2s);
  REQUIRE(again.done());
  CHECK(again.value() == 2);
}

TEST_CASE("A consumer that is cut short by a shutdown has made no attempt") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::leased, "one"));
  const auto holding = w.start(troupe::handle<worker>{a}.call<&worker::hold_leased>(1h));  // outlives `a`
  w.run(a.call<&worker::rest>());
  w.pass(16s);  // the grace period
  CHECK(holding.code() == "actor.aborted");
  CHECK(w.phase(a) == phase::asleep);
  const auto again = w.start(a.call<&worker::hold_leased>(1s));
  w.pass(2s);
  REQUIRE(again.done());
  CHECK(again.value() == "completed");
}

TEST_CASE("A consumer that holds a message for too long loses it to another") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::leased, "one"));
  const auto slow = w.start(a.call<&worker::hold_leased>(10s));
  const auto fast = w.start(a.call<&worker::hold_leased>(7s));
  w.pass(6s);
  CHECK_FALSE(slow.done());
  w.pass(5s);
  REQUIRE(slow.done());
  CHECK(slow.value() == "lease_lost");
  w.pass(5s);
  REQUIRE(fast.done());
  CHECK(fast.value() == "lease_lost");  // it was too slow as well, and its attempt was the last
  CHECK(w.errors == texts{"queue \"leased\" of worker/a: queue.dead_letter"});
}

TEST_CASE("A consumer that is quick enough keeps its message") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::leased, "one"));
  const auto quick = w.start(a.call<&worker::hold_leased>(4s));
  w.pass(10s);
  REQUIRE(quick.done());
  CHECK(quick.value() == "completed");
  CHECK(w.errors.empty());
}

TEST_CASE("A crash between two turns of a consumer shows the message again, and counts") {
  gated_store store;
  std::optional<gated_store> left;
  {
    world w{workers(), store};
    const auto a = w.client.get_or_create<worker>("a");
    w.run(a.send(worker::fragile, "egg"));
    const auto again = w.start(a.call<&worker::try_fragile>(false));
    CHECK(again.done());
    w.run(a.send(worker::leased, "one"));
    const auto holding = w.start(troupe::handle<worker>{a}.call<&worker::hold_leased>(1h));  // outlives `a`
    left = store.after_crash();
  }
  world w{workers(), *left};
  const auto a = w.client.get_or_create<worker>("a");
  CHECK(w.run(a.call<&worker::sizes>())[3] == 0);
  const auto holding = w.start(a.call<&worker::hold_leased>(1s));
  w.pass(2s);
  REQUIRE(holding.done());
  CHECK(holding.value() == "completed");
}

TEST_CASE("A message that kills the process in all of its attempts is a dead letter, where deaths count") {
  gated_store store;
  for (int life = 0; life < 2; ++life) {
    world w{workers(), store};
    const auto a = w.client.get_or_create<worker>("a");
    if (life == 0) w.run(a.send(worker::counted, "poison"));
    const auto holding = w.start(troupe::handle<worker>{a}.call<&worker::hold_counted>());
    store = store.after_crash();
  }
  world w{workers(), store};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.resolve());
  CHECK(w.errors == texts{"queue \"counted\" of worker/a: queue.dead_letter"});
}
