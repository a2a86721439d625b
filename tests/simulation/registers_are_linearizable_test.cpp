// SPDX-License-Identifier: Apache-2.0
// Committed actors are registers that concurrent callers cannot tell from one that serves them one after another, each
// at some moment between the question and the answer: through crashes, failing commits and time-outs. An answer that
// never came says nothing; the operation may have happened or not.

#include <cstdint>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include <troupe/testing/linearizable.hpp>
#include <troupe/testing/seeds.hpp>

#include "program.hpp"

using namespace plans;

namespace {

enum class verb : std::uint8_t { read, write, compare_and_set, increment };

struct operation {
  std::string where;
  verb what = verb::read;
  std::int64_t value = 0;
  std::int64_t expected = 0;
  bool operator==(const operation&) const = default;
};

/// What a register does; each operation answers with the value that it leaves.
std::int64_t apply_to(std::int64_t& value, verb what, std::int64_t operand, std::int64_t expected) {
  if (what == verb::write) value = operand;
  if (what == verb::compare_and_set && value == expected) value = operand;
  if (what == verb::increment) value += operand;
  return value;
}

struct register_model {
  using operation = ::operation;
  std::int64_t value = 0;

  std::int64_t apply(const operation& o) { return apply_to(value, o.what, o.value, o.expected); }
  static std::string partition(const operation& o) { return o.where; }
  bool operator==(const register_model&) const = default;
};

struct cell {
  std::int64_t value = 0;

  std::int64_t read() const { return value; }
  std::int64_t write(std::int64_t to) { return apply_to(value, verb::write, to, 0); }
  std::int64_t compare_and_set(std::int64_t expected, std::int64_t to) {
    return apply_to(value, verb::compare_and_set, to, expected);
  }
  /// Reads in one turn and writes in another; nobody gets in between.
  troupe::task<std::int64_t> increment(troupe::context<cell>&, std::int64_t by) {
    const auto before = value;
    co_await troupe::delay(2ms);
    value = before + by;
    co_return value;
  }
  static constexpr troupe::options options{.sleep_after = 100ms};
  using actor = troupe::actor<cell, &cell::read, &cell::write, &cell::compare_and_set,
                              troupe::exclusive<&cell::increment>>;
};

troupe::task<std::int64_t> ask(troupe::handle<cell> h, operation o) {
  std::int64_t answer = 0;
  if (o.what == verb::read) {
    answer = co_await h.call<&cell::read>();
  } else if (o.what == verb::write) {
    answer = co_await h.call<&cell::write>(o.value);
  } else if (o.what == verb::compare_and_set) {
    answer = co_await h.call<&cell::compare_and_set>(o.expected, o.value);
  } else {
    answer = co_await h.call<&cell::increment>(o.value);
  }
  co_return answer;
}

/// Passes operations on, as one actor to another: what it answers must be as durable as what it was answered.
struct relay {
  troupe::task<std::int64_t> pass(troupe::context<relay>& c, operation o) {
    auto h = c.client().get_or_create<cell>(o.where);
    auto asking = ask(h, std::move(o));
    const auto answer = co_await std::move(asking);
    co_return answer;
  }
  static constexpr troupe::options options{.sleep_after = 50ms};
  using actor = troupe::actor<relay, &relay::pass>;
};

class outside {
 public:
  static constexpr std::uint64_t cells = 3;

  void start(simulation& sim) {
    sim_ = &sim;
    for (int i = 0; i < 4 && !over; ++i) sim.spawn(be_client(sim.random().next()));
  }

  bool over = false;
  troupe::testing::history<register_model> history;

 private:
  troupe::task<> be_client(std::uint64_t seed) {
    seeded_random random{seed};
    while (!over) {
      operation o;
      o.where = "r" + std::to_string(random.below(cells));
      o.what = static_cast<verb>(random.below(4));
      o.value = random.between(1, 9);
      o.expected = random.between(1, 9);
      const bool by_relay = random.below(4) == 0;
      const bool in_a_hurry = random.below(10) == 0;
      const auto limit = in_a_hurry ? random.up_to(10ms) : 10s;
      const auto id = history.begin(o);
      std::optional<std::int64_t> answer;
      try {
        if (by_relay) {
          auto h = sim_->client().get_or_create<relay>("relay").with(troupe::timeout{limit});
          answer = co_await h.call<&relay::pass>(o);
        } else {
          auto h = sim_->client().get_or_create<cell>(o.where).with(troupe::timeout{limit});
          auto asking = ask(h, o);
          answer = co_await std::move(asking);
        }
      } catch (const troupe::error& e) {
        history.unknown(id);
        if (tells_to_end(e)) co_return;
      }
      if (answer) history.end(id, *answer);
      const auto nap = random.up_to(60ms);
      co_await troupe::delay(nap);
    }
  }

  simulation* sim_ = nullptr;
};

}  // namespace

TEST_CASE("committed actors are linearizable through crashes") {
  troupe::registry registry;
  registry.use<cell>("cell").use<relay>("relay");
  std::uint64_t asked = 0, steps = 0, crashes = 0, configurations = 0, gave_up = 0;
  troupe::testing::for_each_seed(600, [&](std::uint64_t seed) {
    seeded_random chance{seed};
    outside w;
    simulation sim{registry, {.seed = seed, .faults = any_faults(chance),
                              .on_start = [&](simulation& s) { w.start(s); }}};
    run_for(sim, referee{}, 1s, [] {});
    sim.heal();
    w.over = true;
    sim.advance(20s);
    const auto found = troupe::testing::check_linearizable(w.history, {.configurations_max = 200'000});
    using verdict = troupe::testing::linearizability::verdict;
    if (found.outcome() == verdict::not_linearizable) throw std::runtime_error(found.explanation());
    gave_up += found.outcome() == verdict::gave_up ? 1U : 0U;
    asked += w.history.size();
    steps += sim.steps();
    crashes += sim.crashes();
    configurations += found.configurations();
  });
  INFO(crashes << " crashes, " << steps << " steps, " << asked << " operations, " << configurations
               << " configurations, " << gave_up << " given up");
  CHECK(gave_up * 100 <= asked);
}
