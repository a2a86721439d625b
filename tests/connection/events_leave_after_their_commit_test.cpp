// SPDX-License-Identifier: Apache-2.0
// An event leaves the actors when the change that caused it is durable, and never before; relaxed and ephemeral actors
// do not wait.

#include <catch2/catch.hpp>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

using numbers = std::vector<int>;

struct tally {
  static constexpr troupe::event<"changed", int> changed{};
  int n = 0;
  void on_connect(troupe::context<tally>&, troupe::peer<tally> p) { p.send(changed, ++n); }
  void add(troupe::context<tally>& c) { c.broadcast(changed, ++n); }
  void tell(troupe::context<tally>& c) const { c.broadcast(changed, n); }
  troupe::task<> add_in_two_turns(troupe::context<tally>& c) {
    c.broadcast(changed, ++n);
    co_await c.delay(1s);
    c.broadcast(changed, ++n);
  }
  void end(troupe::context<tally>& c) {
    c.broadcast(changed, ++n);
    c.connections().front().disconnect(troupe::user_error{"over", "at once"});
  }
  int get() const { return n; }
  using actor = troupe::actor<tally, &tally::add, &tally::tell, &tally::add_in_two_turns, &tally::end, &tally::get,
                              changed>;
};

struct relaxed_tally {
  static constexpr troupe::options options{.durability = troupe::durability::relaxed};
  static constexpr troupe::event<"changed", int> changed{};
  int n = 0;
  void add(troupe::context<relaxed_tally>& c) { c.broadcast(changed, ++n); }
  using actor = troupe::actor<relaxed_tally, &relaxed_tally::add, changed>;
};

struct ephemeral_tally {
  static constexpr troupe::options options{.durability = troupe::durability::ephemeral};
  static constexpr troupe::event<"changed", int> changed{};
  int n = 0;
  void add(troupe::context<ephemeral_tally>& c) { c.broadcast(changed, ++n); }
  using actor = troupe::actor<ephemeral_tally, &ephemeral_tally::add, changed>;
};

/// Its state cannot always be stored.
struct brittle {
  struct glass {
    int value = 0;
  };
  static constexpr troupe::event<"changed", int> changed{};
  int n = 0;
  void add(troupe::context<brittle>& c) { c.broadcast(changed, ++n); }
  void on_state_change(troupe::context<brittle>&) const {
    if (n == 2) throw troupe::user_error{"odd", "two is not wanted"};
  }
  using actor = troupe::actor<brittle, &brittle::add, changed>;
};

troupe::registry registry() {
  troupe::registry r;
  r.use<tally>("tally").use<relaxed_tally>("relaxed").use<ephemeral_tally>("ephemeral").use<brittle>("brittle");
  return r;
}

struct fixture {
  gated_store store;
  world w{registry(), store};
};

struct connected : fixture {
  troupe::handle<tally> h = w.client.get_or_create<tally>("t");
  troupe::connection<tally> conn = w.run(h.connect());
  numbers heard;
  std::vector<std::size_t> commits;  ///< there were when each was heard
  troupe::subscription s = conn.on(tally::changed, [this](int n) {
    heard.push_back(n);
    commits.push_back(store.commits());
  });
  connected() {
    w.settle();
    REQUIRE(std::exchange(heard, {}) == numbers{1});
  }
};

}  // namespace

TEST_CASE_METHOD(connected, "nothing is heard before the commit, and everything in order after it") {
  const auto before = store.commits();
  commits.clear();
  store.hold();
  std::vector<outcome<std::monostate>> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(w.start(h.call<&tally::add>()));
  w.pass(500ms);
  CHECK(heard.empty());
  CHECK_FALSE(calls.front().done());
  store.let_go();
  w.settle();
  CHECK(heard == numbers{2, 3, 4, 5, 6});
  for (const auto at : commits) CHECK(at > before);
  for (const auto& c : calls) CHECK(c.done());
}

TEST_CASE_METHOD(connected, "each event follows its own commit, not a later one") {
  store.hold();
  const auto first = w.start(h.call<&tally::add>());
  REQUIRE(store.is_holding_one());
  const auto second = w.start(h.call<&tally::add>());
  store.let_one_go();
  w.settle();
  CHECK(heard == numbers{2});
  CHECK(first.done());
  CHECK_FALSE(second.done());
  store.let_one_go();
  w.settle();
  CHECK(heard == numbers{2, 3});
}

TEST_CASE_METHOD(connected, "an event that changes nothing waits for what was changed before it") {
  store.hold();
  const auto change = w.start(h.call<&tally::add>());
  const auto look = w.start(h.call<&tally::tell>());
  CHECK(heard.empty());
  store.let_go();
  w.settle();
  CHECK(heard == numbers{2, 2});
}

TEST_CASE_METHOD(connected, "an event of an actor that has nothing to commit is heard at once") {
  store.hold();
  w.run(h.call<&tally::tell>());
  w.settle();
  CHECK(heard == numbers{1});
}

TEST_CASE_METHOD(connected, "the turns of one action have their commits, and so do their events") {
  const auto call = w.start(h.call<&tally::add_in_two_turns>());
  CHECK(heard == numbers{2});
  store.hold();
  w.pass(1s + 5ms);
  CHECK(heard == numbers{2});
  CHECK_FALSE(call.done());
  store.let_go();
  w.settle();
  CHECK(heard == numbers{2, 3});
}

TEST_CASE_METHOD(connected, "a commit that fails and is tried again lets the event out once") {
  store.fail();
  const auto call = w.start(h.call<&tally::add>());
  w.pass(3s);
  CHECK(heard.empty());
  store.heal();
  w.pass(1min);
  CHECK(heard == numbers{2});
}

TEST_CASE_METHOD(connected, "what the store lost track of is never heard") {
  store.lose_track();
  const auto call = w.start(h.call<&tally::add>());
  w.pass(10s);
  CHECK(heard.empty());
  CHECK(call.code() == "store.unavailable");
  store.heal();
  const auto later = w.start(h.call<&tally::add>());
  w.pass(1min);
  CHECK(heard.empty());
}

TEST_CASE_METHOD(connected, "events that wait are not heard by who listens only now") {
  store.hold();
  const auto call = w.start(h.call<&tally::add>());
  numbers late;
  const auto other = conn.on(tally::changed, [&](int n) { late.push_back(n); });
  const auto second = w.start(h.call<&tally::add>());
  store.let_go();
  w.settle();
  CHECK(heard == numbers{2, 3});
  CHECK(late == numbers{3});
}

TEST_CASE_METHOD(connected, "who lets go while an event waits does not hear it") {
  store.hold();
  const auto call = w.start(h.call<&tally::add>());
  s.reset();
  store.let_go();
  w.settle();
  CHECK(heard.empty());
}

TEST_CASE_METHOD(connected, "a connection that its client closes while an event waits does not hear it") {
  store.hold();
  const auto call = w.start(h.call<&tally::add>());
  conn.close();
  store.let_go();
  w.settle();
  CHECK(heard.empty());
}

TEST_CASE_METHOD(connected, "what was sent before a disconnect is heard before it, commit or not") {
  std::string end;
  const auto closed = conn.on_close([&](const std::exception_ptr& e) { end = code_of(e); });
  store.hold();
  const auto call = w.start(h.call<&tally::end>());
  w.pass(100ms);
  CHECK(heard.empty());
  store.let_go();
  w.settle();
  CHECK(heard == numbers{2});
  CHECK(end == "user.over");
}

TEST_CASE_METHOD(fixture, "relaxed actors do not wait for the store") {
  const auto h = w.client.get_or_create<relaxed_tally>("r");
  const auto conn = w.run(h.connect());
  numbers heard;
  const auto s = conn.on(relaxed_tally::changed, [&](int n) { heard.push_back(n); });
  w.run(h.call<&relaxed_tally::add>());
  store.hold();
  w.run(h.call<&relaxed_tally::add>());
  w.settle();
  CHECK(heard == numbers{1, 2});
  w.pass(2s);
  w.run(h.call<&relaxed_tally::add>());
  w.settle();
  CHECK(heard == numbers{1, 2, 3});
  store.let_go();
}

TEST_CASE_METHOD(fixture, "ephemeral actors do not even have one") {
  store.hold();
  const auto h = w.client.get_or_create<ephemeral_tally>("e");
  const auto conn = w.run(h.connect());
  numbers heard;
  const auto s = conn.on(ephemeral_tally::changed, [&](int n) { heard.push_back(n); });
  w.run(h.call<&ephemeral_tally::add>());
  w.settle();
  CHECK(heard == numbers{1});
}

TEST_CASE_METHOD(fixture, "an action that fails keeps its changes, and so its events") {
  const auto h = w.client.get_or_create<brittle>("b");
  const auto conn = w.run(h.connect());
  numbers heard;
  const auto s = conn.on(brittle::changed, [&](int n) { heard.push_back(n); });
  w.run(h.call<&brittle::add>());
  CHECK(w.code(h.call<&brittle::add>()) == "user.odd");
  w.run(h.call<&brittle::add>());
  w.settle();
  CHECK(heard == numbers{1, 2, 3});
}
