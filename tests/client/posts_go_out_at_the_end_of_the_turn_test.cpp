// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "loopback/client_of.hpp"

using namespace std::chrono_literals;

namespace {

template <class Condition>
bool holds_in_time(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

std::atomic<std::int64_t> heard{0};
std::atomic<std::int64_t> passed_on{0};

struct listener {
  void hear(troupe::context<listener>& c, bool sleeps) {
    ++heard;
    if (sleeps) c.sleep();
  }
  using actor = troupe::actor<listener, &listener::hear>;
};

struct speaker {
  bool answered = false;

  /// Its only handle is gone when the turn ends.
  void tell(troupe::context<speaker>& c, std::string whom, bool sleeps) {
    c.client().get_or_create<listener>(whom).post<&listener::hear>(sleeps);
    ++passed_on;
  }
  troupe::task<> tell_in_a_coroutine(troupe::context<speaker>& c, std::string whom) {
    tell(c, whom, false);
    co_return;
  }
  void tell_two(troupe::context<speaker>& c) {
    tell(c, "a", false);
    tell(c, "b", false);
  }
  /// Has its thread for itself until so many have been heard.
  void watch(std::int64_t count) {
    answered = holds_in_time([&] { return heard == count; });
  }
  bool was_answered() const { return answered; }

  using actor = troupe::actor<speaker, &speaker::tell, &speaker::tell_in_a_coroutine, &speaker::tell_two,
                              &speaker::watch, &speaker::was_answered>;
};

troupe::registry registry() {
  troupe::registry r;
  troupe::use_options how;
  how.options = troupe::options{.durability = troupe::durability::ephemeral};
  r.use<listener>("listener", how);
  r.use<speaker>("speaker", how);
  heard = passed_on = 0;
  return r;
}

}  // namespace

TEST_CASE("what a turn posts does not wait behind what its actor does next", "[client]") {
  troupe::runtime runtime{registry(), {.executor = std::make_shared<troupe::thread_pool>(2)}};
  const auto s = client_of(runtime).get_or_create<speaker>("s");
  for (std::int64_t i = 1; i <= 20; ++i) {
    s.post<&speaker::tell>("a", false);
    s.post<&speaker::watch>(i);
    REQUIRE(s.call<&speaker::was_answered>().get());
  }
}

TEST_CASE("what an actor posts does not wait behind what its caller's coroutine does next", "[client]") {
  troupe::runtime runtime{registry(), {.executor = std::make_shared<troupe::thread_pool>(2)}};
  // On a worker, which it does not give back while it waits.
  const auto missed = runtime.run([](troupe::client client) -> troupe::task<std::int64_t> {
    std::int64_t sent = 0;
    std::int64_t missed = 0;
    const auto watch = [&](std::int64_t more) {
      sent += more;
      if (!holds_in_time([&] { return heard == sent; })) ++missed;
    };
    for (int i = 0; i != 20; ++i) {
      const auto s = client.get_or_create<speaker>(std::to_string(i % 7));
      co_await s.call<&speaker::tell>("a", false);
      watch(1);
      co_await s.call<&speaker::tell_in_a_coroutine>("a");
      watch(1);
      co_await s.call<&speaker::tell>(std::to_string(i), true);
      watch(1);
      co_await s.call<&speaker::tell_two>();
      watch(2);
      s.post<&speaker::tell_two>();
      watch(2);
      auto both = troupe::when_all(s.call<&speaker::tell>("a", true), s.call<&speaker::tell_two>());
      co_await std::move(both);
      watch(3);
    }
    co_return missed;
  }(client_of(runtime)));
  CHECK(missed == 0);
}

TEST_CASE("of two that a turn posts to, neither waits behind the other", "[client]") {
  troupe::runtime runtime{registry(), {.executor = std::make_shared<troupe::thread_pool>(2)}};
  const auto s = client_of(runtime).get_or_create<speaker>("s");
  for (std::int64_t i = 1; i <= 20; ++i) {
    s.post<&speaker::tell_two>();
    REQUIRE(holds_in_time([&] { return heard == 2 * i; }));
  }
}

TEST_CASE("what is posted arrives at an actor that sleeps and that nobody holds", "[client]") {
  troupe::runtime runtime{registry(), {.executor = std::make_shared<troupe::thread_pool>(2)}};
  const auto client = client_of(runtime);
  constexpr int speakers = 4;
  constexpr int each = 2'000;
  for (int i = 0; i != each; ++i) {
    for (int k = 0; k != speakers; ++k) {
      client.get_or_create<speaker>(std::to_string(k)).post<&speaker::tell>(std::to_string(i % 3), i % 2 == 0);
    }
  }
  CHECK(holds_in_time([] { return heard == speakers * each; }));
  CHECK(passed_on == speakers * each);
  // And its place goes with the last who has something for it.
  CHECK(holds_in_time([&] {
    client.get_or_create<speaker>("last").call<&speaker::was_answered>().get();
    return runtime.health().held <= speakers + 1 + 3;
  }));
}
