// SPDX-License-Identifier: Apache-2.0
// Every commit is a consistent cut: no effect is durable without its cause, in whatever order actors run and commits
// happen. And no reply leaves before everything that it tells of is durable.
//
// Actors call one another at random. Each counts its turns, and every message carries what its sender knows of all
// counts (a vector clock); so it can be seen of any durable state, and of any reply, whether all its causes are durable.

#include <algorithm>
#include <cstdint>
#include <random>

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

constexpr std::size_t strict_nodes = 5;  // the others are relaxed: they pass on what they know, and promise nothing
constexpr std::size_t nodes = 7;
using knowledge = std::vector<std::uint32_t>;

struct message {
  knowledge known;
  std::uint64_t seed = 0;
  int fuel = 0;
};

knowledge merged(knowledge into, const knowledge& from) {
  into.resize(nodes);
  for (std::size_t i = 0; i < from.size(); ++i) into[i] = std::max(into[i], from[i]);
  return into;
}

/// The durable part of a node, and what its actions do. The definitions differ in their options.
struct memory_of_node {
  std::uint32_t self = 0;
  knowledge known = knowledge(nodes);
  std::string padding;  // beyond 4 KiB the state is encoded when its epoch closes, not at the end of the turn
};

std::size_t index_of(const troupe::key& key) { return std::stoul(key.canonical().substr(1)); }

troupe::task<knowledge> ask_on(troupe::client client, message m);
void tell_on(const troupe::client& client, const message& m);

template <class Self>
struct behaviour_of_node {
  static void hear(Self& n, const message& m) { *n.heard = merged(merged(n.memory.known, *n.heard), m.known); }
  static void count(Self& n, std::uint64_t seed) {
    n.memory.known = merged(n.memory.known, *n.heard);
    ++n.memory.known[n.memory.self];
    if (seed % 11 == 0) n.memory.padding.assign(seed % 3 == 0 ? 0 : 3000 + seed % 4000, 'x');
  }
};

#define NODE(name, kind)                                                                                   \
  struct name {                                                                                            \
    memory_of_node memory;                                                                                 \
    troupe::transient<knowledge> heard;                                                                    \
    using part = behaviour_of_node<name>;                                                                  \
                                                                                                           \
    void on_create(troupe::context<name>& c) { memory.self = static_cast<std::uint32_t>(index_of(c.key())); } \
    void tell(troupe::context<name>& c, message m) {                                                       \
      part::hear(*this, m);                                                                                \
      part::count(*this, m.seed);                                                                          \
      tell_on(c.client(), message{memory.known, m.seed, m.fuel});                                          \
    }                                                                                                      \
    /* Learns, and changes nothing that is stored. */                                                      \
    void whisper(message m) { part::hear(*this, m); }                                                      \
    knowledge look() const { return merged(memory.known, *heard); }                                        \
    troupe::task<knowledge> ask(troupe::context<name>& c, message m) {                                     \
      part::hear(*this, m);                                                                                \
      if (m.seed % 2 == 0) part::count(*this, m.seed);                                                     \
      message next{look(), m.seed, m.fuel};                                                                \
      const auto learned = co_await ask_on(c.client(), std::move(next));                                   \
      *heard = merged(*heard, learned);                                                                    \
      if (m.seed % 3 == 0) part::count(*this, m.seed);                                                     \
      tell_on(c.client(), message{look(), m.seed, m.fuel});                                                \
      co_return look();                                                                                    \
    }                                                                                                      \
    void rest(troupe::context<name>& c) { c.sleep(); }                                                     \
                                                                                                           \
    static constexpr troupe::options options{.sleep_after = troupe::never,                                 \
                                             .durability = troupe::durability::kind,                       \
                                             .save_interval = 3ms};                                        \
    using actor = troupe::actor<name, &name::tell, &name::whisper, &name::look, &name::ask, &name::rest>;  \
  };
NODE(node, committed)
NODE(relaxed_node, relaxed)
#undef NODE

template <class F>
decltype(auto) with_node(const troupe::client& client, std::uint64_t number, F f) {
  const std::size_t index = number % nodes;
  const troupe::key key{"n" + std::to_string(index)};
  return index < strict_nodes ? f(client.get_or_create<node>(key)) : f(client.get_or_create<relaxed_node>(key));
}

void tell_on(const troupe::client& client, const message& m) {
  if (m.fuel <= 0) return;
  std::mt19937_64 random{m.seed};
  const message next{m.known, random(), m.fuel - 1};
  const auto to = random();
  if (random() % 4 == 0) {
    with_node(client, to, [&]<class N>(troupe::handle<N> h) { h.template post<&N::whisper>(next); });
  } else {
    with_node(client, to, [&]<class N>(troupe::handle<N> h) { h.template post<&N::tell>(next); });
  }
}

template <class N>
troupe::task<knowledge> ask_one(troupe::handle<N> h, message m, bool only_look) {
  if (only_look) {
    auto known = co_await h.template call<&N::look>();
    co_return known;
  }
  auto known = co_await h.template call<&N::ask>(troupe::moved(m));
  co_return known;
}

troupe::task<knowledge> ask_on(troupe::client client, message m) {
  if (m.fuel <= 0) co_return m.known;
  std::mt19937_64 random{m.seed + 1};
  message next{m.known, random(), m.fuel - 1};
  const auto to = random();
  const bool only_look = random() % 3 == 0;
  auto asked = with_node(client, to, [&](auto h) { return ask_one(h, std::move(next), only_look); });
  auto known = co_await std::move(asked);
  co_return known;
}

troupe::registry registry() {
  troupe::registry r;
  r.use<node>("node").use<relaxed_node>("relaxedNode");
  return r;
}

/// What is durable, and whether it is a consistent cut. The store calls it, one commit at a time.
class referee {
 public:
  void look(const gated_store::contents& durable) {
    const std::lock_guard lock{mutex_};
    ++commits_;
    for (const auto& [id, record] : durable) {
      if (record.name != "node" || !record.initialised) continue;
      const auto state = troupe::decode<node>(record.state);
      states_[state.memory.self] = state.memory.known;
      large_ += state.memory.padding.size() > 4096 ? 1U : 0U;
    }
    for (std::size_t who = 0; who < strict_nodes; ++who) {
      check("actor " + std::to_string(who), states_[who]);
    }
  }
  void check_reply(const knowledge& known) {
    const std::lock_guard lock{mutex_};
    ++replies_;
    check("a reply", known);
  }
  std::string faults() const {
    const std::lock_guard lock{mutex_};
    return faults_;
  }
  std::size_t commits() const { return commits_; }
  std::size_t replies() const { return replies_; }
  std::size_t large() const { return large_; }

 private:
  void check(const std::string& who, const knowledge& known) {
    for (std::size_t whom = 0; whom < strict_nodes && whom < known.size(); ++whom) {
      const auto there = states_[whom].empty() ? 0 : states_[whom][whom];
      if (known[whom] <= there || faults_.size() > 2000) continue;
      faults_ += who + " knows turn " + std::to_string(known[whom]) + " of " + std::to_string(whom) + ", of whom " +
                 std::to_string(there) + " are durable; ";
    }
  }

  mutable std::mutex mutex_;
  std::array<knowledge, nodes> states_;
  std::string faults_;
  std::size_t commits_ = 0, replies_ = 0, large_ = 0;
};

/// The host: asks, and checks the reply at the moment that it arrives.
template <class N>
troupe::task<> ask_and_check(troupe::handle<N> h, message m, int how, referee* judge) {
  knowledge known;
  if (how == 0) {
    known = co_await h.template call<&N::look>();
  } else if (how == 1) {
    co_await h.template call<&N::tell>(troupe::moved(m));
  } else {
    known = co_await h.template call<&N::ask>(troupe::moved(m));
  }
  judge->check_reply(known);
}

template <class N>
troupe::task<> put_to_rest(troupe::handle<N> h) {
  try {
    co_await h.template call<&N::rest>();
  } catch (const troupe::error&) {  // it was on its way already
  }
}

void begin_something(troupe::runtime& runtime, std::mt19937_64& random, referee& judge) {
  const auto to = random();
  const message m{knowledge(nodes), random(), static_cast<int>(random() % 6)};
  const int how = static_cast<int>(random() % 4);
  if (random() % 12 == 0) {
    runtime.spawn(with_node(client_of(runtime), to, [](auto h) { return put_to_rest(h); }));
  } else if (to % nodes < strict_nodes) {
    const auto h = client_of(runtime).get_or_create<node>(troupe::key{"n" + std::to_string(to % nodes)});
    runtime.spawn(ask_and_check(h, m, how, &judge));
  } else {
    with_node(client_of(runtime), to, [&]<class N>(troupe::handle<N> h) { h.template post<&N::tell>(m); });
  }
}

}  // namespace

TEST_CASE("random traffic, random moments of commit: every commit is a consistent cut") {
  std::size_t commits = 0, replies = 0, large = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random{seed};
    gated_store store;
    referee judge;
    store.after_commit([&](const auto& durable) { judge.look(durable); });
    world w{registry(), store};
    store.hold();
    for (int step = 0; step < 400; ++step) {
      const auto what = random() % 10;
      if (what < 4) begin_something(w.runtime, random, judge);
      if (what < 9) w.executor->poll(random() % 12);
      if (what == 9 && random() % 2 == 0) store.let_one_go();
      if (random() % 20 == 0) w.clock->advance(1ms);
    }
    store.let_go();
    w.pass(100ms);
    w.runtime.shutdown();
    INFO("seed " << seed);
    CHECK(judge.faults() == "");
    for (const auto& e : w.errors) CHECK(e == "");
    CHECK(w.runtime.health().backlog_bytes == 0);
    commits += judge.commits();
    replies += judge.replies();
    large += judge.large();
  }
  CHECK(commits > 500);
  CHECK(replies > 3000);
  CHECK(large > 100);
}

TEST_CASE("the same on threads") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    std::mt19937_64 random{seed};
    gated_store store;
    referee judge;
    store.after_commit([&](const auto& durable) { judge.look(durable); });
    std::atomic<int> errors{0};
    {
      troupe::runtime_options options;
      options.store = store;
      options.threads = 3;
      options.on_error = [&](const std::exception_ptr& failure, std::string_view) {
        if (code_of(failure) != "runtime.stopped") ++errors;  // shutdown comes in the middle of the traffic
      };
      troupe::runtime runtime{registry(), options};
      for (int i = 0; i < 1500; ++i) begin_something(runtime, random, judge);
      runtime.shutdown();
      CHECK(runtime.health().backlog_bytes == 0);
    }
    INFO("seed " << seed);
    CHECK(judge.faults() == "");
    CHECK(errors == 0);
  }
}

namespace {

/// Money moves by post: what has arrived has left. Some accounts are large.
struct purse {
  std::int64_t amount = 1000;
  std::string padding;

  void on_create(troupe::context<purse>& c) {
    if (index_of(c.key()) % 2 == 0) padding.assign(9000, 'p');
  }
  void give(troupe::context<purse>& c, std::int64_t n, std::string to) {
    amount -= n;
    c.client().get_or_create<purse>(to).post<&purse::take>(n);
  }
  void take(std::int64_t n) { amount += n; }
  std::int64_t get() const { return amount; }
  using actor = troupe::actor<purse, &purse::give, &purse::take, &purse::get>;
};

}  // namespace

TEST_CASE("money that moves between actors is never there twice, and none is lost in the end") {
  constexpr int purses = 8;
  troupe::registry r;
  r.use<purse>("purse");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random{seed};
    gated_store store;
    std::int64_t most = 0;
    const auto sum = [](const gated_store::contents& durable) {
      std::int64_t total = 0;
      for (const auto& [id, record] : durable) total += troupe::decode<purse>(record.state).amount;
      return total;
    };
    store.after_commit([&](const auto& durable) {
      most = std::max(most, sum(durable) - static_cast<std::int64_t>(durable.size()) * 1000);
    });
    world w{r, store};
    std::vector<troupe::handle<purse>> all;
    for (int i = 0; i < purses; ++i) all.push_back(w.client.get_or_create<purse>("p" + std::to_string(i)));
    store.hold();
    for (int step = 0; step < 300; ++step) {
      const auto& from = all[random() % purses];
      from.post<&purse::give>(static_cast<std::int64_t>(random() % 50), "p" + std::to_string(random() % purses));
      w.executor->poll(random() % 6);
      if (random() % 8 == 0) store.let_one_go();
    }
    store.let_go();
    w.settle();
    INFO("seed " << seed);
    CHECK(most <= 0);
    CHECK(sum(store.durable()) == static_cast<std::int64_t>(store.durable().size()) * 1000);
  }
}
