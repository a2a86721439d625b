// SPDX-License-Identifier: Apache-2.0
// Too many, too large, not allowed, not there: each is an error of its own, and nothing is stored.

#include <catch2/catch.hpp>

#include "queue/world.hpp"

using namespace behaviour;

TEST_CASE("A full queue refuses messages from outside until there is a place") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::small, "1"));
  w.run(a.send(worker::small, "2", troupe::delayed(1h)));
  CHECK(w.code(a.send(worker::small, "3")) == "queue.full");
  CHECK(w.code(a.send_and_wait(worker::small, "3")) == "queue.full");
  CHECK(w.code(a.call<&worker::keep_small>("3")) == "queue.full");
  w.run(a.send(worker::work, "another queue"));
  CHECK(w.run(a.call<&worker::take_small>()) == "1");
  w.run(a.send(worker::small, "3"));
  CHECK(w.run(a.call<&worker::clear_small>()) == "3");
}

TEST_CASE("A message that is too large is refused, by its encoded size") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const std::string fits(15, 'x');
  w.run(a.send(worker::small, fits));
  CHECK(code_when([&] { a.send(worker::small, fits + "xx").get(); }) == "queue.message_too_large");
  CHECK(w.code(a.call<&worker::keep_small>(fits + "xx")) == "queue.message_too_large");
  CHECK(w.run(a.call<&worker::sizes>())[2] == 1);
}

TEST_CASE("can_publish decides for each queue what may come from outside") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  CHECK(w.code(a.send(worker::closed, "no")) == "auth.forbidden");
  CHECK(w.code(a.send("closed", R"("no")")) == "auth.forbidden");
  w.run(a.send(worker::work, "yes"));
}

namespace {

/// Asks somebody else before it lets anybody publish.
struct careful {
  static constexpr troupe::queue<"in", int> in{};
  int asked = 0;

  troupe::task<bool> can_publish(troupe::context<careful>&, std::string_view) {
    ++asked;
    co_await troupe::delay(1s);
    if (asked == 3) throw troupe::user_error{"tired", "tired"};
    co_return asked == 1;
  }
  std::size_t waiting(troupe::context<careful>& c) { return c.queue().size(in); }
  using actor = troupe::actor<careful, in, &careful::waiting>;
};

/// Sends what its host may not.
struct insider {
  troupe::task<> tell(troupe::context<insider>& c) {
    co_await c.client().get_or_create<careful>("a").send(careful::in, 1);
  }
  using actor = troupe::actor<insider, &insider::tell>;
};

}  // namespace

TEST_CASE("can_publish may take its time, and fail") {
  troupe::registry r;
  r.use<careful>("careful");
  world w{r};
  const auto a = w.client.get_or_create<careful>("a");
  const auto first = w.start(a.send(careful::in, 1));
  CHECK_FALSE(first.done());
  w.pass(1100ms);
  CHECK(first.done());
  CHECK(first.code().empty());
  const auto second = w.start(a.send(careful::in, 1));
  w.pass(1100ms);
  CHECK(second.code() == "auth.forbidden");
  const auto third = w.start(a.send(careful::in, 1));
  w.pass(1100ms);
  CHECK(third.code() == "user.tired");
  CHECK(w.run(a.call<&careful::waiting>()) == 1);
}

TEST_CASE("can_publish is not asked about actors of the same program") {
  troupe::registry r;
  r.use<careful>("careful");
  r.use<insider>("insider");
  world w{r};
  w.run(w.client.get_or_create<insider>("b").call<&insider::tell>());
  w.settle();
  CHECK(w.run(w.client.get_or_create<careful>("a").call<&careful::waiting>()) == 1);
}

TEST_CASE("Sending to an actor that does not exist is an error for a host") {
  world w{workers()};
  CHECK(w.code(w.client.get<worker>("nobody").send(worker::work, "x")) == "actor.not_found");
  CHECK(w.code(w.client.get<worker>("nobody").send_and_wait(worker::work, "x")) == "actor.not_found");
}

TEST_CASE("A send fails once the runtime has stopped") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.runtime.shutdown();
  CHECK(code_when([&] { a.send(worker::work, "x").get(); }) == "runtime.stopped");
}

TEST_CASE("A store that does not keep up refuses messages from outside, and takes them again") {
  gated_store store;
  troupe::runtime_options options;
  options.store = store;
  options.backlog_bytes_max = 1;
  world w{workers(), std::move(options)};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.resolve());
  w.settle();
  store.fail();
  const auto waiting = w.start(a.send(worker::work, "1"));
  CHECK_FALSE(waiting.done());
  w.start(a.send(worker::work, "2"));
  CHECK(w.code(a.send(worker::work, "3")) == "store.refuses_changes");
  store.heal();
  w.pass(10s);
  CHECK(waiting.done());
  w.run(a.send(worker::work, "4"));
  const auto all = w.run(a.call<&worker::take_some>(9));
  CHECK(all.front() == "1");
  CHECK(all.back() == "4");
}
