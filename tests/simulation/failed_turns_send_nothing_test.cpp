// SPDX-License-Identifier: Apache-2.0
// A turn whose state cannot be stored fails its call, and nothing that it sent is ever on its way; what others sent
// arrives all the same.

#include <catch2/catch.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <troupe/testing/seeds.hpp>

#include "simulation/program.hpp"

using namespace plans;

namespace {

/// Keeps what it is sent.
struct drawer {
  static constexpr troupe::queue<"notes", std::uint64_t> notes{};
  std::set<std::uint64_t> kept;
  std::set<std::uint64_t> kept_twice;

  troupe::task<> run(troupe::context<drawer>& c) {
    for (;;) {
      const auto note = co_await c.queue().next(notes);
      if (!kept.insert(*note).second) kept_twice.insert(*note);
    }
  }

  static constexpr troupe::options options{.sleep_after = 500ms};
  using actor = troupe::actor<drawer, notes>;
};

struct nest {
  std::vector<nest> inner;
};

/// Sends a note in the same turn in which its state becomes what cannot be encoded: it is nested too deeply.
struct clerk {
  nest thoughts;

  void write(troupe::context<clerk>& c, std::uint64_t number, bool storably) {
    thoughts = {};
    for (int depth = 0; !storably && depth < 200; ++depth) {
      nest around;
      around.inner.push_back(std::move(thoughts));
      thoughts = std::move(around);
    }
    c.client().get_or_create<drawer>("d").send(drawer::notes, number).get();
  }

  static constexpr troupe::options options{.sleep_after = 300ms};
  using actor = troupe::actor<clerk, &clerk::write>;
};

struct office {
  std::uint64_t numbers = 0;
  std::set<std::uint64_t> promised, in_vain;
  bool closed = false;
  referee rules;
};

troupe::task<> be_client(simulation& sim, office& o) {
  while (!o.closed) {
    const auto number = ++o.numbers;
    const bool storably = sim.random().below(3) != 0;
    if (!storably) o.in_vain.insert(number);
    const auto key = "c" + std::to_string(sim.random().below(3));
    try {
      co_await sim.client().get_or_create<clerk>(key).call<&clerk::write>(number, storably);
      o.rules.expect(storably, "note {} is said to be stored, and cannot be", number);
      o.promised.insert(number);
    } catch (const troupe::error& e) {
      if (tells_to_end(e)) co_return;
    }
    const auto nap = sim.random().up_to(100ms);
    co_await troupe::delay(nap);
  }
}

void look(simulation& sim, office& o) {
  const auto stored = sim.stored(sim.client().get<drawer>("d"));
  if (!stored) return;
  for (const auto number : stored->kept) {
    o.rules.expect(!o.in_vain.contains(number), "note {} has arrived, but the turn that sent it had failed", number);
  }
  for (const auto number : stored->kept_twice) o.rules.expect(false, "note {} has arrived twice", number);
}

}  // namespace

TEST_CASE("a turn that cannot be stored sends nothing") {
  troupe::registry registry;
  registry.use<drawer>("drawer").use<clerk>("clerk");
  std::size_t in_vain = 0;
  troupe::testing::for_each_seed(150, [&](std::uint64_t seed) {
    seeded_random chance{seed};
    office o;
    simulation sim{registry, {.seed = seed, .faults = any_faults(chance), .on_start = [&](simulation& s) {
      o.rules.watch(s);
      for (int i = 0; i < 3 && !o.closed; ++i) s.spawn(be_client(s, o));
    }}};
    run_for(sim, o.rules, 4s, [&] { look(sim, o); });

    sim.heal();
    o.closed = true;
    sim.advance(3min);  // the longest pause between two attempts is a minute
    sim.restart();
    sim.advance(3min);
    look(sim, o);
    const auto stored = sim.stored(sim.client().get<drawer>("d"));
    for (const auto number : o.promised) {
      o.rules.expect(stored && stored->kept.contains(number), "note {} was promised, and has not arrived", number);
    }
    o.rules.judge();
    sim.finish();
    in_vain += o.in_vain.size();
  });
  CHECK(in_vain > 0);
}
