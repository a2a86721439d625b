// SPDX-License-Identifier: Apache-2.0
// What was acknowledged is there after every crash, and at the moment of the acknowledgement already. What failed for
// certain never happened. What is stored is a state that once was, and never an older one than before.
//
// Actors write down numbers, each of which is asked for once. Every life of an actor, from its on_create on, notes
// outside what it has written down, in its order: what is stored must be the beginning of that.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/testing/seeds.hpp>

#include "program.hpp"

using namespace plans;

namespace {

using numbers = std::vector<std::uint64_t>;

/// The durable part of an actor.
struct book {
  std::uint64_t born = 0;  // names a life of an actor: on_create draws it
  numbers entries;
};

class outside;
outside* here = nullptr;

book begin_book(std::string_view key, bool in_vain);
void write_down(book& b, std::uint64_t number);
void note_end(const book& b);

struct ledger {
  struct opening {
    bool in_vain = false;
  };
  book content;

  void on_create(troupe::context<ledger>& c, opening o) {
    content = begin_book(c.key().canonical(), o.in_vain);
    if (o.in_vain) throw troupe::user_error{"in_vain", "This one shall not be"};
  }
  void add(std::uint64_t number) { write_down(content, number); }
  void add_and_throw(std::uint64_t number) {
    write_down(content, number);
    throw troupe::user_error{"changed", "It is written down all the same"};
  }
  void refuse(std::uint64_t) { throw troupe::user_error{"refused", "Nothing was done"}; }
  troupe::task<> add_slowly(troupe::context<ledger>& c, std::uint64_t first, std::uint64_t second) {
    write_down(content, first);
    co_await c.delay(5ms);
    write_down(content, second);
  }
  troupe::task<> forward(troupe::context<ledger>& c, std::uint64_t first, std::string to, std::uint64_t second) {
    write_down(content, first);
    auto other = c.client().get_or_create<ledger>(to, opening{});
    co_await other.call<&ledger::add>(second);
  }
  book look() const { return content; }
  void end(troupe::context<ledger>& c) {
    note_end(content);
    c.destroy();
  }

  static constexpr troupe::options options{.sleep_after = 300ms, .mailbox_calls_max = 3};
  using actor = troupe::actor<ledger, &ledger::add, &ledger::add_and_throw, &ledger::refuse, &ledger::add_slowly,
                              &ledger::forward, &ledger::look, &ledger::end>;
};

struct relaxed_ledger {
  book content;

  void on_create(troupe::context<relaxed_ledger>& c) { content = begin_book(c.key().canonical(), false); }
  void add(std::uint64_t number) { write_down(content, number); }
  troupe::task<> pin(troupe::context<relaxed_ledger>& c, std::uint64_t number) {
    write_down(content, number);
    co_await c.save();
  }

  static constexpr auto interval = 400ms;
  static constexpr troupe::options options{
      .sleep_after = 700ms, .durability = troupe::durability::relaxed, .save_interval = interval};
  using actor = troupe::actor<relaxed_ledger, &relaxed_ledger::add, &relaxed_ledger::pin>;
};

/// What is known outside of the process.
class outside {
 public:
  static constexpr std::uint64_t ledgers = 4;
  static constexpr std::uint64_t clients = 4;
  static std::string name_of(std::uint64_t ledger) { return "l" + std::to_string(ledger); }

  // --- in the actors ---

  book begin(std::string_view key, bool in_vain) {
    const auto born = ++lives_begun_;
    auto& l = lives_[born];
    l.key = key;
    l.in_vain = in_vain;
    return book{born, {}};
  }
  void write(book& b, std::uint64_t number) {
    auto& l = lives_[b.born];
    rules.expect(begun_.insert(number).second, "number {} was written down twice", number);
    rules.expect(!failed_.contains(number), "number {} was written down though its call had failed", number);
    rules.expect(b.entries.size() == l.entries.size(), "{} wakes with {} entries and not the {} that it had", l.key,
                 b.entries.size(), l.entries.size());
    places_[number] = {b.born, l.entries.size()};
    l.entries.push_back({number, sim_->elapsed()});
    b.entries.push_back(number);
  }
  void end(const book& b) { lives_[b.born].end_asked = true; }

  // --- in the clients ---

  std::uint64_t number() { return ++numbers_; }

  /// The caller has the answer: now it is there.
  void acknowledged(std::uint64_t number) {
    const auto at = places_.find(number);
    rules.expect(at != places_.end(), "number {} was acknowledged and never written down", number);
    if (at == places_.end()) return;
    auto& l = lives_[at->second.born];
    l.promised = std::max(l.promised, at->second.index + 1);
    inspect(l.key);
    rules.expect(l.end_asked || l.stored >= l.promised, "number {} was acknowledged, but {} has {} of {} stored",
                 number, l.key, l.stored, l.promised);
  }
  /// Nothing was done.
  void failed(std::uint64_t number) {
    rules.expect(!begun_.contains(number), "number {} was written down, but its call failed", number);
    failed_.insert(number);
  }
  /// Somebody has been told of it.
  void shown(const book& b) {
    auto& l = lives_[b.born];
    l.promised = std::max(l.promised, b.entries.size());
    inspect(l.key);
    rules.expect(l.end_asked || l.stored >= l.promised, "{} showed {} entries, of which {} are stored", l.key,
                 b.entries.size(), l.stored);
  }

  // --- looking in ---

  void inspect(const std::string& key) {
    if (key == "relaxed") {
      const auto found = sim_->stored(sim_->client().get<relaxed_ledger>(key));
      compare(key, found ? &found->content : nullptr);
    } else {
      const auto found = sim_->stored(sim_->client().get<ledger>(key));
      compare(key, found ? &found->content : nullptr);
    }
  }
  void inspect() {
    for (std::uint64_t i = 0; i < ledgers; ++i) inspect(name_of(i));
    inspect("relaxed");
  }

  void start(simulation& sim);

  bool over = false;
  bool interval_is_kept = false;  ///< nothing that may go wrong in this run lets a commit wait for long
  referee rules;

 private:
  struct life {
    std::string key;
    bool in_vain = false;
    bool end_asked = false;
    std::vector<std::pair<std::uint64_t, std::chrono::nanoseconds>> entries;
    std::size_t stored = 0, promised = 0;
  };
  struct place {
    std::uint64_t born = 0;
    std::size_t index = 0;
  };

  void compare(const std::string& key, const book* found) {
    auto& now = present_[key];
    const auto born = found != nullptr ? found->born : 0;  // 0 as well while on_create has not run to its end
    if (now != born && now != 0) {
      auto& before = lives_[now];
      rules.expect(before.end_asked, "{} is gone, and nobody has destroyed it", key);
      gone_.insert(now);
    }
    now = born;
    if (born == 0) return;
    auto& l = lives_[born];
    rules.expect(!gone_.contains(born), "{} is back, after it was destroyed", key);
    rules.expect(!l.in_vain, "{} is there though its on_create threw", key);
    rules.expect(found->entries.size() >= l.stored, "{} went back from {} entries to {}", key, l.stored,
                 found->entries.size());
    rules.expect(found->entries.size() <= l.entries.size(), "{} has {} entries stored, and never had more than {}", key,
                 found->entries.size(), l.entries.size());
    l.stored = found->entries.size();
    for (std::size_t i = 0; i < std::min(l.stored, l.entries.size()); ++i) {
      rules.expect(found->entries[i] == l.entries[i].first, "entry {} of {} is stored as {}, and was {}", i, key,
                   found->entries[i], l.entries[i].first);
    }
    rules.expect(l.stored >= l.promised, "{} has {} entries stored, and {} were acknowledged", key, l.stored,
                 l.promised);
  }

  /// What was not stored has never been.
  void forget_the_rest() {
    const bool in_good_order = std::exchange(crashes_, sim_->crashes()) == sim_->crashes();
    for (auto& [born, l] : lives_) {
      const bool is_there = present_[l.key] == born;
      if (in_good_order && is_there) {
        rules.expect(!l.end_asked, "{} was destroyed, and is there after its process has ended in good order", l.key);
        rules.expect(l.stored == l.entries.size(), "of {}, {} of {} entries are stored after the process has ended in "
                     "good order", l.key, l.stored, l.entries.size());
      }
      if (l.key == "relaxed" && interval_is_kept && is_there) check_interval(l);
      for (std::size_t i = l.stored; i < l.entries.size(); ++i) places_.erase(l.entries[i].first);
      l.entries.resize(l.stored);
      if (is_there) l.end_asked = false;
    }
  }
  void check_interval(const life& l) {
    // Turns, commits and messages that are late, and the process that was down.
    const auto& f = sim_->faults();
    const auto died = sim_->elapsed() - f.down_max;
    std::chrono::nanoseconds slack = relaxed_ledger::interval + 50ms;
    if (f.slow_commit.probability > 0) slack += 3 * f.slow_commit_max;
    if (f.delay.probability > 0) slack += 10 * f.delay_max;
    if (l.stored == l.entries.size()) return;
    rules.expect(l.entries[l.stored].second + slack >= died, "a relaxed entry of {} ms before the crash was lost",
                 std::chrono::floor<std::chrono::milliseconds>(died - l.entries[l.stored].second).count());
  }

  troupe::task<> be_client(std::uint64_t seed);
  troupe::task<bool> ask(seeded_random& random);
  troupe::task<> call_one(troupe::handle<ledger> h, std::uint64_t what, std::uint64_t number, std::string to);

  simulation* sim_ = nullptr;
  std::uint32_t crashes_ = 0;
  std::uint64_t lives_begun_ = 0, numbers_ = 0;
  std::map<std::uint64_t, life> lives_;
  std::map<std::string, std::uint64_t> present_;  // which life is stored under a key
  std::set<std::uint64_t> gone_, begun_, failed_;
  std::map<std::uint64_t, place> places_;
};

book begin_book(std::string_view key, bool in_vain) { return here->begin(key, in_vain); }
void write_down(book& b, std::uint64_t number) { here->write(b, number); }
void note_end(const book& b) { here->end(b); }

troupe::task<> outside::call_one(troupe::handle<ledger> h, std::uint64_t what, std::uint64_t number, std::string to) {
  if (what == 0) {
    co_await h.call<&ledger::add>(number);
    acknowledged(number);
  } else if (what == 1) {
    co_await h.call<&ledger::refuse>(number);
  } else if (what == 2) {
    co_await h.call<&ledger::add_and_throw>(number);
  } else if (what == 3) {
    const auto second = this->number();
    co_await h.call<&ledger::forward>(number, to, second);
    acknowledged(number);
    acknowledged(second);
  } else if (what == 4) {
    const auto second = this->number();
    co_await h.call<&ledger::add_slowly>(number, second);
    acknowledged(number);
    acknowledged(second);
  } else if (what == 5) {
    const auto seen = co_await h.call<&ledger::look>();
    shown(seen);
  } else {
    co_await h.call<&ledger::end>();
  }
}

/// False if the process ends.
troupe::task<bool> outside::ask(seeded_random& random) {
  constexpr std::uint64_t kinds[] = {0, 0, 0, 0, 0, 1, 2, 3, 3, 4, 5, 5, 6};
  const auto what = kinds[random.below(std::size(kinds))];
  const auto number = this->number();
  const auto key = name_of(random.below(ledgers));
  const auto to = name_of(random.below(ledgers));
  const auto how = random.below(10);
  try {
    if (how == 0 || how == 5) {
      auto relaxed = sim_->client().get_or_create<relaxed_ledger>("relaxed");
      if (what != 3) {
        co_await relaxed.call<&relaxed_ledger::add>(number);
      } else {
        co_await relaxed.call<&relaxed_ledger::pin>(number);
        acknowledged(number);
      }
    } else if (how == 1) {
      const ledger::opening o{random.below(4) == 0};
      auto made = co_await sim_->client().create<ledger>(key, o);
      auto calling = call_one(made, what, number, to);
      co_await std::move(calling);
    } else {
      auto h = how == 2 ? sim_->client().get<ledger>(key)
                        : sim_->client().get_or_create<ledger>(key, ledger::opening{how == 3});
      if (how == 4) h = h.with(troupe::timeout{random.up_to(20ms)});
      auto calling = call_one(h, what, number, to);
      co_await std::move(calling);
    }
  } catch (const troupe::error& e) {
    using troupe::errc;
    const bool refused = e.is(errc::not_found) || e.is(errc::duplicate_key) || e.is(errc::overloaded) ||
                         e.is(errc::store_refuses_changes);
    const bool one_number = what != 3 && what != 4;  // of the others, half may have been done
    if ((refused && one_number) || (e.group() == "user" && e.code() == "refused")) failed(number);
    if (e.group() == "user" && e.code() == "changed") acknowledged(number);
    if (tells_to_end(e)) co_return false;
  }
  co_return true;
}

troupe::task<> outside::be_client(std::uint64_t seed) {
  seeded_random random{seed};
  while (!over) {
    const bool on = co_await ask(random);
    if (!on) co_return;
    const auto nap = random.up_to(150ms);
    co_await troupe::delay(nap);
  }
}

void outside::start(simulation& sim) {
  sim_ = &sim;
  rules.watch(sim);
  inspect();
  forget_the_rest();
  for (std::uint64_t i = 0; i < clients && !over; ++i) sim.spawn(be_client(sim.random().next()));
}

}  // namespace

TEST_CASE("what is acknowledged is durable, what failed never happened") {
  troupe::registry registry;
  registry.use<ledger>("ledger").use<relaxed_ledger>("relaxedLedger");
  std::uint32_t crashes = 0;
  std::uint64_t steps = 0, asked = 0;
  troupe::testing::for_each_seed(800, [&](std::uint64_t seed) {
    seeded_random chance{seed};
    outside w;
    here = &w;
    const auto f = any_faults(chance);
    w.interval_is_kept = f.commit_fails.probability + f.stall.probability + f.clock_jump.probability == 0;
    simulation sim{registry, {.seed = seed, .faults = f, .on_start = [&](simulation& s) { w.start(s); }}};
    run_for(sim, w.rules, 4s, [&] { w.inspect(); });

    sim.heal();
    w.over = true;
    sim.advance(2min);
    sim.restart();  // looks at what is stored, once more
    w.rules.judge();
    crashes += sim.crashes();
    steps += sim.steps();
    asked += w.number();
  });
  INFO(crashes << " crashes, " << steps << " steps, " << asked << " calls");
  CHECK(asked > 0);
}
