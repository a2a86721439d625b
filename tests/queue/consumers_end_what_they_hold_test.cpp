// SPDX-License-Identifier: Apache-2.0
// Who receives a message handles it until it asks for the next, or ends: whatever it is made of.

#include <catch2/catch.hpp>

#include "queue/world.hpp"

using namespace behaviour;

namespace {

struct crew {
  static constexpr troupe::queue<"work", std::string> work{
      troupe::queue_options{.attempts_max = 3, .retry_min = 1s, .retry_max = 1s}};
  static constexpr troupe::queue<"stop", int> stop{};
  texts done;
  bool fail = false;

  troupe::task<> one_of_two(troupe::context<crew>& c, std::string name, int count) {
    for (int i = 0; i < count; ++i) {
      auto m = co_await c.queue().next(work);
      done.push_back(name + *m);
      co_await troupe::delay(1s);
    }
  }
  // Two consumers in one action.
  troupe::task<> both(troupe::context<crew>& c) {
    co_await troupe::when_all(one_of_two(c, "a", 2), one_of_two(c, "b", 2));
  }
  // Each next() is a part of a choice, and the fiber that chooses goes on with its message.
  troupe::task<int> choose(troupe::context<crew>& c) {
    int rounds = 0;
    while (true) {
      ++rounds;
      auto first = co_await troupe::when_any(c.queue().next(work), c.delay(10s));
      if (first.index() == 1) break;
      done.push_back(*std::get<0>(first));
    }
    co_return rounds;
  }
  // Both become ready in one moment: one is chosen, the other's message must stay.
  troupe::task<> race(troupe::context<crew>& c) {
    auto first = co_await troupe::when_any(c.queue().next(work), c.queue().next(stop));
    done.push_back(first.index() == 0 ? "work" : "stop");
  }
  void send_both(troupe::context<crew>& c) {
    c.queue().send(work, "w");
    c.queue().send(stop, 1);
  }
  troupe::task<> swallow(troupe::context<crew>& c) {
    auto m = co_await c.queue().next(work);
    done.push_back(*m);
  }
  troupe::task<> throw_in_part(troupe::context<crew>& c) {
    co_await troupe::when_all(swallow(c), throw_up());
  }
  troupe::task<> throw_up() {
    co_await troupe::delay(1ms);
    throw troupe::user_error{"up", "up"};
  }
  void keep(troupe::context<crew>& c) { c.keep_awake(swallow(c)); }
  std::vector<std::size_t> sizes(troupe::context<crew>& c) { return {c.queue().size(work), c.queue().size(stop)}; }
  texts log() const { return done; }
  void rest(troupe::context<crew>& c) { c.sleep(); }
  void on_sleep(troupe::context<crew>& c) {
    if (!done.empty() && done.back() == "leave a note") c.queue().send(work, "note");
  }
  void note(std::string text) { done.push_back(text); }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<crew, work, stop, &crew::both, &crew::choose, &crew::race, &crew::send_both,
                              &crew::swallow, &crew::throw_in_part, &crew::keep, &crew::sizes, &crew::log, &crew::rest,
                              &crew::note>;
};

/// Its run loop fails as often as it is told.
struct loop {
  static constexpr troupe::queue<"work", int, int> work{
      troupe::queue_options{.attempts_max = 2, .retry_min = 1s, .retry_max = 1s}};
  std::vector<int> seen;
  int failures = 0;

  troupe::task<> run(troupe::context<loop>& c) {
    while (true) {
      auto m = co_await c.queue().next(work);
      seen.push_back(*m);
      if (*m < 0 || (*m == 13 && m.attempts() == 1)) throw troupe::user_error{"bad", "bad"};
      m.complete(*m * 2);
    }
  }
  std::vector<int> log() const { return seen; }
  std::vector<std::size_t> sizes(troupe::context<loop>& c) {
    return {c.queue().size(work), c.queue().size(work.dead_letters())};
  }
  static constexpr troupe::options options{.sleep_after = 30s};
  using actor = troupe::actor<loop, work, &loop::log, &loop::sizes>;
};

troupe::registry crews() {
  troupe::registry r;
  r.use<crew>("crew");
  r.use<loop>("loop");
  return r;
}

}  // namespace

TEST_CASE("Consumers side by side in one action acknowledge each their own") {
  gated_store store;
  world w{crews(), store};
  const auto a = w.client.get_or_create<crew>("a");
  for (const char* text : {"1", "2", "3", "4"}) w.run(a.send(crew::work, text));
  const auto both = w.start(a.call<&crew::both>());
  CHECK(w.run(a.call<&crew::sizes>())[0] == 4);
  w.pass(1100ms);
  CHECK(w.run(a.call<&crew::sizes>())[0] == 2);
  w.pass(1100ms);
  CHECK(both.done());
  CHECK(w.run(a.call<&crew::sizes>())[0] == 0);
  CHECK(w.run(a.call<&crew::log>()) == texts{"a1", "b2", "a3", "b4"});
}

TEST_CASE("What one part of a choice received, the whole acknowledges with its next question") {
  world w{crews()};
  const auto a = w.client.get_or_create<crew>("a");
  const auto choosing = w.start(a.call<&crew::choose>());
  for (const char* text : {"1", "2", "3"}) {
    w.run(a.send(crew::work, text));
    w.settle();
  }
  CHECK(w.run(a.call<&crew::log>()) == texts{"1", "2", "3"});
  CHECK(w.run(a.call<&crew::sizes>())[0] == 0);
  w.pass(11s);
  REQUIRE(choosing.done());
  CHECK(choosing.value() == 4);
}

TEST_CASE("The loser of a choice leaves its message where it is") {
  world w{crews()};
  const auto a = w.client.get_or_create<crew>("a");
  const auto racing = w.start(a.call<&crew::race>());
  w.run(a.call<&crew::send_both>());
  w.settle();
  CHECK(racing.done());
  const auto left = w.run(a.call<&crew::sizes>());
  CHECK(left[0] + left[1] == 1);
}

TEST_CASE("An action that fails in one of its parts gives back what the others received") {
  world w{crews()};
  const auto a = w.client.get_or_create<crew>("a");
  w.run(a.send(crew::work, "1"));
  const auto failing = w.start(a.call<&crew::throw_in_part>());
  w.pass(10ms);
  CHECK(failing.code() == "user.up");
  CHECK(w.run(a.call<&crew::sizes>())[0] == 1);
  w.pass(1s);
  w.run(a.call<&crew::swallow>());
  CHECK(w.run(a.call<&crew::log>()) == texts{"1", "1"});
}

TEST_CASE("A background task is a consumer of its own") {
  world w{crews()};
  const auto a = w.client.get_or_create<crew>("a");
  w.run(a.call<&crew::keep>());
  w.run(a.send(crew::work, "1"));
  w.settle();
  CHECK(w.run(a.call<&crew::sizes>())[0] == 0);
  CHECK(w.run(a.call<&crew::log>()) == texts{"1"});
}

TEST_CASE("What on_sleep sends to its own actor is there after the wake") {
  world w{crews()};
  const auto a = w.client.get_or_create<crew>("a");
  w.run(a.call<&crew::note>("leave a note"));
  w.run(a.call<&crew::rest>());
  w.settle();
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.run(a.call<&crew::sizes>())[0] == 1);
}

TEST_CASE("A run loop that throws gets its message again, until its attempts are used up") {
  world w{crews()};
  const auto a = w.client.get_or_create<loop>("a");
  const auto thirteen = w.start(a.send_and_wait(loop::work, 13));
  const auto bad = w.start(a.send_and_wait(loop::work, -1));
  const auto good = w.start(a.send_and_wait(loop::work, 7));
  w.pass(10s);
  REQUIRE(thirteen.done());
  CHECK(thirteen.value() == 26);
  CHECK(bad.code() == "queue.dead_letter");
  REQUIRE(good.done());
  CHECK(good.value() == 14);
  CHECK(w.run(a.call<&loop::sizes>()) == std::vector<std::size_t>{0, 1});
  CHECK(w.run(a.call<&loop::log>()) == std::vector<int>{13, -1, 7, 13, -1});
}

TEST_CASE("A message that wakes its actor is handled by its run loop") {
  world w{crews()};
  const auto a = w.client.get_or_create<loop>("a");
  w.run(a.resolve());
  w.pass(60s);
  CHECK(w.phase(a) == phase::asleep);
  const auto sent = w.start(a.send_and_wait(loop::work, 4));
  REQUIRE(sent.done());
  CHECK(sent.value() == 8);
}

namespace {

/// Shows what others must not use.
struct leaky {
  static constexpr troupe::queue<"work", std::string> work{};
  static inline troupe::context<leaky>* shown = nullptr;
  static inline std::optional<troupe::message<std::remove_const_t<decltype(work)>>> kept;
  void show(troupe::context<leaky>& c) { shown = &c; }
  bool take(troupe::context<leaky>& c) {
    kept = c.queue().try_next(work);
    return kept.has_value();
  }
  std::string finish() {
    return code_when([] { kept->complete(); });
  }
  using actor = troupe::actor<leaky, work, &leaky::show, &leaky::take, &leaky::finish>;
};

}  // namespace

TEST_CASE("Only the actor's own code takes from its queues") {
  troupe::registry r;
  r.use<leaky>("leaky");
  world w{r};
  const auto a = w.client.get_or_create<leaky>("a");
  w.run(a.call<&leaky::show>());
  CHECK(code_when([] { static_cast<void>(leaky::shown->queue().try_next(leaky::work)); }) == "actor.invalid_operation");
  CHECK(code_when([] { leaky::shown->queue().send(leaky::work, "x"); }) == "actor.invalid_operation");
  CHECK(w.code(leaky::shown->queue().next(leaky::work)) == "actor.invalid_operation");
  CHECK(w.code(leaky::shown->queue().next_batch(leaky::work, 2)) == "actor.invalid_operation");
  CHECK(w.code(leaky::shown->queue().messages(leaky::work).next()) == "actor.invalid_operation");
  CHECK(code_when([] { static_cast<void>(leaky::shown->queue().try_next_batch(leaky::work, 2)); }) ==
        "actor.invalid_operation");
  CHECK(code_when([] { static_cast<void>(leaky::shown->queue().size(leaky::work)); }) == "actor.invalid_operation");
}

TEST_CASE("A message is settled in turns of its actor, and once") {
  troupe::registry r;
  r.use<leaky>("leaky");
  world w{r};
  const auto a = w.client.get_or_create<leaky>("a");
  const auto b = w.client.get_or_create<leaky>("b");
  w.run(a.send(leaky::work, "x"));
  CHECK(w.run(a.call<&leaky::take>()));
  CHECK(code_when([] { leaky::kept->complete(); }) == "actor.invalid_operation");
  CHECK(code_when([] { leaky::kept->retry(); }) == "actor.invalid_operation");
  CHECK(w.run(b.call<&leaky::finish>()) == "actor.invalid_operation");
  CHECK(w.run(a.call<&leaky::finish>()) == "queue.already_completed");
  leaky::kept.reset();
}
