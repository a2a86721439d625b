// SPDX-License-Identifier: Apache-2.0
// Whatever has gone wrong, everything ends: a call within its time-out, a delay when it is over and not before, a
// coroutine with its process at the latest. Two exclusive actions that wait for one another are parted by the clock.
// Once nothing goes wrong any more, all actors answer, then fall asleep, and the program ends without anything left.

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include <catch2/catch.hpp>

#include <troupe/testing/seeds.hpp>

#include "program.hpp"

using namespace plans;

namespace {

using nanoseconds = std::chrono::nanoseconds;

class outside;
outside* here = nullptr;

/// Something that is under way: from its construction to its destruction, no shorter than the one and no longer than
/// the other, if nothing holds up the program.
class pending {
 public:
  pending(std::string what, nanoseconds least, nanoseconds most);
  ~pending();
  pending(const pending&) = delete;
  pending& operator=(const pending&) = delete;

  /// It ended in another way than by time.
  void cut_short() noexcept { least_ = nanoseconds{0}; }

 private:
  std::string what_;
  nanoseconds least_, most_, begun_;
};

std::uint64_t draw(std::uint64_t n);

constexpr nanoseconds call_max = 400ms;

struct dancer {
  std::uint64_t steps = 0;

  static constexpr troupe::event<"danced", std::uint64_t> danced{};

  void on_create(troupe::context<dancer>&) {
    if (draw(16) == 0) throw troupe::user_error{"not_today"};
  }
  troupe::task<> on_wake(troupe::context<dancer>& c) {
    if (draw(16) == 0) throw troupe::user_error{"not_today"};
    if (draw(8) == 0) {
      co_await c.delay(2s);  // longer than it may
    }
  }
  troupe::task<> on_sleep(troupe::context<dancer>& c) {
    if (draw(8) == 0) {
      co_await c.delay(1s);  // longer than its grace period
    }
  }

  void dance(troupe::context<dancer>& c) { c.broadcast(danced, ++steps); }
  std::uint64_t look() const { return steps; }
  /// Two of these deadlock until one has had enough.
  troupe::task<> embrace(troupe::context<dancer>& c, std::string whom, std::uint32_t fuel) {
    ++steps;
    if (fuel == 0) co_return;
    const auto other = c.client().get_or_create<dancer>(whom);
    co_await other.call<&dancer::embrace>(c.key().canonical(), fuel - 1);
  }
  troupe::task<> lead(troupe::context<dancer>& c, std::string whom) {
    ++steps;
    const auto other = c.client().get_or_create<dancer>(whom);
    co_await other.call<&dancer::embrace>("d0", 1U);
  }
  troupe::task<> pause(troupe::context<dancer>& c, std::int64_t ms) {
    // Its end is a turn, and waits for exclusive actions in front of it.
    pending p{"a pause of an actor", std::chrono::milliseconds{ms}, std::chrono::milliseconds{ms} + 4 * call_max};
    try {
      co_await c.delay(std::chrono::milliseconds(ms));
    } catch (const troupe::error&) {
      p.cut_short();
      throw;
    }
    ++steps;
  }
  troupe::task<> save(troupe::context<dancer>& c) {
    ++steps;
    co_await c.save();
  }
  /// Goes on until it is told to stop.
  troupe::task<> twirl(troupe::context<dancer>& c) {
    const auto stop = c.stop_token();
    while (!stop.stop_requested()) {
      co_await troupe::delay(20ms);
    }
  }
  void practise(troupe::context<dancer>& c) { c.keep_awake(work(5)); }
  void muse(troupe::context<dancer>& c) { c.wait_until(work(50)); }
  void rest(troupe::context<dancer>& c) { c.sleep(); }
  void end(troupe::context<dancer>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = 100ms,
                                           .sleep_grace_period = 200ms,
                                           .action_timeout = call_max,
                                           .on_create_timeout = 200ms,
                                           .on_wake_timeout = 200ms,
                                           .on_connect_timeout = 200ms};
  using actor = troupe::actor<dancer, &dancer::dance, &dancer::look, troupe::exclusive<&dancer::embrace>,
                              troupe::exclusive<&dancer::lead>, &dancer::pause, &dancer::save, &dancer::twirl,
                              &dancer::practise, &dancer::muse, &dancer::rest, &dancer::end, danced>;

 private:
  troupe::task<> work(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      co_await troupe::delay(20ms);
      ++steps;
    }
  }
};

/// What is known outside of the process.
class outside {
 public:
  static constexpr std::uint64_t dancers = 4;
  static std::string name_of(std::uint64_t which) { return "d" + std::to_string(which); }

  void start(simulation& sim) {
    rules.expect(going == 0, "{} things are under way in a process that has gone", going);
    sim_ = &sim;
    rules.watch(sim);
    crashes_before_ = sim.crashes();
    for (int i = 0; i < 4 && !over; ++i) sim.spawn(be_client(sim.random().next()));
  }

  // --- what is under way ---

  [[nodiscard]] nanoseconds now() const { return sim_->elapsed(); }
  void begin() { ++going; }
  void end(const std::string& what, nanoseconds took, nanoseconds least, nanoseconds most) {
    --going;
    ++ended;
    const bool died = sim_->crashes() != crashes_before_;
    rules.expect(died || took >= least, "{} was to take {} us, and took {}", what, least / 1us, took / 1us);
    rules.expect(took <= most + slack, "{} was to take {} us at most, and took {}", what, most / 1us, took / 1us);
  }
  [[nodiscard]] std::uint64_t draw(std::uint64_t n) { return sim_->random().below(n); }

  bool over = false;
  nanoseconds slack{0};
  nanoseconds commit_time{0};  ///< a list waits for commits, and has no time-out
  referee rules;
  std::int64_t going = 0;
  std::uint64_t ended = 0;

 private:
  troupe::task<> be_client(std::uint64_t seed);
  troupe::task<> ask(seeded_random& random);
  troupe::task<> call_one(troupe::handle<dancer> h, std::uint64_t what, std::string other);
  troupe::task<> wait_for_event(troupe::handle<dancer> h);

  simulation* sim_ = nullptr;
  std::uint32_t crashes_before_ = 0;
};

pending::pending(std::string what, nanoseconds least, nanoseconds most)
    : what_{std::move(what)}, least_{least}, most_{most}, begun_{here->now()} {
  here->begin();
}
pending::~pending() { here->end(what_, here->now() - begun_, least_, most_); }

std::uint64_t draw(std::uint64_t n) { return here->draw(n); }

troupe::task<> outside::call_one(troupe::handle<dancer> h, std::uint64_t what, std::string other) {
  if (what == 0) {
    co_await h.call<&dancer::dance>();
  } else if (what == 1) {
    co_await h.call<&dancer::look>();
  } else if (what < 5) {
    co_await h.call<&dancer::embrace>(other, 3U);
  } else if (what == 5) {
    co_await h.call<&dancer::lead>(other);
  } else if (what == 6) {
    co_await h.call<&dancer::pause>(30);
  } else if (what == 7) {
    co_await h.call<&dancer::save>();
  } else if (what == 8) {
    co_await h.call<&dancer::twirl>();
  } else if (what == 9) {
    co_await h.call<&dancer::practise>();
  } else if (what == 10) {
    co_await h.call<&dancer::muse>();
  } else if (what == 11) {
    co_await h.call<&dancer::rest>();
  } else {
    co_await h.call<&dancer::end>();
  }
}

troupe::task<> outside::wait_for_event(troupe::handle<dancer> h) {
  auto c = co_await h.connect();
  auto coming = c.next(dancer::danced);
  auto either = troupe::when_any(std::move(coming), troupe::delay(100ms));
  co_await std::move(either);
}

troupe::task<> outside::ask(seeded_random& random) {
  const auto what = random.below(13);
  const auto other = name_of(random.below(dancers));
  auto h = sim_->client().get_or_create<dancer>(name_of(random.below(dancers)));
  const auto how = random.below(8);
  if (how == 0) {
    const auto limit = random.up_to(100ms);
    const pending p{"a call with a time-out of its own", 0ns, limit};
    h = h.with(troupe::timeout{limit});
    auto calling = call_one(h, what, other);
    co_await std::move(calling);
  } else if (how == 1) {
    const auto limit = random.up_to(100ms);
    const pending p{"a call beside a delay", 0ns, limit};
    auto calling = call_one(h, what, other);
    auto either = troupe::when_any(std::move(calling), troupe::delay(limit));
    co_await std::move(either);
  } else if (how == 2) {
    const pending p{"a connection and an event", 0ns, call_max * 2};
    auto waiting = wait_for_event(h);
    co_await std::move(waiting);
  } else if (how == 3) {
    const pending p{"two calls at once", 0ns, call_max};
    auto one = call_one(h, what, other);
    auto two = call_one(sim_->client().get_or_create<dancer>(other), what, "d1");
    auto both = troupe::when_all(std::move(one), std::move(two));
    co_await std::move(both);
  } else if (how == 4) {
    const pending p{"a list", 0ns, commit_time};
    const auto all = co_await sim_->client().list<dancer>();
    rules.expect(all.size() <= dancers, "{} actors are listed", all.size());
  } else {
    const pending p{"a call", 0ns, call_max};
    auto calling = call_one(h, what, other);
    co_await std::move(calling);
  }
}

troupe::task<> outside::be_client(std::uint64_t seed) {
  seeded_random random{seed};
  while (!over) {
    try {
      auto asking = ask(random);
      co_await std::move(asking);
    } catch (const troupe::error& e) {
      if (tells_to_end(e)) co_return;
    }
    const auto nap = random.up_to(60ms);
    pending p{"a delay", nap, nap};
    try {
      co_await troupe::delay(nap);
    } catch (const troupe::error&) {
      p.cut_short();
      throw;
    }
  }
}

/// What can hold up the program in a run: each piece of work that something takes can be late.
nanoseconds slack_of(const troupe::testing::faults& f) {
  nanoseconds slack = 100ms;
  if (f.delay.probability > 0) slack += 10 * f.delay_max;
  if (f.stall.probability > 0) slack += 4 * f.stall_max;
  if (f.clock_jump.probability > 0) slack += 4 * f.clock_jump_max;
  return slack;
}

}  // namespace

TEST_CASE("everything ends") {
  troupe::registry registry;
  registry.use<dancer>("dancer");
  std::uint64_t ended = 0, steps = 0, crashes = 0;
  troupe::testing::for_each_seed(250, [&](std::uint64_t seed) {
    seeded_random chance{seed};
    outside w;
    here = &w;
    const auto f = any_faults(chance);
    w.slack = slack_of(f);
    if (f.slow_commit.probability > 0) w.commit_time += 3 * f.slow_commit_max;
    if (f.commit_fails.probability > 0) w.commit_time += 3 * f.commit_fails_for + 10s;
    if (f.slow_load.probability > 0) w.commit_time += f.slow_load_max;
    simulation sim{registry, {.seed = seed, .faults = f, .on_start = [&](simulation& s) { w.start(s); }}};
    run_for(sim, w.rules, 1s, [] {});

    sim.heal();
    sim.advance(3s + (f.stall.probability > 0 ? f.stall_max : 0ns));  // what was late comes
    w.slack = 100ms;
    sim.advance(500ms);
    w.over = true;
    sim.advance(10s);
    w.rules.expect(w.going == 0, "{} things never end", w.going);
    for (std::uint64_t i = 0; i < outside::dancers; ++i) {
      const auto name = outside::name_of(i);
      w.rules.expect(!sim.is_awake(sim.client().get<dancer>(name)), "{} does not sleep", name);
      for (;;) {
        try {
          sim.run(sim.client().get_or_create<dancer>(name).call<&dancer::look>());
          break;
        } catch (const troupe::error& e) {  // its on_create or on_wake were not in the mood
          using troupe::errc;
          if (e.group() != "user" && !e.is(errc::callback_timed_out) && !e.is(errc::action_timed_out)) throw;
        }
      }
    }
    sim.finish();
    w.rules.judge();
    ended += w.ended;
    steps += sim.steps();
    crashes += sim.crashes();
  });
  INFO(crashes << " crashes, " << steps << " steps, " << ended << " ended");
  CHECK(ended > 0);
}
