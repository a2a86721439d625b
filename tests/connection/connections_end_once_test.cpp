// SPDX-License-Identifier: Apache-2.0
// A connection ends when one of its sides says so, once, and both learn of it; one that nobody took leaves nothing.

#include <catch2/catch.hpp>

#include <stop_token>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

using lines = std::vector<std::string>;

lines diary;
bool connect_slowly = false;
bool leave_at_once = false;

struct room {
  static constexpr troupe::event<"said", std::string> said{};
  int joined = 0;
  int left = 0;

  troupe::task<> on_connect(troupe::context<room>&, troupe::peer<room> p) {
    ++joined;
    if (leave_at_once) p.disconnect(troupe::user_error{"full", "come again"});
    if (connect_slowly) {
      co_await troupe::delay(2s);
    }
    diary.emplace_back("connected");
  }
  void on_disconnect(troupe::context<room>& c, troupe::peer<room> p) {
    ++left;
    CHECK_FALSE(p.connected());
    diary.push_back("gone, " + std::to_string(c.connections().size()) + " left");
    p.send(said, "to nobody");
    p.disconnect();
  }
  void say(troupe::context<room>& c, std::string text) const { c.broadcast(said, text); }
  void throw_out(troupe::context<room>& c) const {
    c.connection()->send(said, "bye");
    c.connection()->disconnect(troupe::user_error{"banned", "for good"});
    c.connection()->disconnect(troupe::user_error{"later", "not heard"});
    CHECK(c.connection()->connected());  // until the turn ends
    CHECK(c.connections().size() == 1);
  }
  void part(troupe::context<room>& c) const {
    for (const auto& p : c.connections()) p.disconnect();
  }
  troupe::task<bool> wait(troupe::context<room>& c) {
    co_await c.delay(2s);
    co_return c.connection()->connected();
  }
  int there(troupe::context<room>& c) const { return static_cast<int>(c.connections().size()); }
  int ended() const { return left; }
  int begun() const { return joined; }
  using actor = troupe::actor<room, &room::say, &room::throw_out, &room::part, &room::wait, &room::there, &room::ended,
                              &room::begun, said>;
};

std::string why(const std::exception_ptr& reason) { return reason ? code_of(reason) : "in good order"; }

struct fixture {
  fixture() {
    diary.clear();
    connect_slowly = leave_at_once = false;
  }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<room>("room");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<room> h = w.client.get_or_create<room>("r");
};

}  // namespace

TEST_CASE_METHOD(fixture, "closing twice is closing once") {
  auto conn = w.run(h.connect());
  conn.close();
  conn.close();
  w.settle();
  conn.close();
  w.settle();
  CHECK(w.run(h.call<&room::ended>()) == 1);
  CHECK(diary == lines{"connected", "gone, 0 left"});
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a connection is closed when its object goes, and a moved-from one is no connection") {
  {
    auto conn = w.run(h.connect());
    {
      auto moved = std::move(conn);
      CHECK(moved.connected());
      w.settle();
      CHECK(w.run(moved.call<&room::there>()) == 1);
    }
    w.settle();
    CHECK(w.run(h.call<&room::ended>()) == 1);
  }
  w.settle();
  CHECK(w.run(h.call<&room::ended>()) == 1);
}

TEST_CASE_METHOD(fixture, "assigning another connection closes the one before") {
  auto first = w.run(h.connect());
  auto second = w.run(h.connect());
  const auto id = second.id();
  first = std::move(second);
  w.settle();
  CHECK(w.run(h.call<&room::there>()) == 1);
  CHECK(first.id() == id);
  auto& same = first;
  first = std::move(same);
  CHECK(first.connected());
  w.settle();
  CHECK(w.run(h.call<&room::ended>()) == 1);
}

TEST_CASE_METHOD(fixture, "calls over a closed connection fail, those under way do not") {
  auto conn = w.run(h.connect());
  const auto under_way = w.start(conn.call<&room::wait>());
  conn.close();
  CHECK(w.code(conn.call<&room::there>()) == "connection.closed");
  CHECK(code_when([&] { conn.actor().post<&room::say>("x"); }) == "connection.closed");
  CHECK(w.code(h.call<&room::there>()).empty());
  w.pass(2s + 5ms);
  REQUIRE(under_way.done());
  CHECK(under_way.value() == false);
}

TEST_CASE_METHOD(fixture, "what was called or posted before the connection was closed still happens") {
  auto conn = w.run(h.connect());
  const auto other = w.run(h.connect());
  auto heard = other.next(room::said);
  conn.actor().post<&room::say>("last words");
  conn.close();
  CHECK(w.run(std::move(heard)) == "last words");
}

TEST_CASE_METHOD(fixture, "nothing can be listened to on a closed connection") {
  auto conn = w.run(h.connect());
  conn.close();
  const auto deaf = [](const std::string&) {};
  CHECK(code_when([&] { auto s = conn.on(room::said, deaf); }) == "connection.closed");
  CHECK(code_when([&] { auto s = conn.once(room::said, deaf); }) == "connection.closed");
  CHECK(code_when([&] { auto s = conn.stream(room::said); }) == "connection.closed");
  CHECK(code_when([&] { auto s = conn.next(room::said); }) == "connection.closed");
  CHECK(code_when([&] { auto s = conn.on_close([](const std::exception_ptr&) {}); }) == "connection.closed");
}

TEST_CASE_METHOD(fixture, "on_close hears of either end, once each, and not when it was let go") {
  auto conn = w.run(h.connect());
  lines heard;
  const auto first = conn.on_close([&](const std::exception_ptr& e) { heard.push_back("first " + why(e)); });
  const auto second = conn.on_close([&](const std::exception_ptr& e) { heard.push_back("second " + why(e)); });
  auto third = conn.on_close([&](const std::exception_ptr& e) { heard.push_back("third " + why(e)); });
  third.reset();
  w.settle();
  CHECK(heard.empty());
  SECTION("closed by the client") {
    conn.close();
    w.settle();
    CHECK(heard.size() == 2);
    CHECK(std::ranges::count(heard, "first in good order") == 1);
    CHECK(std::ranges::count(heard, "second in good order") == 1);
  }
  SECTION("closed by the actor without a reason") {
    w.run(h.call<&room::part>());
    w.settle();
    CHECK(heard.size() == 2);
    CHECK(std::ranges::count(heard, "first in good order") == 1);
  }
  SECTION("closed by the actor with one") {
    w.run(conn.call<&room::throw_out>());
    w.settle();
    CHECK(heard.size() == 2);
    CHECK(std::ranges::count(heard, "first user.banned") == 1);
    CHECK(std::ranges::count(heard, "second user.banned") == 1);
  }
  SECTION("let go between the end and the call") {
    auto fourth = conn.on_close([&](const std::exception_ptr&) { heard.emplace_back("fourth"); });
    conn.close();
    fourth.reset();
    w.settle();
    CHECK(heard.size() == 2);
  }
  w.settle();
  CHECK(w.run(h.call<&room::ended>()) == 1);
}

TEST_CASE_METHOD(fixture, "an actor that disconnects is heard to the end, then its reason is") {
  auto conn = w.run(h.connect());
  auto stream = conn.stream(room::said);
  w.run(conn.call<&room::throw_out>());
  w.settle();
  CHECK_FALSE(conn.connected());
  CHECK(diary == lines{"connected", "gone, 0 left"});
  const auto last = w.run(stream.next());
  CHECK(last == "bye");
  CHECK(w.code(stream.next()) == "user.banned");
  CHECK(w.code(stream.next()) == "user.banned");
  CHECK(w.code(conn.call<&room::there>()) == "user.banned");
  CHECK(code_when([&] { auto s = conn.stream(room::said); }) == "user.banned");
}

TEST_CASE_METHOD(fixture, "an actor that disconnects without a reason ends streams in good order") {
  auto conn = w.run(h.connect());
  auto stream = conn.stream(room::said);
  auto next = conn.next(room::said);
  const auto waiting = w.start(stream.next());
  const auto one = w.start(std::move(next));
  w.run(h.call<&room::part>());
  w.settle();
  REQUIRE(waiting.done());
  CHECK_FALSE(waiting.failed());
  CHECK_FALSE(waiting.value().has_value());
  CHECK(one.code() == "connection.closed");
  CHECK(w.code(conn.call<&room::there>()) == "connection.closed");
}

TEST_CASE_METHOD(fixture, "who waits for events is woken by the client's own close") {
  auto conn = w.run(h.connect());
  auto stream = conn.stream(room::said);
  const auto waiting = w.start(stream.next());
  CHECK_FALSE(waiting.done());
  conn.close();
  w.settle();
  REQUIRE(waiting.done());
  CHECK_FALSE(waiting.value().has_value());
}

TEST_CASE_METHOD(fixture, "an actor may disconnect who is just connecting") {
  leave_at_once = true;
  const auto opened = w.start(h.connect());
  REQUIRE(opened.done());
  CHECK_FALSE(opened.failed());
  CHECK_FALSE(opened.value().connected());
  CHECK(w.code(opened.value().call<&room::there>()) == "user.full");
  CHECK(diary == lines{"connected", "gone, 0 left"});
}

TEST_CASE_METHOD(fixture, "a connect that takes longer than its caller waits leaves nothing") {
  connect_slowly = true;
  w.run(h.call<&room::there>());
  const auto opened = w.start(h.with(troupe::timeout{1s}).connect());
  w.pass(1s + 5ms);
  REQUIRE(opened.done());
  CHECK(opened.code() == "actor.action_timed_out");
  w.pass(2s);
  CHECK(w.run(h.call<&room::there>()) == 0);
  CHECK(w.run(h.call<&room::begun>()) == w.run(h.call<&room::ended>()));
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a connect whose stop token is triggered leaves nothing") {
  connect_slowly = true;
  w.run(h.call<&room::there>());
  std::stop_source stop;
  const auto opened = w.start(h.with(stop.get_token()).connect());
  CHECK_FALSE(opened.done());
  stop.request_stop();
  w.settle();
  CHECK(opened.code() == "actor.aborted");
  w.pass(3s);
  CHECK(w.run(h.call<&room::there>()) == 0);
  CHECK(w.run(h.call<&room::begun>()) == w.run(h.call<&room::ended>()));
}

TEST_CASE_METHOD(fixture, "a connect whose commit takes longer than its caller waits leaves nothing") {
  w.run(h.call<&room::there>());
  store.hold();
  const auto opened = w.start(h.with(troupe::timeout{1s}).connect());
  w.pass(1s + 5ms);
  CHECK(opened.code() == "store.unavailable");
  store.let_go();
  w.settle();
  CHECK(w.run(h.call<&room::there>()) == 0);
  CHECK(w.run(h.call<&room::ended>()) == 1);
}

TEST_CASE_METHOD(fixture, "a connection may outlive its runtime, and is told of its end") {
  std::optional<troupe::connection<room>> conn;
  std::optional<troupe::subscription> said, closed;
  lines heard;
  {
    world short_lived{registry()};
    conn.emplace(short_lived.run(short_lived.client.get_or_create<room>("r").connect()));
    said.emplace(conn->on(room::said, [](const std::string&) {}));
    closed.emplace(conn->on_close([&](const std::exception_ptr& e) { heard.push_back(why(e)); }));
    short_lived.runtime.shutdown();
    CHECK(diary == lines{"connected", "gone, 0 left"});
    CHECK(heard == lines{"runtime.stopped"});
    CHECK(short_lived.errors.empty());
  }
  CHECK_FALSE(conn->connected());
  CHECK(code_when([&] { auto s = conn->stream(room::said); }) == "runtime.stopped");
  said.reset();
  conn->close();
  conn.reset();
}
