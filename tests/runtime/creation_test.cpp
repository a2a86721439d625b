// SPDX-License-Identifier: Apache-2.0
// How actors come to be: once, with their input, whatever happens in between.

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

int created = 0;
std::chrono::seconds creation_takes{0};

struct account {
  std::string owner;
  int balance = 0;

  struct opening {
    std::string owner;
    int deposit = 0;
  };
  troupe::task<> on_create(troupe::context<account>&, opening input) {
    ++created;
    balance = -1;  // must not be seen if the rest does not happen
    if (creation_takes > 0s) {
      co_await troupe::delay(creation_takes);
    }
    owner = input.owner;
    balance = input.deposit;
  }
  std::string text() const { return owner + " " + std::to_string(balance); }
  int pay_in(int amount) { return balance += amount; }
  void rest(troupe::context<account>& c) { c.sleep(); }
  std::string tag(troupe::context<account>& c, std::string name) const { return c.tags().at(name); }

  using actor = troupe::actor<account, &account::text, &account::pay_in, &account::rest, &account::tag>;
};

struct fixture {
  fixture() {
    created = 0;
    creation_takes = 0s;
  }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<account>("account");
    return r;
  }
  account::opening ann{"ann", 10};
  gated_store store;
  world w{registry(), store};
};

}  // namespace

TEST_CASE_METHOD(fixture, "on_create gets the input of the call that creates, once") {
  const auto a = w.client.get_or_create<account>("a", ann);
  CHECK(w.run(a.call<&account::text>()) == "ann 10");
  const account::opening other{"bob", 99};
  CHECK(w.run(w.client.get_or_create<account>("a", other).call<&account::text>()) == "ann 10");
  w.run(a.call<&account::rest>());
  w.settle();
  CHECK(w.run(a.call<&account::text>()) == "ann 10");
  CHECK(created == 1);
}

TEST_CASE_METHOD(fixture, "an input that is missing is actor.missing_input, and nothing was created") {
  const auto a = w.client.get_or_create<account>("a");
  CHECK(w.code(a.call<&account::text>()) == "actor.missing_input");
  CHECK(w.run(w.client.list<account>()).empty());
  CHECK(w.run(w.client.get_or_create<account>("a", ann).call<&account::text>()) == "ann 10");
}

TEST_CASE_METHOD(fixture, "of many who create at once one succeeds; the others hear the id that exists") {
  creation_takes = 1s;
  std::vector<outcome<troupe::handle<account>>> all;
  for (int i = 0; i < 5; ++i) all.push_back(w.start(w.client.create<account>("a", ann)));
  w.pass(2s);
  CHECK(created == 1);
  int made = 0;
  for (const auto& each : all) {
    REQUIRE(each.done());
    if (!each.failed()) {
      ++made;
      continue;
    }
    CHECK(each.code() == "actor.duplicate_key");
    const auto id = w.run(w.client.get<account>("a").resolve());
    CHECK_THAT(each.text(), Catch::Contains(id.str()));
  }
  CHECK(made == 1);
}

TEST_CASE_METHOD(fixture, "a process that dies in on_create: it runs again, with its input, and no half state is seen") {
  creation_takes = 3s;
  const auto a = w.client.get_or_create<account>("a", ann, troupe::tags{{"colour", "red"}});
  const auto call = w.start(a.call<&account::text>());
  w.pass(1s);
  CHECK_FALSE(call.done());
  REQUIRE(store.durable().size() == 1);
  const auto id = store.durable().begin()->first;
  CHECK_FALSE(store.durable().begin()->second.initialised);
  {
    world again{registry(), store.after_crash()};
    creation_takes = 0s;
    const auto same = again.client.get<account>("a");
    CHECK(again.run(same.call<&account::text>()) == "ann 10");
    CHECK(again.run(same.resolve()) == id);
    CHECK(again.run(same.call<&account::tag>(std::string{"colour"})) == "red");
    CHECK(created == 2);
  }
  w.pass(3s);
  CHECK(call.value() == "ann 10");
}

TEST_CASE_METHOD(fixture, "the input is dropped from the store once on_create has returned") {
  creation_takes = 1s;
  const auto call = w.start(w.client.create<account>("a", ann));
  CHECK(store.durable().begin()->second.input.has_value());
  w.pass(2s);
  REQUIRE(call.done());
  CHECK_FALSE(store.durable().begin()->second.input.has_value());
}

TEST_CASE_METHOD(fixture, "create answers when the actor is durable") {
  store.hold();
  const auto call = w.start(w.client.create<account>("a", ann));
  CHECK_FALSE(call.done());
  CHECK(created == 1);
  store.let_go();
  w.settle();
  CHECK(call.done());
}
