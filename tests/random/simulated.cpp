// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include <troupe/testing.hpp>

#include "drivers.hpp"
#include "verbs.hpp"

namespace random_programs {
namespace {

using troupe::testing::simulation;

/// What can hold up a program: each piece of work that something takes can be late.
nanoseconds slack_of(const troupe::testing::faults& f) {
  nanoseconds slack = 100ms;
  if (f.delay.probability > 0) slack += 10 * f.delay_max;
  if (f.stall.probability > 0) slack += 4 * f.stall_max;
  if (f.clock_jump.probability > 0) slack += 4 * f.clock_jump_max;
  return slack;
}

class simulated_run final : public place {
 public:
  simulated_run(const program& p, const std::set<std::string>& allowed)
      : place{rules_}, program_{p}, rules_{p, allowed}, positions_(p.hosts.size()) {
    const auto f = faults_of(p);
    rules_.slack = slack_of(f);
    rules_.may_be_late = f.stall.probability > 0 || f.clock_jump.probability > 0;
    rules_.wall_clock_jumps = f.wall_clock_jump.probability > 0 || f.clock_jump.probability > 0;
    may_crash_ = f.crash.probability + f.crash_before_commit.probability + f.crash_after_commit.probability > 0;
    rules_.clock = [this] { return now(); };
    rules_.is_dead = [this] { return sim_ == nullptr || sim_->crashes() != crashes_; };
    if (std::getenv("TROUPE_TRACE") != nullptr) {
      rules_.tell = [this](const std::string& line) {
        if (sim_ != nullptr) sim_->note(line);
      };
    }
    here = this;
  }
  ~simulated_run() { here = nullptr; }

  result run() {
    result r;
    try {
      simulation sim{registry(),
                     {.seed = program_.seed,
                      .faults = faults_of(program_),
                      .runtime = runtime_options(),
                      .on_start = [this](simulation& s) { start(s); },
                      .time_max = std::chrono::hours{1},
                      .steps_max = 2'000'000}};
      try {
        drive(sim);
        if (!rules_.has_stopped()) close(sim);
        rules_.judge();
      } catch (const broken_promise& e) {
        r.rule = e.rule;
        r.what = e.what();
      } catch (const std::exception& e) {
        r.rule = "simulation";
        r.what = e.what();
      }
      r.steps = sim.steps();
      r.crashes = sim.crashes();
      r.hash = sim.trace_hash();
      rules_.process_dies();
    } catch (const std::exception& e) {
      r.rule = "simulation";
      r.what = e.what();
    }
    r.effects = rules_.effects();
    r.answered = rules_.count(effect::answer::done);
    r.refused = rules_.count(effect::answer::refused);
    r.open = rules_.count(effect::answer::open);
    return r;
  }

  // --- place ---

  troupe::client client() override { return sim_->client(); }
  void spawn(troupe::task<> t) override { sim_->spawn(std::move(t)); }
  void kill() override { sim_->crash(); }
  nanoseconds now() const override { return sim_ == nullptr ? 0ns : sim_->elapsed(); }

 private:
  [[nodiscard]] troupe::runtime_options runtime_options() {
    troupe::runtime_options o;
    o.store = troupe::memory{program_.cut};
    o.on_error = [this](const std::exception_ptr&, std::string_view where) {
      if (where.ends_with("the runtime stops")) rules_.runtime_stops();
      if (const auto lost = lost_actor(where)) rules_.loses(*lost);
    };
    return o;
  }

  // The runtime says: "commit: ... the changes of <type>/<key>".
  [[nodiscard]] std::optional<std::uint32_t> lost_actor(std::string_view where) const {
    if (!where.starts_with("commit: ")) return std::nullopt;
    for (std::uint32_t i = 0; i < program_.actors.size(); ++i) {
      if (where.ends_with(fmt::format("/{}", key_of(i)))) return i;
    }
    return std::nullopt;
  }

  void start(simulation& sim) {
    const bool is_first = sim_ == nullptr;
    sim_ = &sim;
    const bool died = std::exchange(crashes_, sim.crashes()) != sim.crashes();
    rules_.process_started(++processes_);
    if (!is_first) look(died ? moment::after_crash : moment::after_end);
    for (std::uint32_t i = 0; i < program_.hosts.size(); ++i) sim.spawn(be_host(i));
  }

  troupe::task<> be_host(std::uint32_t number) {
    host h;
    h.number = number;
    const script& steps = program_.hosts[number];
    for (auto& at = positions_[number]; at < steps.size();) {
      auto acting = act(h, steps[at++]);
      if (!acting) continue;
      rules_.host_step_begins();
      bool ends = false;
      try {
        co_await std::move(acting);
      } catch (const troupe::error& e) {
        ends = e.is(troupe::errc::runtime_stopped);
      }
      rules_.host_step_ends();
      if (ends) co_return;
    }
  }

  template <class A>
  stored_actor stored(std::uint32_t actor) {
    stored_actor found;
    const auto h = sim_->client().get<A>(key_of(actor));
    if (auto state = sim_->stored(h)) found.content = std::move(state->content);
    if constexpr (A::has_queues) {
      for (const request& r : sim_->stored_messages(h, A::jobs)) found.waiting.insert(r.effect);
      for (const request& r : sim_->stored_messages(h, A::errands)) found.waiting.insert(r.effect);
      for (const request& r : sim_->stored_dead_letters(h, A::jobs)) found.dead.insert(r.effect);
      for (const request& r : sim_->stored_dead_letters(h, A::errands)) found.dead.insert(r.effect);
    }
    return found;
  }

  std::vector<stored_actor> all_stored() {
    std::vector<stored_actor> all;
    for (std::uint32_t i = 0; i < program_.actors.size(); ++i) {
      all.push_back(with_type(program_.actors[i], [&](auto type) { return stored<typename decltype(type)::type>(i); }));
    }
    return all;
  }

  void look(moment when) { rules_.compare(all_stored(), sim_->stored_on_their_way(), when); }

  void restart(simulation& sim) {
    rules_.process_ends();
    sim.restart();
  }

  void drive(simulation& sim) {
    for (const step& s : program_.driver) {
      if (s.verb == "advance") {
        sim.advance(std::chrono::microseconds{std::max<std::int64_t>(s.us, 0)});
      } else if (s.verb == "restart") {
        restart(sim);
      } else if (s.verb == "crash") {
        sim.crash();
      } else if (s.verb == "crash_before_commit") {
        sim.crash_before_next_commit();
      } else if (s.verb == "crash_after_commit") {
        sim.crash_after_next_commit();
      } else if (s.verb == "put_to_sleep" && !may_crash_) {
        with_type(program_.actors[s.to], [&](auto type) {
          sim.put_to_sleep(sim.client().get<typename decltype(type)::type>(key_of(s.to)));
        });
      }
      look(moment::running);
      rules_.judge();
      if (rules_.has_stopped()) return;
    }
  }

  [[nodiscard]] bool hosts_are_done() const {
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      if (positions_[i] < program_.hosts[i].size()) return false;
    }
    return rules_.going() == 0;
  }

  template <class A>
  bool is_usable(simulation& sim, std::uint32_t actor) {
    std::string last;
    for (int tries = 0; tries < 20; ++tries) {
      try {
        sim.run(sim.client().get<A>(key_of(actor)).template call<&A::tidy>());
        return true;
      } catch (const troupe::error& e) {
        if (e.is(troupe::errc::not_found)) return true;
        last = e.what();
      }
      sim.advance(100ms);
    }
    rules_.expect(last.find("store.refuses_changes") != last.npos ? "runtime_stops" : "unusable", false,
                  "a{} answers nothing any more: {}", actor, last);
    return false;
  }

  // Nothing fails any more: then whatever was begun comes to its end.
  void close(simulation& sim) {
    sim.heal();
    sim.faults().busy = {};
    sim.advance(3s);  // what is late comes
    rules_.begin_closing();
    const bool done = sim.advance_until([this] { return hosts_are_done() || rules_.is_broken(); }, 60s);
    rules_.judge();
    rules_.expect("waits_for_ever", done, "{} steps of hosts do not end", rules_.going());
    tidy_all(sim);
    drain(sim);
    restart(sim);
    rules_.judge();
    rules_.process_ends();
    sim.finish();
  }

  void tidy_all(simulation& sim) {
    for (std::uint32_t i = 0; i < program_.actors.size(); ++i) {
      with_type(program_.actors[i], [&](auto type) { return is_usable<typename decltype(type)::type>(sim, i); });
    }
    rules_.judge();
  }

  // Retries wait by the wall clock, which may have been set back.
  void drain(simulation& sim) {
    for (int minutes = 0; minutes < 3 * 60; ++minutes) {
      look(moment::running);
      rules_.judge();
      const auto all = all_stored();
      const bool none_waits = std::ranges::all_of(all, [](const stored_actor& a) { return a.waiting.empty(); });
      if (none_waits && sim.stored_on_their_way() == 0) return;
      tidy_all(sim);
      sim.advance(minutes < 5 ? std::chrono::nanoseconds{2s} : std::chrono::nanoseconds{1min});
    }
    std::string what;
    const auto all = all_stored();
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      for (const effect_id e : all[i].waiting) what += fmt::format(" {} in a{}", rules_.describe(e), i);
    }
    rules_.expect("never_handled", false, "{} on their way;{}", sim.stored_on_their_way(), what);
    rules_.judge();
  }

  const program& program_;
  oracle rules_;
  std::vector<std::size_t> positions_;
  simulation* sim_ = nullptr;
  std::uint32_t crashes_ = 0, processes_ = 0;
  bool may_crash_ = false;
};

}  // namespace

result simulate(const program& p, const std::set<std::string>& allowed) {
  simulated_run run{p, allowed};
  return run.run();
}

void replay(const program& p) {
  const auto r = simulate(p, {});
  if (!r.rule.empty()) throw std::runtime_error(r.what);
}

}  // namespace random_programs
