// SPDX-License-Identifier: Apache-2.0
// What has been answered is on disk; what need not wait does not; what did not change is not written.

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

struct ledger {
  int total = 0;
  std::string padding;

  int add(int n) { return total += n; }
  int get() const { return total; }
  void pad(int bytes) { padding.assign(static_cast<std::size_t>(bytes), 'x'); }
  std::size_t padded() const { return padding.size(); }
  void touch() {}
  void rest(troupe::context<ledger>& c) { c.sleep(); }
  troupe::task<int> add_and_save(troupe::context<ledger>& c, int n) {
    total += n;
    co_await c.save();
    co_return total;
  }

  using actor = troupe::actor<ledger, &ledger::add, &ledger::get, &ledger::pad, &ledger::padded, &ledger::touch,
                              &ledger::rest, &ledger::add_and_save>;
};

struct teller {
  int seen = 0;
  troupe::task<int> pay(troupe::context<teller>& c, std::string key, int n) {
    const auto l = c.client().get_or_create<ledger>(key);
    const int total = co_await l.call<&ledger::add>(n);
    co_return total;
  }
  troupe::task<int> look(troupe::context<teller>& c, std::string key) const {
    const auto l = c.client().get_or_create<ledger>(key);
    const int total = co_await l.call<&ledger::get>();
    co_return total;
  }
  troupe::task<> note(troupe::context<teller>& c, std::string key) {
    const auto l = c.client().get_or_create<ledger>(key);
    seen = co_await l.call<&ledger::get>();
  }
  int last() const { return seen; }
  using actor = troupe::actor<teller, &teller::pay, &teller::look, &teller::note, &teller::last>;
};

struct sketch {
  int strokes = 0;
  int draw() { return ++strokes; }
  int get() const { return strokes; }
  void rest(troupe::context<sketch>& c) { c.sleep(); }
  troupe::task<int> draw_and_save(troupe::context<sketch>& c) {
    ++strokes;
    co_await c.save();
    co_return strokes;
  }
  static constexpr troupe::options options{.durability = troupe::durability::relaxed, .save_interval = 2s};
  using actor = troupe::actor<sketch, &sketch::draw, &sketch::get, &sketch::rest, &sketch::draw_and_save>;
};

struct watched_sketch {
  int strokes = 0;
  troupe::transient<int> changes;
  void on_state_change(troupe::context<watched_sketch>&) const { ++changed; }
  int draw() { return ++strokes; }
  int get() const { return strokes; }
  void touch() {}
  static inline int changed = 0;
  static constexpr troupe::options options{.durability = troupe::durability::relaxed, .save_interval = 2s};
  using actor = troupe::actor<watched_sketch, &watched_sketch::draw, &watched_sketch::get, &watched_sketch::touch>;
};

struct mirage {
  int count = 0;
  int increment() { return ++count; }
  int get() const { return count; }
  void rest(troupe::context<mirage>& c) { c.sleep(); }
  troupe::task<int> save(troupe::context<mirage>& c) {
    co_await c.save();
    co_return ++count;
  }
  static constexpr troupe::options options{.durability = troupe::durability::ephemeral};
  using actor = troupe::actor<mirage, &mirage::increment, &mirage::get, &mirage::rest, &mirage::save>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<ledger>("ledger").use<teller>("teller").use<sketch>("sketch").use<mirage>("mirage");
    r.use<watched_sketch>("watchedSketch");
    return r;
  }
  fixture() { w.run(l.call<&ledger::add>(1)); }
  gated_store store;
  world w{registry(), store};
  troupe::handle<ledger> l = w.client.get_or_create<ledger>("l");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a committed reply waits for its commit") {
  store.hold();
  const auto call = w.start(l.call<&ledger::add>(1));
  CHECK_FALSE(call.done());
  CHECK(w.run(l.status()).unsaved);
  store.let_go();
  w.settle();
  REQUIRE(call.done());
  CHECK(call.value() == 2);
  CHECK_FALSE(w.run(l.status()).unsaved);
}

TEST_CASE_METHOD(fixture, "a read of a quiet actor waits for nothing, a read of uncommitted state waits") {
  const auto m = w.client.get_or_create<ledger>("m");
  w.run(m.call<&ledger::add>(5));
  store.hold();
  const auto write = w.start(l.call<&ledger::add>(1));
  const auto quiet = w.start(m.call<&ledger::get>());
  CHECK(quiet.done());
  const auto read = w.start(l.call<&ledger::get>());
  CHECK_FALSE(read.done());
  store.let_go();
  w.settle();
  CHECK(write.value() == 2);
  REQUIRE(read.done());
  CHECK(read.value() == 2);
}

TEST_CASE_METHOD(fixture, "calls between actors do not wait; the reply to the outside waits for all that it saw") {
  const auto t = w.client.get_or_create<teller>("t");
  CHECK(w.run(t.call<&teller::pay>(std::string{"l"}, 1)) == 2);
  store.hold();
  const auto held = w.start(w.client.get_or_create<ledger>("other").call<&ledger::add>(1));
  const auto first = w.start(t.call<&teller::pay>(std::string{"l"}, 1));
  const auto second = w.start(t.call<&teller::pay>(std::string{"l"}, 1));
  CHECK(w.run(t.status()).running.empty());  // both have run to their end inside
  const auto look = w.start(t.call<&teller::look>(std::string{"l"}));
  CHECK_FALSE(first.done());
  CHECK_FALSE(second.done());
  CHECK_FALSE(look.done());
  store.let_go();
  w.settle();
  CHECK(first.value() == 3);
  CHECK(second.value() == 4);
  CHECK(look.value() == 4);
}

TEST_CASE_METHOD(fixture, "what an actor has learned from another's uncommitted state is not shown either") {
  const auto t = w.client.get_or_create<teller>("t");
  w.run(t.call<&teller::note>(std::string{"l"}));
  store.hold();
  const auto write = w.start(l.call<&ledger::add>(1));
  const auto note = w.start(t.call<&teller::note>(std::string{"l"}));
  const auto last = w.start(t.call<&teller::last>());
  CHECK_FALSE(note.done());
  CHECK_FALSE(last.done());
  store.let_one_go();
  w.settle();
  CHECK(write.done());
  store.let_go();
  w.settle();
  CHECK(last.value() == 2);
}

TEST_CASE_METHOD(fixture, "commits are grouped: what arrives during one goes with the next, actors once each") {
  store.hold();
  const auto first = w.start(l.call<&ledger::add>(1));
  const auto commits = store.commits();
  const auto sets = store.write_sets();
  std::vector<outcome<int>> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(w.start(l.call<&ledger::add>(1)));
  store.let_go();
  w.settle();
  CHECK(first.done());
  for (const auto& each : calls) CHECK(each.done());
  CHECK(store.commits() == commits + 2);
  CHECK(store.write_sets() == sets + 2);
}

TEST_CASE_METHOD(fixture, "a small state that did not change is not written again") {
  const auto sets = store.write_sets();
  for (int i = 0; i < 10; ++i) w.run(l.call<&ledger::touch>());
  w.run(l.call<&ledger::add>(0));
  CHECK(store.write_sets() == sets);
  w.run(l.call<&ledger::rest>());
  w.settle();
  CHECK(store.write_sets() == sets);
  CHECK(w.run(l.call<&ledger::get>()) == 1);
  CHECK(store.write_sets() == sets);
}

TEST_CASE_METHOD(fixture, "waking and sleeping does not write a large state that did not change") {
  w.run(l.call<&ledger::pad>(100'000));
  const auto sets = store.write_sets();
  w.pass(40s);
  REQUIRE(w.phase(l) == phase::asleep);
  CHECK(w.run(l.call<&ledger::padded>()) == 100'000);
  w.pass(40s);
  REQUIRE(w.phase(l) == phase::asleep);
  CHECK(store.write_sets() == sets);
}

TEST_CASE_METHOD(fixture, "c.save() continues when everything is durable") {
  store.hold();
  const auto call = w.start(l.call<&ledger::add_and_save>(1));
  CHECK_FALSE(call.done());
  CHECK(w.reason(l) == "awake: add_and_save not ended");
  store.let_go();
  w.settle();
  CHECK(call.value() == 2);
}

TEST_CASE_METHOD(fixture, "large states are durable too when they are answered for, and the backlog ends empty") {
  for (const int bytes : {100, 5000, 100'000, 3000, 4097, 10, 200'000, 0}) {
    w.run(l.call<&ledger::pad>(bytes));
    world again{registry(), store.after_crash()};
    CHECK(again.run(again.client.get<ledger>("l").call<&ledger::padded>()) == static_cast<std::size_t>(bytes));
  }
  store.hold();
  const auto other = w.start(w.client.get_or_create<ledger>("other").call<&ledger::add>(1));
  std::vector<outcome<std::monostate>> calls;
  for (const int bytes : {3000, 5000, 100'000, 3000, 10, 6000, 200'000, 1}) {
    calls.push_back(w.start(l.call<&ledger::pad>(bytes)));
  }
  store.let_go();
  w.settle();
  for (const auto& each : calls) CHECK(each.done());
  CHECK(other.done());
  CHECK(w.runtime.health().backlog_bytes == 0);
  CHECK(w.runtime.health().backlog_actors == 0);
}

TEST_CASE_METHOD(fixture, "relaxed: the reply comes at once, the state is saved within save_interval") {
  const auto s = w.client.get_or_create<sketch>("s");
  w.run(s.call<&sketch::draw>());
  w.pass(3s);
  store.hold();
  CHECK(w.run(s.call<&sketch::draw>()) == 2);
  CHECK(w.run(s.call<&sketch::draw>()) == 3);
  CHECK(w.run(s.status()).unsaved);
  w.pass(2s - 1ms);
  CHECK_FALSE(store.is_holding_one());
  w.pass(5ms);
  CHECK(store.is_holding_one());
  CHECK(w.run(s.call<&sketch::draw>()) == 4);
  store.let_go();
  w.pass(3s);
  CHECK_FALSE(w.run(s.status()).unsaved);
  world again{registry(), store.after_crash()};
  CHECK(again.run(again.client.get<sketch>("s").call<&sketch::get>()) == 4);
}

TEST_CASE_METHOD(fixture, "relaxed: a crash loses what was not saved yet, and no more") {
  const auto s = w.client.get_or_create<sketch>("s");
  w.run(s.call<&sketch::draw>());
  w.pass(3s);
  CHECK(w.run(s.call<&sketch::draw>()) == 2);
  world again{registry(), store.after_crash()};
  CHECK(again.run(again.client.get<sketch>("s").call<&sketch::get>()) == 1);
}

TEST_CASE_METHOD(fixture, "relaxed: sleep and c.save() save at once") {
  const auto s = w.client.get_or_create<sketch>("s");
  w.run(s.call<&sketch::draw>());
  CHECK(w.run(s.call<&sketch::draw_and_save>()) == 2);
  world one{registry(), store.after_crash()};
  CHECK(one.run(one.client.get<sketch>("s").call<&sketch::get>()) == 2);
  w.run(s.call<&sketch::draw>());
  w.run(s.call<&sketch::rest>());
  w.settle();
  world two{registry(), store.after_crash()};
  CHECK(two.run(two.client.get<sketch>("s").call<&sketch::get>()) == 3);
  CHECK(w.run(s.call<&sketch::draw>()) == 4);
  w.pass(3s);
  CHECK_FALSE(w.run(s.status()).unsaved);
}

TEST_CASE_METHOD(fixture, "relaxed: on_state_change still runs once per turn that changed the state") {
  watched_sketch::changed = 0;
  const auto s = w.client.get_or_create<watched_sketch>("s");
  w.run(s.call<&watched_sketch::get>());
  CHECK(watched_sketch::changed == 0);
  w.run(s.call<&watched_sketch::draw>());
  w.run(s.call<&watched_sketch::draw>());
  w.run(s.call<&watched_sketch::touch>());
  w.run(s.call<&watched_sketch::get>());
  CHECK(watched_sketch::changed == 2);
  w.pass(3s);
  CHECK(watched_sketch::changed == 2);
}

TEST_CASE_METHOD(fixture, "ephemeral: never stored, and gone when it sleeps") {
  const auto attempts = store.attempts();
  const auto m = w.client.get_or_create<mirage>("m");
  CHECK(w.run(m.call<&mirage::increment>()) == 1);
  CHECK(w.run(m.call<&mirage::save>()) == 2);
  CHECK(w.run(w.client.list<mirage>()).empty());
  const auto id = w.run(m.resolve());
  w.run(m.call<&mirage::rest>());
  w.settle();
  CHECK(w.run(m.call<&mirage::get>()) == 0);
  CHECK(w.run(m.resolve()) != id);
  CHECK(store.attempts() == attempts);
  CHECK(w.code(w.client.get_for_id<mirage>(id).call<&mirage::get>()) == "actor.not_found");
}
