// SPDX-License-Identifier: Apache-2.0
// What a crash leaves of committed actors is a consistent cut: no effect without its cause, whatever goes wrong; and no
// reply tells of anything that is not stored yet.
//
// Actors call and post one another at random. Each counts its turns, and every message carries what its sender knows of
// all counts (a vector clock); so it can be seen of any stored state, and of any reply, whether all its causes are
// stored. Relaxed and ephemeral actors stand in between: they promise nothing, but pass on what they know.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/testing/seeds.hpp>

#include "program.hpp"

using namespace plans;

namespace {

constexpr std::size_t committed_nodes = 5;  // then two relaxed ones and an ephemeral one
constexpr std::size_t nodes = 8;
using knowledge = std::vector<std::uint32_t>;

struct message {
  knowledge known;
  std::uint64_t seed = 0;
  int fuel = 0;
};

void learn(knowledge& into, const knowledge& from) {
  into.resize(nodes);
  for (std::size_t i = 0; i < from.size(); ++i) into[i] = std::max(into[i], from[i]);
}

troupe::task<knowledge> ask_on(troupe::client client, message m);
void tell_on(const troupe::client& client, const message& m);

template <troupe::durability Kind>
struct node {
  std::uint32_t self = 0;
  knowledge known = knowledge(nodes);  // of those that are no part of the cut: their own turns only
  std::string padding;                 // a large state is encoded when its epoch closes, not at the end of the turn
  troupe::transient<knowledge> heard;

  void on_create(troupe::context<node>& c) { self = static_cast<std::uint32_t>(std::stoul(c.key().canonical())); }

  void tell(troupe::context<node>& c, message m) {
    learn(*heard, m.known);
    count(m.seed);
    tell_on(c.client(), message{look(), m.seed, m.fuel});
  }
  /// Learns, and changes nothing that is stored.
  void whisper(message m) { learn(*heard, m.known); }
  knowledge look() const {
    knowledge all = known;
    learn(all, *heard);
    return all;
  }
  troupe::task<knowledge> ask(troupe::context<node>& c, message m) {
    learn(*heard, m.known);
    if (m.seed % 2 == 0) count(m.seed);
    message next{look(), m.seed, m.fuel};
    const auto learned = co_await ask_on(c.client(), std::move(next));
    learn(*heard, learned);
    if (m.seed % 3 == 0) count(m.seed);
    tell_on(c.client(), message{look(), m.seed, m.fuel});
    co_return look();
  }
  /// Changes nothing here, and tells what it knows.
  troupe::task<knowledge> pass_on(troupe::context<node>& c, message m) const {
    learn(m.known, look());
    const auto known = co_await ask_on(c.client(), std::move(m));
    co_return known;
  }
  void rest(troupe::context<node>& c) { c.sleep(); }

  static constexpr troupe::options options{.sleep_after = 100ms,
                                           .durability = Kind,
                                           .save_interval = 30ms,
                                           .action_timeout = 2s};
  using actor = troupe::actor<node, &node::tell, &node::whisper, &node::look, &node::ask, &node::pass_on, &node::rest>;

 private:
  void count(std::uint64_t seed) {
    if constexpr (Kind == troupe::durability::committed) learn(known, *heard);
    ++known[self];
    if (seed % 7 == 0) padding.assign(seed % 3 == 0 ? 0 : 3000 + seed % 4000, 'x');
  }
};

using committed_node = node<troupe::durability::committed>;
using relaxed_node = node<troupe::durability::relaxed>;
using ephemeral_node = node<troupe::durability::ephemeral>;

template <class F>
decltype(auto) with_node(const troupe::client& client, std::uint64_t number, F f) {
  const std::size_t index = number % nodes;
  const troupe::key key{std::to_string(index)};
  if (index < committed_nodes) return f(client.get_or_create<committed_node>(key));
  if (index + 1 < nodes) return f(client.get_or_create<relaxed_node>(key));
  return f(client.get_or_create<ephemeral_node>(key));
}

void tell_on(const troupe::client& client, const message& m) {
  if (m.fuel <= 0) return;
  seeded_random random{m.seed};
  const message next{m.known, random.next(), m.fuel - 1};
  const auto to = random.next();
  const bool whispers = random.below(4) == 0;
  with_node(client, to, [&]<class N>(troupe::handle<N> h) {
    if (whispers) {
      h.template post<&N::whisper>(next);
    } else {
      h.template post<&N::tell>(next);
    }
  });
}

template <class N>
troupe::task<knowledge> ask_one(troupe::handle<N> h, message m, bool only_look) {
  knowledge known;
  if (only_look) {
    known = co_await h.template call<&N::look>();
  } else if (m.seed % 4 == 0) {
    known = co_await h.template call<&N::pass_on>(troupe::moved(m));
  } else {
    known = co_await h.template call<&N::ask>(troupe::moved(m));
  }
  co_return known;
}

troupe::task<knowledge> ask_on(troupe::client client, message m) {
  if (m.fuel <= 0) co_return m.known;
  seeded_random random{m.seed + 1};
  message next{m.known, random.next(), m.fuel - 1};
  const auto to = random.next();
  const bool only_look = random.below(3) == 0;
  auto asked = with_node(client, to, [&](auto h) { return ask_one(h, std::move(next), only_look); });
  knowledge known;
  try {
    known = co_await std::move(asked);
  } catch (const troupe::error&) {  // the one who was asked could not be read, or was too late
  }
  co_return known;
}

/// What is known outside of the process.
class outside {
 public:
  void look() {
    ++looks;
    for (std::size_t i = 0; i < committed_nodes; ++i) {
      const auto found = sim_->stored(sim_->client().get<committed_node>(troupe::key{std::to_string(i)}));
      if (!found) {
        rules.expect(stored_[i].empty(), "actor {} was stored, and is gone", i);
        continue;
      }
      large += found->padding.size() > 4096 ? 1U : 0U;
      const auto before = stored_[i].empty() ? 0 : stored_[i][i];
      rules.expect(found->known[i] >= before, "actor {} went back from turn {} to {}", i, before, found->known[i]);
      stored_[i] = found->known;
    }
    for (std::size_t i = 0; i < committed_nodes; ++i) check("the stored actor " + std::to_string(i), stored_[i]);
  }

  void start(simulation& sim) {
    sim_ = &sim;
    rules.watch(sim);
    look();
    if (over) return;
    for (int i = 0; i < 3; ++i) sim.spawn(be_client(sim.random().next()));
    sim.spawn(keep_looking(sim.random().next()));
  }

  bool over = false;
  referee rules;
  std::size_t looks = 0, replies = 0, large = 0;

 private:
  void check(const std::string& who, const knowledge& known) {
    for (std::size_t whom = 0; whom < committed_nodes && whom < known.size(); ++whom) {
      const auto there = stored_[whom].empty() ? 0 : stored_[whom][whom];
      rules.expect(known[whom] <= there, "{} knows of turn {} of actor {}, of whom {} are stored", who, known[whom],
                   whom, there);
    }
  }

  troupe::task<> be_client(std::uint64_t seed) {
    seeded_random random{seed};
    while (!over) {
      const auto to = random.next();
      message m{knowledge(nodes), random.next(), static_cast<int>(random.below(6))};
      const bool only_look = random.below(4) == 0;
      try {
        if (to % nodes >= committed_nodes || random.below(4) == 0) {
          with_node(sim_->client(), to, [&]<class N>(troupe::handle<N> h) { h.template post<&N::tell>(m); });
        } else if (random.below(12) == 0) {
          auto h = sim_->client().get_or_create<committed_node>(troupe::key{std::to_string(to % nodes)});
          co_await h.call<&committed_node::rest>();
        } else {
          auto h = sim_->client().get_or_create<committed_node>(troupe::key{std::to_string(to % nodes)});
          auto asking = ask_one(h, std::move(m), only_look);
          const auto known = co_await std::move(asking);
          look();
          ++replies;
          check("a reply", known);
        }
      } catch (const troupe::error& e) {
        if (tells_to_end(e)) co_return;
      }
      const auto nap = random.up_to(30ms);
      co_await troupe::delay(nap);
    }
  }

  troupe::task<> keep_looking(std::uint64_t seed) {
    seeded_random random{seed};
    while (!over) {
      const auto nap = random.up_to(40ms);
      co_await troupe::delay(nap);
      look();
      try {
        co_await sim_->client().get<committed_node>("0").status();
      } catch (const troupe::error& e) {
        if (tells_to_end(e)) co_return;
      }
    }
  }

  simulation* sim_ = nullptr;
  std::array<knowledge, committed_nodes> stored_;
};

/// Runs so many seeds on a store of this cut.
void try_cut(troupe::commit_cut cut, std::uint64_t seeds) {
  troupe::registry registry;
  registry.use<committed_node>("node").use<relaxed_node>("relaxedNode").use<ephemeral_node>("ephemeralNode");
  std::uint64_t looks = 0, replies = 0, large = 0, steps = 0, crashes = 0;
  troupe::testing::for_each_seed(seeds, [&](std::uint64_t seed) {
    seeded_random chance{seed};
    auto faults = any_faults(chance);
    if (cut == troupe::commit_cut::per_actor) faults.commit_unknown = faults.actor_taken = faults.commit_fails;
    outside w;
    simulation sim{registry, {.seed = seed, .faults = faults, .cut = cut,
                              .on_start = [&](simulation& s) { w.start(s); }}};
    run_for(sim, w.rules, 1s, [&] { w.look(); });
    sim.heal();
    w.over = true;
    sim.advance(30s);
    sim.restart();
    w.rules.judge();
    looks += w.looks;
    replies += w.replies;
    large += w.large;
    steps += sim.steps();
    crashes += sim.crashes();
  });
  INFO(crashes << " crashes, " << steps << " steps, " << replies << " replies, " << looks << " looks, " << large
               << " large states");
  CHECK(replies > 0);
}

}  // namespace

TEST_CASE("whatever goes wrong, what is stored is a consistent cut") {
  try_cut(troupe::commit_cut::whole_store, 300);
}

TEST_CASE("whatever goes wrong, it is one with a commit for each actor, too") {
  try_cut(troupe::commit_cut::per_actor, 150);
}
