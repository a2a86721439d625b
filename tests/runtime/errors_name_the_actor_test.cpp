// SPDX-License-Identifier: Apache-2.0
// Errors name the actor, by type and key, the action, and the action that held the actor.

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/json.hpp>

#include "gated_store.hpp"
#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

struct vault {
  int total = 0;

  int add(int n) { return total += n; }
  void fail() { throw troupe::user_error{"failed", "as asked"}; }
  troupe::task<> fail_later() {
    co_await troupe::delay(1s);
    throw troupe::user_error{"failed", "later"};
  }
  troupe::task<int> transfer(int seconds) {
    co_await troupe::delay(seconds * 1s);
    co_return total;
  }
  troupe::task<int> wait(int seconds) {
    co_await troupe::delay(seconds * 1s);
    co_return total;
  }
  void leave(troupe::context<vault>& c) { c.destroy(); }
  troupe::task<> on_destroy(troupe::context<vault>&) { co_await troupe::delay(5s); }

  static constexpr troupe::options options{.action_timeout = 20s, .mailbox_calls_max = 2};
  using actor = troupe::actor<vault, &vault::add, &vault::fail, &vault::fail_later, troupe::exclusive<&vault::transfer>,
                              &vault::wait, &vault::leave>;
};

/// Takes long to wake, and cannot be made without an input.
struct sleeper {
  void on_create(troupe::context<sleeper>&, int) {}
  troupe::task<> on_wake(troupe::context<sleeper>&) { co_await troupe::delay(10s); }
  int get() const { return 1; }
  using actor = troupe::actor<sleeper, &sleeper::get>;
};

/// Posts to others.
struct poster {
  void post(troupe::context<poster>& c, std::string to) {
    c.client().get_or_create<vault>(to).post<&vault::fail>();
    c.client().get_or_create<vault>(to).post<&vault::fail_later>();
    c.client().get<vault>("nobody").post<&vault::add>(1);
  }
  using actor = troupe::actor<poster, &poster::post>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<vault>("vault").use<sleeper>("sleeper").use<poster>("poster");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<vault> v = w.client.get_or_create<vault>(troupe::key{"north", "7"});
};

using lines = std::vector<std::string>;

// One actor in four programs: the first writes a state that the others cannot read.
struct first_ledger {
  int pages = 0;
  int add() { return ++pages; }
  using actor = troupe::actor<first_ledger, &first_ledger::add>;
};
struct other_ledger {
  std::string pages;
  int get() const { return 0; }
  using actor = troupe::actor<other_ledger, &other_ledger::get>;
};
struct unmigrated_ledger {
  int pages = 0;
  int get() const { return pages; }
  static constexpr int version = 3;
  static void migrate(troupe::json& state, int) { state.at("lines") = 0; }
  using actor = troupe::actor<unmigrated_ledger, &unmigrated_ledger::get>;
};
struct misled_ledger {
  int pages = 0;
  int get() const { return pages; }
  static constexpr int version = 2;
  static void migrate(troupe::json& state, int) { state["pages"] = "many"; }
  using actor = troupe::actor<misled_ledger, &misled_ledger::get>;
};

// The same for the input of a creation that the end of the process interrupts.
struct first_form {
  int answered = 0;
  troupe::task<> on_create(troupe::context<first_form>&, int) { co_await troupe::delay(1s); }
  int get() const { return answered; }
  using actor = troupe::actor<first_form, &first_form::get>;
};
struct later_form {
  int answered = 0;
  void on_create(troupe::context<later_form>&, std::vector<std::string>) {}
  int get() const { return answered; }
  using actor = troupe::actor<later_form, &later_form::get>;
};

template <class A>
troupe::registry serving() {
  troupe::registry r;
  r.use<A>("ledger");
  return r;
}

/// The error of a call in a program that has another type for the actor.
template <class A>
std::exception_ptr failure_of_reading(const troupe::memory& memory) {
  world w{serving<A>(), memory};
  const auto l = w.client.get<A>("main");
  return failure_of([&] { static_cast<void>(w.run(l.template call<&A::get>())); });
}

/// Goes on by a second with each look, once it is in a hurry.
class hurried_clock final : public troupe::clock {
 public:
  [[nodiscard]] troupe::time_point now() const noexcept override {
    if (hurry) elapsed_ += 1s;
    return troupe::time_point{elapsed_};
  }
  [[nodiscard]] troupe::wall_time wall() const noexcept override { return troupe::wall_time{}; }
  bool hurry = false;

 private:
  mutable std::chrono::nanoseconds elapsed_{0};
};

std::string metadata_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const troupe::error& e) {
    return e.metadata();
  }
}

}  // namespace

TEST_CASE("state that cannot be read is an error of the stored state: actor, versions, step and cause") {
  const troupe::memory memory;
  {
    world w{serving<first_ledger>(), memory};
    w.run(w.client.get_or_create<first_ledger>("main").call<&first_ledger::add>());
  }
  SECTION("as the type says") {
    const auto failure = failure_of_reading<other_ledger>(memory);
    CHECK(code_of(failure) == "actor.unreadable_state");
    CHECK_THAT(text_of(failure), Catch::Contains("ledger/main") && Catch::Contains("stored as version 1") &&
                                     Catch::Contains("read as version 1") && Catch::Contains("decode") &&
                                     Catch::Contains("pages"));
    CHECK(metadata_of(failure) == R"({"actor":"ledger/main","stored_version":1,"version":1,"step":"decode"})");
  }
  SECTION("by its migrate, which throws") {
    const auto failure = failure_of_reading<unmigrated_ledger>(memory);
    CHECK(code_of(failure) == "actor.unreadable_state");
    CHECK_THAT(text_of(failure), Catch::Contains("ledger/main") && Catch::Contains("stored as version 1") &&
                                     Catch::Contains("read as version 3") && Catch::Contains("lines"));
    CHECK(metadata_of(failure) == R"({"actor":"ledger/main","stored_version":1,"version":3,"step":"migrate"})");
  }
  SECTION("as its migrate leaves it") {
    const auto failure = failure_of_reading<misled_ledger>(memory);
    CHECK(code_of(failure) == "actor.unreadable_state");
    CHECK(metadata_of(failure) == R"({"actor":"ledger/main","stored_version":1,"version":2,"step":"decode"})");
  }
  SECTION("with the cause nested in it") {
    const auto failure = failure_of_reading<unmigrated_ledger>(memory);
    bool json = false;
    try {
      std::rethrow_exception(failure);
    } catch (const troupe::error& e) {
      try {
        std::rethrow_if_nested(e);
      } catch (const troupe::json::exception&) {
        json = true;
      }
    }
    CHECK(json);
  }
}

TEST_CASE("a creation input that cannot be read is an error of what is stored, too") {
  gated_store store;
  world w{serving<first_form>(), store};
  const auto begun = w.start(w.client.get_or_create<first_form>("main", 7).call<&first_form::get>());
  REQUIRE(store.durable().size() == 1);
  world later{serving<later_form>(), store.after_crash()};
  const auto l = later.client.get<later_form>("main");
  const auto failure = failure_of([&] { static_cast<void>(later.run(l.call<&later_form::get>())); });
  CHECK(code_of(failure) == "actor.unreadable_state");
  CHECK_THAT(text_of(failure), Catch::Contains("ledger/main") && Catch::Contains("creation input"));
  w.pass(2s);
  CHECK(begun.value() == 0);
}

TEST_CASE_METHOD(fixture, "failures that have no caller are reported with the key") {
  v.post<&vault::fail>();
  v.post<&vault::fail_later>();
  w.client.get<vault>("nobody").post<&vault::add>(1);
  w.pass(2s);
  CHECK(w.errors == lines{"fail in vault/north/7: user.failed", "add in vault/nobody: actor.not_found",
                          "fail_later in vault/north/7: user.failed"});
  w.errors.clear();
  w.run(w.client.get_or_create<poster>("p").call<&poster::post>("a"));
  w.pass(2s);
  CHECK(w.errors == lines{"fail in vault/a: user.failed", "add in vault/nobody: actor.not_found",
                          "fail_later in vault/a: user.failed"});
}

TEST_CASE_METHOD(fixture, "a failed post to an id is reported with the key, or with the id if there is no such actor") {
  const auto id = w.run(v.resolve());
  w.client.get_for_id<vault>(id).post<&vault::fail>();
  w.settle();
  CHECK(w.errors == lines{"fail in vault/north/7: user.failed"});
  w.errors.clear();
  const auto nobody = troupe::actor_id::make(1, 2, 3);
  w.client.get_for_id<vault>(nobody).post<&vault::fail>();
  w.settle();
  CHECK(w.errors == lines{"fail in vault " + nobody.str() + ": actor.not_found"});
}

TEST_CASE_METHOD(fixture, "a time-out names the action and the actor") {
  const auto brief = v.with(troupe::timeout{2s});
  const auto late = w.start(brief.call<&vault::wait>(10));
  w.pass(3s);
  CHECK(late.code() == "actor.action_timed_out");
  CHECK_THAT(late.text(), Catch::Contains("wait in vault/north/7") && !Catch::Contains("held the actor"));
}

TEST_CASE_METHOD(fixture, "a time-out while an exclusive action holds the actor names that, by type and by name") {
  w.run(v.call<&vault::add>(1));
  const auto brief = v.with(troupe::timeout{2s});
  const auto holds = w.start(v.call<&vault::transfer>(10));
  const auto late = w.start(brief.call<&vault::add>(1));
  const auto by_name = w.start(brief.call("add", "[1]"));
  w.pass(3s);
  CHECK(late.code() == "actor.action_timed_out");
  CHECK_THAT(late.text(), Catch::Contains("add in vault/north/7, while transfer held the actor"));
  CHECK_THAT(by_name.text(), Catch::Contains("while transfer held the actor"));
  w.pass(10s);
  CHECK(holds.value() == 1);
}

TEST_CASE_METHOD(fixture, "one that had begun before names it too; one that goes on does not") {
  w.run(v.call<&vault::add>(1));
  const auto brief = v.with(troupe::timeout{5s});
  const auto begun = w.start(brief.call<&vault::wait>(2));  // its time is over while transfer holds the actor
  const auto goes_on = w.start(v.with(troupe::timeout{14s}).call<&vault::wait>(15));
  const auto waits = w.start(v.with(troupe::timeout{12s}).call<&vault::wait>(1));
  const auto holds = w.start(v.call<&vault::transfer>(10));
  w.pass(20s);
  CHECK_THAT(begun.text(), Catch::Contains("while transfer held the actor"));
  CHECK(goes_on.code() == "actor.action_timed_out");
  CHECK_THAT(goes_on.text(), !Catch::Contains("held the actor"));
  CHECK(waits.value() == 1);
  CHECK(holds.value() == 1);
}

TEST_CASE_METHOD(fixture, "a time-out while the actor wakes or ends says so") {
  const auto s = w.client.get_or_create<sleeper>("s", 1);
  const auto late = w.start(s.with(troupe::timeout{2s}).call<&sleeper::get>());
  w.pass(3s);
  CHECK_THAT(late.text(), Catch::Contains("get in sleeper/s, while its wake held the actor"));
  CHECK_THAT(text_of(failure_of([&] { w.run(w.client.get_or_create<sleeper>("t").call<&sleeper::get>()); })),
             Catch::Contains("sleeper/t"));
}

TEST_CASE_METHOD(fixture, "errors at the door name the actor") {
  w.run(v.call<&vault::add>(1));
  const auto holds = w.start(v.call<&vault::transfer>(10));
  const auto one = w.start(v.call<&vault::add>(1));
  const auto two = w.start(v.call<&vault::add>(1));
  const auto three = w.start(v.call<&vault::add>(1));
  CHECK(three.code() == "actor.overloaded");
  CHECK_THAT(three.text(), Catch::Contains("vault/north/7"));
  w.pass(11s);
  CHECK(one.done());
  CHECK(two.done());
  CHECK(holds.done());
}

TEST_CASE_METHOD(fixture, "when a commit is waited for in vain, the error names the actor") {
  w.run(v.call<&vault::add>(1));
  SECTION("as a time-out") {
    store.fail();
    const auto late = w.start(v.with(troupe::timeout{2s}).call<&vault::add>(1));
    w.pass(3s);
    CHECK(late.code() == "store.unavailable");
    CHECK_THAT(late.text(), Catch::Contains("vault/north/7"));
    store.heal();
    w.pass(10s);
  }
  SECTION("of a store that has failed for good") {
    store.lose_track();
    const auto lost = w.start(v.call<&vault::add>(1));
    CHECK(lost.code() == "store.unavailable");
    CHECK_THAT(lost.text(), Catch::Contains("vault/north/7") && Catch::Contains("failed for good"));
    const auto health = w.runtime.health();
    CHECK_FALSE(health.store_ok);
    CHECK_FALSE(health.store_error.empty());
  }
}

TEST_CASE("health gives a reason whenever something is wrong: of a store that a shutdown gave up, too") {
  gated_store store;
  const auto clock = std::make_shared<hurried_clock>();
  troupe::runtime_options options;
  options.store = store;
  options.executor =
      std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
  std::string lost;
  options.logger = [&](troupe::log_level level, std::string_view line) {
    if (level != troupe::log_level::error) return;
    lost = line;
    store.let_go();  // too late
  };
  troupe::runtime runtime{fixture::registry(), options};
  const auto a = client_of(runtime).get_or_create<vault>("a");
  CHECK(a.call<&vault::add>(1).get() == 1);
  CHECK(runtime.health().store_error.empty());
  store.hold();
  a.post<&vault::add>(1);
  clock->hurry = true;
  runtime.shutdown();
  const auto health = runtime.health();
  CHECK_FALSE(health.store_ok);
  CHECK_FALSE(health.accepts_changes);
  CHECK_THAT(health.store_error, Catch::Contains("shut down"));
  CHECK_THAT(lost, Catch::Contains("vault/a"));
}

TEST_CASE_METHOD(fixture, "calls that come after the end of a runtime, or of a connection's actor, say whose") {
  auto visit = w.run(v.connect());
  std::string why;
  const auto end = visit.on_close([&](const std::exception_ptr& reason) { why = text_of(reason); });
  SECTION("destroyed") {
    w.run(v.call<&vault::leave>());
    w.pass(6s);
    CHECK_THAT(why, Catch::Contains("actor.destroying") && Catch::Contains("vault/north/7"));
  }
  SECTION("shut down") {
    w.runtime.shutdown();
    w.settle();
    CHECK_THAT(why, Catch::Contains("runtime.stopped") && Catch::Contains("vault/north/7"));
  }
  SECTION("closed") {
    visit.close();
    const auto failure = failure_of([&] { w.run(visit.call<&vault::add>(1)); });
    CHECK(code_of(failure) == "connection.closed");
    CHECK_THAT(text_of(failure), Catch::Contains("vault/north/7"));
  }
}

TEST_CASE("an actor type that is not registered is named") {
  world w{serving<first_ledger>()};
  const auto failure = failure_of([&] { static_cast<void>(w.client.get<vault>("a")); });
  CHECK(code_of(failure) == "actor.not_registered");
  CHECK_THAT(text_of(failure), Catch::Contains("vault"));
}
