// SPDX-License-Identifier: Apache-2.0
// Queues on a thread pool: senders on many threads, actors that pass messages on, sleep and wake meanwhile.

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <troupe/troupe.hpp>

#include "loopback/client_of.hpp"

using namespace std::chrono_literals;

namespace {

constexpr int stations = 8;
constexpr int senders = 4;
constexpr int each = 50;
constexpr int hops = 3;

std::string station_key(int number) { return "s" + std::to_string(number % stations); }

struct letter {
  int number = 0;
  int station = 0;
  int hops_left = 0;
};

/// Passes letters on to the next station until they have arrived.
struct station {
  static constexpr troupe::queue<"letters", letter, int> letters{{.messages_max = 16}};
  static constexpr troupe::event<"arrived", int> arrived{};
  std::map<int, int> seen;
  std::map<int, int> kept;

  troupe::task<> run(troupe::context<station>& c) {
    for (;;) {
      auto next = co_await c.queue().next(letters);
      ++seen[next->number];
      if (next->hops_left == 0) {
        ++kept[next->number];
        c.broadcast(arrived, next->number);
        next.complete(next->number);
        continue;
      }
      auto other = c.client().get_or_create<station>(station_key(next->station + 1));
      const letter onward{next->number, next->station + 1, next->hops_left - 1};
      co_await other.send(letters, onward);
    }
  }
  std::map<int, int> all_kept() const { return kept; }
  std::map<int, int> all_seen() const { return seen; }

  static constexpr troupe::options options{.sleep_after = 5ms};
  using actor = troupe::actor<station, &station::all_kept, &station::all_seen, letters, arrived>;
};

// Tries again while the queue is full.
void send(const troupe::client& client, const letter& l) {
  const auto to = client.get_or_create<station>(station_key(l.station));
  for (;;) {
    try {
      return to.send(station::letters, l).get();
    } catch (const troupe::error& e) {
      if (!e.is(troupe::errc::queue_full)) throw;
      std::this_thread::yield();
    }
  }
}

troupe::task<std::map<int, int>> collect(const troupe::client& client, bool only_kept) {
  std::map<int, int> all;
  for (int i = 0; i != stations; ++i) {
    auto s = client.get_or_create<station>(station_key(i));
    std::map<int, int> some;
    if (only_kept) {
      some = co_await s.call<&station::all_kept>();
    } else {
      some = co_await s.call<&station::all_seen>();
    }
    for (const auto& [number, times] : some) all[number] += times;
  }
  co_return all;
}

}  // namespace

TEST_CASE("every letter passes every station on its way once, whatever threads carry it") {
  troupe::registry registry;
  const auto kind = GENERATE(troupe::durability::committed, troupe::durability::relaxed);
  troupe::use_options how;
  how.options = station::options;
  how.options->durability = kind;
  registry.use<station>("station", how);
  troupe::runtime runtime{registry, {.threads = 3}};
  const auto client = client_of(runtime);

  std::vector<std::thread> threads;
  for (int t = 0; t != senders; ++t) {
    threads.emplace_back([&client, t] {
      for (int i = 0; i != each; ++i) send(client, letter{t * each + i, t + i, hops});
    });
  }
  for (auto& t : threads) t.join();

  std::map<int, int> kept;
  while (kept.size() != senders * each) kept = runtime.run(collect(client, true));
  const auto seen = runtime.run(collect(client, false));
  for (const auto& [number, times] : kept) {
    CAPTURE(number);
    CHECK(times == 1);
    CHECK(seen.at(number) == hops + 1);
  }
  CHECK(runtime.health().errors == 0);
}

TEST_CASE("answers find those who wait for them on many threads") {
  troupe::registry registry;
  registry.use<station>("station");
  troupe::runtime runtime{registry, {.threads = 3}};
  const auto client = client_of(runtime);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t != senders; ++t) {
    threads.emplace_back([&client, &wrong, t] {
      const auto to = client.get_or_create<station>(station_key(t / 2));
      for (int i = 0; i != each; ++i) {
        const letter l{t * each + i, 0, 0};
        const auto answer = to.send_and_wait(station::letters, l).get();
        if (answer != l.number) ++wrong;
      }
    });
  }
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
}

namespace {

/// Handlers that fail at times, and pass their messages on.
struct relay {
  static constexpr troupe::queue<"plain", letter> plain{
      {.messages_max = 10'000, .attempts_max = 3, .retry_min = 1ms, .retry_max = 1ms}};
  static constexpr troupe::queue<"slow", letter> slow{
      {.messages_max = 10'000, .attempts_max = 3, .retry_min = 1ms, .retry_max = 1ms, .concurrency = 3}};
  std::map<int, int> tries;
  std::map<int, int> kept;

  void on_plain(troupe::context<relay>& c, const letter& l) {
    if (++tries[l.number] == 1 && l.number % 7 == 0) throw std::runtime_error{"not at once"};
    const letter onward{l.number, l.station + 1, 0};
    c.client().get_or_create<relay>(station_key(l.station + 1)).send(slow, onward).get();  // leaves with the turn
  }
  troupe::task<> on_slow(troupe::context<relay>& c, letter l) {
    co_await c.delay(1us);
    ++kept[l.number];
  }
  std::map<int, int> all_kept() const { return kept; }

  static constexpr troupe::options options{.sleep_after = 5ms};
  using actor = troupe::actor<relay, troupe::consumes<plain, &relay::on_plain>,
                              troupe::consumes<slow, &relay::on_slow>, &relay::all_kept>;
};

troupe::task<std::map<int, int>> collect_from_relays(const troupe::client& client) {
  std::map<int, int> all;
  for (int i = 0; i != stations; ++i) {
    auto r = client.get_or_create<relay>(station_key(i));
    const auto some = co_await r.call<&relay::all_kept>();
    for (const auto& [number, times] : some) all[number] += times;
  }
  co_return all;
}

}  // namespace

TEST_CASE("handlers take each message once, whatever threads run them") {
  troupe::registry registry;
  registry.use<relay>("relay");
  troupe::runtime_options options;
  options.threads = 3;
  std::atomic<int> failures{0};
  options.on_error = [&failures](const std::exception_ptr&, std::string_view) { ++failures; };
  troupe::runtime runtime{registry, std::move(options)};
  const auto client = client_of(runtime);

  std::vector<std::thread> threads;
  for (int t = 0; t != senders; ++t) {
    threads.emplace_back([&client, t] {
      for (int i = 0; i != each; ++i) {
        const letter l{t * each + i, t + i, 0};
        client.get_or_create<relay>(station_key(l.station)).send(relay::plain, l).get();
      }
    });
  }
  for (auto& t : threads) t.join();

  std::map<int, int> kept;
  while (kept.size() != senders * each) kept = runtime.run(collect_from_relays(client));
  for (const auto& [number, times] : kept) {
    CAPTURE(number);
    CHECK(times == 1);
  }
  CHECK(failures == (senders * each + 6) / 7);
}
