// SPDX-License-Identifier: Apache-2.0
// The wall clock is set all the time, far forward and back, while actors sleep, wake, send, fail and try again: what is
// delayed comes when its time has passed, and not before.

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <troupe/testing/seeds.hpp>
#include <troupe/testing/simulation.hpp>

#include "simulation/program.hpp"

using namespace std::chrono_literals;
using troupe::testing::simulation;

namespace {

// What the wake of an actor and some turns may take.
constexpr auto late_max = 1s;

struct letter {
  int number = 0;
  std::int64_t due_ns = 0;  ///< on the steady clock
  bool fails = false;
};

plans::referee* rules = nullptr;
std::set<int> arrived;

struct mailbox {
  static constexpr troupe::queue<"letters", letter> letters{{.attempts_max = 5, .retry_min = 3min, .retry_max = 3min}};
  int count = 0;

  troupe::task<> run(troupe::context<mailbox>& c) {
    for (;;) {
      auto next = co_await c.queue().next(letters);
      const auto late = c.now().time_since_epoch() - std::chrono::nanoseconds{next->due_ns};
      const auto wanted = next->fails && next.attempts() == 2 ? std::chrono::nanoseconds{3min} : 0ns;
      rules->expect(late >= wanted, "letter {} is {} ms early", next->number, (wanted - late) / 1ms);
      rules->expect(late <= wanted + late_max, "letter {} is {} ms late", next->number, (late - wanted) / 1ms);
      if (next->fails && next.attempts() == 1) {
        next.retry();
        continue;
      }
      rules->expect(arrived.insert(next->number).second, "letter {} comes twice", next->number);
      ++count;
    }
  }
  int look() const { return count; }

  static constexpr troupe::options options{.sleep_after = 20s};
  using actor = troupe::actor<mailbox, letters, &mailbox::look>;
};

struct author {
  int written = 0;

  troupe::task<> write(troupe::context<author>& c, std::string to, int number, std::chrono::milliseconds delay,
                       bool fails) {
    auto whom = c.client().get_or_create<mailbox>(to);
    const letter text{number, (c.now() + delay).time_since_epoch().count(), fails};
    ++written;
    co_await whom.send(mailbox::letters, text, troupe::delayed(delay));
  }
  using actor = troupe::actor<author, &author::write>;
};

}  // namespace

TEST_CASE("delays keep their length, whatever is done to the wall clock") {
  troupe::registry registry;
  registry.use<mailbox>("mailbox").use<author>("author");
  troupe::testing::for_each_seed(40, [&](std::uint64_t seed) {
    plans::referee here;
    rules = &here;
    arrived.clear();
    troupe::testing::simulation_options options;
    options.seed = seed;
    options.faults.wall_clock_jump = {.probability = 0.05};
    options.faults.wall_clock_jump_max = 48h;
    simulation sim{registry, options};
    here.watch(sim);
    int sent = 0;
    for (int round = 0; round != 60; ++round) {
      auto& random = sim.random();
      const std::string to = fmt::format("{}", random.below(4));
      const std::chrono::milliseconds delay{1 + random.below(2'000'000)};
      const bool fails = random.below(4) == 0;
      const auto who = sim.client().get_or_create<author>(fmt::format("{}", random.below(2)));
      sim.run(who.call<&author::write>(to, ++sent, delay, fails));
      if (random.below(3) == 0) sim.run(sim.client().get_or_create<mailbox>(to).call<&mailbox::look>());
      sim.advance(random.up_to(2min));
      here.judge();
    }
    sim.advance(1h);
    here.expect(arrived.size() == static_cast<std::size_t>(sent), "{} of {} letters came", arrived.size(), sent);
    here.judge();
    sim.finish();
  });
}
