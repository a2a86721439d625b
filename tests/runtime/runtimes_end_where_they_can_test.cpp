// SPDX-License-Identifier: Apache-2.0
// A runtime may be shut down and destroyed wherever that does not wait for the caller.

#include <future>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "../core/last_words.hpp"
#include "gated_store.hpp"
#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

std::unique_ptr<troupe::runtime>* other = nullptr;  ///< the runtime that `host` ends
std::string code;                                   ///< the error of that
int slept = 0;

struct host;
const troupe::handle<host>* far = nullptr;  ///< an actor of another runtime

/// Ends a runtime from within an actor.
struct host {
  int ended = 0;
  int shut_down() {
    code = code_when([] { (*other)->shutdown(); });
    return ++ended;
  }
  troupe::task<int> shut_down_later() {
    co_await troupe::delay(1ms);
    code = code_when([] { (*other)->shutdown(); });
    co_return ++ended;
  }
  int destroy() {
    other->reset();
    return ++ended;
  }
  troupe::task<int> destroy_later() {
    co_await troupe::delay(1ms);
    other->reset();
    co_return ++ended;
  }
  troupe::task<int> shut_down_from_afar() const;  // changes nothing, so the call waits for no commit
  int get() const { return ended; }
  using actor = troupe::actor<host, &host::shut_down, &host::shut_down_later, &host::destroy, &host::destroy_later,
                              &host::shut_down_from_afar, &host::get>;
};

troupe::task<int> host::shut_down_from_afar() const { co_return co_await far->call<&host::shut_down>(); }

/// Counts its sleeps.
struct guest {
  static constexpr troupe::event<"poke"> poke{};
  int pokes = 0;
  void on_sleep(troupe::context<guest>&) { ++slept; }
  int add(troupe::context<guest>& c) {
    c.broadcast(poke);
    return ++pokes;
  }
  void fail() { throw troupe::user_error{"failed", "as asked"}; }
  using actor = troupe::actor<guest, &guest::add, &guest::fail, poke>;
};

troupe::registry registry() {
  troupe::registry r;
  r.use<host>("host").use<guest>("guest");
  return r;
}

struct fixture {
  fixture() {
    other = &ending;
    code.clear();
    slept = 0;
  }
  ~fixture() { other = nullptr; }
  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;

  void begin(troupe::runtime_options options = {}) {
    ending = std::make_unique<troupe::runtime>(registry(), std::move(options));
    client_of(*ending).get_or_create<guest>("g").call<&guest::add>().get();
  }
  std::unique_ptr<troupe::runtime> ending;
};

troupe::task<> destroy_it() {
  other->reset();
  co_return;
}

/// Options for a runtime that is pumped.
troupe::runtime_options pumped() {
  troupe::runtime_options options;
  options.executor = std::make_shared<troupe::manual_executor>();
  return options;
}

}  // namespace

TEST_CASE_METHOD(fixture, "an actor may shut down or destroy another runtime: its actors sleep, and all is saved") {
  gated_store store;
  troupe::runtime_options options;
  options.store = store;
  begin(options);
  troupe::runtime mine{registry()};
  const auto h = client_of(mine).get_or_create<host>("h");
  SECTION("shut down, in a plain action") { CHECK(h.call<&host::shut_down>().get() == 1); }
  SECTION("shut down, in a coroutine") { CHECK(h.call<&host::shut_down_later>().get() == 1); }
  SECTION("destroyed, in a plain action") { CHECK(h.call<&host::destroy>().get() == 1); }
  SECTION("destroyed, in a coroutine") { CHECK(h.call<&host::destroy_later>().get() == 1); }
  CHECK(code.empty());
  CHECK(slept == 1);
  CHECK(store.durable().size() == 1);
  CHECK(h.call<&host::get>().get() == 1);
}

TEST_CASE_METHOD(fixture, "a runtime that is pumped may be ended in an actor of another, which goes on") {
  begin(pumped());
  world w{registry()};
  const auto h = w.client.get_or_create<host>("h");
  SECTION("in a plain action") { CHECK(w.run(h.call<&host::destroy>()) == 1); }
  SECTION("in a coroutine") {
    const auto ended = w.start(h.call<&host::destroy_later>());
    w.pass(10ms);
    REQUIRE(ended.done());
    CHECK(ended.value() == 1);
  }
  CHECK(slept == 1);
  CHECK(w.run(h.call<&host::get>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a coroutine of the host may end a runtime that does not run it") {
  begin();
  SECTION("under sync_wait") { troupe::sync_wait(destroy_it()); }
  SECTION("on another runtime") {
    troupe::runtime mine{registry()};
    mine.run(destroy_it());
  }
  CHECK(ending == nullptr);
  CHECK(slept == 1);
}

TEST_CASE_METHOD(fixture, "shutdown is refused where it would wait for its caller") {
  const std::string refused = "actor.invalid_operation";
  std::string in_handler;
  gated_store store;
  troupe::runtime_options options;
  SECTION("in an actor") {
    begin();
    const auto h = client_of(*ending).get_or_create<host>("h");
    CHECK(h.call<&host::shut_down>().get() == 1);  // on this thread, or on another
    CHECK(code == refused);
    code.clear();
    CHECK(h.call<&host::shut_down_later>().get() == 2);
    CHECK(code == refused);
  }
  SECTION("in an actor of another runtime, within the frame of one that waits for it") {
    begin();
    troupe::runtime mine{registry()};
    const auto there = client_of(mine).get_or_create<host>("there");
    const auto here = client_of(*ending).get_or_create<host>("here");
    CHECK(there.call<&host::get>().get() == 0);  // both are awake: all runs on this thread
    CHECK(here.call<&host::get>().get() == 0);
    far = &there;
    CHECK(here.call<&host::shut_down_from_afar>().get() == 1);
    CHECK(code == refused);
  }
  SECTION("in the error handler, on any thread") {
    std::promise<void> told;
    options.store = store;
    options.on_error = [&](const std::exception_ptr&, std::string_view) {
      if (!in_handler.empty()) return;
      in_handler = code_when([&] { ending->shutdown(); });
      told.set_value();
    };
    begin(options);
    store.fail();
    client_of(*ending).get<guest>("g").post<&guest::add>();
    told.get_future().wait();
    store.heal();
    ending->shutdown();
    CHECK(in_handler == refused);
  }
  SECTION("in a handler of events") {
    begin();
    auto visit = client_of(*ending).get_or_create<guest>("g").connect().get();
    const auto heard = visit.on(guest::poke, [&] { in_handler = code_when([&] { ending->shutdown(); }); });
    visit.call<&guest::add>().get();
    ending->shutdown();
    CHECK(in_handler == refused);
  }
}

TEST_CASE_METHOD(fixture, "once it has ended, a runtime may be shut down again and destroyed anywhere") {
  const auto options = pumped();
  begin(options);
  ending->shutdown();
  const auto again = [](std::unique_ptr<troupe::runtime>* r) -> troupe::task<> {
    (*r)->shutdown();
    r->reset();
    co_return;
  };
  troupe::runtime_options same;
  same.executor = options.executor;
  troupe::runtime mine{registry(), same};  // the executor that the other one had
  mine.run(again(&ending));
  CHECK(ending == nullptr);
}

TEST_CASE_METHOD(fixture, "a runtime that is destroyed by its own code ends the process, and says why") {
  const auto in_actor = end_of_process([&] {
    begin();
    client_of(*ending).get_or_create<host>("h").call<&host::destroy>().get();
  });
  CHECK(in_actor.aborted);
  CHECK_THAT(in_actor.words, Catch::Contains("a runtime is destroyed by one of its own actors"));
  const auto in_coroutine = end_of_process([&] {
    begin();
    ending->run(destroy_it());
  });
  CHECK(in_coroutine.aborted);
  CHECK_THAT(in_coroutine.words, Catch::Contains("let a thread that is not the runtime's destroy it"));
}
