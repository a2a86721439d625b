// SPDX-License-Identifier: Apache-2.0
// A run loop begins with each wake, works in turns of its own, and ends with the actor.

#include <algorithm>
#include <thread>

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

std::vector<std::string> diary;

void note(std::string what) { diary.push_back(std::move(what)); }

// Ticks once a second.
struct ticker {
  int ticks = 0;
  int starts = 0;
  int wakes = 0;

  void on_wake(troupe::context<ticker>&) {
    ++wakes;
    note("wake");
  }
  void on_sleep(troupe::context<ticker>&) { note("sleep"); }
  void on_destroy(troupe::context<ticker>&) { note("destroy"); }
  troupe::task<> run(troupe::context<ticker>& c) {
    note("run");
    ++starts;
    const ending leaves;
    for (;;) {
      co_await c.delay(1s);
      ++ticks;
    }
  }
  int get() const { return ticks; }
  int begun() const { return starts; }
  int woken() const { return wakes; }
  void rest(troupe::context<ticker>& c) { c.sleep(); }
  void end(troupe::context<ticker>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<ticker, &ticker::get, &ticker::begun, &ticker::woken, &ticker::rest, &ticker::end>;

 private:
  struct ending {
    ~ending() { note("run ends"); }
  };
};

// The same without a run loop.
struct still {
  int wakes = 0;
  void on_wake(troupe::context<still>&) { ++wakes; }
  int woken() const { return wakes; }
  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<still, &still::woken>;
};

// Its run loop returns after two seconds, or does what it is told to.
struct passing {
  std::string order;
  int starts = 0;

  void on_sleep(troupe::context<passing>&) { note("sleep"); }
  void on_destroy(troupe::context<passing>&) { note("destroy"); }
  troupe::task<> run(troupe::context<passing>& c) {
    ++starts;
    if (order == "return") co_return;
    co_await c.delay(2s);
    const auto told = std::exchange(order, {});
    if (told == "sleep") c.sleep();
    if (told == "destroy") c.destroy();
    if (told.empty()) co_return;
    co_await c.delay(troupe::never);
  }
  void tell(std::string what) { order = std::move(what); }
  void rest(troupe::context<passing>& c) { c.sleep(); }
  void end(troupe::context<passing>& c) { c.destroy(); }
  int begun() const { return starts; }

  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<passing, &passing::tell, &passing::rest, &passing::end, &passing::begun>;
};

// Its run loop heeds nothing: it sits in something that does not end with the actor.
struct stubborn {
  int starts = 0;
  int got_to = 0;
  troupe::task<> run(troupe::context<stubborn>&) {
    ++starts;
    co_await troupe::delay(1h);
    ++got_to;
  }
  void on_destroy(troupe::context<stubborn>&) { note("destroy"); }
  void rest(troupe::context<stubborn>& c) { c.sleep(); }
  void end(troupe::context<stubborn>& c) { c.destroy(); }
  int begun() const { return starts; }
  int passed() const { return got_to; }
  static constexpr troupe::options options{.sleep_after = 4s, .sleep_grace_period = 3s};
  using actor = troupe::actor<stubborn, &stubborn::rest, &stubborn::end, &stubborn::begun, &stubborn::passed>;
};

// Ends its work in order when the actor shuts down: it looks at the token, and uses the grace period.
struct tidy {
  bool left_in_order = false;
  troupe::task<> run(troupe::context<tidy>& c) {
    const auto stop = c.stop_token();
    while (!stop.stop_requested()) {
      co_await troupe::delay(1s);
    }
    co_await troupe::delay(2s);
    left_in_order = true;
  }
  void rest(troupe::context<tidy>& c) { c.sleep(); }
  bool in_order() const { return left_in_order; }
  using actor = troupe::actor<tidy, &tidy::rest, &tidy::in_order>;
};

// An action that keeps others out, also the run loop.
struct guarded {
  int ticks = 0;
  troupe::task<> run(troupe::context<guarded>& c) {
    for (;;) {
      co_await c.delay(1s);
      ++ticks;
    }
  }
  troupe::task<int> occupy(troupe::context<guarded>&) {
    const int before = ticks;
    co_await troupe::delay(10s);
    co_return ticks - before;
  }
  int get() const { return ticks; }
  using actor = troupe::actor<guarded, troupe::exclusive<&guarded::occupy>, &guarded::get>;
};

struct fixture {
  fixture() { diary.clear(); }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<ticker>("ticker").use<still>("still").use<passing>("passing").use<stubborn>("stubborn").use<tidy>("tidy");
    r.use<guarded>("guarded");
    return r;
  }
  gated_store store;
  world w{registry(), store};
};

using lines = std::vector<std::string>;

// Whether this is in the diary, in whatever order: on_sleep does not wait for the end of run, nor run for on_sleep.
bool happened(lines expected) {
  lines seen = diary;
  std::ranges::sort(seen);
  std::ranges::sort(expected);
  return seen == expected;
}

}  // namespace

TEST_CASE_METHOD(fixture, "run starts when the actor has woken, and the first call does not wait for it") {
  const auto t = w.client.get_or_create<ticker>("t");
  CHECK(w.run(t.call<&ticker::begun>()) == 0);
  w.settle();
  CHECK(w.run(t.call<&ticker::begun>()) == 1);
  CHECK(diary == lines{"wake", "run"});
}

TEST_CASE_METHOD(fixture, "run goes on in turns of its own, each of them committed") {
  const auto t = w.client.get_or_create<ticker>("t");
  w.run(t.call<&ticker::get>());
  w.pass(10s + 5ms);
  CHECK(w.run(t.call<&ticker::get>()) == 10);

  world after{registry(), store.after_crash()};
  const auto again = after.client.get<ticker>("t");
  CHECK(after.run(again.call<&ticker::get>()) == 10);
  after.settle();
  CHECK(after.run(again.call<&ticker::begun>()) == 2);
}

TEST_CASE_METHOD(fixture, "run keeps an idle actor from sleeping; one without it sleeps") {
  const auto t = w.client.get_or_create<ticker>("t");
  const auto s = w.client.get_or_create<still>("s");
  w.run(t.call<&ticker::get>());
  w.run(s.call<&still::woken>());
  w.pass(1min);
  CHECK(w.phase(t) == phase::awake);
  CHECK(w.reason(t) == "awake: run not ended");
  CHECK(w.phase(s) == phase::asleep);
  CHECK(w.run(t.call<&ticker::woken>()) == 1);
  CHECK(w.run(s.call<&still::woken>()) == 2);
}

TEST_CASE_METHOD(fixture, "what run awaits by c.delay ends as soon as the actor shuts down, which is no error") {
  const auto t = w.client.get_or_create<ticker>("t");
  w.run(t.call<&ticker::get>());
  w.pass(2500ms);
  w.run(t.call<&ticker::rest>());
  w.settle();
  CHECK(w.phase(t) == phase::asleep);
  CHECK(happened(lines{"wake", "run", "sleep", "run ends"}));
  CHECK(w.errors.empty());
  CHECK(w.log.empty());
  CHECK(w.run(t.call<&ticker::get>()) == 2);
}

TEST_CASE_METHOD(fixture, "run starts again at each wake") {
  const auto t = w.client.get_or_create<ticker>("t");
  for (int wake = 1; wake <= 3; ++wake) {
    w.run(t.call<&ticker::get>());
    w.settle();
    CHECK(w.run(t.call<&ticker::begun>()) == wake);
    w.run(t.call<&ticker::rest>());
    w.settle();
    CHECK(w.phase(t) == phase::asleep);
  }
}

TEST_CASE_METHOD(fixture, "a run that returns is not started again in this life, and the actor goes to sleep when idle") {
  const auto p = w.client.get_or_create<passing>("p");
  w.run(p.call<&passing::begun>());
  w.pass(3s);
  CHECK(w.reason(p) == "awake: idle, sleeps soon");
  CHECK(w.run(p.call<&passing::begun>()) == 1);
  w.pass(6s);
  CHECK(w.phase(p) == phase::asleep);
  CHECK(diary == lines{"sleep"});
  CHECK(store.durable().size() == 1);
  CHECK(w.run(p.call<&passing::begun>()) == 1);
  w.settle();
  CHECK(w.run(p.call<&passing::begun>()) == 2);
}

TEST_CASE_METHOD(fixture, "a run may return at once") {
  const auto p = w.client.get_or_create<passing>("p");
  w.run(p.call<&passing::tell>("return"));
  w.run(p.call<&passing::rest>());
  w.settle();
  w.run(p.call<&passing::begun>());
  w.settle();
  CHECK(w.reason(p) == "awake: idle, sleeps soon");
  w.pass(6s);
  CHECK(w.phase(p) == phase::asleep);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "run may put its actor to sleep: on_sleep runs, and the next call wakes it") {
  const auto p = w.client.get_or_create<passing>("p");
  w.run(p.call<&passing::tell>("sleep"));
  w.pass(2s + 2ms);
  CHECK(w.phase(p) == phase::asleep);
  CHECK(diary == lines{"sleep"});
  CHECK(w.errors.empty());
  w.run(p.call<&passing::begun>());
  w.settle();
  CHECK(w.run(p.call<&passing::begun>()) == 2);
}

TEST_CASE_METHOD(fixture, "run may destroy its actor") {
  const auto p = w.client.get_or_create<passing>("p");
  w.run(p.call<&passing::tell>("destroy"));
  w.pass(2s + 2ms);
  CHECK(diary == lines{"destroy"});
  CHECK(store.durable().empty());
  CHECK(w.errors.empty());
  CHECK(w.code(w.client.get<passing>("p").call<&passing::begun>()) == "actor.not_found");
}

TEST_CASE_METHOD(fixture, "a run that returned leaves an actor that can be destroyed as any other") {
  const auto p = w.client.get_or_create<passing>("p");
  w.run(p.call<&passing::begun>());
  w.pass(3s);
  w.run(p.call<&passing::end>());
  w.settle();
  CHECK(diary == lines{"destroy"});
  CHECK(store.durable().empty());
}

TEST_CASE_METHOD(fixture, "an actor that is destroyed takes its run along") {
  const auto t = w.client.get_or_create<ticker>("t");
  w.run(t.call<&ticker::get>());
  w.settle();
  w.run(t.call<&ticker::end>());
  w.settle();
  CHECK(happened(lines{"wake", "run", "destroy", "run ends"}));
  CHECK(store.durable().empty());
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a run that does not end is cut at the end of the grace period") {
  const auto s = w.client.get_or_create<stubborn>("s");
  w.run(s.call<&stubborn::begun>());
  w.settle();
  w.run(s.call<&stubborn::rest>());
  w.pass(3s - 5ms);
  CHECK(w.phase(s) == phase::stopping);
  CHECK(w.reason(s) == "stopping: waits for run to end");
  w.pass(10ms);
  CHECK(w.phase(s) == phase::asleep);
  CHECK(w.errors.empty());
  REQUIRE(w.log.size() == 1);
  CHECK_THAT(w.log.front(), Catch::Contains("grace period"));
  CHECK(w.run(s.call<&stubborn::passed>()) == 0);
}

TEST_CASE_METHOD(fixture, "the same when the actor is destroyed") {
  const auto s = w.client.get_or_create<stubborn>("s");
  w.run(s.call<&stubborn::begun>());
  w.settle();
  w.run(s.call<&stubborn::end>());
  w.pass(3s + 5ms);
  CHECK(diary == lines{"destroy"});
  CHECK(store.durable().empty());
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a run that looks at the stop token can end in order, within the grace period") {
  const auto t = w.client.get_or_create<tidy>("t");
  w.run(t.call<&tidy::in_order>());
  w.settle();
  w.run(t.call<&tidy::rest>());
  w.pass(4s);
  CHECK(w.phase(t) == phase::asleep);
  CHECK(w.run(t.call<&tidy::in_order>()));
}

TEST_CASE_METHOD(fixture, "an exclusive action keeps run out, too") {
  const auto g = w.client.get_or_create<guarded>("g");
  w.run(g.call<&guarded::get>());
  w.pass(2s + 5ms);
  const auto occupied = w.start(g.call<&guarded::occupy>());
  w.pass(11s);
  CHECK(occupied.value() == 0);
  CHECK(w.run(g.call<&guarded::get>()) >= 3);
}

TEST_CASE_METHOD(fixture, "the end of the runtime ends run loops, and starts none") {
  const auto t = w.client.get_or_create<ticker>("t");
  w.run(t.call<&ticker::get>());
  w.pass(1500ms);
  w.runtime.shutdown();
  CHECK(happened(lines{"wake", "run", "sleep", "run ends"}));
  CHECK(w.errors.empty());
}

TEST_CASE("run loops on many threads start, tick and end without losing a tick") {
  diary.clear();
  struct counted {
    int ticks = 0;
    troupe::task<> run(troupe::context<counted>& c) {
      for (int i = 0; i < 20; ++i) {
        co_await c.delay(100us);
        ++ticks;
      }
      c.sleep();
    }
    int get() const { return ticks; }
    using actor = troupe::actor<counted, &counted::get>;
  };
  troupe::registry r;
  r.use<counted>("counted");
  const gated_store store;
  {
    troupe::runtime runtime{r, {.store = store, .threads = 4}};
    for (int i = 0; i < 50; ++i) {
      client_of(runtime).get_or_create<counted>(std::to_string(i)).call<&counted::get>().get();
    }
    for (int i = 0; i < 50; ++i) {
      const auto c = client_of(runtime).get<counted>(std::to_string(i));
      while (c.status().get().state != phase::asleep) std::this_thread::yield();
    }
  }
  troupe::runtime again{r, {.store = store}};
  for (int i = 0; i < 50; ++i) {
    CHECK(client_of(again).get<counted>(std::to_string(i)).call<&counted::get>().get() >= 20);
  }
}
