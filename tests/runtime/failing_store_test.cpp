// SPDX-License-Identifier: Apache-2.0
// A store that fails: nothing is lost or promised, callers hear that the outcome is open, and success opens the gates.

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;

/// Cannot be stored while it is 13.
struct superstitious {
  int value = 0;
};

template <>
struct troupe::codec<superstitious> {
  static void write(troupe::cbor_writer& out, const superstitious& s) {
    if (s.value == 13) throw troupe::user_error("thirteen", "will not be written");
    troupe::write(out, s.value);
  }
  static void read(troupe::cbor_reader& in, superstitious& s) { troupe::read(in, s.value); }
};

namespace {

struct shelf {
  int total = 0;
  std::string contents;
  superstitious number;

  int add(int n) { return total += n; }
  int get() const { return total; }
  void fill(int bytes) { contents.assign(static_cast<std::size_t>(bytes), 'x'); }
  int set_number(int n) { return number.value = n; }
  int get_number() const { return number.value; }
  void rest(troupe::context<shelf>& c) { c.sleep(); }
  troupe::task<std::string> save(troupe::context<shelf>& c) {
    ++total;
    try {
      co_await c.save();
    } catch (const troupe::error& e) {
      co_return e.code();
    }
    co_return "saved";
  }
  void tell(troupe::context<shelf>& c, int n) {
    number.value = n;
    c.client().get_or_create<shelf>("told").post<&shelf::add>(1);
  }

  static constexpr troupe::options options{.action_timeout = 20s};
  using actor = troupe::actor<shelf, &shelf::add, &shelf::get, &shelf::fill, &shelf::set_number, &shelf::get_number,
                              &shelf::rest, &shelf::save, &shelf::tell>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<shelf>("shelf");
    return r;
  }
  troupe::runtime_options options() {
    troupe::runtime_options o;
    o.store = store;
    o.backlog_bytes_max = 100'000;
    o.commit_retry_min = 10ms;
    o.commit_retry_max = 5s;
    return o;
  }
  fixture() { w.run(s.call<&shelf::add>(1)); }
  ~fixture() {
    store.heal();
    store.let_go();
    w.pass(10s);
  }
  gated_store store;
  world w{registry(), options()};
  troupe::handle<shelf> s = w.client.get_or_create<shelf>("s");
};

}  // namespace

TEST_CASE_METHOD(fixture, "failed commits are tried again, ever less often, and lose nothing") {
  store.fail();
  const auto attempts = store.attempts();
  const auto call = w.start(s.call<&shelf::add>(1));
  CHECK(store.attempts() == attempts + 1);
  w.pass(12ms);
  CHECK(store.attempts() == attempts + 2);
  w.pass(20ms);
  CHECK(store.attempts() == attempts + 3);
  w.pass(10s);
  const auto later = store.attempts();
  CHECK(later >= attempts + 9);  // 10 ms doubled to 5 s
  CHECK(later <= attempts + 12);
  CHECK_FALSE(call.done());
  const auto other = w.start(w.client.get_or_create<shelf>("other").call<&shelf::add>(7));
  store.heal();
  w.pass(5s + 2ms);
  REQUIRE(call.done());
  CHECK(call.value() == 2);
  CHECK(other.value() == 7);
  world again{registry(), store.after_crash()};
  CHECK(again.run(again.client.get<shelf>("s").call<&shelf::get>()) == 2);
  CHECK(again.run(again.client.get<shelf>("other").call<&shelf::get>()) == 7);
}

TEST_CASE_METHOD(fixture, "health shows a store that fails, and its recovery") {
  CHECK(w.runtime.health().store_ok);
  store.fail();
  const auto call = w.start(s.call<&shelf::add>(1));
  w.pass(100ms);
  const auto sick = w.runtime.health();
  CHECK_FALSE(sick.store_ok);
  CHECK_THAT(sick.store_error, Catch::Contains("store.full") && Catch::Contains("as the test wants it"));
  CHECK(sick.failures >= 3);
  CHECK(sick.accepts_changes);
  CHECK(sick.backlog_actors == 1);
  CHECK(sick.backlog_bytes > 0);
  CHECK(w.errors.size() == sick.failures);
  CHECK(w.errors.front() == "commit: store.full");
  store.heal();
  w.pass(5s);
  const auto well = w.runtime.health();
  CHECK(well.store_ok);
  CHECK(well.store_error.empty());
  CHECK(well.failures == 0);
  CHECK(well.backlog_actors == 0);
  CHECK(well.backlog_bytes == 0);
  CHECK(call.done());
}

TEST_CASE_METHOD(fixture, "a caller whose time-out passes at the gate is told that the outcome is open") {
  store.fail();
  const auto patient = s.with(troupe::timeout{troupe::never});
  const auto hasty = s.with(troupe::timeout{2s});
  const auto by_default = w.start(s.call<&shelf::add>(1));
  const auto short_call = w.start(hasty.call<&shelf::add>(1));
  const auto long_call = w.start(patient.call<&shelf::add>(1));
  const auto short_read = w.start(hasty.call<&shelf::get>());
  w.pass(2s + 2ms);
  CHECK(short_call.code() == "store.unavailable");
  CHECK_THAT(short_call.text(), Catch::Contains("whether it will be saved is open"));
  CHECK(short_read.code() == "store.unavailable");
  CHECK_FALSE(by_default.done());
  w.pass(18s);
  CHECK(by_default.code() == "store.unavailable");
  CHECK_FALSE(long_call.done());
  store.heal();
  w.pass(6s);
  CHECK(long_call.value() == 4);  // all three happened
}

TEST_CASE_METHOD(fixture, "when the backlog is full, changes are refused at the door and reads are not") {
  const auto quiet = w.client.get_or_create<shelf>("quiet");
  w.run(quiet.call<&shelf::add>(3));
  const auto big = w.client.get_or_create<shelf>("big");
  w.run(big.call<&shelf::add>(1));
  store.fail();
  const auto filling = w.start(big.call<&shelf::fill>(200'000));
  w.pass(100ms);
  const auto more = w.start(w.client.get_or_create<shelf>("bigger").call<&shelf::fill>(200'000));
  w.pass(1s);
  REQUIRE_FALSE(w.runtime.health().accepts_changes);
  CHECK(w.code(quiet.call<&shelf::add>(1)) == "store.refuses_changes");
  const auto refused = failure_of([&] { w.run(quiet.call<&shelf::add>(1)); });
  CHECK_THAT(text_of(refused), Catch::Contains("nothing was done"));
  CHECK(w.run(quiet.call<&shelf::get>()) == 3);
  CHECK(w.code(w.client.create<shelf>("new")) == "store.refuses_changes");
  store.heal();
  w.pass(10s);
  CHECK(w.runtime.health().accepts_changes);
  CHECK(w.run(quiet.call<&shelf::add>(1)) == 4);
  CHECK(filling.done());
  CHECK(more.done());
}

TEST_CASE_METHOD(fixture, "c.save() ends with its actor's grace period, not with the store") {
  store.fail();
  const auto patient = s.with(troupe::timeout{troupe::never});
  const auto call = w.start(patient.call<&shelf::save>());
  const auto rest = w.start(s.call<&shelf::rest>());
  w.pass(16s);
  REQUIRE_FALSE(call.done());  // its reply still waits for the commit
  CHECK(w.phase(s) == phase::finalising);
  store.heal();
  w.pass(6s);
  REQUIRE(call.done());
  CHECK(call.value() == "aborted");
  CHECK(rest.done());
  CHECK(w.run(s.call<&shelf::get>()) == 2);
}

TEST_CASE_METHOD(fixture, "a store that cannot tell whether it committed stops the runtime: nothing is promised any more") {
  const auto quiet = w.client.get_or_create<shelf>("quiet");
  w.run(quiet.call<&shelf::add>(3));
  store.lose_track();
  const auto call = w.start(s.call<&shelf::add>(1));
  REQUIRE(call.done());
  CHECK(call.code() == "store.unavailable");
  const auto health = w.runtime.health();
  CHECK_FALSE(health.store_ok);
  CHECK_FALSE(health.accepts_changes);
  CHECK_THAT(w.errors.back(), Catch::Contains("the outcome is unknown"));
  const auto attempts = store.attempts();
  store.heal();
  w.pass(10s);
  CHECK(w.code(quiet.call<&shelf::add>(1)) == "store.refuses_changes");
  CHECK(w.code(w.client.create<shelf>("new")) == "store.refuses_changes");
  CHECK(w.code(s.call<&shelf::get>()) == "store.unavailable");
  CHECK(w.run(quiet.call<&shelf::get>()) == 3);
  CHECK(store.attempts() == attempts);
  w.pass(60s);
  CHECK(w.phase(quiet) == phase::asleep);
  w.runtime.shutdown();
}

TEST_CASE_METHOD(fixture, "after the runtime has stopped for good its health can be asked, whoever has left meanwhile") {
  store.hold();
  std::vector<outcome<int>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(w.start(w.client.get_or_create<shelf>(std::to_string(i)).call<&shelf::add>(1)));
  }
  store.lose_track();
  store.let_go();
  w.settle();
  for (const auto& each : calls) CHECK(each.code() == "store.unavailable");
  w.pass(60s);  // all go to sleep
  CHECK(w.runtime.health().awake == 0);
  CHECK(w.runtime.health().held == 1);
  CHECK_FALSE(w.runtime.health().store_ok);
}

TEST_CASE_METHOD(fixture, "a state that cannot be encoded: the caller hears why, others go on, later changes are stored") {
  CHECK(w.code(s.call<&shelf::set_number>(13)) == "user.thirteen");
  CHECK(w.run(w.client.get_or_create<shelf>("other").call<&shelf::add>(1)) == 1);
  CHECK(w.runtime.health().store_ok);
  CHECK(w.run(s.call<&shelf::set_number>(14)) == 14);
  world again{registry(), store.after_crash()};
  CHECK(again.run(again.client.get<shelf>("s").call<&shelf::get_number>()) == 14);
}

TEST_CASE_METHOD(fixture, "a turn whose state cannot be stored sends nothing either") {
  CHECK(w.code(s.call<&shelf::tell>(13)) == "user.thirteen");
  w.settle();
  CHECK(w.code(w.client.get<shelf>("told").call<&shelf::get>()) == "actor.not_found");
  w.run(s.call<&shelf::tell>(12));
  w.settle();
  CHECK(w.run(w.client.get<shelf>("told").call<&shelf::get>()) == 1);
}

TEST_CASE_METHOD(fixture, "a large state that cannot be encoded is never written in part") {
  w.run(s.call<&shelf::fill>(50'000));
  const auto before = store.durable();
  const auto call = w.start(s.call<&shelf::set_number>(13));
  w.pass(1s);
  REQUIRE(call.done());
  CHECK(call.failed());
  CHECK(store.durable().begin()->second.state == before.begin()->second.state);
}
