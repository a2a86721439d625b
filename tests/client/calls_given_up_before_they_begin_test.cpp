// SPDX-License-Identifier: Apache-2.0
// A call that was given up before it began never runs: by a stop token, by a time-out that is over from the start, or by
// the cancellation of the coroutine that makes it. On every way in.

#include <stop_token>
#include <variant>

#include <catch2/catch.hpp>

#include "runtime/world.hpp"

using namespace behaviour;

namespace {

struct tally {
  static constexpr troupe::queue<"notes", std::string> notes{};

  int count = 0;

  int plain() { return ++count; }
  troupe::task<int> coroutine() { co_return ++count; }
  troupe::task<int> alone() { co_return ++count; }
  int value() const { return count; }
  std::size_t noted(troupe::context<tally>& c) { return c.queue().size(notes); }
  void rest(troupe::context<tally>& c) { c.sleep(); }
  troupe::task<> busy() {
    co_await troupe::delay(10s);
    ++count;
  }

  using actor = troupe::actor<tally, notes, &tally::plain, &tally::coroutine, troupe::exclusive<&tally::alone>,
                              &tally::value, &tally::noted, &tally::rest, troupe::exclusive<&tally::busy>>;
};

/// Makes its calls with a token that was triggered long ago.
struct caller {
  int attempts = 0;

  template <class Call>
  static troupe::task<std::string> code(Call call) {
    try {
      co_await std::move(call);
    } catch (const troupe::error& e) {
      co_return e.group() + "." + e.code();
    }
    co_return "";
  }
  static troupe::handle<tally> stopped(troupe::context<caller>& c) {
    std::stop_source source;
    source.request_stop();
    return c.client().get_or_create<tally>("t").with(source.get_token());
  }

  troupe::task<std::vector<std::string>> call_all(troupe::context<caller>& c) {
    std::vector<std::string> codes;
    auto t = stopped(c);
    ++attempts;
    auto plain = code(t.call<&tally::plain>());
    codes.push_back(co_await std::move(plain));
    auto coroutine = code(t.call<&tally::coroutine>());
    codes.push_back(co_await std::move(coroutine));
    auto alone = code(t.call<&tally::alone>());
    codes.push_back(co_await std::move(alone));
    auto named = code(t.call("plain", "[]"));
    codes.push_back(co_await std::move(named));
    co_return codes;
  }
  troupe::task<std::vector<std::string>> send_all(troupe::context<caller>& c) {
    std::vector<std::string> codes;
    auto t = stopped(c);
    ++attempts;
    const std::string text = "never";
    auto sent = code(t.send(tally::notes, text));
    codes.push_back(co_await std::move(sent));
    auto answered = code(t.send_and_wait(tally::notes, text));
    codes.push_back(co_await std::move(answered));
    auto named = code(t.send("notes", R"("never")"));
    codes.push_back(co_await std::move(named));
    co_return codes;
  }
  std::string post(troupe::context<caller>& c) {
    ++attempts;
    return code_when([&] { stopped(c).post<&tally::plain>(); });
  }

  using actor = troupe::actor<caller, &caller::call_all, &caller::send_all, &caller::post>;
};

troupe::registry everybody() {
  troupe::registry r;
  r.use<tally>("tally").use<caller>("caller");
  return r;
}

enum class kind { awake, asleep, by_id, connected };

struct fixture {
  world w{everybody()};
  troupe::handle<tally> t = w.client.get_or_create<tally>("t");
  std::optional<troupe::connection<tally>> connection;

  fixture() { w.run(t.call<&tally::value>()); }

  troupe::handle<tally> handle(kind of) {
    switch (of) {
      case kind::awake: break;
      case kind::asleep:
        w.run(t.call<&tally::rest>());
        w.settle();
        REQUIRE(w.phase(t) == phase::asleep);
        break;
      case kind::by_id: {
        auto same = w.client.get_for_id<tally>(w.run(t.resolve()));
        w.run(same.call<&tally::value>());
        return same;
      }
      case kind::connected: connection.emplace(w.run(t.connect())); return connection->actor();
    }
    return t;
  }
  int count() { return w.run(t.call<&tally::value>()); }
};

std::stop_token triggered() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

}  // namespace

TEST_CASE_METHOD(fixture, "a call whose stop token was triggered before never runs, however it is made") {
  const auto of = GENERATE(kind::awake, kind::asleep, kind::by_id, kind::connected);
  const auto stopped = handle(of).with(triggered());
  const std::string aborted = "actor.aborted";
  // In a coroutine.
  CHECK(w.code(stopped.call<&tally::plain>()) == aborted);
  CHECK(w.code(stopped.call<&tally::coroutine>()) == aborted);
  CHECK(w.code(stopped.call<&tally::alone>()) == aborted);
  CHECK(w.code(stopped.call("plain", "[]")) == aborted);
  // On a plain thread.
  CHECK(code_when([&] { stopped.call<&tally::plain>().get(); }) == aborted);
  CHECK(code_when([&] { stopped.call<&tally::coroutine>().get(); }) == aborted);
  CHECK(code_when([&] { stopped.call<&tally::alone>().get(); }) == aborted);
  CHECK(code_when([&] { static_cast<void>(stopped.call("plain", "[]").get()); }) == aborted);
  CHECK(code_when([&] { stopped.post<&tally::plain>(); }) == aborted);
  CHECK(code_when([&] { stopped.post<&tally::alone>(); }) == aborted);
  w.pass(1min);
  CHECK(count() == 0);
}

TEST_CASE_METHOD(fixture, "a message whose stop token was triggered before is never sent") {
  const auto of = GENERATE(kind::awake, kind::asleep, kind::by_id, kind::connected);
  const auto stopped = handle(of).with(triggered());
  const std::string text = "never";
  CHECK(w.code(stopped.send(tally::notes, text)) == "actor.aborted");
  CHECK(w.code(stopped.send_and_wait(tally::notes, text)) == "actor.aborted");
  CHECK(w.code(stopped.send("notes", R"("never")")) == "actor.aborted");
  CHECK(code_when([&] { stopped.send(tally::notes, text).get(); }) == "actor.aborted");
  w.pass(1min);
  CHECK(w.run(t.call<&tally::noted>()) == 0);
}

TEST_CASE_METHOD(fixture, "the same holds in an actor's turn") {
  const auto from = w.client.get_or_create<caller>("c");
  using codes = std::vector<std::string>;
  CHECK(w.run(from.call<&caller::call_all>()) == codes(4, "actor.aborted"));
  CHECK(w.run(from.call<&caller::send_all>()) == codes(3, "actor.aborted"));
  CHECK(w.run(from.call<&caller::post>()) == "actor.aborted");
  w.pass(1min);
  CHECK(count() == 0);
  CHECK(w.run(t.call<&tally::noted>()) == 0);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a post whose stop token is triggered while it waits never begins, and on_error hears of it") {
  std::stop_source source;
  const auto stoppable = t.with(source.get_token());
  const auto busy = w.start(t.call<&tally::busy>());
  stoppable.post<&tally::plain>();
  stoppable.post<&tally::coroutine>();
  w.settle();
  source.request_stop();
  w.pass(11s);
  CHECK(busy.done());
  CHECK(count() == 1);
  CHECK(w.errors == std::vector<std::string>{"plain in tally/t: actor.aborted",
                                             "coroutine in tally/t: actor.aborted"});
}

TEST_CASE_METHOD(fixture, "a post whose stop token is triggered after it began is none the worse for it") {
  std::stop_source source;
  t.with(source.get_token()).post<&tally::busy>();
  w.settle();
  source.request_stop();
  w.pass(11s);
  CHECK(count() == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a time-out of zero or less is over before the call begins") {
  const auto limit = GENERATE(0ns, -1ns, std::chrono::nanoseconds::min());
  const auto of = GENERATE(kind::awake, kind::asleep, kind::by_id, kind::connected);
  const auto late = handle(of).with(troupe::timeout{limit});
  const std::string timed_out = "actor.action_timed_out";
  CHECK(w.code(late.call<&tally::plain>()) == timed_out);
  CHECK(w.code(late.call<&tally::coroutine>()) == timed_out);
  CHECK(w.code(late.call<&tally::alone>()) == timed_out);
  CHECK(w.code(late.call("plain", "[]")) == timed_out);
  CHECK(code_when([&] { late.call<&tally::plain>().get(); }) == timed_out);
  const std::string text = "never";
  CHECK(w.code(late.send(tally::notes, text)) == timed_out);
  CHECK(w.code(late.resolve()) == timed_out);
  w.pass(2min);
  CHECK(count() == 0);
  CHECK(w.run(t.call<&tally::noted>()) == 0);
}

TEST_CASE_METHOD(fixture, "a time-out that ends beyond the clock is none") {
  const auto patient = t.with(troupe::timeout{troupe::never - 1ns});
  const auto busy = w.start(patient.call<&tally::busy>());
  w.pass(11s);
  CHECK(busy.done());
  CHECK_FALSE(busy.failed());
}

TEST_CASE_METHOD(fixture, "the losers of a race that is over make no calls, even to actors that are idle") {
  const auto other = w.client.get_or_create<tally>("other");
  w.run(other.call<&tally::value>());
  const auto race = w.run(troupe::when_any(other.call<&tally::value>(), t.call<&tally::plain>()));
  CHECK(race.index() == 0);
  w.settle();
  CHECK(count() == 0);
}

TEST_CASE_METHOD(fixture, "a cancelled coroutine makes no more calls") {
  std::string heard;
  const auto loser = [](troupe::handle<tally> to, std::string* code) -> troupe::task<int> {
    bool cut = false;
    try {
      co_await troupe::delay(1h);
    } catch (const troupe::error&) {
      cut = true;
    }
    if (!cut) co_return 0;
    try {
      co_await to.call<&tally::plain>();
    } catch (const troupe::error& e) {
      *code = e.code();
    }
    co_return 1;
  };
  const auto race = w.start(troupe::when_any(troupe::delay(1ms), loser(t, &heard)));
  w.pass(2ms);
  CHECK(race.done());
  CHECK(heard == "aborted");
  CHECK(count() == 0);
}
