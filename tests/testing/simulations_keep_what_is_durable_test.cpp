// SPDX-License-Identifier: Apache-2.0
// A crash takes what is in memory and leaves what is durable; then the program starts again.

#include <catch2/catch.hpp>

#include <memory>

#include "testing/simulated_program.hpp"

using namespace behaviour;

TEST_CASE("a crash leaves what was acknowledged") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(2));
  sim.crash();
  CHECK(sim.crashes() == 1);
  CHECK_FALSE(sim.is_awake(clerk_of(sim)));
  CHECK(sim.run(sim.client().get<clerk>("a").call<&clerk::look>()) == 2);
  CHECK(sim.errors().empty());
}

TEST_CASE("a crash takes what was in memory alone") {
  simulation sim{served()};
  using relaxed = careless<troupe::durability::relaxed>;
  using ephemeral = careless<troupe::durability::ephemeral>;
  sim.run(sim.client().get_or_create<relaxed>("a").call<&relaxed::add>(1));
  sim.advance(2s);  // saved
  sim.run(sim.client().get_or_create<relaxed>("a").call<&relaxed::add>(1));
  sim.run(sim.client().get_or_create<ephemeral>("a").call<&ephemeral::add>(1));
  sim.crash();
  CHECK(sim.run(sim.client().get_or_create<relaxed>("a").call<&relaxed::add>(1)) == 2);
  CHECK(sim.run(sim.client().get_or_create<ephemeral>("a").call<&ephemeral::add>(1)) == 1);
}

TEST_CASE("a crash before the next commit leaves nothing of it") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  sim.crash_before_next_commit();
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  CHECK(sim.crashes() == 1);
  CHECK(sim.stored(clerk_of(sim))->count == 1);
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 2);  // it was that commit alone
  CHECK(sim.crashes() == 1);
}

TEST_CASE("a crash after the next commit leaves it whole, and nobody was told") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  auto heard = sim.record(clerk_of(sim), clerk::changed);
  sim.crash_after_next_commit();
  CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::add>(1))));
  CHECK(sim.crashes() == 1);
  CHECK(heard.events().empty());
  CHECK(sim.stored(clerk_of(sim))->count == 2);
  CHECK(sim.run(clerk_of(sim).call<&clerk::add>(1)) == 3);
  CHECK(sim.crashes() == 1);
}

TEST_CASE("the program may crash itself, at the end of what it does just then") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));

  SECTION("in an actor") {
    bool went_on = false;
    clerk::meddle = [&] {
      sim.crash();
      CHECK(sim.crashes() == 0);
      went_on = true;
    };
    CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::meddle_with_world>())));
    CHECK(went_on);
    clerk::meddle = nullptr;
  }
  SECTION("in a coroutine beside it") {
    std::vector<std::string> seen;
    sim.spawn([](simulation& s, std::vector<std::string>& to) -> troupe::task<> {
      s.crash();
      to.push_back("asked");
      co_await troupe::delay(0s);
      to.push_back("survived");
    }(sim, seen));
    sim.settle();
    CHECK(seen == std::vector<std::string>{"asked"});
  }
  SECTION("with the power") {
    clerk::meddle = [&] { sim.power_cut(); };
    CHECK(tells_of_a_death(code_in(sim, clerk_of(sim).call<&clerk::meddle_with_world>())));
    clerk::meddle = nullptr;
  }
  CHECK(sim.crashes() == 1);
  CHECK(sim.run(clerk_of(sim).call<&clerk::look>()) == 1);
  CHECK(sim.crashes() == 1);
}

TEST_CASE("a power cut without a disk is a crash") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(3));
  sim.power_cut();
  CHECK(sim.crashes() == 1);
  CHECK(sim.run(clerk_of(sim).call<&clerk::look>()) == 3);
}

TEST_CASE("code that waits when its process dies is told so") {
  simulation sim{served()};
  const auto one = clerk_of(sim).with(troupe::timeout{troupe::never});
  sim.run(one.call<&clerk::look>());
  outcome<int> calling;
  sim.spawn(calling.watch(one.call<&clerk::add_after>(24h, 1), calling));
  outcome<std::monostate> sleeping;
  sim.spawn(sleeping.watch(troupe::delay(24h), sleeping));
  outcome<std::monostate> waiting;
  sim.spawn(waiting.watch(one.send_and_wait(clerk::jobs, 5, troupe::delayed{24h}), waiting));
  sim.settle();
  sim.crash();
  CHECK(tells_of_a_death(calling.code()));
  CHECK(tells_of_a_death(sleeping.code()));
  CHECK(tells_of_a_death(waiting.code()));
  CHECK(sim.errors().empty());
}

TEST_CASE("coroutines go with their process, and what they hold with them") {
  simulation sim{served()};
  const auto held = std::make_shared<int>(1);
  sim.spawn([](std::shared_ptr<int>) -> troupe::task<> { co_await troupe::delay(troupe::never); }(held));
  sim.settle();
  CHECK(held.use_count() == 2);
  sim.crash();
  CHECK(held.use_count() == 1);
}

TEST_CASE("handles go with their process") {
  simulation sim{served()};
  const auto old = clerk_of(sim);
  sim.run(old.call<&clerk::add>(1));
  sim.crash();
  CHECK(code_in(sim, old.call<&clerk::look>()) == "runtime.stopped");
  CHECK(sim.run(clerk_of(sim).call<&clerk::look>()) == 1);
}

TEST_CASE("the program starts anew after each crash and restart") {
  int starts = 0;
  std::vector<int> found;
  simulation_options options;
  options.on_start = [&](simulation& sim) {
    ++starts;
    sim.spawn([](simulation& s, std::vector<int>& to) -> troupe::task<> {
      const int now = co_await clerk_of(s).call<&clerk::add>(1);
      to.push_back(now);
    }(sim, found));
  };
  simulation sim{served(), options};
  CHECK(starts == 1);
  sim.settle();
  sim.advance(1s);
  sim.crash();
  CHECK(starts == 2);
  sim.advance(1s);
  sim.restart();
  CHECK(starts == 3);
  sim.advance(1s);
  CHECK(found == std::vector{1, 2, 3});
  CHECK(sim.crashes() == 1);
}

TEST_CASE("a restart runs the hooks, a crash does not") {
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  CHECK(clerk::wakes == 1);
  sim.crash();
  CHECK(clerk::sleeps == 0);
  sim.run(clerk_of(sim).call<&clerk::look>());
  CHECK(clerk::wakes == 2);
  sim.restart();
  CHECK(clerk::sleeps == 1);
  sim.run(clerk_of(sim).call<&clerk::look>());
  CHECK(clerk::wakes == 3);
  sim.finish();
  CHECK(clerk::sleeps == 2);
}

TEST_CASE("a restart saves what was not saved yet") {
  using relaxed = careless<troupe::durability::relaxed>;
  simulation sim{served()};
  sim.run(sim.client().get_or_create<relaxed>("a").call<&relaxed::add>(1));
  sim.restart();
  CHECK(sim.run(sim.client().get_or_create<relaxed>("a").call<&relaxed::add>(1)) == 2);
}

TEST_CASE("the process is down for a while, no longer than the faults say") {
  simulation sim{served()};
  auto before = sim.elapsed();
  sim.crash();
  CHECK(sim.elapsed() - before <= 1s);
  sim.faults().down_max = 0s;
  before = sim.elapsed();
  sim.crash();
  CHECK(sim.elapsed() - before < 1ms);
  sim.faults().down_max = 1h;
  for (int i = 0; i < 20; ++i) sim.crash();
  CHECK(sim.elapsed() - before > 1h);
  CHECK(sim.elapsed() - before < 20h);
}

TEST_CASE("a message on its way arrives after a crash") {
  simulation sim{served()};
  sim.faults().commit_fails = {.probability = 1, .from = sim.elapsed() + 1s};
  sim.faults().commit_fails_for = troupe::never;
  sim.run(clerk_of(sim).call<&clerk::send_to>("b", 7));
  sim.advance(2s);
  sim.crash();
  sim.heal();
  sim.advance(1min);
  CHECK(sim.stored(clerk_of(sim, "b"))->done == std::vector{7});
}
