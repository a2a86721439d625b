// SPDX-License-Identifier: Apache-2.0
// can_subscribe says who may listen to what. No is the end of that subscription, and of nothing else.

#include <catch2/catch.hpp>

#include "runtime/world.hpp"

using namespace behaviour;

namespace {

using lines = std::vector<std::string>;

lines asked;

struct login {
  std::string name;
};

struct guarded {
  static constexpr troupe::event<"open", int> open{};
  static constexpr troupe::event<"secret", int> secret{};
  static constexpr troupe::event<"broken", int> broken{};
  int questions = 0;

  login create_connection_state(troupe::context<guarded>&, const login& who) { return who; }
  bool can_subscribe(troupe::context<guarded>& c, std::string_view event) {
    ++questions;
    const auto p = c.connection();
    asked.push_back((p ? p->state().name : "nobody") + " " + std::string{event});
    if (event == "broken") throw troupe::user_error{"no_idea", "asked in vain"};
    return event != "secret" || (p && p->state().name == "root");
  }
  void send(troupe::context<guarded>& c, int n) const {
    c.broadcast(open, n);
    c.broadcast(secret, n);
    c.broadcast(broken, n);
  }
  void whisper(troupe::context<guarded>& c, int n) const { c.connection()->send(secret, n); }
  int count() const { return questions; }
  void rest(troupe::context<guarded>& c) { c.sleep(); }
  using actor = troupe::actor<guarded, &guarded::send, &guarded::whisper, &guarded::count, &guarded::rest, open, secret,
                              broken>;
};

/// Thinks before it answers.
struct pensive {
  static constexpr troupe::event<"news", int> news{};
  static constexpr troupe::event<"secret", int> secret{};
  static constexpr troupe::event<"riddle", int> riddle{};
  bool friendly = true;
  troupe::task<bool> can_subscribe(troupe::context<pensive>&, std::string_view event) {
    const bool secret_one = event == "secret";
    const auto time = event == "riddle" ? 1h : 0h;
    co_await troupe::delay(1s + time);
    co_return friendly && !secret_one;
  }
  void send(troupe::context<pensive>& c, int n) const { c.broadcast(news, n); }
  using actor = troupe::actor<pensive, &pensive::send, news, secret, riddle>;
};

struct fixture {
  fixture() { asked.clear(); }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<guarded>("guarded").use<pensive>("pensive");
    return r;
  }
  world w{registry()};
  troupe::handle<guarded> h = w.client.get_or_create<guarded>("g");
  troupe::connection<guarded> ann = w.run(h.connect(login{"ann"}));
  troupe::connection<guarded> root = w.run(h.connect(login{"root"}));
  std::vector<int> heard;
};

}  // namespace

TEST_CASE_METHOD(fixture, "it is asked for each subscription, with the event's name and the connection") {
  const auto a = ann.on(guarded::open, [](int) {});
  const auto b = root.once(guarded::secret, [](int) {});
  const auto c = ann.stream(guarded::open);
  w.settle();
  CHECK(asked == lines{"ann open", "root secret", "ann open"});
  CHECK(w.run(h.call<&guarded::count>()) == 3);
}

TEST_CASE_METHOD(fixture, "yes: what comes after it is heard") {
  const auto s = root.on(guarded::secret, [&](int n) { heard.push_back(n); });
  CHECK(w.code(s.ready()).empty());
  w.run(h.call<&guarded::send>(1));
  w.settle();
  CHECK(heard == std::vector{1});
}

TEST_CASE_METHOD(fixture, "no: nothing is heard, ready and next say so, and the connection lives on") {
  const auto s = ann.on(guarded::secret, [&](int n) { heard.push_back(n); });
  auto stream = ann.stream(guarded::secret);
  auto next = ann.next(guarded::secret);
  const auto o = ann.on(guarded::open, [&](int n) { heard.push_back(n); });
  w.run(h.call<&guarded::send>(1));
  w.run(ann.call<&guarded::whisper>(2));
  w.settle();
  CHECK(heard == std::vector{1});
  CHECK(w.code(s.ready()) == "auth.forbidden");
  CHECK(w.code(s.ready()) == "auth.forbidden");
  CHECK(w.code(stream.ready()) == "auth.forbidden");
  CHECK(w.code(stream.next()) == "auth.forbidden");
  CHECK(w.code(std::move(next)) == "auth.forbidden");
  CHECK(ann.connected());
  CHECK(w.code(ann.call<&guarded::count>()).empty());
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "who waits for the answer is woken by it") {
  const auto h2 = w.client.get_or_create<pensive>("p");
  const auto conn = w.run(h2.connect());
  const auto yes = conn.on(pensive::news, [&](int n) { heard.push_back(n); });
  const auto no = conn.stream(pensive::secret);
  const auto ready = w.start(yes.ready());
  const auto denied = w.start(no.ready());
  w.run(h2.call<&pensive::send>(1));
  CHECK_FALSE(ready.done());
  w.pass(1s + 5ms);
  CHECK(ready.done());
  CHECK_FALSE(ready.failed());
  CHECK(denied.code() == "auth.forbidden");
  w.run(h2.call<&pensive::send>(2));
  w.settle();
  CHECK(heard == std::vector{2});
}

TEST_CASE_METHOD(fixture, "an event that is awaited before the answer is heard after it") {
  const auto h2 = w.client.get_or_create<pensive>("p");
  const auto conn = w.run(h2.connect());
  auto stream = conn.stream(pensive::news);
  const auto coming = w.start(stream.next());
  const auto next = w.start(conn.next(pensive::news));
  w.pass(1s + 5ms);
  CHECK_FALSE(coming.done());
  CHECK_FALSE(next.done());
  w.run(h2.call<&pensive::send>(1));
  w.settle();
  CHECK(coming.value() == 1);
  CHECK(next.value() == 1);
}

TEST_CASE_METHOD(fixture, "it has on_connect_timeout to answer") {
  const auto h2 = w.client.get_or_create<pensive>("p");
  const auto conn = w.run(h2.connect());
  const auto never_answered = conn.on(pensive::riddle, [&](int n) { heard.push_back(n); });
  const auto ready = w.start(never_answered.ready());
  w.pass(6s);
  CHECK(ready.code() == "actor.callback_timed_out");
  CHECK(conn.connected());
}

TEST_CASE("a subscription that was moved from has nothing to wait for") {
  world w{fixture::registry()};
  const troupe::subscription none;
  CHECK_FALSE(none);
  CHECK(w.code(none.ready()) == "actor.invalid_operation");
}

TEST_CASE_METHOD(fixture, "what it throws is the answer") {
  const auto s = ann.on(guarded::broken, [&](int n) { heard.push_back(n); });
  w.run(h.call<&guarded::send>(1));
  CHECK(heard.empty());
  CHECK(w.code(s.ready()) == "user.no_idea");
  CHECK(ann.connected());
}

TEST_CASE_METHOD(fixture, "a subscription that is let go before the answer hears nothing, and needs none") {
  const auto h2 = w.client.get_or_create<pensive>("p");
  auto conn = w.run(h2.connect());
  auto s = conn.on(pensive::news, [&](int n) { heard.push_back(n); });
  auto closing = conn.on(pensive::news, [&](int n) { heard.push_back(n); });
  w.settle();
  SECTION("the subscription") {
    s.reset();
    closing.reset();
  }
  SECTION("the connection") { conn.close(); }
  w.pass(2s);
  w.run(h2.call<&pensive::send>(1));
  w.settle();
  CHECK(heard.empty());
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "it is asked of a sleeping actor, too; subscriptions that it has granted stay granted") {
  const auto before = root.on(guarded::secret, [&](int n) { heard.push_back(n); });
  w.run(h.call<&guarded::rest>());
  w.pass(1s);
  REQUIRE(w.phase(h) == phase::asleep);
  const auto after = root.on(guarded::secret, [&](int n) { heard.push_back(-n); });
  w.run(h.call<&guarded::send>(1));
  w.settle();
  CHECK(heard == std::vector{1, -1});
  CHECK(asked == lines{"root secret", "root secret"});
}

TEST_CASE_METHOD(fixture, "on_close needs no permission") {
  const auto s = ann.on_close([](const std::exception_ptr&) {});
  w.settle();
  CHECK(asked.empty());
}
