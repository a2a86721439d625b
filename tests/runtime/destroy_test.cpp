// SPDX-License-Identifier: Apache-2.0
// c.destroy(): everything the actor had is gone, its key is free, and nobody waits in vain.

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

std::vector<std::string> diary;

struct guest;

/// Calls a guest that is being destroyed.
struct friend_of_guest {
  troupe::task<std::string> visit(troupe::context<friend_of_guest>& c, std::string key);
  using actor = troupe::actor<friend_of_guest, &friend_of_guest::visit>;
};

struct guest {
  int count = 0;
  bool slow_end = false;
  bool asks_friend = false;

  troupe::task<> on_destroy(troupe::context<guest>& c) {
    diary.push_back("destroy " + std::to_string(count));
    if (slow_end) {
      co_await troupe::delay(5s);
    }
    if (asks_friend) {
      const auto f = c.client().get_or_create<friend_of_guest>("f");
      const auto code = co_await f.call<&friend_of_guest::visit>("g");
      diary.push_back("friend got " + code);
    }
  }
  void on_sleep(troupe::context<guest>& c) {
    diary.emplace_back("sleep");
    if (count == 77) c.destroy();
  }

  int increment() { return ++count; }
  int get() const { return count; }
  std::string end(troupe::context<guest>& c) {
    c.destroy();
    return "bye";
  }
  std::string end_twice(troupe::context<guest>& c) {
    c.destroy();
    return code_when([&] { c.destroy(); });
  }
  std::string rest_and_end(troupe::context<guest>& c) {
    c.sleep();
    c.destroy();
    return "bye";
  }
  void rest(troupe::context<guest>& c) { c.sleep(); }
  void be_slow() { slow_end = true; }
  void ask_friend() { asks_friend = true; }
  void set(int n) { count = n; }

  using actor = troupe::actor<guest, &guest::increment, &guest::get, &guest::end, &guest::end_twice,
                              &guest::rest_and_end, &guest::rest, &guest::be_slow, &guest::ask_friend, &guest::set>;
};

troupe::task<std::string> friend_of_guest::visit(troupe::context<friend_of_guest>& c, std::string key) {
  const auto g = c.client().get<guest>(key);
  try {
    const int n = co_await g.call<&guest::get>();
    co_return std::to_string(n);
  } catch (const troupe::error& e) {
    co_return e.code();
  }
}

struct early {
  void on_create(troupe::context<early>& c) { c.destroy(); }
  int get() const { return 0; }
  using actor = troupe::actor<early, &early::get>;
};

struct fixture {
  fixture() { diary.clear(); }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<guest>("guest").use<friend_of_guest>("friend").use<early>("early");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<guest> g = w.client.get_or_create<guest>("g");
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(fixture, "the destroying call gets its reply; the key is free; the next actor has a new id and no past") {
  w.run(g.call<&guest::increment>());
  const auto id = w.run(g.resolve());
  CHECK(store.durable().size() == 1);
  CHECK(w.run(g.call<&guest::end>()) == "bye");
  w.settle();
  CHECK(diary == lines{"destroy 1"});
  CHECK(store.durable().empty());
  CHECK(w.code(w.client.get<guest>("g").call<&guest::get>()) == "actor.not_found");
  CHECK(w.code(w.client.get_for_id<guest>(id).call<&guest::get>()) == "actor.not_found");
  CHECK(w.run(g.call<&guest::get>()) == 0);
  CHECK(w.run(g.resolve()) != id);
  CHECK(w.code(w.client.get_for_id<guest>(id).call<&guest::get>()) == "actor.not_found");
}

TEST_CASE_METHOD(fixture, "a handle of an id never means the successor, however it was used before") {
  const auto mine = w.run(w.client.create<guest>("h"));
  CHECK(w.run(mine.call<&guest::increment>()) == 1);
  w.run(mine.call<&guest::end>());
  w.settle();
  const auto next = w.run(w.client.create<guest>("h"));
  CHECK(w.run(next.call<&guest::get>()) == 0);
  CHECK(w.code(mine.call<&guest::get>()) == "actor.not_found");
  CHECK(w.code(mine.call<&guest::increment>()) == "actor.not_found");
  CHECK(w.run(next.call<&guest::get>()) == 0);
}

TEST_CASE_METHOD(fixture, "a second destroy is refused with actor.destroying, destroy after sleep is not") {
  CHECK(w.run(g.call<&guest::end_twice>()) == "actor.destroying");
  w.settle();
  CHECK(w.run(g.call<&guest::rest_and_end>()) == "bye");
  w.settle();
  CHECK(store.durable().empty());
  w.run(g.call<&guest::set>(77));
  diary.clear();
  w.run(g.call<&guest::rest>());
  w.settle();
  CHECK(diary == lines{"sleep", "destroy 77"});
  CHECK(store.durable().empty());
}

TEST_CASE_METHOD(fixture, "destroy before the actor has started is refused with actor.starting") {
  CHECK(w.code(w.client.get_or_create<early>("e").call<&early::get>()) == "actor.starting");
}

TEST_CASE_METHOD(fixture, "calls from outside during the destroy wait for its end") {
  w.run(g.call<&guest::be_slow>());
  const auto id = w.run(g.resolve());
  w.run(g.call<&guest::end>());
  w.settle();
  CHECK(w.phase(g) == phase::stopping);
  const auto existing = w.client.get<guest>("g");
  const auto by_id = w.client.get_for_id<guest>(id);
  const auto first = w.start(existing.call<&guest::get>());
  const auto second = w.start(by_id.call<&guest::get>());
  const auto third = w.start(g.call<&guest::increment>());
  CHECK_FALSE(first.done());
  w.pass(6s);
  CHECK(first.code() == "actor.not_found");
  CHECK(second.code() == "actor.not_found");
  CHECK(third.value() == 1);
}

TEST_CASE_METHOD(fixture, "calls from actors during the destroy get actor.destroying") {
  w.run(g.call<&guest::be_slow>());
  w.run(g.call<&guest::end>());
  w.settle();
  const auto f = w.client.get_or_create<friend_of_guest>("f");
  CHECK(w.run(f.call<&friend_of_guest::visit>("g")) == "destroying");
  w.pass(6s);
  CHECK(w.run(f.call<&friend_of_guest::visit>("g")) == "not_found");
}

TEST_CASE_METHOD(fixture, "a call that on_destroy itself leads to is let in, so that a cycle cannot hang") {
  w.run(g.call<&guest::ask_friend>());
  w.run(g.call<&guest::end>());
  w.settle();
  CHECK(diary == lines{"destroy 0", "friend got 0"});
  CHECK(w.code(w.client.get<guest>("g").call<&guest::get>()) == "actor.not_found");
}

TEST_CASE_METHOD(fixture, "an actor that was created and destroyed before a commit leaves nothing in the store") {
  store.hold();
  const auto other = w.start(w.client.get_or_create<guest>("other").resolve());
  const auto call = w.start(g.call<&guest::end>());
  CHECK_FALSE(call.done());
  store.let_go();
  w.settle();
  CHECK(call.value() == "bye");
  CHECK(other.done());
  CHECK(store.durable().size() == 1);
  const auto next = w.start(g.call<&guest::get>());
  REQUIRE(next.done());
  CHECK(next.value() == 0);
}

TEST_CASE_METHOD(fixture, "the successor of an actor whose end is not durable yet") {
  w.run(g.call<&guest::increment>());
  store.hold();
  const auto end = w.start(g.call<&guest::end>());
  const auto next = w.start(g.call<&guest::get>());
  CHECK_FALSE(next.done());
  store.let_go();
  w.settle();
  CHECK(end.value() == "bye");
  CHECK(next.value() == 0);
  CHECK(store.durable().size() == 1);
}
