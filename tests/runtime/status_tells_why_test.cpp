// SPDX-License-Identifier: Apache-2.0
// The status of an actor tells since when it is in its phase, what each of its actions waits for, and what failed last.

#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "runtime/world.hpp"

using namespace behaviour;
using Catch::Matchers::Contains;
using troupe::context;
using troupe::task;

namespace {

using texts = std::vector<std::string>;

struct worker {
  static constexpr troupe::queue<"letters", int> letters{};
  int done = 0;

  int work() { return ++done; }
  void fail() { throw troupe::user_error{"broken", "The press is broken"}; }
  task<> fail_slowly() {
    co_await troupe::delay(1s);
    throw troupe::user_error{"worn_out", "The belt is worn out"};
  }
  task<> rest_a_while() {
    co_await troupe::delay(10s);
  }
  task<> keep_others_out() {
    co_await troupe::delay(10s);
  }
  task<> read(context<worker>& c) {
    auto letter = co_await c.queue().next(letters);
  }
  task<> ask(context<worker>& c, std::string other) {
    auto to = c.client().get_or_create<worker>(other);
    co_await to.call<&worker::work>();
  }
  task<> ask_both(context<worker>& c, std::string other) {
    auto to = c.client().get_or_create<worker>(other);
    auto both = troupe::when_all(to.call<&worker::work>(), troupe::delay(20s));
    co_await std::move(both);
  }
  void rest(context<worker>& c) { c.sleep(); }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<worker, letters, &worker::work, &worker::fail, &worker::fail_slowly,
                              &worker::rest_a_while, troupe::exclusive<&worker::keep_others_out>, &worker::read,
                              &worker::ask, &worker::ask_both, &worker::rest>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<worker>("worker");
    return r;
  }
  world w{registry()};
  troupe::handle<worker> a = w.client.get_or_create<worker>("a");
  troupe::handle<worker> b = w.client.get_or_create<worker>("b");
  troupe::actor_status status() { return w.run(a.status()); }
};

}  // namespace

TEST_CASE_METHOD(fixture, "a status tells what an action waits for") {
  const auto resting = w.start(a.call<&worker::rest_a_while>());
  CHECK(status().waits == texts{"a delay"});
  w.pass(11s);
  CHECK(status().waits.empty());
  const auto reading = w.start(a.call<&worker::read>());
  CHECK(status().waits == texts{"a message"});
  const int letter = 1;
  w.run(a.send(worker::letters, letter));
  w.settle();
  CHECK(reading.done());
}

TEST_CASE_METHOD(fixture, "a status names the call that an action waits for, and what keeps that out") {
  const auto holding = w.start(b.call<&worker::keep_others_out>());
  const auto asking = w.start(a.call<&worker::ask>("b"));
  const auto both = w.start(a.call<&worker::ask_both>("b"));
  const auto seen = status();
  REQUIRE(seen.running.size() == 2);
  CHECK(seen.running == texts{"ask_both", "ask"});
  CHECK(seen.waits == texts{"work in worker/b, while keep_others_out held the actor; a delay",
                            "work in worker/b, while keep_others_out held the actor"});
  const auto next = w.run(w.client.status("worker", "b"));
  CHECK(next.exclusive == "keep_others_out");
  CHECK(next.waits == texts{"a delay"});
  CHECK(w.run(w.client.status("worker", next.id)).exclusive == "keep_others_out");
  w.pass(30s);
  CHECK(both.done());
}

TEST_CASE_METHOD(fixture, "a status tells since when the actor is in its phase") {
  CHECK_FALSE(status().since);
  const auto before = w.clock->now();
  w.run(a.call<&worker::work>());
  CHECK(status().since == before);
  w.pass(5s);
  w.run(a.call<&worker::work>());
  CHECK(status().since == before);
  w.run(a.call<&worker::rest>());
  w.settle();
  CHECK_FALSE(status().since);
  w.run(a.call<&worker::work>());
  CHECK(status().since > before);
}

TEST_CASE_METHOD(fixture, "a status tells what failed last, until the actor sleeps") {
  w.run(a.call<&worker::work>());
  CHECK(status().last_error.empty());
  CHECK(w.code(a.call<&worker::fail>()) == "user.broken");
  CHECK_THAT(status().last_error, Contains("The press is broken"));
  const auto slow = w.start(a.call<&worker::fail_slowly>());
  w.pass(2s);
  CHECK(slow.failed());
  CHECK_THAT(status().last_error, Contains("The belt is worn out"));
  a.post<&worker::fail>();
  w.settle();
  CHECK_THAT(status().last_error, Contains("The press is broken"));
  w.run(a.call<&worker::rest>());
  w.settle();
  w.run(a.call<&worker::work>());
  CHECK(status().last_error.empty());
}

TEST_CASE_METHOD(fixture, "a status by name is refused for a definition that is not there") {
  CHECK(code_when([&] { static_cast<void>(w.client.status("nothing", "a")); }) == "actor.not_registered");
  CHECK(w.run(w.client.status("worker", "unheard-of")).state == phase::asleep);
}
