// SPDX-License-Identifier: Apache-2.0
// A death of the process counts as an attempt at the messages in hand only where their queue says so.

#include <catch2/catch.hpp>

#include <csignal>

#include <troupe/testing/simulation.hpp>

#include "loopback/client_of.hpp"
#include "queue/world.hpp"
#include "store/child_process.hpp"
#include "store/temporary_directory.hpp"

using namespace behaviour;
using troupe::testing::simulation;

namespace {

simulation* dying = nullptr;
int tries = 0;

void try_it(const std::string& what) {
  ++tries;
  if (what == "poison") dying->crash();  // as soon as this turn has ended, before anything of it is durable
}

/// Four ways to take messages. "poison" kills the process.
struct taster {
  static constexpr troupe::queue_options careful{
      .attempts_max = 3, .retry_min = 1s, .retry_max = 1s, .attempt_first = true};
  static constexpr troupe::queue<"plain", std::string> plain{careful};
  static constexpr troupe::queue<"slow", std::string> slow{careful};
  static constexpr troupe::queue<"looped", std::string> looped{careful};
  static constexpr troupe::queue<"trusting", std::string> trusting{{.attempts_max = 3}};

  std::vector<std::string> done;
  std::vector<std::uint32_t> attempts;

  void on_plain(const std::string& what) {
    try_it(what);
    done.push_back(what);
  }
  troupe::task<> on_slow(troupe::context<taster>& c, std::string what) {
    co_await c.delay(10ms);
    try_it(what);
    done.push_back(what);
  }
  void on_trusting(const std::string& what) {
    try_it(what);
    done.push_back(what);
  }
  troupe::task<> run(troupe::context<taster>& c) {
    for (;;) {
      auto m = co_await c.queue().next(looped);
      attempts.push_back(m.attempts());
      try_it(*m);
      done.push_back(*m);
    }
  }
  std::vector<std::string> tasted() const { return done; }
  std::vector<std::uint32_t> counted() const { return attempts; }
  std::vector<std::size_t> dead(troupe::context<taster>& c) {
    const auto q = c.queue();
    return {q.size(plain.dead_letters()), q.size(slow.dead_letters()), q.size(looped.dead_letters()),
            q.size(trusting.dead_letters())};
  }
  using actor = troupe::actor<taster, troupe::consumes<plain, &taster::on_plain>,
                              troupe::consumes<slow, &taster::on_slow>,
                              troupe::consumes<trusting, &taster::on_trusting>, looped, &taster::tasted,
                              &taster::counted, &taster::dead>;
};

troupe::registry tasters() {
  troupe::registry r;
  r.use<taster>("taster");
  return r;
}

struct fixture {
  fixture() {
    tries = 0;
    dying = &sim;
  }
  ~fixture() { dying = nullptr; }
  simulation sim{tasters(), {.seed = 1}};
  troupe::handle<taster> a() { return sim.client().get_or_create<taster>("a"); }
  std::vector<std::string> tasted() { return sim.run(a().call<&taster::tasted>()); }
  std::vector<std::size_t> dead() { return sim.run(a().call<&taster::dead>()); }
};

}  // namespace

TEST_CASE_METHOD(fixture, "A message that kills the process in its turn is a dead letter after its attempts") {
  SECTION("by a plain handler") {
    sim.run(a().send(taster::plain, "poison", troupe::delayed{1s}));
    sim.run(a().send(taster::plain, "water", troupe::delayed{1s}));
    sim.advance(1min);
    CHECK(dead() == std::vector<std::size_t>{1, 0, 0, 0});
  }
  SECTION("by a coroutine handler") {
    sim.run(a().send(taster::slow, "poison", troupe::delayed{1s}));
    sim.run(a().send(taster::slow, "water", troupe::delayed{1s}));
    sim.advance(1min);
    CHECK(dead() == std::vector<std::size_t>{0, 1, 0, 0});
  }
  SECTION("by a run loop") {
    sim.run(a().send(taster::looped, "poison", troupe::delayed{1s}));
    sim.run(a().send(taster::looped, "water", troupe::delayed{1s}));
    sim.advance(1min);
    CHECK(dead() == std::vector<std::size_t>{0, 0, 1, 0});
    CHECK(sim.run(a().call<&taster::counted>()) == std::vector<std::uint32_t>{1});
  }
  CHECK(sim.crashes() == 3);
  CHECK(tasted() == texts{"water"});
}

TEST_CASE_METHOD(fixture, "Without attempt_first no death of the process counts") {
  sim.run(a().send(taster::trusting, "poison", troupe::delayed{1s}));
  sim.advance_until([&] { return sim.crashes() == 10; }, 1h);
  CHECK(sim.crashes() == 10);
  CHECK(sim.stored_dead_letters(a(), taster::trusting).empty());
}

TEST_CASE("A committed attempt is durable before the handler runs") {
  gated_store store;
  world w{tasters(), store};
  tries = 0;
  const auto a = w.client.get_or_create<taster>("a");
  w.run(a.resolve());
  store.hold();
  const auto kind = GENERATE(0, 1, 2);
  const auto sending = kind == 0   ? w.start(a.send(taster::plain, "water"))
                       : kind == 1 ? w.start(a.send(taster::slow, "water"))
                                   : w.start(a.send(taster::looped, "water"));
  w.pass(1s);
  CHECK(tries == 0);
  store.let_go();
  w.pass(1s);
  CHECK(tries == 1);
  CHECK(sending.code().empty());
  CHECK(w.run(a.call<&taster::tasted>()) == texts{"water"});
  CHECK(w.errors.empty());
}

TEST_CASE("A death that was not the message's fault uses up no attempt, and is seen") {
  gated_store store;
  for (int life = 0; life < 5; ++life) {  // attempts_max is 2
    world w{workers(), store};
    const auto a = w.client.get_or_create<worker>("a");
    if (life == 0) w.run(a.send(worker::leased, "healthy"));
    const auto holding = w.start(troupe::handle<worker>{a}.call<&worker::hold_leased>(1h));  // outlives `a`
    store = store.after_crash();
  }
  world w{workers(), store};
  const auto a = w.client.get_or_create<worker>("a");
  CHECK(w.run(a.call<&worker::attempts_at_leased>()) == 6);
  CHECK(w.errors.empty());
}

namespace {

/// Its handler kills the process for good.
struct grenade {
  static constexpr troupe::queue<"pins", int> pins{{.attempts_max = 2, .attempt_first = true}};
  int pulled = 0;
  void on_pin(const int&) {
    ++pulled;
    std::raise(SIGKILL);
  }
  std::size_t dead(troupe::context<grenade>& c) { return c.queue().size(pins.dead_letters()); }
  using actor = troupe::actor<grenade, troupe::consumes<pins, &grenade::on_pin>, &grenade::dead>;
};

// Whether the message is a dead letter before the process dies, or has lived too long.
bool outlive(const std::string& file, bool sends) {
  troupe::registry registry;
  registry.use<grenade>("grenade");
  troupe::runtime_options options;
  options.store = troupe::sqlite{file};
  options.on_error = [](const std::exception_ptr&, std::string_view) {};
  troupe::runtime runtime{registry, std::move(options)};
  const auto a = client_of(runtime).get_or_create<grenade>("a");
  if (sends) a.send(grenade::pins, 1).get();
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (a.call<&grenade::dead>().get() == 0) {
    if (std::chrono::steady_clock::now() > end) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("A message that kills a real process is a dead letter in the next but one") {
  const temporary_directory folder;
  const auto file = folder / "grenade.db";
  constexpr int by_a_signal = -1;
  const std::vector<int> ends{by_a_signal, by_a_signal, 0};
  for (std::size_t i = 0; i != ends.size(); ++i) {
    child_process life{[&](const child_process::mouth&) { return outlive(file, i == 0); }};
    CHECK(life.wait() == ends[i]);
  }
}
