// SPDX-License-Identifier: Apache-2.0
// connect runs on_before_connect, create_connection_state and on_connect, in this order and within their limits; who is
// refused by one of them was never there.

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

using lines = std::vector<std::string>;

lines diary;
std::string throws_in;
std::string slow_in;
std::chrono::nanoseconds slowness = 10s;

void reach(const std::string& place) {
  diary.push_back(place);
  if (throws_in == place) throw troupe::user_error{"thrown", "in " + place, R"({"place":1})"};
}

struct login {
  std::string name;
  int level = 0;
};
struct session {
  std::string name;
  int seen = 0;   ///< connections when it was made
  int count = 0;
};

struct club {
  static constexpr troupe::event<"greeting", std::string> greeting{};
  int visits = 0;
  int left = 0;

  void on_wake(troupe::context<club>&) { reach("wake"); }
  void on_before_connect(troupe::context<club>& c, const login& who) {
    ++visits;
    reach("before " + who.name + " among " + std::to_string(c.connections().size()));
  }
  session create_connection_state(troupe::context<club>& c, const login& who) {
    reach("create " + who.name + " among " + std::to_string(c.connections().size()));
    return {who.name, static_cast<int>(c.connections().size()), 0};
  }
  void on_connect(troupe::context<club>& c, const troupe::peer<club>& p) {
    reach("connect " + p.state().name + " among " + std::to_string(c.connections().size()));
  }
  void on_disconnect(troupe::context<club>& c, troupe::peer<club> p) {
    ++left;
    reach("disconnect " + p.state().name + " among " + std::to_string(c.connections().size()));
  }

  std::string who(troupe::context<club>& c) const {
    const auto p = c.connection();
    return p ? p->params().name + ":" + std::to_string(p->params().level) : "nobody";
  }
  int count(troupe::context<club>& c) const {
    const auto p = c.connection();
    return p ? ++p->state().count : -1;
  }
  lines names(troupe::context<club>& c) const {
    lines all;
    for (const auto& p : c.connections()) all.push_back(p.state().name);
    return all;
  }
  std::vector<troupe::actor_id> ids(troupe::context<club>& c) const {
    std::vector<troupe::actor_id> all;
    for (const auto& p : c.connections()) all.push_back(p.id());
    return all;
  }
  int seen_by(troupe::context<club>& c, std::string name) const {
    for (const auto& p : c.connections()) {
      if (p.state().name == name) return p.state().seen;
    }
    return -1;
  }
  int visited() const { return visits; }
  int parted() const { return left; }

  using actor = troupe::actor<club, &club::who, &club::count, &club::names, &club::ids, &club::seen_by, &club::visited,
                              &club::parted, greeting>;
};

/// Its hooks are coroutines, and each may take ten seconds.
struct slow_club {
  static constexpr troupe::options options{.on_connect_timeout = 5s};
  bool open = true;

  troupe::task<> take(std::string place) {
    diary.push_back(place + " begins");
    if (slow_in == place) {
      co_await troupe::delay(slowness);
    }
    diary.push_back(place + " ends");
  }
  troupe::task<> on_before_connect(troupe::context<slow_club>&) { return take("before"); }
  troupe::task<int> create_connection_state(troupe::context<slow_club>&) {
    co_await take("create");
    co_return 42;
  }
  troupe::task<> on_connect(troupe::context<slow_club>& c, troupe::peer<slow_club> p) {
    CHECK(c.connection() == p);
    co_await take("connect");
    CHECK(c.connection() == p);
  }
  troupe::task<> on_disconnect(troupe::context<slow_club>& c, troupe::peer<slow_club> p) {
    CHECK(c.connection() == p);
    CHECK(p.state() == 42);
    return take("disconnect");
  }
  int size(troupe::context<slow_club>& c) const { return static_cast<int>(c.connections().size()); }
  void clear(troupe::context<slow_club>& c) {
    for (auto& p : c.connections()) p.disconnect();
  }
  void end(troupe::context<slow_club>& c) { c.destroy(); }
  using actor = troupe::actor<slow_club, &slow_club::size, &slow_club::clear, &slow_club::end>;
};

/// Has no hooks: anybody may connect, and brings nothing.
struct open_house {
  int calls = 0;
  int call() { return ++calls; }
  bool over(troupe::context<open_house>& c) const { return c.connection().has_value(); }
  using actor = troupe::actor<open_house, &open_house::call, &open_house::over>;
};

/// Takes what they bring in create_connection_state alone.
struct counting_house {
  int total = 0;
  std::unique_ptr<int> create_connection_state(troupe::context<counting_house>&, const std::string& text) {
    return std::make_unique<int>(static_cast<int>(text.size()));
  }
  int length(troupe::context<counting_house>& c) const { return **&c.connection()->state(); }
  std::string text(troupe::context<counting_house>& c) const { return c.connection()->params(); }
  using actor = troupe::actor<counting_house, &counting_house::length, &counting_house::text>;
};

/// Does not like ones.
struct picky {
  int n = 0;
  void on_before_connect(troupe::context<picky>&, const int& number) {
    if (number == 1) throw std::runtime_error("not one");
  }
  using actor = troupe::actor<picky>;
};

struct fixture {
  fixture() {
    diary.clear();
    throws_in.clear();
    slow_in.clear();
    slowness = 10s;
  }
  ~fixture() { throws_in.clear(); }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<club>("club").use<slow_club>("slowClub").use<open_house>("openHouse").use<counting_house>("countingHouse");
    return r;
  }
  static lines read() { return std::exchange(diary, {}); }

  gated_store store;
  world w{registry(), store};
};

}  // namespace

TEST_CASE_METHOD(fixture, "the hooks run in order, and on_disconnect once it is closed") {
  const auto h = w.client.get_or_create<club>("c");
  const login who{"ann"};
  auto conn = w.run(h.connect(who));
  CHECK(read() == lines{"wake", "before ann among 0", "create ann among 0", "connect ann among 1"});
  CHECK(conn.connected());
  conn.close();
  CHECK_FALSE(conn.connected());
  w.settle();
  CHECK(read() == lines{"disconnect ann among 0"});
  CHECK(w.run(h.call<&club::parted>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "nothing happens before connect is awaited") {
  const auto h = w.client.get_or_create<club>("c");
  {
    const login who{"ann"};
    const auto call = h.connect(who);
    w.settle();
  }
  w.settle();
  CHECK(diary.empty());
}

TEST_CASE_METHOD(fixture, "a connection is invisible to the hooks that may refuse it, and visible to on_connect") {
  const auto h = w.client.get_or_create<club>("c");
  const auto first = w.run(h.connect(login{"ann", 1}));
  const auto second = w.run(h.connect(login{"bob", 2}));
  CHECK(read() == lines{"wake", "before ann among 0", "create ann among 0", "connect ann among 1",
                        "before bob among 1", "create bob among 1", "connect bob among 2"});
  CHECK(w.run(h.call<&club::seen_by>("ann")) == 0);
  CHECK(w.run(h.call<&club::seen_by>("bob")) == 1);
}

TEST_CASE_METHOD(fixture, "the actor sees who is connected, in the order of opening, each with an id of its own") {
  const auto h = w.client.get_or_create<club>("c");
  const auto first = w.run(h.connect(login{"ann"}));
  auto second = w.run(h.connect(login{"bob"}));
  const auto third = w.run(h.connect(login{"cid"}));
  CHECK(w.run(h.call<&club::names>()) == lines{"ann", "bob", "cid"});
  CHECK(w.run(h.call<&club::ids>()) == std::vector{first.id(), second.id(), third.id()});
  CHECK(first.id() != second.id());
  second.close();
  w.settle();
  CHECK(w.run(h.call<&club::names>()) == lines{"ann", "cid"});
  CHECK(w.run(h.call<&club::parted>()) == 1);
  CHECK(w.run(h.call<&club::visited>()) == 3);
}

TEST_CASE_METHOD(fixture, "params and state belong to one connection, and what is written to the state stays") {
  const auto h = w.client.get_or_create<club>("c");
  const auto ann = w.run(h.connect(login{"ann", 1}));
  const auto bob = w.run(h.connect(login{"bob", 2}));
  CHECK(w.run(ann.call<&club::who>()) == "ann:1");
  CHECK(w.run(bob.call<&club::who>()) == "bob:2");
  CHECK(w.run(ann.call<&club::count>()) == 1);
  CHECK(w.run(ann.call<&club::count>()) == 2);
  CHECK(w.run(bob.call<&club::count>()) == 1);
  CHECK(w.run(ann.actor().call<&club::count>()) == 3);
}

TEST_CASE_METHOD(fixture, "a call by a plain handle comes over no connection and runs no hook of connections") {
  const auto h = w.client.get_or_create<club>("c");
  CHECK(w.run(h.call<&club::who>()) == "nobody");
  CHECK(w.run(h.call<&club::count>()) == -1);
  CHECK(diary == lines{"wake"});
  const auto ann = w.run(h.connect(login{"ann"}));
  CHECK(w.run(h.call<&club::who>()) == "nobody");
}

TEST_CASE_METHOD(fixture, "actors without hooks for it can be connected to") {
  const auto h = w.client.get_or_create<open_house>("o");
  const auto conn = w.run(h.connect());
  CHECK(w.run(conn.call<&open_house::call>()) == 1);
  CHECK(w.run(conn.call<&open_house::over>()));
  CHECK_FALSE(w.run(h.call<&open_house::over>()));
}

TEST_CASE_METHOD(fixture, "params convert implicitly; the state may be of a type that only moves") {
  const auto h = w.client.get_or_create<counting_house>("h");
  const auto conn = w.run(h.connect("four"));
  CHECK(w.run(conn.call<&counting_house::length>()) == 4);
  CHECK(w.run(conn.call<&counting_house::text>()) == "four");
}

TEST_CASE_METHOD(fixture, "every kind of handle connects") {
  const auto made = w.run(w.client.create<open_house>("k"));
  const auto by_made = w.run(made.connect());
  CHECK(w.run(by_made.call<&open_house::call>()) == 1);
  const auto by_key = w.run(w.client.get<open_house>("k").connect());
  CHECK(w.run(by_key.call<&open_house::call>()) == 2);
  const auto id = w.run(made.resolve());
  const auto by_id = w.run(w.client.get_for_id<open_house>(id).connect());
  CHECK(w.run(by_id.call<&open_house::call>()) == 3);
  CHECK(w.run(by_id.actor().resolve()) == id);
  const auto either = w.run(w.client.get_or_create<open_house>("k").connect());
  CHECK(w.run(either.call<&open_house::call>()) == 4);
}

TEST_CASE_METHOD(fixture, "connecting by get_or_create creates the actor; by get or id there must be one") {
  const auto id = w.run(w.client.get_or_create<open_house>("other").resolve());
  CHECK(w.code(w.client.get<open_house>("nobody").connect()) == "actor.not_found");
  CHECK(w.code(w.client.get_for_id<club>(id).connect(login{"x"})) == "actor.not_found");
  const auto conn = w.run(w.client.get_or_create<open_house>("nobody").connect());
  CHECK(w.run(w.client.get<open_house>("nobody").call<&open_house::call>()) == 1);
}

TEST_CASE_METHOD(fixture, "who is refused hears why, in full, and was never there") {
  const std::string place = GENERATE("before ann among 0", "create ann among 0", "connect ann among 1");
  throws_in = place;
  const auto h = w.client.get_or_create<club>("c");
  try {
    const auto conn = w.run(h.connect(login{"ann"}));
    FAIL("was not refused");
  } catch (const troupe::error& e) {
    CHECK(e.code() == "thrown");
    CHECK_THAT(e.what(), Catch::Contains("in " + place));
    CHECK(e.metadata() == R"({"place":1})");
  }
  throws_in.clear();
  w.settle();
  CHECK(diary.back() == place);  // and no on_disconnect
  CHECK(w.run(h.call<&club::names>()).empty());
  CHECK(w.run(h.call<&club::parted>()) == 0);
  CHECK(w.errors.empty());
  const auto conn = w.run(h.connect(login{"bob"}));
  CHECK(w.run(h.call<&club::names>()) == lines{"bob"});
}

TEST_CASE_METHOD(fixture, "what a hook throws that is no troupe error reaches who connects, too") {
  troupe::registry r;
  r.use<picky>("picky");
  world other{r};
  const auto h = other.client.get_or_create<picky>("p");
  CHECK(other.code(h.connect(1)) == "not one");
  CHECK(other.code(h.connect(2)).empty());
}

TEST_CASE_METHOD(fixture, "hooks may be coroutines") {
  const auto h = w.client.get_or_create<slow_club>("s");
  {
    const auto conn = w.run(h.connect());
    CHECK(read() == lines{"before begins", "before ends", "create begins", "create ends", "connect begins",
                          "connect ends"});
  }
  w.settle();
  CHECK(read() == lines{"disconnect begins", "disconnect ends"});
}

TEST_CASE_METHOD(fixture, "a hook that takes too long refuses the connection with its name") {
  slow_in = GENERATE("before", "create", "connect");
  const auto h = w.client.get_or_create<slow_club>("s");
  const auto opened = w.start(h.connect());
  w.pass(4s);
  CHECK_FALSE(opened.done());
  CHECK(w.run(h.call<&slow_club::size>()) == (slow_in == "connect" ? 1 : 0));
  w.pass(1s + 5ms);
  REQUIRE(opened.done());
  CHECK(opened.code() == "actor.callback_timed_out");
  CHECK_THAT(opened.text(), Catch::Contains(slow_in == "before"   ? "on_before_connect"
                                            : slow_in == "create" ? "create_connection_state"
                                                                  : "on_connect"));
  w.pass(20s);
  CHECK(diary.back() == slow_in + " begins");
  CHECK(w.run(h.call<&slow_club::size>()) == 0);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "an on_disconnect that takes too long is cut off and reported") {
  slow_in = "disconnect";
  const auto h = w.client.get_or_create<slow_club>("s");
  auto conn = w.run(h.connect());
  conn.close();
  w.pass(5s + 5ms);
  REQUIRE(w.errors.size() == 1);
  CHECK_THAT(w.errors.front(), Catch::Contains("on_disconnect") && Catch::Contains("actor.callback_timed_out"));
  CHECK(diary.back() == "disconnect begins");
  CHECK(w.run(h.call<&slow_club::size>()) == 0);
}

TEST_CASE_METHOD(fixture, "on_disconnect comes behind on_connect, also if the actor ends the connection meanwhile") {
  slow_in = "connect";
  slowness = 1s;
  const auto h = w.client.get_or_create<slow_club>("s");
  const auto opened = w.start(h.connect());
  CHECK(diary.back() == "connect begins");
  SECTION("it sends all away") { w.run(h.call<&slow_club::clear>()); }
  SECTION("it is destroyed") { w.run(h.call<&slow_club::end>()); }
  w.settle();
  CHECK(diary.back() == "connect begins");
  w.pass(2s);
  CHECK(opened.done());
  const lines last{diary.end() - 3, diary.end()};
  CHECK(last == lines{"connect ends", "disconnect begins", "disconnect ends"});
}

TEST_CASE_METHOD(fixture, "an on_disconnect that throws is reported, and the connection is gone all the same") {
  const auto h = w.client.get_or_create<club>("c");
  auto conn = w.run(h.connect(login{"ann"}));
  throws_in = "disconnect ann among 0";
  conn.close();
  w.settle();
  REQUIRE(w.errors.size() == 1);
  CHECK_THAT(w.errors.front(), Catch::Contains("on_disconnect") && Catch::Contains("thrown"));
  CHECK(w.run(h.call<&club::names>()).empty());
}

TEST_CASE_METHOD(fixture, "connect waits until what the hooks have changed is durable") {
  const auto h = w.client.get_or_create<club>("c");
  w.run(h.call<&club::visited>());
  store.hold();
  const auto opened = w.start(h.connect("ann"));
  CHECK_FALSE(opened.done());
  store.let_go();
  w.settle();
  REQUIRE(opened.done());
  CHECK_FALSE(opened.failed());
}

TEST_CASE_METHOD(fixture, "a connection that is opened in a test waits with get, as calls do") {
  troupe::runtime threads{registry()};
  const auto conn = client_of(threads).get_or_create<open_house>("o").connect().get();
  CHECK(conn.call<&open_house::call>().get() == 1);
}
