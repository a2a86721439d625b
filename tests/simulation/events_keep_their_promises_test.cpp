// SPDX-License-Identifier: Apache-2.0
// A connection hears what its actor sends in the order of sending, everything from its first event to its last and
// nothing twice, none before it is stored, and its end behind all of them. Who does not keep up is told. Actors hear
// actors, and what they make of it is stored no sooner than its cause. Hooks of connections come in pairs.
//
// The speaker counts what it broadcasts, in its state; so listeners see gaps, and can look whether it is stored.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/testing/seeds.hpp>

#include "program.hpp"

using namespace plans;

namespace {

class outside;
outside* here = nullptr;

/// Where a listener is.
struct bookmark {
  std::uint64_t born = 0;   // which life of the speaker
  std::uint64_t since = 0;  // what had been said when it began to listen: of that it may hear what on_connect sent
  std::uint64_t last = 0;
};

std::uint64_t draw(std::uint64_t n);
std::uint64_t next_number();
void note_connect(const std::string& who);
void note_disconnect(const std::string& who);
void note_told(const std::string& who, std::uint64_t number);
void spoken(const std::string& who, std::uint64_t born, std::uint64_t number);
bookmark begin_to_hear(const std::string& whom);
void heard_by_actor(const std::string& who, bookmark& at, std::uint64_t born, std::uint64_t number);
void expect_listed(const std::string& who, bool listed, bool should_be);
void note_end(std::uint64_t born);

struct hello {
  std::string name;
};

struct speaker {
  static constexpr troupe::event<"said", std::uint64_t, std::uint64_t> said{};  // the life, the number
  static constexpr troupe::event<"told", std::uint64_t> told{};                 // to one: a number of its own

  struct guest {
    std::string name;
    std::uint64_t told = 0;
  };

  std::uint64_t born = 0;
  std::uint64_t number = 0;
  std::string padding;

  void on_create(troupe::context<speaker>&) { born = next_number(); }
  guest create_connection_state(troupe::context<speaker>&, const hello& h) { return {h.name, 0}; }
  troupe::task<> on_connect(troupe::context<speaker>& c, troupe::peer<speaker> p) {
    if (draw(12) == 0) throw troupe::user_error{"full"};
    expect_listed(p.state().name, lists(c, p), true);
    speak(c);
    if (draw(3) == 0) {
      co_await c.delay(1ms);
    }
    note_connect(p.state().name);
  }
  troupe::task<> on_disconnect(troupe::context<speaker>& c, troupe::peer<speaker> p) {
    note_disconnect(p.state().name);
    expect_listed(p.state().name, lists(c, p), false);
    speak(c);
    if (draw(3) == 0) {
      co_await troupe::delay(1ms);
    }
  }

  std::uint64_t say(troupe::context<speaker>& c, std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) speak(c);
    if (draw(8) == 0) padding.assign(draw(2) == 0 ? 0 : 6000, 'x');
    return number;
  }
  troupe::task<> say_slowly(troupe::context<speaker>& c) {
    speak(c);
    co_await c.delay(4ms);
    speak(c);
    throw troupe::user_error{"changed", "What was said is said"};
  }
  void tell(troupe::context<speaker>& c) {
    for (auto& p : c.connections()) {
      guest& g = p.state();
      note_told(g.name, ++g.told);
      p.send(told, g.told);
    }
  }
  void kick(troupe::context<speaker>& c) {
    const auto all = c.connections();
    if (!all.empty()) all.front().disconnect(troupe::user_error{"kicked"});
  }
  std::uint64_t look() const { return number; }
  void rest(troupe::context<speaker>& c) { c.sleep(); }
  void end(troupe::context<speaker>& c) {
    note_end(born);
    c.destroy();
  }

  static constexpr troupe::options options{.sleep_after = 30ms, .action_timeout = 2s, .connection_events_max = 12};
  using actor = troupe::actor<speaker, &speaker::say, &speaker::say_slowly, &speaker::tell, &speaker::kick,
                              &speaker::look, &speaker::rest, &speaker::end, said, told>;

 private:
  void speak(troupe::context<speaker>& c) {
    ++number;
    spoken(c.key().canonical(), born, number);
    c.broadcast(said, born, number);
  }
  static bool lists(troupe::context<speaker>& c, const troupe::peer<speaker>& p) {
    for (const auto& each : c.connections()) {
      if (each.id() == p.id()) return true;
    }
    return false;
  }
};

/// An actor that listens for as long as it is awake.
struct fan {
  struct line {
    explicit line(troupe::connection<speaker> c) : connection{std::move(c)} {}
    troupe::connection<speaker> connection;
    troupe::subscription heard;
    bookmark at;
  };

  bookmark latest;
  troupe::transient<std::unique_ptr<line>> source;

  troupe::task<> follow(troupe::context<fan>& c, std::string whom) {
    auto other = c.client().get_or_create<speaker>(whom);
    hello h{"fan " + std::to_string(next_number())};
    auto connected = co_await other.connect(troupe::moved(h));
    *source = std::make_unique<line>(std::move(connected));
    auto hear = [this, me = c.key().canonical()](std::uint64_t born, std::uint64_t number) {
      heard_by_actor(me, (*source)->at, born, number);
      latest = (*source)->at;
    };
    (*source)->at = begin_to_hear(whom);
    (*source)->heard = (*source)->connection.on(speaker::said, std::move(hear));
  }
  void let_go() { source->reset(); }

  static constexpr troupe::options options{.sleep_after = 60ms, .action_timeout = 2s};
  using actor = troupe::actor<fan, &fan::follow, &fan::let_go>;
};

/// What a listener of the host knows.
struct ear {
  std::string name;
  bookmark said;
  std::uint64_t told_since = 0, told = 0;
  bool listening = true;
  int ends = 0;
};

/// What is known outside of the process.
class outside {
 public:
  static constexpr std::uint64_t speakers = 2;
  static std::string speaker_name(std::uint64_t which) { return "s" + std::to_string(which); }

  void start(simulation& sim) {
    sim_ = &sim;
    rules.watch(sim);
    inspect();
    ended_.clear();
    visits_.clear();
    if (over) return;
    for (int i = 0; i < 3; ++i) sim.spawn(be_visitor(sim.random().next()));
    sim.spawn(be_reader(sim.random().next()));
    sim.spawn(drive_fans(sim.random().next()));
  }

  /// What listeners know, and what is stored of actors that listened.
  void inspect() {
    std::map<std::uint64_t, std::uint64_t> stored;
    for (std::uint64_t i = 0; i < speakers; ++i) {
      const auto s = sim_->stored(sim_->client().get<speaker>(speaker_name(i)));
      if (s && s->born != 0) stored[s->born] = s->number;
    }
    for (const auto& [born, number] : stored) {
      rules.expect(heard_[born] <= number, "event {} of life {} was heard, but {} is stored", heard_[born], born,
                   number);
    }
    for (const auto* const name : {"f0", "f1"}) {
      const auto f = sim_->stored(sim_->client().get<fan>(name));
      if (!f || !stored.contains(f->latest.born)) continue;
      rules.expect(f->latest.last <= stored[f->latest.born], "{} has heard {}, and is stored; its speaker only with {}",
                   name, f->latest.last, stored[f->latest.born]);
    }
  }
  /// After everybody has gone. Where an actor could not be woken for it, its on_disconnect did not run, and `on_error`
  /// has heard of it.
  void expect_pairs() {
    for (const auto& e : sim_->errors()) {
      if (e.starts_with("on_disconnect")) return;
    }
    for (const auto& [who, v] : visits_) {
      rules.expect(v.opened == v.closed, "on_connect of {} ran to its end {} times, on_disconnect {} times", who,
                   v.opened, v.closed);
    }
  }

  // --- in the actors ---

  std::uint64_t draw(std::uint64_t n) { return sim_->random().below(n); }
  std::uint64_t number() { return ++numbers_; }
  void connect(const std::string& who) {
    rules.expect(++visits_[who].opened == 1, "on_connect of {} runs twice", who);
  }
  void disconnect(const std::string& who) {
    auto& v = visits_[who];
    ++v.closed;
    rules.expect(v.closed == v.opened, "on_disconnect of {} runs for the {}th time, after {} on_connect", who, v.closed,
                 v.opened);
  }
  void tell(const std::string& who, std::uint64_t number) { visits_[who].told = number; }
  void end(std::uint64_t born) { ended_[born] = true; }

  void follow(const std::string& who, bookmark& at, std::uint64_t born, std::uint64_t number) {
    ++events;
    if (at.last == 0 && ended_.contains(born)) at = bookmark{born, UINT64_MAX, 0};  // its successor has spoken already
    rules.expect(at.born == born, "{} listens to life {}, and hears life {}", who, at.born, born);
    const auto next = std::max(at.last, at.since) + 1;  // 0 of a life that has ended
    const bool is_early = number <= at.since && number > at.last;
    rules.expect(number == next || is_early, "{} hears {} behind {}, and listens since {}", who, number, at.last,
                 at.since);
    at.last = number;
  }
  void speak(const std::string& who, std::uint64_t born, std::uint64_t number) { spoken_[who] = {born, number, 0}; }
  bookmark begin_to_hear(const std::string& whom) { return spoken_[whom]; }

  bool over = false;
  referee rules;
  std::uint64_t events = 0, lagging = 0;

 private:
  struct visit {
    int opened = 0, closed = 0;
    std::uint64_t told = 0;
  };

  /// An event has reached the outside: it must be stored.
  void follow_gated(const std::string& who, bookmark& at, const std::string& whom, std::uint64_t born,
                    std::uint64_t number) {
    follow(who, at, born, number);
    const auto s = sim_->stored(sim_->client().get<speaker>(whom));
    if (ended_.contains(born)) return;
    heard_[born] = std::max(heard_[born], number);
    const bool there = s && s->born == born && s->number >= number;
    rules.expect(there, "{} hears event {} of {}, of which {} are stored", who, number, whom, s ? s->number : 0);
  }

  troupe::task<> visit_once(seeded_random& random);
  troupe::task<> read_once(seeded_random& random);

  troupe::task<> be_visitor(std::uint64_t seed) {
    seeded_random random{seed};
    while (!over) {
      try {
        auto visiting = visit_once(random);
        co_await std::move(visiting);
      } catch (const troupe::error& e) {
        if (tells_to_end(e)) co_return;
      }
      const auto nap = random.up_to(50ms);
      co_await troupe::delay(nap);
    }
  }
  troupe::task<> be_reader(std::uint64_t seed) {
    seeded_random random{seed};
    while (!over) {
      try {
        auto reading = read_once(random);
        co_await std::move(reading);
      } catch (const troupe::error& e) {
        if (e.is(troupe::errc::connection_lagging)) ++lagging;
        if (tells_to_end(e)) co_return;
      }
      const auto nap = random.up_to(50ms);
      co_await troupe::delay(nap);
    }
  }
  troupe::task<> drive_fans(std::uint64_t seed) {
    seeded_random random{seed};
    while (!over) {
      auto f = sim_->client().get_or_create<fan>(random.below(2) == 0 ? "f0" : "f1");
      const auto whom = speaker_name(random.below(speakers));
      try {
        if (random.below(4) == 0) {
          co_await f.call<&fan::let_go>();
        } else {
          co_await f.call<&fan::follow>(whom);
        }
      } catch (const troupe::error& e) {
        if (tells_to_end(e)) co_return;
      }
      const auto nap = random.up_to(150ms);
      co_await troupe::delay(nap);
    }
  }

  simulation* sim_ = nullptr;
  std::uint64_t numbers_ = 0;
  std::map<std::uint64_t, std::uint64_t> heard_;  // by life: the last event that reached the outside
  std::map<std::uint64_t, bool> ended_;           // lives that somebody has ended in this process
  std::map<std::string, visit> visits_;
  std::map<std::string, bookmark> spoken_;
};

std::uint64_t draw(std::uint64_t n) { return here->draw(n); }
std::uint64_t next_number() { return here->number(); }
void note_connect(const std::string& who) { here->connect(who); }
void note_told(const std::string& who, std::uint64_t number) { here->tell(who, number); }
void note_disconnect(const std::string& who) { here->disconnect(who); }
void spoken(const std::string& who, std::uint64_t born, std::uint64_t number) { here->speak(who, born, number); }
bookmark begin_to_hear(const std::string& whom) { return here->begin_to_hear(whom); }
void note_end(std::uint64_t born) { here->end(born); }
void spoken(const std::string& who, std::uint64_t born, std::uint64_t number);
bookmark begin_to_hear(const std::string& whom);
void heard_by_actor(const std::string& who, bookmark& at, std::uint64_t born, std::uint64_t number) {
  here->follow(who, at, born, number);
}
void expect_listed(const std::string& who, bool listed, bool should_be) {
  here->rules.expect(listed == should_be, "{} is {}among the connections", who, listed ? "" : "not ");
}

troupe::task<> outside::visit_once(seeded_random& random) {
  const auto whom = speaker_name(random.below(speakers));
  auto h = sim_->client().get_or_create<speaker>(whom);
  const auto me = std::make_shared<ear>();
  me->name = "visitor " + std::to_string(number());
  const hello greeting{me->name};
  auto c = co_await h.connect(greeting);

  auto hear = [this, me, whom](std::uint64_t born, std::uint64_t n) {
    rules.expect(me->listening && me->ends == 0, "{} hears {} behind its end", me->name, n);
    follow_gated(me->name, me->said, whom, born, n);
  };
  auto hear_told = [this, me](std::uint64_t n) {
    const bool is_early = n <= me->told_since && n > me->told;
    rules.expect(n == std::max(me->told, me->told_since) + 1 || is_early, "{} is told {} behind {}", me->name, n,
                 me->told);
    me->told = n;
  };
  auto hear_end = [this, me](const std::exception_ptr&) {
    rules.expect(++me->ends == 1, "{} is told of its end twice", me->name);
  };
  me->said = begin_to_hear(whom);
  auto said = c.on(speaker::said, std::move(hear));
  me->told_since = visits_[me->name].told;
  auto told = c.on(speaker::told, std::move(hear_told));
  auto end = c.on_close(std::move(hear_end));

  const auto rounds = random.below(10);
  for (std::uint64_t i = 0; i < rounds && !over; ++i) {
    const auto what = random.below(20);
    if (what < 8) {
      const auto times = static_cast<std::uint32_t>(random.below(5));
      co_await c.call<&speaker::say>(times);
    } else if (what < 10) {
      try {
        co_await h.call<&speaker::say_slowly>();
      } catch (const troupe::user_error&) {
      }
    } else if (what < 12) {
      co_await h.call<&speaker::tell>();
    } else if (what == 12) {
      co_await c.call<&speaker::kick>();
    } else if (what == 13) {
      co_await h.call<&speaker::rest>();
    } else if (what == 14 && random.below(3) == 0) {
      co_await h.call<&speaker::end>();
    } else if (what == 15) {
      said.reset();
      me->listening = false;
    } else {
      const auto nap = random.up_to(60ms);
      co_await troupe::delay(nap);
    }
  }
  if (random.below(2) == 0) c.close();
}

troupe::task<> outside::read_once(seeded_random& random) {
  const auto whom = speaker_name(random.below(speakers));
  auto h = sim_->client().get_or_create<speaker>(whom);
  const std::string me = "reader " + std::to_string(number());
  const hello greeting{me};
  auto c = co_await h.connect(greeting);
  bookmark at = begin_to_hear(whom);
  auto all = c.stream(speaker::said);
  for (int i = 0; i < 30 && !over; ++i) {
    auto waiting = all.next();
    auto either = troupe::when_any(std::move(waiting), troupe::delay(100ms));
    const auto first = co_await std::move(either);
    if (first.index() != 0) continue;
    const auto& event = std::get<0>(first);
    if (!event) co_return;
    follow_gated(me, at, whom, std::get<0>(*event), std::get<1>(*event));
    if (random.below(3) != 0) continue;
    const auto nap = random.up_to(60ms);  // others speak meanwhile, at times too much
    co_await troupe::delay(nap);
  }
}

}  // namespace

TEST_CASE("events come in order, once, and behind their commit") {
  troupe::registry registry;
  registry.use<speaker>("speaker").use<fan>("fan");
  std::uint64_t events = 0, lagging = 0, steps = 0, crashes = 0;
  troupe::testing::for_each_seed(800, [&](std::uint64_t seed) {
    seeded_random chance{seed};
    outside w;
    here = &w;
    simulation sim{registry, {.seed = seed, .faults = any_faults(chance),
                              .on_start = [&](simulation& s) { w.start(s); }}};
    run_for(sim, w.rules, 1s, [&] { w.inspect(); });
    sim.heal();
    w.over = true;
    sim.advance(20s);
    w.expect_pairs();
    sim.restart();
    w.rules.judge();
    events += w.events;
    lagging += w.lagging;
    steps += sim.steps();
    crashes += sim.crashes();
  });
  INFO(crashes << " crashes, " << steps << " steps, " << events << " events heard, " << lagging << " laggards");
  CHECK(events > 0);
}
