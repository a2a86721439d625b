// SPDX-License-Identifier: Apache-2.0
// Handlers and run loops fail with some messages, whatever else goes wrong: each message is handled to its end once, and
// those that fail delay no other.

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <troupe/testing/seeds.hpp>
#include <troupe/testing/simulation.hpp>

#include "simulation/plans.hpp"

using namespace std::chrono_literals;
using troupe::testing::simulation;

namespace {

constexpr troupe::queue_options brittle{
    .messages_max = 200, .attempts_max = 3, .retry_min = 1ms, .retry_max = 30ms};
constexpr troupe::queue_options pairs{
    .messages_max = 200, .attempts_max = 3, .retry_min = 1ms, .retry_max = 30ms, .concurrency = 2};
constexpr troupe::queue_options careful{
    .messages_max = 200, .attempts_max = 1'000'000, .retry_min = 1ms, .retry_max = 30ms, .attempt_first = true};

constexpr bool never_succeeds(int number) { return number % 10 == 3; }
constexpr bool fails_at_first(int number) { return number % 10 == 7; }

struct desk {
  static constexpr troupe::queue<"plain", int> plain{brittle};
  static constexpr troupe::queue<"slow", int> slow{pairs};
  static constexpr troupe::queue<"committed", int> committed{careful};
  static constexpr troupe::queue<"looped", int> looped{brittle};

  std::set<int> done;
  std::map<int, int> tries;
  std::vector<std::string> broken;

  void on_plain(const int& number) { handle(number); }
  troupe::task<> on_slow(troupe::context<desk>& c, int number) {
    co_await c.delay(1ms * (number % 5));
    handle(number);
  }
  void on_committed(const int& number) { finish(number); }
  troupe::task<> run(troupe::context<desk>& c) {
    for (;;) {
      auto m = co_await c.queue().next(looped);
      handle(*m);
    }
  }
  void rest(troupe::context<desk>& c) { c.sleep(); }
  int count() const { return static_cast<int>(done.size()); }

  static constexpr troupe::options options{.sleep_after = 50ms, .sleep_grace_period = 100ms};
  using actor = troupe::actor<desk, troupe::consumes<plain, &desk::on_plain>, troupe::consumes<slow, &desk::on_slow>,
                              troupe::consumes<committed, &desk::on_committed>, looped, &desk::rest, &desk::count>;

 private:
  void handle(int number) {
    const int attempt = ++tries[number];
    if (never_succeeds(number) || (fails_at_first(number) && attempt == 1)) throw std::runtime_error{"a hard one"};
    finish(number);
  }
  void finish(int number) {
    if (!done.insert(number).second) broken.push_back(fmt::format("message {} is handled again", number));
  }
};

constexpr int desks = 2;

struct observer {
  int sent = 0;
  std::set<int> acknowledged;
  std::vector<std::string> broken;
  std::vector<std::string> left;
  bool at_home = false;
};

auto desk_of(const simulation& sim, int number) {
  return sim.client().get_or_create<desk>(std::to_string(number % desks));
}

troupe::task<> send_one(troupe::handle<desk> to, int number, std::uint64_t how) {
  if (how == 0) {
    co_await to.send(desk::plain, number);
  }
  if (how == 1) {
    co_await to.send(desk::slow, number);
  }
  if (how == 2) {
    co_await to.send(desk::committed, number);
  }
  if (how == 3) {
    co_await to.send(desk::looped, number);
  }
}

troupe::task<> supplier(simulation& sim, observer& all) {
  auto& random = sim.random();
  while (!all.at_home && all.sent < 120) {
    const int number = ++all.sent;
    try {
      auto sending = send_one(desk_of(sim, number), number, random.below(4));
      co_await std::move(sending);
      all.acknowledged.insert(number);
    } catch (const troupe::error&) {
    }
    co_await troupe::delay(1ms * random.below(60));
  }
}

troupe::task<> janitor(simulation& sim, observer& all) {
  auto& random = sim.random();
  while (!all.at_home) {
    try {
      co_await desk_of(sim, static_cast<int>(random.below(desks))).call<&desk::rest>();
    } catch (const troupe::error&) {
    }
    co_await troupe::delay(1ms * random.below(300));
  }
}

/// Where every message is, as a crash would leave it. The number of those that wait.
std::size_t inspect(simulation& sim, observer& all) {
  std::size_t waiting = 0;
  all.left.clear();
  std::map<int, std::string> places;
  const auto place = [&](int number, std::string where) {
    const auto [here, is_new] = places.try_emplace(number, where);
    if (!is_new) all.broken.push_back(fmt::format("message {}: {} and {}", number, here->second, where));
  };
  for (int i = 0; i < desks; ++i) {
    const auto one = desk_of(sim, i);
    if (const auto state = sim.stored(one)) {
      for (const int n : state->done) place(n, "done");
      for (const auto& each : state->broken) all.broken.push_back(each);
    }
    const auto look = [&](const auto& queue) {
      for (const int n : sim.stored_messages(one, queue)) {
        place(n, std::string{queue.name});
        all.left.push_back(fmt::format("{} in {}", n, queue.name));
      }
      for (const int n : sim.stored_dead_letters(one, queue)) {
        place(n, "dead");
        if (!never_succeeds(n)) all.broken.push_back(fmt::format("message {} is a dead letter", n));
      }
      waiting += sim.stored_messages(one, queue).size();
    };
    look(desk::plain);
    look(desk::slow);
    look(desk::committed);
    look(desk::looped);
  }
  for (const int n : all.acknowledged) {
    if (!places.contains(n)) all.broken.push_back(fmt::format("message {} is lost", n));
  }
  return waiting;
}

troupe::registry registry() {
  troupe::registry r;
  r.use<desk>("desk");
  return r;
}

}  // namespace

TEST_CASE("handlers and loops that fail handle each message to its end once, whatever goes wrong") {
  troupe::testing::for_each_seed(60, [&](std::uint64_t seed) {
    troupe::testing::seeded_random random{seed};
    observer all;
    troupe::testing::simulation_options options;
    options.seed = seed;
    options.faults = plans::any_faults(random);
    options.on_start = [&all](simulation& sim) {
      sim.spawn(supplier(sim, all));
      sim.spawn(janitor(sim, all));
    };
    simulation sim{registry(), options};
    for (int i = 0; i < 30 && all.sent < 120; ++i) {
      sim.advance(1s);
      inspect(sim, all);
    }
    all.at_home = true;
    sim.heal();
    std::size_t waiting = 1;
    for (int i = 0; i < 300 && waiting != 0; ++i) {
      sim.advance(1s);
      waiting = inspect(sim, all);
    }
    for (const auto& each : all.broken) UNSCOPED_INFO(each);
    REQUIRE(all.broken.empty());
    for (const auto& each : all.left) UNSCOPED_INFO("it waits for ever: " << each);
    REQUIRE(waiting == 0);
    sim.finish();
  });
}

TEST_CASE("good messages do not wait for bad ones") {
  troupe::testing::for_each_seed(20, [&](std::uint64_t seed) {
    simulation sim{registry(), {.seed = seed}};
    const auto how = seed % 4;
    int good = 0;
    for (int number = 1; number <= 200; number += desks) {  // all for one desk
      good += never_succeeds(number) || fails_at_first(number) ? 0 : 1;
      sim.spawn(send_one(desk_of(sim, number), number, how));
    }
    sim.advance(2s);  // with a back-off of the loop's own for each bad one it would take a minute
    const auto state = sim.stored(desk_of(sim, 1));
    REQUIRE(state.has_value());
    REQUIRE(static_cast<int>(state->done.size()) >= good);
  });
}
