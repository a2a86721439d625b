// SPDX-License-Identifier: Apache-2.0
// A run is a function of its seed and of the program, and of nothing else: not of the compiler, the optimisation, the
// sanitizer, the machine, its load or its memory. The program has something of everything, so that everything that is
// not ordered by the seed shows.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/testing/matches_file.hpp>
#include <troupe/testing/seeds.hpp>

#include "program.hpp"

using namespace plans;

namespace {

template <troupe::durability Kind>
struct citizen {
  struct letter {
    std::string text;
    std::uint32_t hops = 0;
  };
  static constexpr troupe::queue<"letters", letter, std::string> letters{{.attempts_max = 3, .retry_min = 5ms}};
  static constexpr troupe::event<"moved", std::string, std::uint64_t> moved{};

  std::uint64_t count = 0;
  std::vector<std::string> read;
  std::string padding;

  void on_create(troupe::context<citizen>& c) { count = c.key().canonical().size(); }
  troupe::task<> on_wake(troupe::context<citizen>& c) {
    if (count % 5 == 4) {
      co_await c.delay(3ms);
    }
  }
  troupe::task<> on_sleep(troupe::context<citizen>&) {
    ++count;
    co_await troupe::delay(1ms);
  }
  void on_connect(troupe::context<citizen>& c, troupe::peer<citizen> p) { p.send(moved, c.key().canonical(), ++count); }
  void on_disconnect(troupe::context<citizen>& c, troupe::peer<citizen>) { c.broadcast(moved, "away", ++count); }

  troupe::task<> run(troupe::context<citizen>& c) {
    for (;;) {
      auto next = co_await c.queue().next(letters);
      read.push_back(next->text);
      if (read.size() > 20) read.clear();
      ++count;
      if (count % 7 == 0) throw troupe::user_error{"illegible"};
      if (next->hops > 0) {
        auto to = c.client().template get_or_create<citizen>("c" + std::to_string(count % 9));
        letter on{next->text + ".", next->hops - 1};
        if (count % 3 == 0) {
          co_await to.send(letters, on, troupe::delayed(std::chrono::milliseconds(count % 40)));
        } else {
          co_await to.send(letters, on);
        }
      }
      next.complete(c.key().canonical());
    }
  }

  std::uint64_t move(troupe::context<citizen>& c, std::uint64_t by) {
    count += by;
    c.broadcast(moved, c.key().canonical(), count);
    if (by % 8 == 0) padding.assign(by % 16 == 0 ? 0 : 5000, 'p');
    if (by % 9 == 0) throw troupe::user_error{"tired"};
    return count;
  }
  troupe::task<std::uint64_t> visit(troupe::context<citizen>& c, std::uint64_t seed, std::uint32_t hops) {
    seeded_random random{seed};
    ++count;
    if (hops == 0) co_return count;
    auto to = c.client().template get_or_create<citizen>("c" + std::to_string(random.below(9)));
    const auto passed_on = random.next();
    std::uint64_t sum = 0;
    if (random.below(3) == 0) {
      auto other = c.client().template get_or_create<citizen>("c" + std::to_string(random.below(9)));
      auto both = troupe::when_all(to.template call<&citizen::visit>(passed_on, hops - 1),
                                   other.template call<&citizen::move>(random.below(40)));
      const auto sums = co_await std::move(both);
      sum = std::get<0>(sums) + std::get<1>(sums);
    } else {
      to.template post<&citizen::move>(random.below(40));
      sum = co_await to.template call<&citizen::visit>(passed_on, hops - 1);
    }
    count += sum % 3;
    co_return count;
  }
  void toil(troupe::context<citizen>& c) {
    c.keep_awake(work(3));
    c.wait_until(work(30));
  }
  void rest(troupe::context<citizen>& c) { c.sleep(); }
  void end(troupe::context<citizen>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = 40ms,
                                           .sleep_grace_period = 80ms,
                                           .durability = Kind,
                                           .save_interval = 25ms,
                                           .action_timeout = 300ms};
  using actor = troupe::actor<citizen, &citizen::move, troupe::exclusive<&citizen::visit>, &citizen::toil,
                              &citizen::rest, &citizen::end, letters, moved>;

 private:
  troupe::task<> work(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      co_await troupe::delay(5ms);
      ++count;
    }
  }
};

using settled = citizen<troupe::durability::committed>;
using roaming = citizen<troupe::durability::relaxed>;
using passing = citizen<troupe::durability::ephemeral>;

// Functions, since g++ has no braced lists in coroutines.
troupe::tags even() { return {{"kind", "even"}}; }
troupe::tags odd() { return {{"kind", "odd"}}; }

class outside {
 public:
  void start(simulation& sim) {
    sim_ = &sim;
    for (int i = 0; i < 3; ++i) sim.spawn(be_client<settled>(sim.random().next()));
    sim.spawn(be_client<roaming>(sim.random().next()));
    sim.spawn(be_client<passing>(sim.random().next()));
  }

 private:
  template <class A>
  troupe::task<> be_client(std::uint64_t seed) {
    seeded_random random{seed};
    for (;;) {
      try {
        auto asking = ask<A>(random);
        co_await std::move(asking);
        sim_->note("done");
      } catch (const troupe::error& e) {
        sim_->note(e.what());
        if (tells_to_end(e)) co_return;
      }
      const auto nap = random.up_to(40ms);
      co_await troupe::delay(nap);
    }
  }

  template <class A>
  troupe::task<> ask(seeded_random& random) {
    const auto& client = sim_->client();
    const troupe::key key{"c" + std::to_string(random.below(9))};
    const auto what = random.below(14);
    const auto number = random.next();
    auto h = client.get_or_create<A>(key, number % 2 == 0 ? even() : odd());
    if (what < 3) {
      const auto answer = co_await h.template call<&A::move>(number % 40);
      sim_->note("moved", answer);
    } else if (what < 5) {
      auto hasty = h.with(troupe::timeout{std::chrono::milliseconds{number % 60}});
      const auto answer = co_await hasty.template call<&A::visit>(number, 4U);
      sim_->note("visited", answer);
    } else if (what < 7) {
      const typename A::letter l{"dear " + std::to_string(number % 100), 3};
      co_await h.send(A::letters, l);
    } else if (what == 7) {
      const typename A::letter l{"please answer", 0};
      const auto answer = co_await h.send_and_wait(A::letters, l);
      sim_->note(answer ? *answer : "no answer");
    } else if (what == 8) {
      auto c = co_await h.connect();
      auto heard = c.stream(A::moved);
      co_await h.template call<&A::move>(1U);
      auto next = heard.next();
      auto either = troupe::when_any(std::move(next), troupe::delay(20ms));
      const auto first = co_await std::move(either);
      sim_->note("heard", first.index());
    } else if (what == 9) {
      const auto all = co_await client.find<A>(even());
      for (const auto& each : all) sim_->note(each.key.canonical());
    } else if (what == 10) {
      const auto all = co_await client.list<A>();
      sim_->note("listed", all.size());
    } else if (what == 11) {
      co_await h.template call<&A::toil>();
    } else if (what == 12) {
      co_await h.template call<&A::rest>();
    } else {
      co_await h.template call<&A::end>();
    }
  }

  simulation* sim_ = nullptr;
};

std::uint64_t hash_of_run(std::uint64_t seed) {
  troupe::registry registry;
  registry.use<settled>("settled").use<roaming>("roaming").use<passing>("passing");
  seeded_random chance{seed};
  outside w;
  simulation sim{registry, {.seed = seed, .faults = any_faults(chance),
                            .on_start = [&](simulation& s) { w.start(s); }}};
  run_for(sim, referee{}, 1s, [] {});
  for (const auto& e : sim.errors()) sim.note(e);
  return sim.trace_hash();
}

}  // namespace

TEST_CASE("the same seed gives the same run, another one another") {
  std::set<std::uint64_t> hashes;
  troupe::testing::for_each_seed(60, [&](std::uint64_t seed) {
    const auto first = hash_of_run(seed);
    const std::vector<std::string> in_the_way(seed * 7 % 50, std::string(100, 'x'));  // other addresses, this time
    const auto second = hash_of_run(seed);
    if (first != second) throw std::runtime_error(fmt::format("two runs differ: {:016x} and {:016x}", first, second));
    if (!hashes.insert(first).second) throw std::runtime_error("another seed gave the same run");
  });
}

// A change of what the library does changes these: then write them anew, and commit them with it. A compiler, a build
// type or a sanitizer that gives others has found something that the seed does not rule.
TEST_CASE("runs are the same with every compiler and in every build type") {
  std::string hashes;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) hashes += fmt::format("{:3} {:016x}\n", seed, hash_of_run(seed));
  const auto file = std::filesystem::path{__FILE__}.parent_path() / "hashes_of_runs.txt";
  CHECK(troupe::testing::matches_file(hashes, file.string()));
}
