// SPDX-License-Identifier: Apache-2.0
// Consumers throw, are too slow, give up, are put to sleep and die with their process, in every way in which messages
// can be taken: each message is handled to its end once, and none is lost.

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <troupe/testing/seeds.hpp>
#include <troupe/testing/simulation.hpp>

#include "simulation/plans.hpp"

using namespace std::chrono_literals;
using troupe::testing::simulation;

namespace {

// Of these only failures that the test means to happen use up attempts to the end.
constexpr troupe::queue_options patient{
    .messages_max = 6, .attempts_max = 1'000'000, .retry_min = 1ms, .retry_max = 30ms};
constexpr troupe::queue_options brittle{.messages_max = 50, .attempts_max = 3, .retry_min = 1ms, .retry_max = 30ms};
constexpr troupe::queue_options lent{.messages_max = 6,
                                     .attempts_max = 1'000'000,
                                     .retry_min = 1ms,
                                     .retry_max = 30ms,
                                     .visibility_timeout = 40ms};

struct workshop {
  static constexpr troupe::queue<"plain", int> plain{patient};
  static constexpr troupe::queue<"batch", int> batch{patient};
  static constexpr troupe::queue<"leased", int> leased{lent};
  static constexpr troupe::queue<"fragile", int> fragile{brittle};  ///< handled in one turn alone

  int rounds = 0;
  std::set<int> done;
  std::map<int, std::uint32_t> failed;  ///< of `fragile`
  std::vector<std::string> broken;

  // What a round has handled is acknowledged when the next one asks. Parts of when_any would do that in another turn.
  troupe::task<> run(troupe::context<workshop>& c) {
    for (;;) {
      ++rounds;
      if (rounds % 23 == 0) c.sleep();
      auto work = round(c);
      co_await std::move(work);
    }
  }

  /// One more consumer, in one of many ways, for about so long.
  troupe::task<> help(troupe::context<workshop>& c, int how, std::chrono::milliseconds time) {
    switch (how) {
      case 0: return one(c, time);
      case 1: return some(c, time);
      case 2: return slow(c, time);
      case 3: return first_of(c, time);
      case 4: return until_told(c, time);
      case 5: return stream(c, time);
      default: return give_back(c, time);
    }
  }
  /// The same in the background.
  void employ(troupe::context<workshop>& c, int how, std::chrono::milliseconds time) {
    c.keep_awake(help(c, how, time));
  }
  /// Takes what is there, and fails.
  void grab(troupe::context<workshop>& c) {
    const auto all = c.queue().try_next_batch(plain, batch, 3);
    throw std::runtime_error{"drops everything"};
  }
  void rest(troupe::context<workshop>& c) { c.sleep(); }
  int look() const { return rounds; }

  static constexpr troupe::options options{
      .sleep_after = 50ms, .sleep_grace_period = 100ms, .run_restart_min = 1ms, .run_restart_max = 20ms};
  using actor = troupe::actor<workshop, plain, batch, leased, fragile, &workshop::help, &workshop::employ,
                              &workshop::grab, &workshop::rest, &workshop::look>;

 private:
  void finish(int number) {
    if (!done.insert(number).second) broken.push_back(fmt::format("message {} is handled again", number));
  }

  troupe::task<> round(troupe::context<workshop>& c) {
    if (rounds % 17 == 0) return fail(c);
    if (rounds % 3 == 0) return one_of_two(c);
    return help(c, rounds % 7 == 3 || rounds % 7 == 4 ? 0 : rounds % 7, 20ms);
  }

  troupe::task<> fail(troupe::context<workshop>& c) {
    auto receiving = c.queue().next(leased, 0ms);
    auto m = co_await std::move(receiving);
    throw std::runtime_error{"tired"};
  }

  troupe::task<> one_of_two(troupe::context<workshop>& c) {
    auto receiving = c.queue().next(fragile, plain, 20ms);
    auto m = co_await std::move(receiving);
    if (!m) co_return;
    if (auto* const p = std::get_if<1>(&*m)) {
      finish(**p);
      co_return;
    }
    auto& f = std::get<0>(*m);
    const auto attempt = ++failed[*f];
    if (f.attempts() != attempt) broken.push_back(fmt::format("attempt {} at {} is {}", attempt, *f, f.attempts()));
    if (*f % 3 == 0 || (*f % 5 == 0 && attempt == 1)) throw std::runtime_error{"a hard one"};
    finish(*f);
  }

  troupe::task<> one(troupe::context<workshop>& c, std::chrono::milliseconds time) {
    auto receiving = c.queue().next(plain, time);
    auto m = co_await std::move(receiving);
    if (!m) co_return;
    if (**m % 4 == 0) {
      co_await c.delay(3ms);
    }
    m->complete();
    finish(**m);
  }

  troupe::task<> some(troupe::context<workshop>& c, std::chrono::milliseconds time) {
    auto receiving = c.queue().next_batch(batch, 3, time);
    auto all = co_await std::move(receiving);
    if (all.size() > 3) broken.push_back("too many at once");
    for (const auto& m : all) {
      if (*m % 6 == 0 && m.attempts() < 3) throw std::runtime_error{"not these"};  // all of them come again
    }
    for (const auto& m : all) finish(*m);
  }

  // Too slow at times: then somebody else gets the message.
  troupe::task<> slow(troupe::context<workshop>& c, std::chrono::milliseconds time) {
    auto receiving = c.queue().next(leased, time);
    auto m = co_await std::move(receiving);
    if (!m) co_return;
    const std::chrono::milliseconds held{m->attempts() < 3 ? **m % 80 : 0};
    co_await c.delay(held);
    try {
      m->complete();
    } catch (const troupe::error& e) {
      if (!e.is(troupe::errc::queue_lease_lost) && !e.is(troupe::errc::queue_already_completed)) throw;
      co_return;
    }
    finish(**m);
  }

  troupe::task<> first_of(troupe::context<workshop>& c, std::chrono::milliseconds time) {
    auto receiving = c.queue().next(plain, batch);
    auto both = troupe::when_any(std::move(receiving), c.delay(time));
    auto first = co_await std::move(both);
    if (first.index() == 1) co_return;
    auto& m = std::get<0>(first);
    std::visit([&](auto& received) {
      received.complete();
      finish(*received);
    }, m);
  }

  troupe::task<> until_told(troupe::context<workshop>& c, std::chrono::milliseconds time) {
    std::stop_source told;
    auto receiving = receive_until(c, told.get_token());
    auto telling = tell(c, told, time);
    auto both = troupe::when_all(std::move(receiving), std::move(telling));
    co_await std::move(both);
  }
  troupe::task<> receive_until(troupe::context<workshop>& c, std::stop_token token) {
    try {
      auto receiving = c.queue().next(leased, plain, token);
      auto m = co_await std::move(receiving);
      std::visit([&](auto& received) {
        received.complete();
        finish(*received);
      }, m);
    } catch (const troupe::error& e) {
      if (!e.is(troupe::errc::aborted) || !token.stop_requested()) throw;
    }
  }
  troupe::task<> tell(troupe::context<workshop>& c, std::stop_source told, std::chrono::milliseconds time) {
    co_await c.delay(time);
    told.request_stop();
  }

  troupe::task<> stream(troupe::context<workshop>& c, std::chrono::milliseconds time) {
    auto all = c.queue().messages(batch, plain, time);
    for (int i = 0; i < 3; ++i) {
      auto next = all.next();
      auto m = co_await std::move(next);
      if (!m) break;
      std::visit([&](const auto& received) { finish(*received); }, *m);
    }
  }

  troupe::task<> give_back(troupe::context<workshop>& c, std::chrono::milliseconds time) {
    auto receiving = c.queue().next(batch, leased, time);
    auto m = co_await std::move(receiving);
    if (!m) co_return;
    std::visit([&](auto& received) {
      if (received.attempts() < 3) {
        received.retry(5ms);
      } else {
        received.complete();
        finish(*received);
      }
    }, *m);
  }
};

constexpr int shops = 2;

struct observer {
  int sent = 0;
  std::map<int, std::string> queue_of;   ///< by message
  std::set<int> acknowledged;
  std::set<int> refused;
  std::vector<std::string> broken;
  bool at_home = false;
};

auto shop(const simulation& sim, int number) {
  return sim.client().get_or_create<workshop>(std::to_string(number % shops));
}

troupe::task<> supplier(simulation& sim, observer& all) {
  auto& random = sim.random();
  while (!all.at_home && all.sent < 120) {
    const int number = ++all.sent;
    const auto to = shop(sim, number);
    const troupe::delayed later{1ms * (random.below(4) == 0 ? random.below(100) : 0)};
    const auto how = random.below(4);
    try {
      if (how == 0) {
        co_await to.send(workshop::plain, number, later);
      }
      if (how == 1) {
        co_await to.send(workshop::batch, number, later);
      }
      if (how == 2) {
        co_await to.send(workshop::leased, number, later);
      }
      if (how == 3) {
        co_await to.send(workshop::fragile, number, later);
      }
      all.acknowledged.insert(number);
    } catch (const troupe::error& e) {
      if (e.is(troupe::errc::queue_full)) all.refused.insert(number);
    }
    co_await troupe::delay(1ms * random.below(60));
  }
}

/// Sends helpers, and loses patience with them.
troupe::task<> foreman(simulation& sim, observer& all) {
  auto& random = sim.random();
  while (!all.at_home) {
    auto to = shop(sim, static_cast<int>(random.below(shops)));
    const auto limit = 1ms * (1 + random.below(200));
    if (random.below(3) == 0) to = to.with(troupe::timeout{limit});
    const int how = static_cast<int>(random.below(10));
    const std::chrono::milliseconds time{random.below(100)};
    try {
      if (how < 7) {
        co_await to.call<&workshop::help>(how, time);
      }
      if (how == 7) {
        co_await to.call<&workshop::employ>(static_cast<int>(random.below(7)), time);
      }
      if (how == 8) {
        co_await to.call<&workshop::grab>();
      }
      if (how == 9) {
        co_await to.call<&workshop::rest>();
      }
    } catch (const std::exception&) {
    }
    co_await troupe::delay(1ms * random.below(60));
  }
}

/// Where every message is, as a crash would leave it. The number of those that wait.
std::size_t inspect(simulation& sim, observer& all) {
  std::size_t waiting = 0;
  std::map<int, std::string> places;
  const auto place = [&](int number, std::string where) {
    const auto [here, is_new] = places.try_emplace(number, where);
    if (!is_new) all.broken.push_back(fmt::format("message {}: {} and {}", number, here->second, where));
  };
  for (int i = 0; i < shops; ++i) {
    const auto one = shop(sim, i);
    if (const auto state = sim.stored(one)) {
      for (const int n : state->done) place(n, "done");
      for (const auto& each : state->broken) all.broken.push_back(each);
    }
    const auto look = [&](const auto& queue) {
      for (const int n : sim.stored_messages(one, queue)) place(n, std::string{queue.name});
      for (const int n : sim.stored_dead_letters(one, queue)) place(n, "dead " + std::string{queue.name});
      waiting += sim.stored_messages(one, queue).size();
    };
    look(workshop::plain);
    look(workshop::batch);
    look(workshop::leased);
    look(workshop::fragile);
  }
  for (const int n : all.acknowledged) {
    if (!places.contains(n)) all.broken.push_back(fmt::format("message {} is lost", n));
  }
  for (const int n : all.refused) {
    if (places.contains(n)) all.broken.push_back(fmt::format("message {} was refused, and is {}", n, places[n]));
  }
  for (const auto& [n, where] : places) {
    if (where.starts_with("dead") && (where != "dead fragile" || n % 3 != 0)) {
      all.broken.push_back(fmt::format("message {} is {}", n, where));
    }
  }
  return waiting;
}

}  // namespace

TEST_CASE("each message is handled to its end once, whatever becomes of its consumers") {
  troupe::registry registry;
  registry.use<workshop>("workshop");
  troupe::testing::for_each_seed(60, [&](std::uint64_t seed) {
    troupe::testing::seeded_random random{seed};
    observer all;
    troupe::testing::simulation_options options;
    options.seed = seed;
    options.faults = plans::any_faults(random);
    options.on_start = [&all](simulation& sim) {
      inspect(sim, all);
      for (int i = 0; i < 2; ++i) sim.spawn(supplier(sim, all));
      for (int i = 0; i < 3; ++i) sim.spawn(foreman(sim, all));
    };
    simulation sim{registry, options};
    for (int i = 0; i < 20 && all.sent < 120; ++i) sim.advance(1s);
    sim.heal();
    sim.advance(1s);
    all.at_home = true;
    std::size_t waiting = 1;
    for (int minutes = 0; minutes < 24 * 60 && waiting != 0; ++minutes) {
      for (int i = 0; i < shops; ++i) sim.run(shop(sim, i).call<&workshop::look>());  // which wakes it
      sim.advance(1min);
      waiting = inspect(sim, all);
    }
    for (const auto& each : all.broken) UNSCOPED_INFO(each);
    UNSCOPED_INFO(waiting << " messages wait for ever");
    REQUIRE((all.broken.empty() && waiting == 0));
    sim.finish();
  });
}
