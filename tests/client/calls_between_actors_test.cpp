// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using troupe::context;
using troupe::task;

namespace {

struct hop {
  int visits = 0;

  // A chain of actors, each of which awaits the next.
  task<int> down(context<hop>& c, int depth) {
    ++visits;
    if (depth == 0) co_return 0;
    auto next = c.client().get_or_create<hop>(std::to_string(depth - 1));
    const int below = co_await next.call<&hop::down>(depth - 1);
    ++visits;
    co_return below + 1;
  }
  // The same actor, again and again.
  task<int> into_itself(context<hop>& c, int depth) {
    ++visits;
    if (depth == 0) co_return visits;
    auto self = c.client().get<hop>(c.key());
    const int result = co_await self.call<&hop::into_itself>(depth - 1);
    co_return result;
  }
  task<int> own_count(context<hop>& c) {
    auto self = c.client().get<hop>(c.key());
    const int before = visits;
    co_await self.call<&hop::visit>();
    co_return visits - before;
  }
  void visit() { ++visits; }
  int count() const { return visits; }

  // A thousand calls in a row to an idle actor, each of which runs here.
  task<int> many(context<hop>& c, int times) {
    auto other = c.client().get_or_create<hop>("other");
    int last = 0;
    for (int i = 0; i < times; ++i) {
      co_await other.call<&hop::visit>();
      last = co_await other.call<&hop::count>();
    }
    co_return last;
  }

  int blocks(context<hop>& c) { return c.client().get_or_create<hop>("other").call<&hop::count>().get(); }
  task<int> blocks_later(context<hop>& c) {
    auto other = c.client().get_or_create<hop>("other");
    co_await other.call<&hop::visit>();
    co_return other.call<&hop::count>().get();
  }
  std::string resolves(context<hop>& c) { return c.client().get_or_create<hop>("other").resolve().get().str(); }
  int blocks_on_task(context<hop>& c) {
    static_cast<void>(c.client().create<hop>("new").get());
    return 1;
  }

  using actor = troupe::actor<hop, &hop::down, &hop::into_itself, &hop::own_count, &hop::visit, &hop::count, &hop::many,
                              &hop::blocks, &hop::blocks_later, &hop::resolves, &hop::blocks_on_task>;
};

// An actor that is given its own runtime, which it had better leave alone.
struct insider {
  static inline troupe::runtime* own = nullptr;

  int runs() const { return own->run(client_of(*own).get_or_create<hop>("other").call<&hop::count>()); }
  void shuts_down() const { own->shutdown(); }
  task<> shuts_down_later() {
    co_await troupe::delay(0ns);
    own->shutdown();
  }
  using actor = troupe::actor<insider, &insider::runs, &insider::shuts_down, &insider::shuts_down_later>;
};

struct caller_in_hook {
  int n = 0;
  task<> on_wake(context<caller_in_hook>& c) {
    auto self = c.client().get<caller_in_hook>(c.key());
    n = co_await self.call<&caller_in_hook::get>();
  }
  int get() const { return n; }
  using actor = troupe::actor<caller_in_hook, &caller_in_hook::get>;
};

struct chain {
  chain() : runtime{registry(), options(GENERATE(false, true))} {}
  static troupe::registry registry() {
    troupe::registry r;
    r.use<hop>("hop");
    r.use<caller_in_hook>("callerInHook");
    r.use<insider>("insider");
    return r;
  }
  static troupe::runtime_options options(bool pumped) {
    troupe::runtime_options o;
    if (pumped) o.executor = std::make_shared<troupe::manual_executor>();
    return o;
  }
  troupe::runtime runtime;
  troupe::handle<hop> top = client_of(runtime).get_or_create<hop>("top");
};

task<int> blocks_in_host(troupe::handle<hop> h) { co_return h.call<&hop::count>().get(); }

}  // namespace

TEST_CASE("calls may go deeper than the stack lends itself to", "[client]") {
  chain s;
  CHECK(s.top.call<&hop::down>(10).get() == 10);
  CHECK(s.top.call<&hop::down>(200).get() == 200);
  CHECK(s.top.call<&hop::down>(200).get() == 200);  // now all are awake
  CHECK(client_of(s.runtime).get<hop>("150").call<&hop::count>().get() == 4);
}

TEST_CASE("an actor may call itself, to any depth", "[client]") {
  chain s;
  CHECK(s.top.call<&hop::into_itself>(100).get() == 101);
  CHECK(s.top.call<&hop::own_count>().get() == 1);
}

TEST_CASE("a thousand awaited calls in a row", "[client]") {
  chain s;
  CHECK(s.top.call<&hop::many>(1000).get() == 1000);
}

TEST_CASE("blocking on a call inside an actor is refused, and the message says what to do", "[client]") {
  chain s;
  client_of(s.runtime).get_or_create<hop>("other").call<&hop::visit>().get();
  CHECK(code_of([&] { s.top.call<&hop::blocks>().get(); }) == "actor.invalid_operation");
  CHECK_THAT(message_of([&] { s.top.call<&hop::blocks>().get(); }), Catch::Contains("co_await"));
  CHECK(code_of([&] { s.top.call<&hop::blocks_later>().get(); }) == "actor.invalid_operation");
  CHECK(code_of([&] { s.top.call<&hop::resolves>().get(); }) == "actor.invalid_operation");
  CHECK(code_of([&] { s.top.call<&hop::blocks_on_task>().get(); }) == "actor.invalid_operation");
  CHECK(s.top.call<&hop::count>().get() == 0);
}

TEST_CASE("an actor can neither block on its runtime nor end it", "[client]") {
  chain s;
  insider::own = &s.runtime;
  auto h = client_of(s.runtime).get_or_create<insider>("x");
  for (int twice = 0; twice < 2; ++twice) {  // asleep, then idle
    CHECK(code_of([&] { h.call<&insider::runs>().get(); }) == "actor.invalid_operation");
    CHECK(code_of([&] { h.call<&insider::shuts_down>().get(); }) == "actor.invalid_operation");
    CHECK(code_of([&] { h.call<&insider::shuts_down_later>().get(); }) == "actor.invalid_operation");
  }
  CHECK(s.top.call<&hop::count>().get() == 0);
}

TEST_CASE("blocking on a call inside a coroutine of the host is refused", "[client]") {
  chain s;
  CHECK(code_of([&] { s.runtime.run(blocks_in_host(s.top)); }) == "actor.invalid_operation");
  CHECK(code_of([&] { blocks_in_host(s.top).get(); }) == "actor.invalid_operation");
}

TEST_CASE("a hook that calls its own actor while it wakes is told so", "[client]") {
  chain s;
  auto h = client_of(s.runtime).get_or_create<caller_in_hook>("x");
  CHECK(code_of([&] { h.call<&caller_in_hook::get>().get(); }) == "actor.starting");
}
