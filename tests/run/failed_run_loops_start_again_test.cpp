// SPDX-License-Identifier: Apache-2.0
// A run loop that throws is reported, and started again after a back-off.

#include <catch2/catch.hpp>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

std::vector<std::chrono::milliseconds> starts;  // since the first one
std::chrono::milliseconds lasts{0};
bool throws = true;

template <class Self>
troupe::task<> attempt(troupe::context<Self>& c) {
  static troupe::time_point first;
  if (starts.empty()) first = c.now();
  starts.push_back(std::chrono::floor<std::chrono::milliseconds>(c.now() - first));
  if (lasts != 0ms) {
    co_await c.delay(lasts);
  }
  if (throws) throw troupe::user_error("broken", "once more");
  co_await c.delay(troupe::never);
}

struct patient {
  int calls = 0;
  troupe::task<> run(troupe::context<patient>& c) { return attempt(c); }
  int touch() { return ++calls; }
  void rest(troupe::context<patient>& c) { c.sleep(); }
  void end(troupe::context<patient>& c) { c.destroy(); }
  static constexpr troupe::options options{
      .sleep_after = 10min, .run_restart_min = 1s, .run_restart_max = 8s};
  using actor = troupe::actor<patient, &patient::touch, &patient::rest, &patient::end>;
};

struct drowsy {
  int calls = 0;
  troupe::task<> run(troupe::context<drowsy>& c) { return attempt(c); }
  int touch() { return ++calls; }
  static constexpr troupe::options options{.sleep_after = 4s, .run_restart_min = 1min, .run_restart_max = 1min};
  using actor = troupe::actor<drowsy, &drowsy::touch>;
};

struct once {
  int calls = 0;
  troupe::task<> run(troupe::context<once>& c) { return attempt(c); }
  int touch() { return ++calls; }
  void rest(troupe::context<once>& c) { c.sleep(); }
  static constexpr troupe::options options{.sleep_after = 4s, .run_restart_min = troupe::never};
  using actor = troupe::actor<once, &once::touch, &once::rest>;
};

// Throws before its first await, or when the actor shuts down.
struct hasty {
  bool waits = false;
  troupe::task<> run(troupe::context<hasty>& c) {
    if (!waits) throw std::runtime_error("at once");
    try {
      co_await c.delay(troupe::never);
    } catch (const troupe::error&) {
    }
    throw troupe::user_error("late", "after the abort");
  }
  void wait() { waits = true; }
  void rest(troupe::context<hasty>& c) { c.sleep(); }
  static constexpr troupe::options options{.run_restart_min = 1s, .run_restart_max = 8s};
  using actor = troupe::actor<hasty, &hasty::wait, &hasty::rest>;
};

// Takes numbers, and fails with the negative ones; then those that it has failed with before, without a message.
struct sorter {
  static constexpr troupe::queue<"numbers", int> numbers{
      {.messages_max = 2'000, .attempts_max = 3, .retry_min = 1s, .retry_max = 1s}};
  static constexpr troupe::queue<"hot", int> hot{{.attempts_max = 1'000, .retry_min = 0s, .retry_max = 0s}};
  std::vector<int> sorted;
  int begun = 0;
  int noted_at = 0;
  bool idle_fails = false;
  troupe::task<> run(troupe::context<sorter>& c) {
    if (++begun == 10) c.client().get<sorter>("a").post<&sorter::note>();
    if (idle_fails) throw troupe::user_error("idle", "holds nothing");
    for (;;) {
      auto m = co_await c.queue().next(numbers, hot);
      const int number = std::visit([](const auto& each) { return *each; }, m);
      if (number < 0) throw troupe::user_error("bad", "a bad one");
      sorted.push_back(number);
    }
  }
  std::vector<int> seen() const { return sorted; }
  int starts() const { return begun; }
  void fail_idly() { idle_fails = true; }
  void note() { noted_at = begun; }
  int noted() const { return noted_at; }
  static constexpr troupe::options options{.sleep_after = 10min, .run_restart_min = 1min, .run_restart_max = 1min};
  using actor = troupe::actor<sorter, numbers, hot, &sorter::seen, &sorter::starts, &sorter::fail_idly,
                              &sorter::note, &sorter::noted>;
};

struct fixture {
  fixture() {
    starts.clear();
    lasts = 0ms;
    throws = true;
  }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<patient>("patient").use<drowsy>("drowsy").use<once>("once").use<hasty>("hasty").use<sorter>("sorter");
    return r;
  }
  gated_store store;
  world w{registry(), store};
};

// The timers are a millisecond late, at most, each time.
void check_starts(std::vector<std::chrono::milliseconds> expected) {
  REQUIRE(starts.size() == expected.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    CHECK(starts[i] >= expected[i]);
    CHECK(starts[i] <= expected[i] + static_cast<int>(i) * 3ms);
  }
}

}  // namespace

TEST_CASE_METHOD(fixture, "a run that throws starts again after a back-off that doubles up to its limit") {
  const auto p = w.client.get_or_create<patient>("p");
  w.run(p.call<&patient::touch>());
  w.pass(35s);
  check_starts({0s, 1s, 3s, 7s, 15s, 23s, 31s});
  REQUIRE(w.errors.size() == 7);
  for (const auto& e : w.errors) CHECK(e == "run of patient/p: user.broken");
  CHECK(w.run(p.call<&patient::touch>()) == 2);
}

TEST_CASE_METHOD(fixture, "once it works, it works on") {
  const auto p = w.client.get_or_create<patient>("p");
  w.run(p.call<&patient::touch>());
  w.pass(2s);
  throws = false;
  w.pass(1min);
  check_starts({0s, 1s, 3s});
  CHECK(w.errors.size() == 2);
  CHECK(w.reason(p) == "awake: run not ended");
}

TEST_CASE_METHOD(fixture, "the back-off begins anew after a run that lasted as long as its limit") {
  const auto p = w.client.get_or_create<patient>("p");
  w.run(p.call<&patient::touch>());
  w.pass(4s);  // failed at 0, 1 and 3 s
  lasts = 8s;  // begins at 7 s, fails at 15 s
  w.pass(5s);
  w.pass(8s);
  check_starts({0s, 1s, 3s, 7s, 16s});
  lasts = 7s;  // began at 16 s with 8 s to go, fails at 24 s; from 25 s on it is too short
  w.pass(16s);
  check_starts({0s, 1s, 3s, 7s, 16s, 25s});
  w.pass(2s);
  check_starts({0s, 1s, 3s, 7s, 16s, 25s, 34s});
}

TEST_CASE_METHOD(fixture, "the back-off begins anew with each wake, and the old one starts nothing") {
  const auto p = w.client.get_or_create<patient>("p");
  w.run(p.call<&patient::touch>());
  w.pass(4s);  // the next start would be at 7 s
  w.run(p.call<&patient::rest>());
  w.settle();
  CHECK(w.phase(p) == phase::asleep);
  w.pass(1s);
  w.run(p.call<&patient::touch>());
  w.pass(2500ms);
  check_starts({0s, 1s, 3s, 5s, 6s});
}

TEST_CASE_METHOD(fixture, "waiting for the next start does not keep the actor awake, nor wake it") {
  const auto d = w.client.get_or_create<drowsy>("d");
  w.run(d.call<&drowsy::touch>());
  w.settle();
  CHECK(w.reason(d) == "awake: idle, sleeps soon");
  w.pass(6s);
  CHECK(w.phase(d) == phase::asleep);
  w.pass(10min);
  CHECK(starts.size() == 1);
  CHECK(store.durable().size() == 1);
  w.run(d.call<&drowsy::touch>());
  w.settle();
  CHECK(starts.size() == 2);
}

TEST_CASE_METHOD(fixture, "with run_restart_min = never it is left at that until the next wake") {
  const auto o = w.client.get_or_create<once>("o");
  for (int i = 0; i < 20; ++i) {
    w.run(o.call<&once::touch>());
    w.pass(1s);
  }
  CHECK(starts.size() == 1);
  CHECK(w.errors == std::vector<std::string>{"run of once/o: user.broken"});
  w.run(o.call<&once::rest>());
  w.settle();
  w.run(o.call<&once::touch>());
  w.settle();
  CHECK(starts.size() == 2);
}

TEST_CASE_METHOD(fixture, "an actor can be destroyed while its run waits to be started again") {
  const auto p = w.client.get_or_create<patient>("p");
  w.run(p.call<&patient::touch>());
  w.pass(4s);
  w.run(p.call<&patient::end>());
  w.pass(1min);
  CHECK(starts.size() == 3);
  CHECK(store.durable().empty());
}

TEST_CASE_METHOD(fixture, "a throw before the first await counts as any other") {
  const auto h = w.client.get_or_create<hasty>("h");
  w.start(h.call<&hasty::rest>());
  CHECK(w.errors == std::vector<std::string>{"run of hasty/h: at once"});
  CHECK(w.phase(h) == phase::asleep);
  w.run(h.call<&hasty::wait>());  // comes before run, which now waits
  w.settle();
  CHECK(w.errors.size() == 1);
  CHECK(w.reason(h) == "awake: run not ended");
}

TEST_CASE_METHOD(fixture, "what run throws while the actor shuts down is reported, and starts nothing") {
  const auto h = w.client.get_or_create<hasty>("h");
  w.run(h.call<&hasty::wait>());
  w.settle();
  w.errors.clear();
  w.run(h.call<&hasty::rest>());
  w.settle();
  CHECK(w.phase(h) == phase::asleep);
  CHECK(w.errors == std::vector<std::string>{"run of hasty/h: user.late"});
  w.pass(1min);
  CHECK(w.phase(h) == phase::asleep);
}

TEST_CASE_METHOD(fixture, "a run that throws while it holds a message begins again at once, and delays no other message") {
  const auto a = w.client.get_or_create<sorter>("a");
  std::vector<int> good;
  for (int i = 1; i <= 1'000; ++i) {
    const bool bad = i % 20 == 0;  // 50 of them
    if (!bad) good.push_back(i);
    w.run(a.send(sorter::numbers, bad ? -i : i));
  }
  w.settle();  // no time passes
  CHECK(w.run(a.call<&sorter::seen>()) == good);
  REQUIRE(w.errors.size() == 50);
  CHECK(w.errors[0].starts_with("run of sorter/a, message "));
  CHECK(w.errors[0].ends_with(" of queue \"numbers\": user.bad"));
  w.pass(3s);
  CHECK(w.errors.size() == 200);  // three attempts at each, and its end
  CHECK(w.run(a.call<&sorter::starts>()) == 151);
}

TEST_CASE_METHOD(fixture, "a run that throws without a message waits for its own back-off") {
  const auto a = w.client.get_or_create<sorter>("a");
  w.run(a.resolve());
  w.settle();
  w.run(a.call<&sorter::fail_idly>());
  w.run(a.send(sorter::numbers, -1));
  w.settle();
  CHECK(w.run(a.call<&sorter::starts>()) == 2);  // the second after the message; it fails without one
  w.pass(50s);
  CHECK(w.run(a.call<&sorter::starts>()) == 2);
  w.pass(11s);
  CHECK(w.run(a.call<&sorter::starts>()) == 3);
}

TEST_CASE_METHOD(fixture, "a message without a back-off that fails at once lets calls have their turns, and ends as a dead letter") {
  const auto a = w.client.get_or_create<sorter>("a");
  w.run(a.send(sorter::hot, -1));
  w.settle();
  CHECK(w.run(a.call<&sorter::noted>()) < 20);  // posted by the tenth
  CHECK(w.run(a.call<&sorter::starts>()) == 1'001);
  CHECK(w.errors.back() == "queue \"hot\" of sorter/a: queue.dead_letter");
}
