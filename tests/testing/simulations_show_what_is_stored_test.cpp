// SPDX-License-Identifier: Apache-2.0
// A test looks into actors, queues and broadcasts without touching them.

#include <catch2/catch.hpp>

#include <troupe/json.hpp>

#include "testing/simulated_program.hpp"

using namespace behaviour;

namespace {

/// Its stored form changed: `total` was called `sum`.
struct saver {
  int total = 0;
  bool opened = false;
  bool refuses = false;
  void on_create(troupe::context<saver>&, bool fails) {
    opened = true;
    if (fails) throw std::runtime_error{"not this one"};
  }
  void save(int what) { total += what; }
  using actor = troupe::actor<saver, &saver::save>;
};

struct newer_saver {
  int all = 0;
  static constexpr int version = 2;
  static void migrate(troupe::json& state, int from) {
    if (from < 2) state["all"] = state["total"];
  }
  int look() const { return all; }
  using actor = troupe::actor<newer_saver, &newer_saver::look>;
};

/// Takes one of the members for something else.
struct stranger {
  std::string total;
  std::string look() const { return total; }
  using actor = troupe::actor<stranger, &stranger::look>;
};

}  // namespace

TEST_CASE("stored is the actor as a crash would leave it") {
  simulation sim{served()};
  const auto one = clerk_of(sim);
  CHECK_FALSE(sim.stored(one).has_value());
  sim.run(one.call<&clerk::add>(1));
  CHECK(sim.stored(one)->count == 1);

  // What is only in memory does not show.
  sim.faults().commit_fails = {.probability = 1};
  sim.faults().commit_fails_for = troupe::never;
  outcome<int> adding;
  sim.spawn(adding.watch(one.call<&clerk::add>(1), adding));
  sim.advance(1s);
  CHECK(sim.stored(one)->count == 1);
  sim.heal();
  sim.advance(1min);
  CHECK(sim.stored(one)->count == 2);
  CHECK(adding.value() == 2);
}

TEST_CASE("stored finds actors by key and by id, and only their own kind") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(3));
  const auto id = sim.run(clerk_of(sim).resolve());
  CHECK(sim.stored(sim.client().get<clerk>("a"))->count == 3);
  CHECK(sim.stored(sim.client().get_for_id<clerk>(id))->count == 3);
  CHECK_FALSE(sim.stored(sim.client().get<clerk>("b")).has_value());
}

TEST_CASE("looking changes nothing, neither in the actor nor in the run") {
  const auto hash_of = [](bool looks) {
    simulation sim{served(), {.seed = 3}};
    sim.run(clerk_of(sim).call<&clerk::add>(3));
    sim.advance(1h);
    if (looks) {
      static_cast<void>(sim.stored(clerk_of(sim)));
      static_cast<void>(sim.stored_messages(clerk_of(sim), clerk::jobs));
      static_cast<void>(sim.stored_dead_letters(clerk_of(sim), clerk::jobs));
      CHECK_FALSE(sim.is_awake(clerk_of(sim)));
    }
    sim.run(clerk_of(sim).call<&clerk::add>(3));
    return sim.trace_hash();
  };
  CHECK(hash_of(true) == hash_of(false));
}

TEST_CASE("an actor whose on_create has not ended is stored as it began") {
  troupe::registry registry;
  registry.use<saver>("saver");
  simulation sim{registry};
  const auto one = sim.client().get_or_create<saver>("a", true);
  CHECK(code_in(sim, one.call<&saver::save>(1)) == "not this one");
  const auto stored = sim.stored(one);
  if (stored) CHECK_FALSE(stored->opened);
  const auto two = sim.client().get_or_create<saver>("b", false);
  sim.run(two.call<&saver::save>(1));
  CHECK(sim.stored(two)->opened);
}

TEST_CASE("stored migrates an older state, as a wake would") {
  const troupe::memory kept;
  simulation_options options;
  options.runtime.store = kept;
  {
    troupe::registry registry;
    registry.use<saver>("saver");
    simulation sim{registry, options};
    sim.run(sim.client().get_or_create<saver>("a", false).call<&saver::save>(7));
    sim.finish();
  }
  troupe::registry registry;
  registry.use<newer_saver>("saver");
  simulation sim{registry, options};
  const auto one = sim.client().get<newer_saver>("a");
  CHECK(sim.stored(one)->all == 7);
  CHECK(sim.run(one.call<&newer_saver::look>()) == 7);
}

TEST_CASE("a stored state that the program cannot read is an error that names the actor") {
  const troupe::memory kept;
  simulation_options options;
  options.runtime.store = kept;
  {
    troupe::registry registry;
    registry.use<saver>("saver");
    simulation sim{registry, options};
    sim.run(sim.client().get_or_create<saver>("a", false).call<&saver::save>(7));
    sim.finish();
  }
  troupe::registry registry;
  registry.use<stranger>("saver");
  simulation sim{registry, options};
  const auto failure = failure_of([&] { static_cast<void>(sim.stored(sim.client().get<stranger>("a"))); });
  CHECK(code_of(failure) == "actor.unreadable_state");
  CHECK_THAT(text_of(failure), Catch::Contains("saver/a") && Catch::Contains("total"));
}

TEST_CASE("messages that wait, and dead letters, can be seen") {
  simulation sim{served()};
  const auto one = clerk_of(sim);
  CHECK(sim.stored_messages(one, clerk::jobs).empty());
  sim.run(one.send(clerk::jobs, 5, troupe::delayed{1h}));
  sim.run(one.send(clerk::jobs, 6, troupe::delayed{2h}));
  sim.run(one.send(clerk::jobs, -101));
  CHECK(sim.stored_messages(one, clerk::jobs) == std::vector{5, 6, -101});
  CHECK(sim.stored_dead_letters(one, clerk::jobs).empty());
  sim.crash();
  const auto again = clerk_of(sim);
  CHECK(sim.stored_messages(again, clerk::jobs) == std::vector{5, 6, -101});
  sim.advance(30min);
  CHECK(sim.stored_messages(again, clerk::jobs) == std::vector{5, 6});
  CHECK(sim.stored_dead_letters(again, clerk::jobs) == std::vector{-101});
  sim.advance(3h);
  CHECK(sim.stored_messages(again, clerk::jobs).empty());
  CHECK(sim.stored(again)->done == std::vector{5, 6});
}

TEST_CASE("a recording notes what an actor sends from then on, in order") {
  simulation sim{served()};
  const auto one = clerk_of(sim);
  sim.run(one.call<&clerk::add>(1));
  const auto heard = sim.record(one, clerk::changed);
  CHECK(heard.events().empty());
  for (int i = 0; i < 3; ++i) sim.run(one.call<&clerk::add>(1));
  sim.settle();
  CHECK(heard.events() == std::vector{2, 3, 4});
  CHECK(sim.run(heard.connection().call<&clerk::look>()) == 4);
  sim.crash();
  CHECK(heard.events() == std::vector{2, 3, 4});  // it keeps what it has heard
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  sim.settle();
  CHECK(heard.events().size() == 3);
}

TEST_CASE("two recordings of one actor hear the same") {
  simulation sim{served()};
  const auto one = clerk_of(sim);
  const auto first = sim.record(one, clerk::changed);
  const auto second = sim.record(one, clerk::changed);
  sim.run(one.call<&clerk::add>(1));
  sim.settle();
  CHECK(first.events() == std::vector{1});
  CHECK(second.events() == first.events());
}

TEST_CASE("an actor can be put to sleep whatever its options say") {
  simulation sim{served()};
  const auto one = clerk_of(sim);
  sim.put_to_sleep(one);  // it does not exist, so it sleeps
  CHECK_FALSE(sim.stored(one).has_value());
  sim.run(one.call<&clerk::add>(1));
  CHECK(sim.is_awake(one));
  const auto before = sim.elapsed();
  sim.put_to_sleep(one);
  CHECK_FALSE(sim.is_awake(one));
  CHECK(sim.elapsed() - before < 1s);
  CHECK(clerk::sleeps == 1);
  sim.put_to_sleep(one);
  CHECK(clerk::sleeps == 1);
  CHECK(sim.run(one.call<&clerk::look>()) == 1);
  CHECK(clerk::wakes == 2);
}

TEST_CASE("an actor that is put to sleep in the middle of something has its grace period") {
  simulation sim{served()};
  const auto one = clerk_of(sim);
  sim.run(one.call<&clerk::add>(1));
  outcome<int> adding;
  sim.spawn(adding.watch(one.call<&clerk::add_after>(1h, 1), adding));
  sim.settle();
  sim.put_to_sleep(one);
  CHECK_FALSE(sim.is_awake(one));
  sim.settle();
  CHECK(adding.code() == "actor.aborted");
}
