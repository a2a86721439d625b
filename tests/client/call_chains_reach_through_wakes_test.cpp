// SPDX-License-Identifier: Apache-2.0
// An exclusive action keeps others out, but not what it waits for: also when that is an actor that has to wake first, or
// to fall asleep, or to handle a message.

#include <catch2/catch.hpp>

#include "runtime/world.hpp"

using namespace behaviour;

namespace {

/// Calls back, whatever it is asked to do.
struct other_end {
  struct setup {
    std::string home;
  };
  static constexpr troupe::queue<"letters", int, int> letters{};

  std::string home;
  std::string second_home;
  bool calls_on_create = false;
  bool calls_on_wake = false;
  bool calls_on_sleep = false;
  bool gives_up = false;
  int answers = 0;

  troupe::task<> call_home(troupe::context<other_end>& c, std::string where);
  troupe::task<> call_home_in_vain(troupe::context<other_end>& c);

  troupe::task<> on_create(troupe::context<other_end>& c, setup input) {
    home = input.home;
    auto call = call_home(c, home);
    co_await std::move(call);
  }
  troupe::task<> on_wake(troupe::context<other_end>& c) {
    if (gives_up) {
      auto in_vain = call_home_in_vain(c);
      co_await std::move(in_vain);
    }
    if (!calls_on_wake) co_return;
    co_await troupe::delay(1s);
    auto call = call_home(c, home);
    co_await std::move(call);
    if (second_home.empty()) co_return;
    auto another = call_home(c, second_home);
    co_await std::move(another);
  }
  troupe::task<> on_sleep(troupe::context<other_end>& c) {
    if (!calls_on_sleep) co_return;
    co_await troupe::delay(1s);
    auto call = call_home(c, home);
    co_await std::move(call);
  }
  troupe::task<> run(troupe::context<other_end>& c) {
    auto all = c.queue().messages(letters);
    while (true) {
      auto next = co_await all.next();
      if (!next) break;
      auto call = call_home(c, home);
      co_await std::move(call);
      next->complete(++answers);
    }
  }

  void lives_at(std::string where, std::string also) {
    home = std::move(where);
    second_home = std::move(also);
    calls_on_wake = true;
  }
  void parts_with_a_call(std::string where) {
    home = std::move(where);
    calls_on_sleep = true;
  }
  void calls_in_vain(std::string where) {
    home = std::move(where);
    gives_up = true;
  }
  int answer() { return ++answers; }
  void rest(troupe::context<other_end>& c) { c.sleep(); }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<other_end, letters, &other_end::lives_at, &other_end::parts_with_a_call,
                              &other_end::calls_in_vain, &other_end::answer, &other_end::rest>;
};

struct home_actor {
  int called = 0;
  int strangers = 0;
  bool inside = false;

  void note() { ++called; }
  void pass_by() { strangers += inside ? 1 : 0; }
  troupe::task<> stay(troupe::context<home_actor>&) {
    co_await troupe::delay(1s);
    pass_by();
  }
  int count() const { return called; }
  int disturbed() const { return strangers; }

  troupe::task<int> ask(troupe::context<home_actor>& c, std::string key) {
    inside = true;
    auto to = c.client().get<other_end>(key);
    const int answer = co_await to.call<&other_end::answer>();
    inside = false;
    co_return answer;
  }
  troupe::task<int> ask_and_stay(troupe::context<home_actor>& c, std::string key) {
    inside = true;
    auto to = c.client().get<other_end>(key);
    const int answer = co_await to.call<&other_end::answer>();
    co_await troupe::delay(10s);
    inside = false;
    co_return answer;
  }
  troupe::task<int> make(troupe::context<home_actor>& c, std::string key) {
    const other_end::setup input{c.key().canonical()};
    auto to = c.client().get_or_create<other_end>(key, input);
    const int answer = co_await to.call<&other_end::answer>();
    co_return answer;
  }
  troupe::task<int> write(troupe::context<home_actor>& c, std::string key) {
    inside = true;
    auto to = c.client().get<other_end>(key);
    const int letter = 1;
    auto answer = co_await to.send_and_wait(other_end::letters, letter);
    inside = false;
    co_return answer.value_or(0);
  }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<home_actor, &home_actor::note, &home_actor::pass_by, &home_actor::count,
                              &home_actor::disturbed, &home_actor::stay, troupe::exclusive<&home_actor::ask>,
                              troupe::exclusive<&home_actor::ask_and_stay>, troupe::exclusive<&home_actor::make>, troupe::exclusive<&home_actor::write>>;
};

troupe::task<> other_end::call_home(troupe::context<other_end>& c, std::string where) {
  auto to = c.client().get_or_create<home_actor>(where);
  co_await to.call<&home_actor::note>();
}

troupe::task<> other_end::call_home_in_vain(troupe::context<other_end>& c) {
  auto to = c.client().get_or_create<home_actor>(home).with(troupe::timeout{100ms});
  try {
    co_await to.call<&home_actor::stay>();
  } catch (const troupe::error&) {
  }
}

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<other_end>("other_end").use<home_actor>("home");
    return r;
  }
  world w{registry()};
  troupe::handle<home_actor> a = w.client.get_or_create<home_actor>("a");
  troupe::handle<home_actor> b = w.client.get_or_create<home_actor>("b");
  troupe::handle<other_end> o = w.client.get_or_create<other_end>("o", other_end::setup{"elsewhere"});

  void put_down() {
    w.run(o.call<&other_end::rest>());
    w.settle();
    REQUIRE(w.phase(o) == phase::asleep);
  }
};

}  // namespace

TEST_CASE_METHOD(fixture, "an exclusive action may call an actor whose on_wake calls back") {
  w.run(o.call<&other_end::lives_at>("a", ""));
  put_down();
  const auto asked = w.start(a.call<&home_actor::ask>("o"));
  const auto stranger = w.start(a.call<&home_actor::pass_by>());
  w.pass(2s);
  REQUIRE(asked.done());
  CHECK(asked.code().empty());
  CHECK(asked.value() == 1);
  CHECK(stranger.done());
  CHECK(w.run(a.call<&home_actor::count>()) == 1);
  CHECK(w.run(a.call<&home_actor::disturbed>()) == 0);
}

TEST_CASE_METHOD(fixture, "a call of a wake that has ended is kept out by the exclusive action that waited for it") {
  w.run(o.call<&other_end::calls_in_vain>("a"));
  put_down();
  const auto asked = w.start(a.call<&home_actor::ask_and_stay>("o"));
  w.pass(2s);
  CHECK_FALSE(asked.done());
  w.pass(10s);
  REQUIRE(asked.done());
  CHECK(asked.value() == 1);
  CHECK(w.run(a.call<&home_actor::disturbed>()) == 0);
}

TEST_CASE_METHOD(fixture, "an exclusive action may call an actor whose on_create calls back") {
  const auto asked = w.start(a.call<&home_actor::make>("new"));
  w.pass(2s);
  REQUIRE(asked.done());
  CHECK(asked.code().empty());
  CHECK(w.run(a.call<&home_actor::count>()) == 1);
}

TEST_CASE_METHOD(fixture, "all calls that wait for a wake may be called back by it") {
  w.run(o.call<&other_end::lives_at>("a", "b"));
  put_down();
  const auto first = w.start(a.call<&home_actor::ask>("o"));
  const auto second = w.start(b.call<&home_actor::ask>("o"));
  w.pass(2s);
  CHECK(first.done());
  CHECK(second.done());
  CHECK(first.code().empty());
  CHECK(second.code().empty());
  CHECK(w.run(b.call<&home_actor::count>()) == 1);
}

TEST_CASE_METHOD(fixture, "an exclusive action may call an actor whose on_sleep, which is under way, calls back") {
  w.run(o.call<&other_end::parts_with_a_call>("a"));
  const auto resting = w.start(o.call<&other_end::rest>());
  const auto asked = w.start(a.call<&home_actor::ask>("o"));
  w.pass(2s);
  REQUIRE(asked.done());
  CHECK(asked.code().empty());
  CHECK(w.run(a.call<&home_actor::count>()) == 1);
}

TEST_CASE_METHOD(fixture, "a message that is waited for wakes an actor whose on_wake calls back") {
  w.run(o.call<&other_end::lives_at>("a", ""));
  put_down();
  const auto written = w.start(a.call<&home_actor::write>("o"));
  w.pass(2s);
  REQUIRE(written.done());
  CHECK(written.code().empty());
  CHECK(w.run(a.call<&home_actor::count>()) == 2);  // of the wake, and of the message
}

TEST_CASE_METHOD(fixture, "the consumer of a message that is waited for may call back, until it has answered") {
  w.run(o.call<&other_end::lives_at>("a", ""));
  const auto written = w.start(a.call<&home_actor::write>("o"));
  const auto stranger = w.start(a.call<&home_actor::pass_by>());
  REQUIRE(written.done());
  CHECK(written.code().empty());
  CHECK(written.value() == 1);
  CHECK(stranger.done());
  CHECK(w.run(a.call<&home_actor::disturbed>()) == 0);
  // The same consumer is a stranger again afterwards: it waits for an exclusive action that does not wait for it.
  const auto slow = w.client.get_or_create<other_end>("slow", other_end::setup{"elsewhere"});
  w.run(slow.call<&other_end::lives_at>("elsewhere", ""));
  w.run(slow.call<&other_end::rest>());
  w.settle();
  const auto busy = w.start(a.call<&home_actor::ask>("slow"));  // for a second
  const int letter = 2;
  const auto lone = w.start(o.send_and_wait(other_end::letters, letter));
  CHECK_FALSE(busy.done());
  CHECK_FALSE(lone.done());
  w.pass(2s);
  CHECK(busy.done());
  CHECK(lone.done());
}

namespace {

/// Exclusive actions within one another.
struct vault {
  std::vector<std::string> seen;

  void note(std::string what) { seen.push_back(std::move(what)); }
  std::vector<std::string> all() const { return seen; }
  troupe::task<> inner(std::int64_t seconds) {
    seen.push_back("inner begins");
    const std::chrono::seconds time{seconds};
    co_await troupe::delay(time);
    seen.push_back("inner ends");
  }
  troupe::task<> outer(troupe::context<vault>& c) {
    seen.push_back("outer begins");
    auto self = c.client().get<vault>(c.key());
    co_await self.call<&vault::inner>(1);
    co_await troupe::delay(1s);
    seen.push_back("outer ends");
  }
  /// Does not wish to wait for the end of the action that it calls.
  troupe::task<> hasty(troupe::context<vault>& c) {
    auto self = c.client().get<vault>(c.key()).with(troupe::timeout{1s});
    try {
      co_await self.call<&vault::inner>(3);
    } catch (const troupe::error&) {
      seen.push_back("hasty ends");
    }
  }

  using actor = troupe::actor<vault, &vault::note, &vault::all, troupe::exclusive<&vault::inner>,
                              troupe::exclusive<&vault::outer>, troupe::exclusive<&vault::hasty>>;
};

troupe::registry vaults() {
  troupe::registry r;
  r.use<vault>("vault");
  return r;
}

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an exclusive action keeps others out after an exclusive action within it has ended") {
  world w{vaults()};
  const auto v = w.client.get_or_create<vault>("v");
  const auto whole = w.start(v.call<&vault::outer>());
  const auto other = w.start(v.call<&vault::note>("stranger"));
  w.pass(3s);
  CHECK(whole.done());
  CHECK(other.done());
  CHECK(w.run(v.call<&vault::all>()) ==
        lines{"outer begins", "inner begins", "inner ends", "outer ends", "stranger"});
}

TEST_CASE("an exclusive action goes on only when one that it has called, and given up, has ended") {
  world w{vaults()};
  const auto v = w.client.get_or_create<vault>("v");
  const auto whole = w.start(v.call<&vault::hasty>());
  const auto other = w.start(v.call<&vault::note>("stranger"));
  w.pass(4s);
  CHECK(whole.done());
  CHECK(other.done());
  CHECK(w.run(v.call<&vault::all>()) == lines{"inner begins", "inner ends", "hasty ends", "stranger"});
}
