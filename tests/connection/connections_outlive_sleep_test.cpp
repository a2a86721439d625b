// SPDX-License-Identifier: Apache-2.0
// Connections stay while their actor sleeps, unnoticed by either side, and end with the actor, or the runtime.

#include <catch2/catch.hpp>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

using lines = std::vector<std::string>;

lines diary;
std::chrono::seconds parting_takes{0};
std::chrono::seconds sleep_takes{0};
std::chrono::seconds preflight_takes{0};
std::chrono::seconds connect_takes{0};
bool wake_fails = false;

struct lodge {
  static constexpr troupe::options options{.sleep_after = 20s, .sleep_grace_period = 8s};
  static constexpr troupe::event<"note", std::string> note{};
  int wakes = 0;
  int parted = 0;

  void on_wake(troupe::context<lodge>& c) {
    if (wake_fails) throw troupe::user_error{"tired", "not today"};
    ++wakes;
    diary.push_back("wake " + std::to_string(c.connections().size()));
    c.broadcast(note, "woke");
  }
  troupe::task<> on_sleep(troupe::context<lodge>& c) {
    diary.push_back("sleep " + std::to_string(c.connections().size()));
    c.broadcast(note, "good night");
    if (sleep_takes > 0s) {
      co_await troupe::delay(sleep_takes);
    }
    diary.emplace_back("slept");
  }
  void on_destroy(troupe::context<lodge>& c) {
    diary.push_back("destroy " + std::to_string(c.connections().size()));
  }
  troupe::task<> on_before_connect(troupe::context<lodge>&) {
    diary.emplace_back("before");
    if (preflight_takes > 0s) {
      co_await troupe::delay(preflight_takes);
    }
  }
  int create_connection_state(troupe::context<lodge>&) { return 0; }
  troupe::task<> on_connect(troupe::context<lodge>&, troupe::peer<lodge>) {
    diary.emplace_back("connect");
    if (connect_takes > 0s) {
      co_await troupe::delay(connect_takes);
    }
  }
  troupe::task<> on_disconnect(troupe::context<lodge>& c, troupe::peer<lodge> p) {
    ++parted;
    diary.push_back("disconnect " + std::to_string(p.state()));
    c.broadcast(note, "somebody left");
    if (parting_takes > 0s) {
      co_await troupe::delay(parting_takes);
    }
    diary.emplace_back("parted");
  }
  int count(troupe::context<lodge>& c) const {
    const auto p = c.connection();
    return p ? ++p->state() : -1;
  }
  void say(troupe::context<lodge>& c, std::string text) const { c.broadcast(note, std::move(text)); }
  int woken() const { return wakes; }
  int gone() const { return parted; }
  int there(troupe::context<lodge>& c) const { return static_cast<int>(c.connections().size()); }
  void rest(troupe::context<lodge>& c) { c.sleep(); }
  void end(troupe::context<lodge>& c) { c.destroy(); }
  using actor = troupe::actor<lodge, &lodge::count, &lodge::say, &lodge::woken, &lodge::gone, &lodge::there,
                              &lodge::rest, &lodge::end, note>;
};

/// Is gone when it sleeps.
struct tent {
  static constexpr troupe::options options{.sleep_after = 20s, .durability = troupe::durability::ephemeral};
  static constexpr troupe::event<"note", std::string> note{};
  int count = 0;
  int add() { return ++count; }
  void on_disconnect(troupe::context<tent>&, const troupe::peer<tent>&) { diary.emplace_back("disconnect"); }
  int there(troupe::context<tent>& c) const { return static_cast<int>(c.connections().size()); }
  using actor = troupe::actor<tent, &tent::add, &tent::there, note>;
};

std::string why(const std::exception_ptr& reason) { return reason ? code_of(reason) : "in good order"; }

struct fixture {
  fixture() {
    diary.clear();
    parting_takes = sleep_takes = preflight_takes = connect_takes = 0s;
    wake_fails = false;
  }
  ~fixture() { wake_fails = false; }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<lodge>("lodge").use<tent>("tent");
    return r;
  }
  static lines read() { return std::exchange(diary, {}); }
  void put_to_sleep() {
    w.run(h.call<&lodge::rest>());
    w.pass(1s);
    REQUIRE(w.phase(h) == phase::asleep);
  }

  gated_store store;
  world w{registry(), store};
  troupe::handle<lodge> h = w.client.get_or_create<lodge>("l");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a connection and its state survive the actor's sleep; no hook runs again") {
  const auto conn = w.run(h.connect());
  CHECK(w.run(conn.call<&lodge::count>()) == 1);
  for (int i = 2; i < 5; ++i) {
    put_to_sleep();
    CHECK(conn.connected());
    CHECK(w.run(conn.call<&lodge::count>()) == i);
  }
  CHECK(w.run(conn.call<&lodge::woken>()) == 4);
  CHECK(w.run(conn.call<&lodge::there>()) == 1);
  CHECK(w.run(conn.call<&lodge::gone>()) == 0);
  CHECK(std::ranges::count(diary, "before") == 1);
  CHECK(std::ranges::count(diary, "connect") == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "subscriptions survive it, too; each event comes once") {
  const auto conn = w.run(h.connect());
  lines heard;
  const auto s = conn.on(lodge::note, [&](const std::string& text) { heard.push_back(text); });
  w.run(h.call<&lodge::say>("one"));
  put_to_sleep();
  w.run(h.call<&lodge::say>("two"));
  put_to_sleep();
  w.run(h.call<&lodge::say>("three"));
  w.settle();
  CHECK(heard == lines{"one", "good night", "woke", "two", "good night", "woke", "three"});
}

TEST_CASE_METHOD(fixture, "connections keep no idle actor awake, and none is woken by them") {
  const auto conn = w.run(h.connect());
  const auto s = conn.on(lodge::note, [](const std::string&) {});
  w.pass(30s);
  CHECK(w.phase(h) == phase::asleep);
  w.pass(10min);
  CHECK(w.phase(h) == phase::asleep);
  const auto another = conn.stream(lodge::note);
  w.settle();
  CHECK(w.phase(h) == phase::asleep);
}

TEST_CASE_METHOD(fixture, "closing while the actor sleeps wakes it for on_disconnect") {
  auto conn = w.run(h.connect());
  CHECK(w.run(conn.call<&lodge::count>()) == 1);
  const auto other = w.run(h.connect());
  put_to_sleep();
  read();
  conn.close();
  w.settle();
  CHECK(read() == lines{"wake 1", "disconnect 1", "parted"});
  CHECK(w.run(h.call<&lodge::gone>()) == 1);
  CHECK(w.run(h.call<&lodge::there>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "on_disconnect delays the sleep, and what it does is stored") {
  parting_takes = 3s;
  auto conn = w.run(h.connect());
  conn.close();
  w.run(h.call<&lodge::rest>());
  w.pass(2s);
  CHECK(w.phase(h) == phase::stopping);
  w.pass(2s);
  CHECK(w.phase(h) == phase::asleep);
  CHECK(std::ranges::count(diary, "parted") == 1);
  CHECK(w.run(h.call<&lodge::gone>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "what is closed while the actor falls asleep is not forgotten") {
  sleep_takes = 3s;
  auto conn = w.run(h.connect());
  w.run(h.call<&lodge::rest>());
  w.pass(1s);
  REQUIRE(w.phase(h) == phase::stopping);
  SECTION("in on_sleep") {
    conn.close();
    w.pass(5s);
  }
  SECTION("in the last commit") {
    store.hold();
    w.pass(5s);
    conn.close();
    w.settle();
    store.let_go();
    w.settle();
  }
  CHECK(std::ranges::count(diary, "parted") == 1);
  CHECK(w.run(h.call<&lodge::gone>()) == 1);
  CHECK(w.run(h.call<&lodge::there>()) == 0);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a call and a connect that arrive while the actor falls asleep are served after it") {
  sleep_takes = 3s;
  const auto conn = w.run(h.connect());
  w.run(h.call<&lodge::rest>());
  w.pass(1s);
  REQUIRE(w.phase(h) == phase::stopping);
  const auto called = w.start(conn.call<&lodge::count>());
  const auto opened = w.start(h.connect());
  w.pass(5s);
  CHECK(called.value() == 1);
  CHECK(opened.value().connected());
  CHECK(w.run(h.call<&lodge::there>()) == 2);
  CHECK(w.run(h.call<&lodge::woken>()) == 2);
}

TEST_CASE_METHOD(fixture, "an actor that does not wake keeps its connections, and what it misses is reported") {
  auto conn = w.run(h.connect());
  auto other = w.run(h.connect());
  put_to_sleep();
  wake_fails = true;
  CHECK(w.code(conn.call<&lodge::count>()) == "user.tired");
  CHECK(conn.connected());
  conn.close();
  w.settle();
  REQUIRE(w.errors.size() == 1);
  CHECK_THAT(w.errors.front(), Catch::Contains("on_disconnect") && Catch::Contains("user.tired"));
  wake_fails = false;
  CHECK(w.run(other.call<&lodge::count>()) == 1);
  CHECK(w.run(h.call<&lodge::there>()) == 1);
}

TEST_CASE_METHOD(fixture, "destroying an actor closes its connections, with their on_disconnect, before on_destroy") {
  const auto first = w.run(h.connect());
  const auto second = w.run(h.connect());
  lines heard;
  const auto s = first.on(lodge::note, [&](const std::string& text) { heard.push_back(text); });
  const auto end = first.on_close([&](const std::exception_ptr& e) { heard.push_back(why(e)); });
  auto stream = second.stream(lodge::note);
  const auto waiting = w.start(stream.next());
  w.run(first.call<&lodge::count>());
  read();
  w.run(h.call<&lodge::end>());
  w.settle();
  CHECK(read() == lines{"disconnect 1", "parted", "disconnect 0", "parted", "destroy 0"});
  CHECK(heard == lines{"actor.destroying"});
  CHECK(waiting.value() == "somebody left");
  CHECK(w.code(stream.next()) == "actor.destroying");
  CHECK(w.code(first.call<&lodge::count>()) == "actor.destroying");
  CHECK(w.run(h.call<&lodge::there>()) == 0);
  CHECK(w.run(h.call<&lodge::gone>()) == 0);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a handle connects to the actor's successor; the connection of the predecessor does not") {
  const auto before = w.run(h.connect());
  w.run(h.call<&lodge::end>());
  w.settle();
  const auto after = w.run(h.connect());
  CHECK(w.run(after.call<&lodge::count>()) == 1);
  CHECK(w.code(before.call<&lodge::count>()) == "actor.destroying");
  CHECK(w.run(h.call<&lodge::there>()) == 1);
}

TEST_CASE_METHOD(fixture, "a call over a connection reaches no successor of the actor") {
  parting_takes = 2s;
  const auto conn = w.run(h.connect());
  const auto other = w.run(h.connect());
  w.run(h.call<&lodge::end>());
  w.pass(1s);
  REQUIRE(w.phase(h) == phase::stopping);
  const auto late = w.start(other.call<&lodge::count>());  // not closed yet
  w.pass(10s);
  REQUIRE(late.done());
  CHECK(late.code() == "actor.destroying");
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "the on_disconnects of an actor that ends have one grace period together") {
  parting_takes = 4s;
  std::vector<troupe::connection<lodge>> all;
  for (int i = 0; i < 10; ++i) all.push_back(w.run(h.connect()));
  read();
  w.run(h.call<&lodge::end>());
  w.pass(9s);
  CHECK(w.phase(h) == phase::asleep);
  CHECK(std::ranges::count(diary, "disconnect 0") == 10);
  CHECK(diary.back() == "destroy 0");
  for (const auto& each : all) CHECK_FALSE(each.connected());
}

TEST_CASE_METHOD(fixture, "who is connecting while the actor is destroyed is refused, or closed with it") {
  const auto keeper = w.run(h.connect());
  SECTION("in on_before_connect") { preflight_takes = 2s; }
  SECTION("in on_connect") { connect_takes = 2s; }
  std::vector<std::string> heard;
  const auto opened = w.start(h.connect());
  CHECK_FALSE(opened.done());
  w.run(h.call<&lodge::end>());
  w.pass(12s);
  REQUIRE(opened.done());
  if (opened.failed()) {
    CHECK(opened.code() == "actor.destroying");
  } else {
    CHECK_FALSE(opened.value().connected());
    CHECK(w.code(opened.value().call<&lodge::count>()) == "actor.destroying");
  }
  CHECK(w.run(h.call<&lodge::there>()) == 0);
  CHECK(w.run(h.call<&lodge::gone>()) == 0);
}

TEST_CASE_METHOD(fixture, "the runtime's end closes all connections, of actors awake, asleep and in between") {
  const auto conn = w.run(h.connect());
  lines heard;
  const auto end = conn.on_close([&](const std::exception_ptr& e) { heard.push_back(why(e)); });
  bool told = false;
  SECTION("awake") { told = true; }
  SECTION("asleep") { put_to_sleep(); }
  SECTION("falling asleep") {
    sleep_takes = 3s;
    w.run(h.call<&lodge::rest>());
    w.pass(1s);
    REQUIRE(w.phase(h) == phase::stopping);
  }
  SECTION("in its last commit") {
    store.hold();
    w.start(h.call<&lodge::rest>());
    w.pass(1s);
  }
  SECTION("waking, in vain") {
    put_to_sleep();
    store.hold_loads();
    wake_fails = true;
    w.start(conn.call<&lodge::count>());
  }
  store.let_go();
  store.let_loads_go();
  w.runtime.shutdown();
  CHECK(heard == lines{"runtime.stopped"});
  CHECK_FALSE(conn.connected());
  if (told) CHECK(diary == lines{"wake 0", "before", "connect", "disconnect 0", "parted", "sleep 0", "slept"});
}

TEST_CASE_METHOD(fixture, "who waits for an event when the runtime ends is told") {
  auto conn = w.run(h.connect());
  auto stream = conn.stream(lodge::note);
  const auto waiting = w.start(stream.next());
  const auto closing = w.start(conn.next(lodge::note));
  put_to_sleep();
  CHECK(waiting.value() == "good night");
  const auto again = w.start(stream.next());
  w.runtime.shutdown();
  REQUIRE(again.done());
  CHECK(again.code() == "runtime.stopped");
}

TEST_CASE_METHOD(fixture, "an ephemeral actor that sleeps is gone, and its connections with it") {
  const auto t = w.client.get_or_create<tent>("t");
  auto conn = w.run(t.connect());
  CHECK(w.run(conn.call<&tent::add>()) == 1);
  lines heard;
  const auto end = conn.on_close([&](const std::exception_ptr& e) { heard.push_back(why(e)); });
  w.pass(30s);
  CHECK(heard == lines{"actor.destroying"});
  CHECK(diary == lines{"disconnect"});
  CHECK(w.code(conn.call<&tent::add>()) == "actor.destroying");
  CHECK(w.run(t.call<&tent::there>()) == 0);
  CHECK(w.errors.empty());
}
