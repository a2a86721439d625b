// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include <troupe/client/untyped.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/json.hpp>
#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"
#include "runtime/gated_store.hpp"

using namespace std::chrono_literals;
using troupe::context;

namespace {

int wakes = 0;

struct account {
  int balance = 0;
  std::string owner = "nobody";
  troupe::transient<int> looks = 0;

  void on_wake(context<account>&) { ++wakes; }
  int deposit(int amount) { return balance += amount; }
  troupe::task<> deposit_slowly(int amount) {
    balance += amount;
    co_await troupe::delay(10s);
    balance += amount;
  }
  void look() { ++*looks; }
  void end(context<account>& c) { c.destroy(); }
  using actor = troupe::actor<account, &account::deposit, troupe::exclusive<&account::deposit_slowly>, &account::look,
                              &account::end>;
};

/// As an earlier program had it, and as this one does.
struct old_shape {
  int cents = 0;
  void set(int to) { cents = to; }
  using actor = troupe::actor<old_shape, &old_shape::set>;
};
struct new_shape {
  double euros = 0;
  static constexpr int version = 2;
  static void migrate(troupe::json& state, int) { state = {{"euros", state.at("cents").get<int>() / 100.0}}; }
  double get() const { return euros; }
  using actor = troupe::actor<new_shape, &new_shape::get>;
};

struct passing {
  int count = 0;
  int increment() { return ++count; }
  static constexpr troupe::options options{.durability = troupe::durability::ephemeral};
  using actor = troupe::actor<passing, &passing::increment>;
};

/// Reads accounts, also one that it has just changed.
struct auditor {
  troupe::task<int> deposit_and_read(context<auditor>& c, std::string key) {
    auto a = c.client().get_or_create<account>(key);
    auto depositing = a.call<&account::deposit>(5);
    co_await depositing;
    auto reading = c.client().read(a);
    const auto found = co_await std::move(reading);
    co_return found ? found->balance : -1;
  }
  using actor = troupe::actor<auditor, &auditor::deposit_and_read>;
};

/// Its creation takes time, and may fail.
struct slow_start {
  int count = 1;
  troupe::task<> on_create(context<slow_start>&, bool fails) {
    co_await troupe::delay(2s);
    if (fails) throw troupe::user_error{"no", "not today"};
    count = 2;
  }
  int get() const { return count; }
  using actor = troupe::actor<slow_start, &slow_start::get>;
};

struct slow_wake {
  int count = 0;
  troupe::task<> on_wake(context<slow_wake>&) {
    if (count != 0) {
      co_await troupe::delay(2s);
    }
  }
  int increment() { return ++count; }
  using actor = troupe::actor<slow_wake, &slow_wake::increment>;
};

troupe::registry served() {
  troupe::registry r;
  r.use<account>("account").use<passing>("passing").use<auditor>("auditor").use<slow_start>("slow").use<slow_wake>("slowWake");
  return r;
}

struct world {
  explicit world(troupe::runtime_options options = {}) : runtime{served(), std::move(options)} { wakes = 0; }
  template <class A>
  std::optional<A> read(const troupe::handle<A>& of) {
    return runtime->run(client.read(of));
  }
  manual_runtime runtime;
  const troupe::client client = client_of(*runtime);
};

}  // namespace

TEST_CASE("the state of an actor that is awake is read without a turn", "[client]") {
  world w;
  auto a = w.client.get_or_create<account>("a");
  a.call<&account::deposit>(7).get();
  a.call<&account::look>().get();
  const auto found = w.read(a);
  REQUIRE(found);
  CHECK(found->balance == 7);
  CHECK(found->owner == "nobody");
  CHECK(*found->looks == 0);  // transient: not part of the state
  CHECK(w.runtime->run(a.status()).running.empty());
}

TEST_CASE("the state of an actor that is asleep is read without waking it", "[client]") {
  world w;
  auto a = w.client.get_or_create<account>("a");
  a.call<&account::deposit>(7).get();
  w.runtime.advance(60s);
  const int before = wakes;
  REQUIRE(w.runtime->run(a.status()).state == troupe::actor_status::phase::asleep);
  CHECK(w.read(a)->balance == 7);
  CHECK(w.runtime->run(a.status()).state == troupe::actor_status::phase::asleep);
  CHECK(wakes == before);
  CHECK(w.read(w.client.get_for_id<account>(w.runtime->run(a.resolve())))->balance == 7);
}

TEST_CASE("an actor that is read falls asleep all the same", "[client]") {
  world w;
  auto a = w.client.get_or_create<account>("a");
  a.call<&account::deposit>(1).get();
  for (int i = 0; i < 12; ++i) {
    w.runtime.advance(5s);
    CHECK(w.read(a)->balance == 1);
  }
  CHECK(w.runtime->run(a.status()).state == troupe::actor_status::phase::asleep);
}

TEST_CASE("reading finds and creates nothing where there is nothing", "[client]") {
  world w;
  CHECK_FALSE(w.read(w.client.get<account>("none")));
  CHECK_FALSE(w.read(w.client.get_or_create<account>("none")));
  CHECK_FALSE(w.read(w.client.get_for_id<account>(troupe::actor_id{})));
  CHECK(w.runtime->run(w.client.list<account>()).empty());
  CHECK_FALSE(w.read(w.client.get<passing>("none")));
  auto p = w.client.get_or_create<passing>("p");
  p.call<&passing::increment>().get();
  CHECK(w.read(p)->count == 1);
  auto a = w.client.get_or_create<account>("a");
  a.call<&account::deposit>(1).get();
  a.call<&account::end>().get();
  w.runtime.settle();
  CHECK_FALSE(w.read(a));
}

TEST_CASE("an exclusive action that waits keeps no reader out", "[client]") {
  world w;
  auto a = w.client.get_or_create<account>("a");
  w.runtime->spawn([](troupe::handle<account> to) -> troupe::task<> {
    auto depositing = to.call<&account::deposit_slowly>(3);
    co_await depositing;
  }(a));
  w.runtime.settle();
  CHECK(w.read(a)->balance == 3);
  w.runtime.advance(11s);
  CHECK(w.read(a)->balance == 6);
}

TEST_CASE("an actor reads what it has changed in another, durable or not", "[client]") {
  world w;
  CHECK(w.client.get_or_create<auditor>("x").call<&auditor::deposit_and_read>("a").get() == 5);
}

TEST_CASE("an actor whose on_create has not run to its end has no state", "[client]") {
  world w;
  auto made = w.client.get_or_create<slow_start>("a", false);
  w.runtime->spawn([](troupe::handle<slow_start> of) -> troupe::task<> {
    auto asking = of.call<&slow_start::get>();
    co_await asking;
  }(made));
  w.runtime.settle();
  CHECK_FALSE(w.read(made));
  w.runtime.advance(11s);
  CHECK(w.read(made)->count == 2);
}

TEST_CASE("by name the state is CBOR, a map of its members", "[client]") {
  world w;
  w.client.get_or_create<account>("a").call<&account::deposit>(7).get();
  const auto awake = w.runtime->run(w.client.read(w.client.open("account", "a")));
  REQUIRE(awake);
  CHECK(troupe::to_json(*awake) == R"({"balance":7,"owner":"nobody"})");
  w.runtime.advance(60s);
  CHECK(w.runtime->run(w.client.read(w.client.open("account", "a"))) == awake);
  CHECK_FALSE(w.runtime->run(w.client.read(w.client.open("account", "b"))));
}

TEST_CASE("what an older program has stored is read in its present shape", "[client]") {
  const troupe::memory stored;
  {
    troupe::registry before;
    before.use<old_shape>("price");
    manual_runtime old{before, {.store = stored}};
    old->client().get_or_create<old_shape>("a").call<&old_shape::set>(250).get();
  }
  troupe::registry now;
  now.use<new_shape>("price");
  manual_runtime runtime{now, {.store = stored}};
  const auto client = client_of(*runtime);
  CHECK(runtime->run(client.read(client.get<new_shape>("a")))->euros == 2.5);
  CHECK(runtime->run(client.get<new_shape>("a").status()).state == troupe::actor_status::phase::asleep);
}

TEST_CASE("what was read is durable when a reader outside has it", "[client]") {
  behaviour::gated_store store;
  world w{{.store = store}};
  auto a = w.client.get_or_create<account>("a");
  a.call<&account::deposit>(1).get();
  store.hold();
  a.post<&account::deposit>(1);
  w.runtime.settle();
  auto outcome = std::make_shared<std::optional<int>>();
  w.runtime->spawn([](troupe::client by, troupe::handle<account> of,
                      std::shared_ptr<std::optional<int>> out) -> troupe::task<> {
    auto reading = by.read(of);
    const auto found = co_await std::move(reading);
    out->emplace(found->balance);
  }(w.client, a, outcome));
  w.runtime.settle();
  CHECK_FALSE(*outcome);
  store.let_go();
  w.runtime.settle();
  CHECK(*outcome == 2);
}

TEST_CASE("the handle of an id reads no successor, and tells nothing of its status", "[client]") {
  world w;
  auto first = w.runtime->run(w.client.create<account>("a"));
  first.call<&account::end>().get();
  w.runtime.settle();
  auto next = w.client.get_or_create<account>("a");
  w.runtime->spawn([](troupe::handle<account> to) -> troupe::task<> {
    auto depositing = to.call<&account::deposit_slowly>(3);
    co_await depositing;
  }(next));
  w.runtime.settle();
  CHECK_FALSE(w.read(first));
  CHECK(w.read(next)->balance == 3);
  CHECK(code_of([&] { static_cast<void>(w.runtime->run(first.status())); }) == "actor.not_found");
  w.runtime.advance(11s);
}

TEST_CASE("an actor that wakes is read as the store has it", "[client]") {
  world w;
  auto made = w.client.get_or_create<slow_wake>("a");
  made.call<&slow_wake::increment>().get();
  w.runtime.advance(60s);
  w.runtime->spawn([](troupe::handle<slow_wake> of) -> troupe::task<> {
    auto waking = of.call<&slow_wake::increment>();
    co_await waking;
  }(made));
  w.runtime.settle();
  CHECK(w.read(made)->count == 1);
  w.runtime.advance(3s);
  CHECK(w.read(made)->count == 2);
}
