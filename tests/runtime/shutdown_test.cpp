// SPDX-License-Identifier: Apache-2.0
// The end of a runtime: everything is saved, nothing hangs, and nobody is left with a dangling promise.

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

std::atomic<int> sleeps{0};  // on threads too

struct clerk {
  int count = 0;
  void on_sleep(troupe::context<clerk>&) { ++sleeps; }
  int increment() { return ++count; }
  int get() const { return count; }
  void keep(troupe::context<clerk>& c) { c.keep_awake(one_more()); }
  troupe::task<> one_more() {
    co_await troupe::delay(1s);
    ++count;
  }
  using actor = troupe::actor<clerk, &clerk::increment, &clerk::get, &clerk::keep>;
};

struct scribble {
  int strokes = 0;
  int draw() { return ++strokes; }
  int get() const { return strokes; }
  static constexpr troupe::options options{.durability = troupe::durability::relaxed};
  using actor = troupe::actor<scribble, &scribble::draw, &scribble::get>;
};

struct fixture {
  fixture() { sleeps = 0; }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<clerk>("clerk").use<scribble>("scribble");
    return r;
  }
  gated_store store;
  world w{registry(), store};
};

troupe::task<> fail() {
  co_await troupe::delay(1ms);
  throw troupe::user_error("lost", "nobody waits for me");
}

}  // namespace

TEST_CASE_METHOD(fixture, "shutdown puts every actor to sleep and saves what is left, also of relaxed actors") {
  const auto c = w.client.get_or_create<clerk>("c");
  const auto s = w.client.get_or_create<scribble>("s");
  w.run(c.call<&clerk::increment>());
  w.run(s.call<&scribble::draw>());
  w.run(s.call<&scribble::draw>());
  w.runtime.shutdown();
  CHECK(sleeps == 1);
  CHECK(w.runtime.health().awake == 0);
  world again{registry(), store.after_crash()};
  CHECK(again.run(again.client.get<clerk>("c").call<&clerk::get>()) == 1);
  CHECK(again.run(again.client.get<scribble>("s").call<&scribble::get>()) == 2);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "calls after shutdown fail with runtime.stopped, through new and old handles") {
  const auto c = w.client.get_or_create<clerk>("c");
  w.run(c.call<&clerk::increment>());
  w.runtime.shutdown();
  w.runtime.shutdown();  // does nothing
  CHECK(code_when([&] { static_cast<void>(c.call<&clerk::get>().get()); }) == "runtime.stopped");
  const auto fresh = w.client.get_or_create<clerk>("d");
  CHECK(code_when([&] { static_cast<void>(fresh.call<&clerk::get>().get()); }) == "runtime.stopped");
  CHECK(code_when([&] { w.runtime.spawn(fail()); }) == "runtime.stopped");
  CHECK(code_when([&] { w.runtime.backup("nowhere"); }) == "runtime.stopped");
}

TEST_CASE_METHOD(fixture, "shutdown from one of the runtime's own threads is refused") {
  std::string code;
  const auto stop = [](troupe::runtime* r, std::string* out) -> troupe::task<> {
    *out = code_when([&] { r->shutdown(); });
    co_return;
  };
  w.run(stop(&w.runtime, &code));
  CHECK(code == "actor.invalid_operation");
}

TEST_CASE_METHOD(fixture, "what a spawned task throws goes to the error handler") {
  w.runtime.spawn(fail());
  w.pass(5ms);
  CHECK(w.errors == std::vector<std::string>{"a spawned task: user.lost"});
}

TEST_CASE("shutdown waits for commits and for work in the background, on threads") {
  gated_store store;
  {
    troupe::runtime_options options;
    options.store = store;
    options.threads = 2;
    troupe::runtime runtime{fixture::registry(), options};
    const auto client = client_of(runtime);
    std::vector<troupe::handle<clerk>> all;
    for (int i = 0; i < 50; ++i) {
      all.push_back(client.get_or_create<clerk>(std::to_string(i)));
      for (int n = 0; n < 10; ++n) all.back().post<&clerk::increment>();
      all.back().call<&clerk::increment>().get();
    }
    runtime.shutdown();
  }
  CHECK(store.durable().size() == 50);
  for (const auto& [id, record] : store.durable()) CHECK(troupe::decode<clerk>(record.state).count == 11);
}

TEST_CASE("a crowd whose loads end late and in the wrong order is answered or refused, each by shutdown's end") {
  gated_store store;
  std::atomic<int> answered{0};
  std::atomic<int> refused{0};
  std::atomic<int> begun{0};
  constexpr int crowd = 300;
  {
    troupe::runtime_options options;
    options.store = store;
    options.threads = 3;
    troupe::runtime runtime{fixture::registry(), options};
    store.hold_loads();
    const auto visit = [](troupe::handle<clerk> c, std::atomic<int>* answered, std::atomic<int>* refused,
                          std::atomic<int>* begun) -> troupe::task<> {
      begun->fetch_add(1);
      try {
        co_await c.call<&clerk::increment>();
        answered->fetch_add(1);
      } catch (const troupe::error& e) {
        if (e.is(troupe::errc::runtime_stopped)) refused->fetch_add(1);
      }
    };
    for (int i = 0; i < crowd; ++i) {
      runtime.spawn(visit(client_of(runtime).get_or_create<clerk>(std::to_string(i % 100)), &answered, &refused, &begun));
    }
    while (begun != crowd || store.loads() < 100) std::this_thread::yield();
    std::jthread ends{[&] { runtime.shutdown(); }};
    while (code_when([&] { runtime.spawn([]() -> troupe::task<> { co_return; }()); }).empty()) std::this_thread::yield();
    store.let_loads_go_last_first();
  }
  CHECK(answered + refused == crowd);
  int counted = 0;
  for (const auto& [id, record] : store.durable()) counted += troupe::decode<clerk>(record.state).count;
  CHECK(counted == answered);
}

TEST_CASE("calls and posts that come while the runtime ends are answered or refused, however late") {
  std::atomic<int> unexpected{0};
  for (int round = 0; round != 100; ++round) {
    troupe::runtime_options options;
    options.threads = 2;
    options.on_error = [](const std::exception_ptr&, std::string_view) {};
    troupe::runtime runtime{fixture::registry(), options};
    const auto c = client_of(runtime).get_or_create<clerk>("c");
    const auto id = c.resolve().get();
    std::atomic<int> running{0};
    std::vector<std::jthread> callers;
    for (int t = 0; t != 3; ++t) {
      callers.emplace_back([&, t] {
        ++running;
        try {
          for (;;) {
            if (t == 0) client_of(runtime).get_for_id<clerk>(id).call<&clerk::get>().get();
            c.post<&clerk::increment>();
            c.call<&clerk::get>().get();
          }
        } catch (const troupe::error& e) {
          if (e.group() != "runtime") ++unexpected;
        }
      });
    }
    while (running != 3) std::this_thread::yield();
    runtime.shutdown();
  }
  CHECK(unexpected == 0);
}

TEST_CASE("a shared executor may be pumped after a runtime on it has ended, and handles may outlive it") {
  auto clock = std::make_shared<troupe::manual_clock>();
  auto executor = std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
  std::optional<troupe::handle<clerk>> kept;
  {
    troupe::runtime_options options;
    options.executor = executor;
    troupe::runtime runtime{fixture::registry(), options};
    kept = client_of(runtime).get_or_create<clerk>("kept");
    runtime.run(kept->call<&clerk::increment>());
  }
  clock->advance(1h);
  executor->poll();
  CHECK(code_when([&] { static_cast<void>(kept->call<&clerk::get>().get()); }) == "runtime.stopped");
}
