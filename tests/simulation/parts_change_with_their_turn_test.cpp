// SPDX-License-Identifier: Apache-2.0
// Rows of an actor's part change with its state, and a row that is due wakes its actor, whatever goes wrong. The part is
// one that only the tests have.

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <troupe/testing/seeds.hpp>

#include "runtime/counter_part.hpp"
#include "simulation/program.hpp"

using namespace plans;
using behaviour::counter_part;

namespace {

struct nest {
  std::vector<nest> inner;
};

struct account_of_rows {
  std::int64_t added = 0;                         ///< the state's own count
  std::int64_t added_in_rows = 0;                 ///< the same, as the rows have it
  std::map<std::string, std::int64_t> rung = {};  ///< by name: how often it was due
};

/// Counts in its state and in a part alike. It cannot be stored while it is nested too deeply.
struct ledger {
  std::int64_t added = 0;
  nest thoughts;

  account_of_rows add(std::uint64_t name, bool storably) {
    const auto before = look();
    thoughts = {};
    for (int depth = 0; !storably && depth < 200; ++depth) {
      nest around;
      around.inner.push_back(std::move(thoughts));
      thoughts = std::move(around);
    }
    ++added;
    counter_part::mine().add("row " + std::to_string(name), 1);
    return before;
  }
  void ring_in(std::uint64_t number, std::chrono::milliseconds delay) {
    counter_part::mine().set_due("bell " + std::to_string(number), delay);
  }
  account_of_rows look() {
    account_of_rows all{.added = added};
    for (const auto& [name, row] : counter_part::mine().all()) {
      if (name.starts_with("row")) all.added_in_rows += row.count;
      if (name.starts_with("bell")) all.rung.emplace(name, row.count);
    }
    return all;
  }

  static constexpr troupe::options options{.sleep_after = 300ms};
  using actor = troupe::actor<ledger, &ledger::add, &ledger::ring_in, &ledger::look>;
};

}  // namespace

template <>
inline constexpr std::span<const troupe::detail::part_entry> troupe::detail::own_parts<ledger> = counter_part::entries;

namespace {

constexpr std::uint64_t ledgers = 3;
std::string key_of(std::uint64_t which) { return "l" + std::to_string(which); }

struct office {
  std::uint64_t numbers = 0;
  std::map<std::uint64_t, std::int64_t> promised, possible;  ///< additions, by ledger
  std::map<std::uint64_t, std::set<std::string>> bells;      ///< promised, by ledger
  bool closed = false;
  std::size_t in_vain = 0;
  referee rules;

  void check(std::uint64_t which, const account_of_rows& all) {
    rules.expect(all.added == all.added_in_rows, "{}: the state counts {}, the rows {}", key_of(which), all.added,
                 all.added_in_rows);
    for (const auto& [name, times] : all.rung) rules.expect(times <= 1, "{} has rung {} times", name, times);
  }
};

troupe::task<> be_client(simulation& sim, office& o) {
  while (!o.closed) {
    const auto which = sim.random().below(ledgers);
    const auto handle = sim.client().get_or_create<ledger>(key_of(which));
    const auto number = ++o.numbers;
    const auto choice = sim.random().below(4);
    const bool storably = choice != 0;
    try {
      if (choice == 1) {
        const auto delay = std::chrono::milliseconds{sim.random().below(2) == 0 ? sim.random().below(2'000)
                                                                                  : sim.random().below(300'000)};
        co_await handle.call<&ledger::ring_in>(number, delay);
        o.bells[which].insert("bell " + std::to_string(number));
      } else {
        if (storably) ++o.possible[which];
        const auto before = co_await handle.call<&ledger::add>(sim.random().below(3), storably);
        o.rules.expect(storably, "an addition is said to be stored, and cannot be");
        o.check(which, before);
        ++o.promised[which];
      }
    } catch (const troupe::error& e) {
      if (tells_to_end(e)) co_return;
      if (!storably) ++o.in_vain;
    }
    const auto nap = sim.random().up_to(300ms);
    co_await troupe::delay(nap);
  }
}

void audit(simulation& sim, office& o) {
  for (std::uint64_t which = 0; which != ledgers; ++which) {
    const auto all = sim.run(sim.client().get_or_create<ledger>(key_of(which)).call<&ledger::look>());
    o.check(which, all);
    o.rules.expect(all.added >= o.promised[which], "{} additions of {} were promised", o.promised[which], all.added);
    o.rules.expect(all.added <= o.possible[which], "{} additions of at most {}", all.added, o.possible[which]);
    for (const auto& bell : o.bells[which]) {
      const auto found = all.rung.find(bell);
      o.rules.expect(found != all.rung.end() && found->second == 1, "{} of {} was promised, and has not rung", bell,
                     key_of(which));
    }
  }
  o.rules.judge();
}

}  // namespace

TEST_CASE("rows change with the state of their actor, and each due time comes once, whatever goes wrong") {
  troupe::registry registry;
  registry.use<ledger>("ledger");
  std::size_t in_vain = 0;
  std::size_t bells = 0;
  troupe::testing::for_each_seed(100, [&](std::uint64_t seed) {
    counter_part::reset();
    seeded_random chance{seed};
    office o;
    simulation sim{registry, {.seed = seed, .faults = any_faults(chance), .on_start = [&](simulation& s) {
      o.rules.watch(s);
      for (int i = 0; i < 3 && !o.closed; ++i) s.spawn(be_client(s, o));
    }}};
    run_for(sim, o.rules, 6s, [] {});

    sim.heal();
    o.closed = true;
    // The last delays, and how far the wall clock may have been set back. Then nothing is left to be done.
    sim.advance(10min + 4 * sim.faults().wall_clock_jump_max);
    audit(sim, o);
    sim.restart();
    audit(sim, o);
    sim.finish();
    in_vain += o.in_vain;
    for (const auto& [which, promised] : o.bells) bells += promised.size();
  });
  CHECK(in_vain > 0);
  CHECK(bells > 0);
}
