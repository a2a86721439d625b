// SPDX-License-Identifier: Apache-2.0
#include <thread>
#include <vector>

#include "drivers.hpp"
#include "verbs.hpp"

namespace random_programs {
namespace {

class threaded_run final : public place {
 public:
  threaded_run(const program& p, const std::set<std::string>& allowed, unsigned threads)
      : place{rules_}, program_{p}, rules_{p, allowed}, threads_{threads} {
    rules_.slack = 2s;  // of a machine that does other things, too
    rules_.may_be_late = true;
    rules_.exact = false;
    rules_.wall_clock_jumps = true;
    rules_.clock = [this] { return now(); };
    here = this;
  }
  ~threaded_run() { here = nullptr; }

  result run() {
    result r;
    const troupe::memory store{program_.cut};
    try {
      {
        troupe::runtime runtime{registry(), options(store)};
        runtime_ = &runtime;
        rules_.process_started(1);
        std::vector<std::thread> hosts;
        for (std::uint32_t i = 0; i < program_.hosts.size(); ++i) {
          hosts.emplace_back([this, i] { runtime_->run(be_host(i)); });
        }
        for (std::thread& each : hosts) each.join();
        rules_.begin_closing();
        rules_.process_ends();
        runtime.shutdown();
      }
      rules_.process_started(2);
      rules_.only_looks = true;
      troupe::runtime again{registry(), options(store)};
      runtime_ = &again;
      look();
      rules_.judge();
      rules_.process_ends();
    } catch (const broken_promise& e) {
      r.rule = e.rule;
      r.what = e.what();
    } catch (const std::exception& e) {
      r.rule = "runtime";
      r.what = e.what();
    }
    r.effects = rules_.effects();
    r.answered = rules_.count(effect::answer::done);
    r.refused = rules_.count(effect::answer::refused);
    r.open = rules_.count(effect::answer::open);
    return r;
  }

  // --- place ---

  troupe::client client() override { return runtime_->client(); }
  void spawn(troupe::task<> t) override { runtime_->spawn(std::move(t)); }
  void kill() override {}
  nanoseconds now() const override { return std::chrono::steady_clock::now() - begun_; }

 private:
  [[nodiscard]] troupe::runtime_options options(const troupe::memory& store) {
    troupe::runtime_options o;
    o.store = store;
    o.threads = threads_;
    o.on_error = [this](const std::exception_ptr&, std::string_view where) {
      if (where.ends_with("the runtime stops")) rules_.runtime_stops();
    };
    o.logger = [](troupe::log_level, std::string_view) {};
    return o;
  }

  troupe::task<> be_host(std::uint32_t number) {
    host h;
    h.number = number;
    for (const step& s : program_.hosts[number]) {
      auto acting = act(h, s);
      if (!acting) continue;
      try {
        co_await std::move(acting);
      } catch (const troupe::error&) {
      }
    }
  }

  // Only what the actors have noted: messages that wait are another matter.
  void look() {
    std::vector<stored_actor> all(program_.actors.size());
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      const auto k = program_.actors[i];
      if (k == kind::ephemeral) continue;
      with_type(k, [&](auto type) { ask<typename decltype(type)::type>(i, all[i]); });
    }
    rules_.compare_states(all, moment::after_end);
  }

  template <class A>
  void ask(std::uint32_t actor, stored_actor& found) {
    // On a busy machine a look may take longer than the actors' own time-out.
    const auto h = runtime_->client().get<A>(key_of(actor)).with(troupe::timeout{std::chrono::minutes{1}});
    try {
      found.content = h.template call<&A::show>().get();
    } catch (const troupe::error& e) {
      if (!e.is(troupe::errc::not_found)) throw;
    }
  }

  const program& program_;
  oracle rules_;
  unsigned threads_;
  troupe::runtime* runtime_ = nullptr;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace

result run_on_threads(const program& p, const std::set<std::string>& allowed, unsigned threads) {
  threaded_run run{p, allowed, threads};
  return run.run();
}

}  // namespace random_programs
