// SPDX-License-Identifier: Apache-2.0
// keep_awake and wait_until: tasks of an actor that outlive the action that began them.

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

bool wake_throws = false;
bool create_throws = false;
std::vector<std::string> heard;
std::weak_ptr<int> alive;

struct worker {
  int done = 0;
  int pending = 0;

  troupe::task<> toil(int seconds) {
    co_await troupe::delay(seconds * 1s);
    ++done;
  }
  troupe::task<> fail() {
    co_await troupe::delay(1s);
    throw troupe::user_error("tired", "I give up");
  }
  void on_create(troupe::context<worker>& c) {
    if (!create_throws) return;
    c.keep_awake(toil(1));
    throw troupe::user_error("thrown", "in on_create");
  }
  void on_wake(troupe::context<worker>& c) {
    if (!wake_throws) return;
    c.keep_awake(toil(1));
    throw troupe::user_error("thrown", "in on_wake");
  }
  void keep(troupe::context<worker>& c, int seconds) { c.keep_awake(toil(seconds)); }
  void wait(troupe::context<worker>& c, int seconds) { c.wait_until(toil(seconds)); }
  void keep_failing(troupe::context<worker>& c) { c.keep_awake(fail()); }
  void keep_lambda(troupe::context<worker>& c, std::string what) {
    auto counted = std::make_shared<int>(7);
    alive = counted;
    c.keep_awake([&c, this, what = std::move(what), counted = std::move(counted)]() -> troupe::task<> {
      for (int i = 0; i < 3; ++i) {
        co_await c.delay(1s);
        heard.push_back(what + std::to_string(*counted + i));
      }
      ++done;
    });
  }
  void wait_lambda(troupe::context<worker>& c, std::string what) {
    c.wait_until([this, what = std::move(what)]() mutable -> troupe::task<> {
      co_await troupe::delay(1s);
      what += "!";
      heard.push_back(what);
      ++done;
    });
  }
  void keep_function(troupe::context<worker>& c) {
    const int seconds = 2;
    c.keep_awake([&] { return toil(seconds); });  // called at once, so it may look at a local variable
  }
  std::string keep_nothing(troupe::context<worker>& c) {
    return code_when([&] { c.keep_awake(troupe::task<>{}); }) + " " +
           code_when([&] { c.wait_until(troupe::task<>{}); }) + " " +
           code_when([&] { c.keep_awake([] { return troupe::task<>{}; }); });
  }
  void rest(troupe::context<worker>& c) { c.sleep(); }
  int get() const { return done; }
  int add() { return ++done; }

  static constexpr troupe::options options{.sleep_after = 4s, .sleep_grace_period = 15s};
  using actor = troupe::actor<worker, &worker::keep, &worker::wait, &worker::keep_failing, &worker::keep_lambda,
                              &worker::wait_lambda, &worker::keep_function, &worker::keep_nothing, &worker::rest,
                              &worker::get, &worker::add>;
};

struct fixture {
  fixture() {
    wake_throws = create_throws = false;
    heard.clear();
  }
  ~fixture() { wake_throws = create_throws = false; }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<worker>("worker");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<worker> a = w.client.get_or_create<worker>("a");
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(fixture, "keep_awake keeps an idle actor from sleeping until its task has ended") {
  w.run(a.call<&worker::keep>(30));
  w.pass(29s);
  CHECK(w.phase(a) == phase::awake);
  CHECK(w.reason(a) == "awake: keep_awake not ended");
  w.pass(7s);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.run(a.call<&worker::get>()) == 1);
}

TEST_CASE_METHOD(fixture, "wait_until does not: the actor goes to sleep, and has the grace period to end it") {
  w.run(a.call<&worker::wait>(10));
  w.pass(6s);
  CHECK(w.phase(a) == phase::stopping);
  CHECK(w.reason(a) == "stopping: waits for wait_until to end");
  w.pass(5s);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.run(a.call<&worker::get>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "at the end of the grace period what a background task awaits is aborted") {
  w.run(a.call<&worker::keep>(60));
  w.run(a.call<&worker::wait>(60));
  w.run(a.call<&worker::rest>());
  w.pass(15s + 2ms);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.errors.size() == 2);
  for (const auto& e : w.errors) CHECK_THAT(e, Catch::Contains("actor.aborted"));
  CHECK(w.run(a.call<&worker::get>()) == 0);
}

TEST_CASE_METHOD(fixture, "what a background task throws goes to the error handler, and the actor lives on") {
  w.run(a.call<&worker::keep_failing>());
  w.pass(2s);
  REQUIRE(w.errors.size() == 1);
  CHECK_THAT(w.errors.front(), Catch::Contains("keep_awake") && Catch::Contains("user.tired"));
  CHECK(w.run(a.call<&worker::add>()) == 1);
}

TEST_CASE_METHOD(fixture, "a lambda given in place of a task is kept, with its captures, until its task ends") {
  w.run(a.call<&worker::keep_lambda>("a text that is too long to be stored in place "));
  w.pass(2s + 2ms);
  CHECK(heard.size() == 2);
  CHECK_FALSE(alive.expired());
  w.pass(1s);
  CHECK(heard == lines{"a text that is too long to be stored in place 7",
                       "a text that is too long to be stored in place 8",
                       "a text that is too long to be stored in place 9"});
  CHECK(alive.expired());
  w.run(a.call<&worker::wait_lambda>("another text that is too long for that"));
  w.run(a.call<&worker::rest>());
  w.pass(2s);
  CHECK(heard.back() == "another text that is too long for that!");
  CHECK(w.run(a.call<&worker::get>()) == 2);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a function object that returns the task is called in the turn, and goes with its actor") {
  w.run(a.call<&worker::keep_function>());
  w.pass(3s);
  CHECK(w.run(a.call<&worker::get>()) == 1);
  w.run(a.call<&worker::keep_lambda>("x"));
  w.run(a.call<&worker::rest>());
  w.pass(1s);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(alive.expired());
}

TEST_CASE_METHOD(fixture, "an empty task in the background is refused") {
  CHECK(w.run(a.call<&worker::keep_nothing>()) ==
        "actor.invalid_operation actor.invalid_operation actor.invalid_operation");
  w.pass(10s);
  CHECK(w.phase(a) == phase::asleep);
}

TEST_CASE_METHOD(fixture, "a task of the host may be given as the lambda that makes it") {
  std::vector<std::string> said;
  {
    const std::string text = "a text that is too long to be stored in place";
    w.runtime.spawn([&said, text]() -> troupe::task<> {
      co_await troupe::delay(1s);
      said.push_back(text);
    });
  }
  w.pass(2s);
  CHECK(said == lines{"a text that is too long to be stored in place"});
  CHECK(code_when([&] { w.runtime.spawn([] { return troupe::task<>{}; }); }) == "actor.invalid_operation");
}

TEST_CASE_METHOD(fixture, "what a background task changes is durable before the actor sleeps") {
  w.run(a.call<&worker::keep>(2));
  w.run(a.call<&worker::rest>());
  store.hold();
  w.pass(3s);
  CHECK(w.phase(a) == phase::finalising);
  store.let_go();
  w.settle();
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.run(a.call<&worker::get>()) == 1);
}

TEST_CASE_METHOD(fixture, "a background task of a wake that failed never runs, and wakes nobody") {
  w.run(a.call<&worker::add>());
  w.run(a.call<&worker::rest>());
  w.settle();
  wake_throws = true;
  const auto first = w.start(a.call<&worker::get>());
  CHECK(first.code() == "user.thrown");
  CHECK(w.phase(a) == phase::asleep);
  wake_throws = false;
  CHECK(w.run(a.call<&worker::get>()) == 1);
  w.pass(2s);
  CHECK(w.run(a.call<&worker::get>()) == 1);
}

TEST_CASE_METHOD(fixture, "a background task of a creation that failed never runs, and creates nobody") {
  create_throws = true;
  const auto first = w.start(a.call<&worker::get>());
  CHECK(first.code() == "user.thrown");
  w.pass(2s);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(store.durable().empty());
}
