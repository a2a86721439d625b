// SPDX-License-Identifier: Apache-2.0
// Connections are opened, closed, listened to, let go and sent to by many threads at once. (For ThreadSanitizer, too.)

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <troupe/troupe.hpp>

#include "loopback/client_of.hpp"

using namespace std::chrono_literals;

namespace {

struct hub {
  static constexpr troupe::options options{.durability = troupe::durability::relaxed, .connection_events_max = 1 << 20};
  static constexpr troupe::event<"beat", int> beat{};
  static constexpr troupe::event<"extra", std::string> extra{};
  int n = 0;
  int opened = 0;
  int closed = 0;
  void on_connect(troupe::context<hub>&, troupe::peer<hub> p) {
    ++opened;
    p.send(extra, "welcome");
  }
  void on_disconnect(troupe::context<hub>&, const troupe::peer<hub>&) { ++closed; }
  int go(troupe::context<hub>& c) {
    c.broadcast(beat, ++n);
    return n;
  }
  void kick_oldest(troupe::context<hub>& c) const {
    const auto all = c.connections();
    if (!all.empty()) all.front().disconnect();
  }
  std::pair<int, int> counts() const { return {opened, closed}; }
  int there(troupe::context<hub>& c) const { return static_cast<int>(c.connections().size()); }
  using actor = troupe::actor<hub, &hub::go, &hub::kick_oldest, &hub::counts, &hub::there, beat, extra>;
};

/// Asks before anybody may listen.
struct asking_hub {
  // A test's thread that gets no core for a while has not lagged.
  static constexpr troupe::options options{.connection_events_max = 1 << 20};
  static constexpr troupe::event<"beat", int> beat{};
  int n = 0;
  bool can_subscribe(troupe::context<asking_hub>&, std::string_view) { return ++n % 3 != 0; }
  void go(troupe::context<asking_hub>& c) const { c.broadcast(beat, 1); }
  int there(troupe::context<asking_hub>& c) const { return static_cast<int>(c.connections().size()); }
  using actor = troupe::actor<asking_hub, &asking_hub::go, &asking_hub::there, beat>;
};

/// Connects to a hub and back.
struct follower {
  static constexpr troupe::options options{.durability = troupe::durability::relaxed};
  int heard = 0;
  troupe::task<int> follow(troupe::context<follower>& c, int count) {
    const auto h = c.client().get_or_create<hub>("h");
    const auto conn = co_await h.connect();
    auto beats = conn.stream(hub::beat);
    auto s = conn.on(hub::beat, [this](int) { ++heard; });
    for (int i = 0; i < count; ++i) {
      co_await conn.call<&hub::go>();
      const auto b = co_await beats.next();
      if (!b) break;
    }
    co_return heard;
  }
  using actor = troupe::actor<follower, &follower::follow>;
};

troupe::registry registry() {
  troupe::registry r;
  r.use<hub>("hub").use<asking_hub>("askingHub").use<follower>("follower");
  return r;
}

troupe::runtime_options pool() {
  troupe::runtime_options options;
  options.threads = 3;
  return options;
}

void together(int threads, const std::function<void(int)>& f) {
  std::vector<std::jthread> all;
  for (int i = 0; i < threads; ++i) all.emplace_back([&f, i] { f(i); });
}

}  // namespace

TEST_CASE("connections opened and closed by many threads are all told of, and none is left") {
  troupe::runtime runtime{registry(), pool()};
  const auto h = client_of(runtime).get_or_create<hub>("h");
  constexpr int threads = 4, rounds = 100;
  std::atomic<int> heard{0};
  together(threads, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      auto conn = h.connect().get();
      const auto s = conn.on(hub::beat, [&](int) { ++heard; });
      if (i % 2 == 0) h.call<&hub::go>().get();
      if ((i + t) % 3 == 0) conn.close();
    }
  });
  // A close travels like a post: behind this call, on_disconnect of all has run or is in the mailbox before the next.
  for (auto counts = h.call<&hub::counts>().get(); counts.second != threads * rounds;) {
    counts = h.call<&hub::counts>().get();
    CHECK(counts.first == threads * rounds);
  }
  CHECK(h.call<&hub::there>().get() == 0);
}

TEST_CASE("every live connection hears all events once and in order while others come and go") {
  troupe::runtime runtime{registry(), pool()};
  const auto h = client_of(runtime).get_or_create<hub>("h");
  const auto conn = h.connect().get();
  std::vector<int> heard;  // by handlers of one connection: one after another
  std::atomic<int> last{0};
  const auto s = conn.on(hub::beat, [&](int n) {
    heard.push_back(n);
    last = n;
    last.notify_all();
  });
  auto stream = conn.stream(hub::beat);
  constexpr int threads = 3, rounds = 150;
  together(threads, [&](int) {
    for (int i = 0; i < rounds; ++i) {
      const auto passing = h.connect().get();
      const auto t = passing.on(hub::beat, [](int) {});
      h.call<&hub::go>().get();
    }
  });
  for (int seen = last; seen < threads * rounds; seen = last) last.wait(seen);
  REQUIRE(heard.size() == threads * rounds);
  for (int i = 0; i < threads * rounds; ++i) CHECK(heard[static_cast<std::size_t>(i)] == i + 1);
  const auto all = runtime.run([](auto& from) -> troupe::task<int> {
    int n = 0;
    while (n < threads * rounds) {
      const auto v = co_await from.next();
      if (*v != ++n) co_return -1;
    }
    co_return n;
  }(stream));
  CHECK(all == threads * rounds);
}

TEST_CASE("after reset returns, the handler does not run, whoever sends meanwhile") {
  troupe::runtime runtime{registry(), pool()};
  const auto h = client_of(runtime).get_or_create<hub>("h");
  const auto conn = h.connect().get();
  std::atomic<bool> done{false};
  std::jthread sender{[&] {
    while (!done) h.call<&hub::go>().get();
  }};
  for (int i = 0; i < 300; ++i) {
    int calls = 0;  // not atomic: reset() is what orders
    auto s = conn.on(hub::beat, [&](int) { ++calls; });
    if (i % 4 == 0) h.call<&hub::go>().get();
    s.reset();
    const int at_reset = calls;
    h.call<&hub::go>().get();
    CHECK(calls == at_reset);
  }
  done = true;
}

TEST_CASE("permissions that arrive while their subscriptions go leave nothing behind") {
  troupe::runtime runtime{registry(), pool()};
  const auto h = client_of(runtime).get_or_create<asking_hub>("a");
  std::atomic<bool> done{false};
  std::jthread sender{[&] {
    while (!done) h.call<&asking_hub::go>().get();
  }};
  together(3, [&](int t) {
    for (int i = 0; i < 150; ++i) {
      auto conn = h.connect().get();
      auto s = conn.on(asking_hub::beat, [](int) {});
      const auto u = conn.stream(asking_hub::beat);
      if ((i + t) % 3 == 0) conn.close();
      if ((i + t) % 5 == 0) s.reset();
    }
  });
  done = true;
  sender.join();
  while (h.call<&asking_hub::there>().get() != 0) {
  }
}

TEST_CASE("an actor's disconnects meet clients' closes, each connection ends once") {
  troupe::runtime runtime{registry(), pool()};
  const auto h = client_of(runtime).get_or_create<hub>("h");
  std::atomic<int> ends{0};
  constexpr int threads = 3, rounds = 100;
  together(threads, [&](int) {
    for (int i = 0; i < rounds; ++i) {
      auto conn = h.connect().get();
      std::atomic<bool> ended{false};
      const auto closed = [&] {
        try {
          return conn.on_close([&](const std::exception_ptr&) {
            ++ends;
            ended = true;
            ended.notify_all();
          });
        } catch (const troupe::error&) {  // kicked out already
          ++ends;
          ended = true;
          return troupe::subscription{};
        }
      }();
      h.post<&hub::kick_oldest>();
      if (i % 2 == 0) conn.close();
      if (i % 2 != 0) h.post<&hub::kick_oldest>();
      conn.close();
      ended.wait(false);
    }
  });
  CHECK(ends == threads * rounds);
  for (auto counts = h.call<&hub::counts>().get(); counts.second != threads * rounds;) {
    counts = h.call<&hub::counts>().get();
  }
}

TEST_CASE("a connect that is given up at any moment leaves no connection") {
  troupe::runtime runtime{registry(), pool()};
  const auto h = client_of(runtime).get_or_create<hub>("h");
  int opened = 0;
  for (int i = 0; i < 200; ++i) {
    std::stop_source stop;
    std::jthread stopper{[&] { stop.request_stop(); }};
    try {
      const auto conn = h.with(stop.get_token()).connect().get();
      ++opened;
    } catch (const troupe::error& e) {
      CHECK(e.code() == "aborted");
    }
  }
  for (auto counts = h.call<&hub::counts>().get(); counts.first != counts.second;) {
    counts = h.call<&hub::counts>().get();
    CHECK(counts.first >= opened);
  }
  CHECK(h.call<&hub::there>().get() == 0);
}

TEST_CASE("actors follow actors on many threads") {
  troupe::runtime runtime{registry(), pool()};
  std::atomic<int> deaf{0};
  together(3, [&](int t) {
    for (int i = 0; i < 10; ++i) {
      const auto f = client_of(runtime).get_or_create<follower>("f" + std::to_string(t));
      if (f.call<&follower::follow>(20).get() == 0) ++deaf;
    }
  });
  CHECK(deaf == 0);
}

TEST_CASE("the runtime ends while connections are opened, used and closed") {
  for (int round = 0; round < 10; ++round) {
    troupe::runtime runtime{registry(), pool()};
    const auto h = client_of(runtime).get_or_create<hub>("h");
    std::atomic<int> running{0};
    std::atomic<int> unexpected{0};
    std::vector<std::jthread> all;
    for (int t = 0; t < 3; ++t) {
      all.emplace_back([&] {
        ++running;
        running.notify_all();
        try {
          for (;;) {
            const auto conn = h.connect().get();
            const auto s = conn.on(hub::beat, [](int) {});
            h.call<&hub::go>().get();
          }
        } catch (const troupe::error& e) {
          if (e.group() != "runtime") ++unexpected;
        }
      });
    }
    const auto stays = h.connect().get();
    std::atomic<bool> told{false};
    const auto end = stays.on_close([&](const std::exception_ptr& e) {
      told = e != nullptr;
      told.notify_all();
    });
    for (int n = running; n < 3; n = running) running.wait(n);
    runtime.shutdown();
    all.clear();
    CHECK(told);
    CHECK_FALSE(stays.connected());
    CHECK(unexpected == 0);
  }
}
