// SPDX-License-Identifier: Apache-2.0
// Of an actor there is one activation at a time, with its hooks in their order, one turn after another; what one sender
// asks of it comes in the order of sending, and while an exclusive action runs nobody gets in who does not descend from
// it. Whatever goes wrong: reads that fail, hooks that fail or take too long, actors that are destroyed meanwhile.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include <catch2/catch.hpp>

#include <troupe/testing/seeds.hpp>

#include "program.hpp"

using namespace plans;

namespace {

class outside;
outside* here = nullptr;

/// One activation, from the beginning of `on_wake` until the actor has left memory.
class presence {
 public:
  explicit presence(std::string key);
  ~presence();
  presence(const presence&) = delete;
  presence& operator=(const presence&) = delete;

  enum class phase : std::uint8_t { waking, awake, sleeping, destroyed } now = phase::waking;
  bool in_turn = false;
  bool served = false;  // somebody was let in; before that, on_wake may have been too late with its end
  std::uint64_t alone = 0;  // the exclusive action that runs
  const std::string key;
};

/// A part of a turn of an action, which may descend from an exclusive one, or of a hook.
enum class part : std::uint8_t { action, hook };
class turn {
 public:
  turn(presence* of, part which, std::uint64_t within = 0);
  ~turn();
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

 private:
  presence* of_;
};

struct ticket {
  std::string sender;
  std::uint64_t number = 0;
  std::uint64_t within = 0;  // the exclusive action that it descends from
};

void arrive(const std::string& at, std::uint64_t born, const ticket& t);
std::uint64_t draw(std::uint64_t n);
std::uint64_t next_number();
void created_again(bool has_been);

struct resident {
  std::uint64_t born = 0;
  std::uint64_t heard = 0;
  troupe::transient<std::unique_ptr<presence>> here_now;

  troupe::task<> on_create(troupe::context<resident>& c) {
    created_again(born != 0 || *here_now != nullptr);
    const auto mood = draw(16);
    if (mood == 0) throw troupe::user_error{"not_today"};
    if (mood < 4) {
      co_await c.delay(std::chrono::milliseconds(draw(30)));  // longer than it may, at times
    }
    born = next_number();
  }
  troupe::task<> on_wake(troupe::context<resident>& c) {
    *here_now = std::make_unique<presence>(c.key().canonical());
    const auto mood = draw(16);
    if (mood == 0) throw troupe::user_error{"not_today"};
    if (mood < 6) {
      co_await c.delay(std::chrono::milliseconds(draw(50)));
    }
    (*here_now)->now = presence::phase::awake;
  }
  void on_state_change(troupe::context<resident>&) const;
  troupe::task<> on_sleep(troupe::context<resident>&) {
    end_begins(presence::phase::sleeping);
    if (draw(2) == 0) {
      co_await troupe::delay(std::chrono::milliseconds(draw(20)));
    }
    const turn t{here_now->get(), part::hook};
  }
  void on_destroy(troupe::context<resident>&) { end_begins(presence::phase::destroyed); }

  void hear(troupe::context<resident>& c, ticket t) {
    const turn now{here_now->get(), part::action};
    ++heard;
    arrive(c.key().canonical(), born, t);
  }
  troupe::task<> hear_slowly(troupe::context<resident>& c, ticket t) {
    {
      const turn now{here_now->get(), part::action};
      arrive(c.key().canonical(), born, t);
    }
    co_await c.delay(3ms);
    const turn now{here_now->get(), part::action};
    ++heard;
  }
  /// Several turns, and nobody between them but what it calls itself.
  troupe::task<> keep_out(troupe::context<resident>& c, ticket t, std::string by);
  /// Calls back.
  troupe::task<> relay(troupe::context<resident>& c, std::string to, std::uint64_t within) {
    {
      const turn now{here_now->get(), part::action, within};
    }
    auto back = c.client().get<resident>(to);
    co_await back.call<&resident::touch>(within);
  }
  void touch(std::uint64_t within) { const turn now{here_now->get(), part::action, within}; }
  /// Posts: as a sender of its own, in this turn and in a later one.
  troupe::task<> spread(troupe::context<resident>& c, std::string to);
  void toil(troupe::context<resident>& c) { c.keep_awake(work()); }
  void rest(troupe::context<resident>& c) { c.sleep(); }
  void end(troupe::context<resident>& c) { c.destroy(); }
  std::uint64_t look() const {
    const turn now{here_now->get(), part::action};
    return heard;
  }

  static constexpr troupe::options options{.sleep_after = 40ms,
                                           .sleep_grace_period = 100ms,
                                           .action_timeout = 500ms,
                                           .on_create_timeout = 20ms,
                                           .on_wake_timeout = 30ms};
  using actor = troupe::actor<resident, &resident::hear, &resident::hear_slowly, troupe::exclusive<&resident::keep_out>,
                              &resident::relay, &resident::touch, &resident::spread, &resident::toil, &resident::rest,
                              &resident::end, &resident::look>;

 private:
  void end_begins(presence::phase how);
  troupe::task<> work() {
    for (int i = 0; i < 3; ++i) {
      co_await troupe::delay(4ms);
      ++heard;
    }
  }
};

/// What is known outside of the process.
class outside {
 public:
  static constexpr std::uint64_t residents = 4;
  static std::string name_of(std::uint64_t which) { return "a" + std::to_string(which); }

  void start(simulation& sim) {
    sim_ = &sim;
    rules.watch(sim);
    for (const auto& [key, count] : present_) {
      rules.expect(count == 0, "{} is still in the memory of a process that has gone", key);
    }
    crashes_before_ = sim.crashes();
    last_.clear();  // senders go with their process
    for (int i = 0; i < 3 && !over; ++i) {
      const auto seed = sim.random().next();
      sim.spawn(be_client(seed, "client " + std::to_string(seed)));
    }
  }

  [[nodiscard]] bool dying() const { return sim_->crashes() != crashes_before_; }

  // --- in the actors ---

  void appear(const presence& p) {
    ++activations;
    rules.expect(++present_[p.key] == 1, "{} is awake twice", p.key);
  }
  void vanish(const presence& p) {
    --present_[p.key];
    rules.expect(!p.in_turn, "{} left memory within a turn", p.key);
    rules.expect(dying() || !p.served || p.now > presence::phase::awake, "{} left memory, and nothing told it", p.key);
  }
  void arrive(const std::string& at, std::uint64_t born, const ticket& t) {
    ++arrivals;
    auto& last = last_[{at, born, t.sender}];
    rules.expect(t.number > last, "{} heard number {} of {} behind {}", at, t.number, t.sender, last);
    last = t.number;
  }
  std::uint64_t draw(std::uint64_t n) { return sim_->random().below(n); }
  std::uint64_t number() { return ++numbers_; }

  bool over = false;
  referee rules;
  std::uint64_t activations = 0, arrivals = 0;

 private:
  troupe::task<> be_client(std::uint64_t seed, std::string name) {
    seeded_random random{seed};
    while (!over) {
      const auto what = random.below(20);
      const auto other = name_of(random.below(residents));
      auto h = sim_->client().get_or_create<resident>(name_of(random.below(residents)));
      if (random.below(10) == 0) h = h.with(troupe::timeout{random.up_to(20ms)});
      const ticket t{name, number(), 0};
      try {
        if (what < 4) {
          h.post<&resident::hear>(t);
          h.post<&resident::hear_slowly>(ticket{name, number(), 0});
        } else if (what < 8) {
          co_await h.call<&resident::hear>(t);
        } else if (what < 10) {
          co_await h.call<&resident::hear_slowly>(t);
        } else if (what < 13) {
          co_await h.call<&resident::keep_out>(t, other);
        } else if (what < 15) {
          co_await h.call<&resident::spread>(other);
        } else if (what == 15) {
          co_await h.call<&resident::toil>();
        } else if (what == 16) {
          co_await h.call<&resident::rest>();
        } else if (what == 17) {
          co_await h.call<&resident::end>();
        } else {
          co_await h.call<&resident::look>();
        }
      } catch (const troupe::error& e) {
        if (tells_to_end(e)) co_return;
      }
      if (random.below(2) == 0) continue;
      const auto nap = random.up_to(80ms);
      co_await troupe::delay(nap);
    }
  }

  simulation* sim_ = nullptr;
  std::uint32_t crashes_before_ = 0;
  std::uint64_t numbers_ = 0;
  std::map<std::string, int> present_;
  std::map<std::tuple<std::string, std::uint64_t, std::string>, std::uint64_t> last_;
};

presence::presence(std::string k) : key{std::move(k)} { here->appear(*this); }
presence::~presence() { here->vanish(*this); }

turn::turn(presence* of, part which, std::uint64_t within) : of_{of} {
  here->rules.expect(of != nullptr, "an actor has a turn that is not awake");
  if (of_ == nullptr) return;
  here->rules.expect(!of_->in_turn, "two turns of {} overlap", of_->key);
  here->rules.expect(of_->now != presence::phase::waking, "{} has a turn before on_wake has ended", of_->key);
  here->rules.expect(which == part::hook || of_->alone == 0 || of_->alone == within,
                     "{} was let in while {} is in an exclusive action", within, of_->key);
  of_->in_turn = of_->served = true;
}
turn::~turn() {
  if (of_ != nullptr) of_->in_turn = false;
}

void arrive(const std::string& at, std::uint64_t born, const ticket& t) { here->arrive(at, born, t); }
std::uint64_t draw(std::uint64_t n) { return here->draw(n); }
std::uint64_t next_number() { return here->number(); }
void created_again(bool has_been) {
  here->rules.expect(!has_been, "on_create runs for an actor that has been created");
}

void resident::on_state_change(troupe::context<resident>&) const {
  const bool is_awake = *here_now != nullptr;
  here->rules.expect(is_awake, "on_state_change runs for an actor that is not awake");
}

// An actor that is destroyed while it falls asleep has both hooks.
void resident::end_begins(presence::phase how) {
  const bool is_awake = *here_now != nullptr;
  here->rules.expect(is_awake, "an actor that is not awake is put to sleep");
  if (!is_awake) return;
  auto& now = (*here_now)->now;
  here->rules.expect(now != presence::phase::waking, "{} is put to sleep before it woke", (*here_now)->key);
  here->rules.expect(now < how, "{} is put to sleep, or destroyed, twice", (*here_now)->key);
  now = how;
}

troupe::task<> resident::keep_out(troupe::context<resident>& c, ticket t, std::string by) {
  presence& p = **here_now;
  const auto me = next_number();
  {
    const turn now{&p, part::action};
    arrive(c.key().canonical(), born, t);
    p.alone = me;
  }
  try {
    for (int i = 0; i < 2; ++i) {
      if (draw(2) == 0) {
        co_await c.delay(2ms);
      } else {
        auto other = c.client().get_or_create<resident>(by);
        co_await other.call<&resident::relay>(c.key().canonical(), me);
      }
      const turn now{&p, part::action, me};
    }
  } catch (const troupe::error&) {
  }
  p.alone = 0;
  ++heard;
}

troupe::task<> resident::spread(troupe::context<resident>& c, std::string to) {
  const auto me = "spread " + std::to_string(next_number());
  auto other = c.client().get_or_create<resident>(to);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 2; ++i) {
      ticket t{me, next_number(), 0};
      other.post<&resident::hear>(std::move(t));
    }
    co_await c.delay(1ms);
    ++heard;
  }
}

}  // namespace

TEST_CASE("one activation, one turn, one order") {
  troupe::registry registry;
  registry.use<resident>("resident");
  std::uint64_t activations = 0, arrivals = 0, steps = 0, crashes = 0;
  troupe::testing::for_each_seed(1500, [&](std::uint64_t seed) {
    seeded_random chance{seed};
    outside w;
    here = &w;
    simulation sim{registry, {.seed = seed, .faults = any_faults(chance),
                              .on_start = [&](simulation& s) { w.start(s); }}};
    run_for(sim, w.rules, 1s, [] {});
    sim.heal();
    w.over = true;
    sim.advance(20s);
    for (std::uint64_t i = 0; i < outside::residents; ++i) {
      const bool awake = sim.is_awake(sim.client().get<resident>(outside::name_of(i)));
      w.rules.expect(!awake, "{} does not sleep", outside::name_of(i));
    }
    sim.restart();
    w.rules.judge();
    activations += w.activations;
    arrivals += w.arrivals;
    steps += sim.steps();
    crashes += sim.crashes();
  });
  INFO(crashes << " crashes, " << steps << " steps, " << activations << " activations, " << arrivals << " arrivals");
  CHECK(arrivals > 0);
}
