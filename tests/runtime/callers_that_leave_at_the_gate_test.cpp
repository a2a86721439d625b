// SPDX-License-Identifier: Apache-2.0
// A caller that gives up while its call has run and only the commit is missing is told that the outcome is open, however
// it gives up: a caller that took it for a call that never ran would try again, and have its effect twice.

#include <stop_token>
#include <thread>

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

struct account {
  static constexpr troupe::queue<"orders", int> orders{};

  int balance = 0;

  int plain() { return ++balance; }
  troupe::task<int> coroutine() { co_return ++balance; }
  troupe::task<int> late() {
    co_await troupe::delay(1s);
    co_return ++balance;
  }
  troupe::task<int> alone() { co_return ++balance; }
  int value() const { return balance; }

  using actor = troupe::actor<account, orders, &account::plain, &account::coroutine, &account::late,
                              troupe::exclusive<&account::alone>, &account::value>;
};

troupe::registry registry() {
  troupe::registry r;
  r.use<account>("account");
  return r;
}

struct fixture {
  gated_store store;
  world w{registry(), store};
  troupe::handle<account> a = w.client.get_or_create<account>("a");
  std::stop_source source;
  troupe::handle<account> stoppable = a.with(source.get_token());

  fixture() {
    w.run(a.call<&account::plain>());
    store.hold();
  }
  ~fixture() {
    store.let_go();
    w.settle();
  }

  /// Gives up the call, which waits for its commit, and checks that its effect stays.
  template <class T>
  void give_up(const outcome<T>& call) {
    w.pass(2s);
    REQUIRE_FALSE(call.done());
    source.request_stop();
    w.settle();
    REQUIRE(call.done());
    CHECK(call.code() == "store.unavailable");
    store.let_go();
    w.settle();
    CHECK(w.run(a.call<&account::value>()) == 2);
  }
};

}  // namespace

TEST_CASE_METHOD(fixture, "a stop token at the gate leaves the outcome open: plain") {
  give_up(w.start(stoppable.call<&account::plain>()));
}
TEST_CASE_METHOD(fixture, "a stop token at the gate leaves the outcome open: coroutine") {
  give_up(w.start(stoppable.call<&account::coroutine>()));
}
TEST_CASE_METHOD(fixture, "a stop token at the gate leaves the outcome open: a coroutine of several turns") {
  give_up(w.start(stoppable.call<&account::late>()));
}
TEST_CASE_METHOD(fixture, "a stop token at the gate leaves the outcome open: exclusive") {
  give_up(w.start(stoppable.call<&account::alone>()));
}
TEST_CASE_METHOD(fixture, "a stop token at the gate leaves the outcome open: by name") {
  give_up(w.start(stoppable.call("plain", "[]")));
}

TEST_CASE_METHOD(fixture, "a stop token at the gate leaves the outcome open: a message") {
  const auto sent = w.start(stoppable.send(account::orders, 1));
  source.request_stop();
  w.settle();
  CHECK(sent.code() == "store.unavailable");
}

TEST_CASE_METHOD(fixture, "a stop token at the gate leaves the outcome open: a call that created its actor") {
  const auto fresh = w.client.get_or_create<account>("fresh").with(source.get_token());
  const auto call = w.start(fresh.call<&account::plain>());
  source.request_stop();
  w.settle();
  CHECK(call.code() == "store.unavailable");
}

TEST_CASE_METHOD(fixture, "a coroutine that is cancelled at the gate is told that the outcome is open") {
  std::string heard;
  const auto loser = [](troupe::handle<account> to, std::string* code) -> troupe::task<int> {
    try {
      co_await to.call<&account::plain>();
    } catch (const troupe::error& e) {
      *code = e.group() + "." + e.code();
    }
    co_return 0;
  };
  const auto race = w.start(troupe::when_any(troupe::delay(1s), loser(a, &heard)));
  w.pass(2s);
  CHECK(race.done());
  CHECK(heard == "store.unavailable");
  store.let_go();
  w.settle();
  CHECK(w.run(a.call<&account::value>()) == 2);
}

TEST_CASE("a plain thread that is stopped at the gate is told that the outcome is open") {
  gated_store store;
  troupe::runtime_options options;
  options.store = store;
  options.threads = 2;
  troupe::runtime runtime{registry(), options};
  const auto a = client_of(runtime).get_or_create<account>("a");
  a.call<&account::plain>().get();
  store.hold();
  std::stop_source source;
  std::string heard;
  std::thread caller{[&] { heard = code_when([&] { a.with(source.get_token()).call<&account::plain>().get(); }); }};
  while (!store.is_holding_one()) std::this_thread::yield();
  source.request_stop();
  caller.join();
  CHECK(heard == "store.unavailable");
  store.let_go();
  CHECK(a.call<&account::value>().get() == 2);
}
