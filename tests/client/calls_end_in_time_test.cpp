// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "client/outcome.hpp"
#include "core/failures.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

struct worker {
  int done = 0;
  int given_up = 0;

  int work() { return ++done; }
  task<int> work_for(std::int64_t seconds) {
    const std::chrono::seconds time{seconds};
    co_await troupe::delay(time);
    co_return ++done;
  }
  task<int> watch_for(troupe::context<worker>& c, std::int64_t seconds) {
    const auto token = c.stop_token();
    const std::chrono::seconds time{seconds};
    co_await troupe::delay(time);
    if (token.stop_requested()) ++given_up;
    co_return 0;
  }
  task<int> ask_late(troupe::context<worker>& c, std::int64_t seconds) {
    const std::chrono::seconds time{seconds};
    co_await troupe::delay(time);
    if (c.stop_token().stop_requested()) ++given_up;
    co_return 0;
  }
  int how_many_gave_up() const { return given_up; }
  int how_much() const { return done; }

  static constexpr troupe::options options{.sleep_after = troupe::never, .action_timeout = 20s};
  using actor = troupe::actor<worker, &worker::work, troupe::exclusive<&worker::work_for>, &worker::watch_for,
                              &worker::ask_late, &worker::how_many_gave_up, &worker::how_much>;
};

struct site {
  site() : runtime{registry()} {}
  static troupe::registry registry() {
    troupe::registry r;
    r.use<worker>("worker");
    return r;
  }
  manual_runtime runtime;
  troupe::handle<worker> one = client_of(*runtime).get_or_create<worker>("one");
};

}  // namespace

TEST_CASE("a call ends with its time-out, and says what it was", "[client]") {
  site s;
  outcome<int> out;
  auto brief = s.one.with(troupe::timeout{2s});
  s.runtime->spawn(keep(brief.call<&worker::work_for>(10), out));
  s.runtime.advance(1999ms);
  CHECK_FALSE(out.over());
  s.runtime.advance(2ms);
  CHECK(out.failure == "actor.action_timed_out");
  s.runtime.advance(10s);
  CHECK(s.one.call<&worker::how_much>().get() == 1);  // what was begun goes on to its end
}

TEST_CASE("the definition's time-out holds where the call names none, and never means never", "[client]") {
  site s;
  outcome<int> by_default;
  outcome<int> patient;
  auto forever = s.one.with(troupe::timeout{troupe::never});
  s.runtime->spawn(keep(s.one.call<&worker::work_for>(100), by_default));
  s.runtime->spawn(keep(forever.call<&worker::work_for>(100), patient));
  s.runtime.advance(20s + 2ms);
  CHECK(by_default.failure == "actor.action_timed_out");
  s.runtime.advance(200s);
  CHECK(patient.value == 2);
}

TEST_CASE("a call that was given up before it began never runs", "[client]") {
  site s;
  outcome<int> first;
  outcome<int> plain;
  outcome<int> coroutine;
  outcome<std::string> named;
  s.runtime->spawn(keep(s.one.call<&worker::work_for>(10), first));
  s.runtime.settle();
  auto brief = s.one.with(troupe::timeout{5s});
  s.runtime->spawn(keep(brief.call<&worker::work>(), plain));
  s.runtime->spawn(keep(brief.call<&worker::work_for>(1), coroutine));
  s.runtime->spawn(keep(brief.call("work", "[]"), named));
  s.runtime.advance(6s);
  CHECK(plain.failure == "actor.action_timed_out");
  CHECK(coroutine.failure == "actor.action_timed_out");
  CHECK(named.failure == "actor.action_timed_out");
  s.runtime.advance(60s);
  CHECK(first.value == 1);
  CHECK(s.one.call<&worker::how_much>().get() == 1);
  CHECK(s.one.status().get().calls_waiting == 0);
}

TEST_CASE("a stop token gives a call up", "[client]") {
  site s;
  std::stop_source source;
  outcome<int> begun;
  outcome<int> waiting;
  auto stoppable = s.one.with(source.get_token());
  s.runtime->spawn(keep(stoppable.call<&worker::work_for>(10), begun));
  s.runtime->spawn(keep(stoppable.call<&worker::work>(), waiting));
  s.runtime.settle();
  CHECK_FALSE(begun.over());
  source.request_stop();
  s.runtime.settle();
  CHECK(begun.failure == "actor.aborted");
  CHECK(waiting.failure == "actor.aborted");
  s.runtime.advance(11s);
  CHECK(s.one.call<&worker::how_much>().get() == 1);
}

TEST_CASE("a stop token that was triggered before ends a call that would wait", "[client]") {
  site s;
  std::stop_source source;
  source.request_stop();
  auto stopped = s.one.with(source.get_token());
  outcome<int> out;
  s.runtime->spawn(keep(stopped.call<&worker::work_for>(10), out));
  s.runtime.settle();
  CHECK(out.failure == "actor.aborted");
  s.runtime.advance(11s);
}

TEST_CASE("an action can see that its caller has given up", "[client]") {
  site s;
  auto brief = s.one.with(troupe::timeout{2s});
  outcome<int> out;
  SECTION("when it asked before") { s.runtime->spawn(keep(brief.call<&worker::watch_for>(5), out)); }
  SECTION("when it asks afterwards") { s.runtime->spawn(keep(brief.call<&worker::ask_late>(5), out)); }
  s.runtime.advance(6s);
  CHECK(out.failure == "actor.action_timed_out");
  CHECK(s.one.call<&worker::how_many_gave_up>().get() == 1);
  outcome<int> patient;
  s.runtime->spawn(keep(s.one.call<&worker::watch_for>(5), patient));
  s.runtime.advance(6s);
  CHECK(patient.value == 0);
  CHECK(s.one.call<&worker::how_many_gave_up>().get() == 1);
}

TEST_CASE("a loser of when_any that had not begun never runs", "[client]") {
  site s;
  outcome<int> holds;
  s.runtime->spawn(keep(s.one.call<&worker::work_for>(10), holds));
  s.runtime.settle();
  auto two = client_of(*s.runtime).get_or_create<worker>("two");
  outcome<std::variant<int, int>> race;
  s.runtime->spawn(keep(troupe::when_any(s.one.call<&worker::work>(), two.call<&worker::work>()), race));
  s.runtime.settle();
  REQUIRE(race.value);
  CHECK(race.value->index() == 1);
  s.runtime.advance(11s);
  CHECK(holds.value == 1);
  CHECK(s.one.call<&worker::how_much>().get() == 1);
}

TEST_CASE("calls that lose a race on a thread pool end, whenever they are given up", "[client]") {
  troupe::runtime runtime{site::registry()};
  auto one = client_of(runtime).get_or_create<worker>("one");
  auto two = client_of(runtime).get_or_create<worker>("two");
  auto forever = two.with(troupe::timeout{troupe::never});
  std::size_t ended = 0;
  for (int round = 0; round < 1000; ++round) {
    const auto race = runtime.run(troupe::when_any(one.call<&worker::work_for>(0), forever.call<&worker::work_for>(0)));
    ended += race.index() < 2 ? 1 : 0;
  }
  CHECK(ended == 1000);
}
