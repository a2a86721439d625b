// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

struct counter {
  std::int64_t count = 0;

  std::int64_t add(std::int64_t n) { return count += n; }
  task<std::int64_t> add_later(std::int64_t n) {
    co_await troupe::delay(0ns);
    co_return count += n;
  }
  std::int64_t value() const { return count; }
  task<> pass_on(troupe::context<counter>& c, std::string to, std::int64_t n) {
    auto other = c.client().get_or_create<counter>(to);
    co_await other.call<&counter::add>(n);
    count += n;
  }
  void end(troupe::context<counter>& c) { c.destroy(); }

  using actor = troupe::actor<counter, &counter::add, troupe::exclusive<&counter::add_later>, &counter::value,
                              &counter::pass_on, &counter::end>;
};

troupe::registry counters(troupe::options how = {}) {
  troupe::registry r;
  troupe::use_options o;
  o.options = how;
  r.use<counter>("counter", o);
  return r;
}

template <class F>
void on_threads(int count, F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&f, i] { f(i); });
  for (auto& t : threads) t.join();
}

constexpr int threads = 4;

}  // namespace

TEST_CASE("no call is lost or run twice when many threads use one handle", "[client]") {
  troupe::runtime runtime{counters()};
  const auto one = client_of(runtime).get_or_create<counter>("one");
  std::atomic<std::int64_t> failures{0};
  on_threads(threads, [&](int) {
    for (int i = 0; i < 500; ++i) {
      try {
        one.call<&counter::add>(1).get();
        if (i % 3 == 0) one.call<&counter::add_later>(1).get();
        if (i % 5 == 0) one.call("add", "[1]").get();
        if (i % 7 == 0) one.post<&counter::add>(1);
        if (one.call<&counter::value>().get() <= i) ++failures;
      } catch (const std::exception&) {
        ++failures;
      }
    }
  });
  CHECK(failures == 0);
  CHECK(one.call<&counter::value>().get() == threads * (500 + 167 + 100 + 72));
}

TEST_CASE("a mailbox that is nowhere near its limit refuses nobody, however its senders are interrupted", "[client]") {
  troupe::options far;
  far.mailbox_calls_max = 1'000'000'000;
  far.durability = troupe::durability::ephemeral;
  troupe::runtime runtime{counters(far)};
  const auto one = client_of(runtime).get_or_create<counter>("one");
  constexpr int each = 100'000;
  std::atomic<std::int64_t> refused{0};
  on_threads(threads, [&](int) {
    for (int i = 0; i < each; ++i) {
      try {
        one.post<&counter::add>(1);
        static_cast<void>(one.call<&counter::value>().get());  // all before it have begun
      } catch (const troupe::error&) {
        ++refused;
      }
    }
  });
  CHECK(refused == 0);
  CHECK(one.call<&counter::value>().get() == threads * each);
}

TEST_CASE("a thousand actors, called from many threads", "[client]") {
  troupe::runtime runtime{counters()};
  on_threads(threads, [&](int thread) {
    for (int i = 0; i < 1000; ++i) {
      auto h = client_of(runtime).get_or_create<counter>(std::to_string((i + thread * 250) % 1000));
      h.post<&counter::add>(1);
      h.post<&counter::add>(1);
    }
  });
  std::int64_t wrong = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto value = client_of(runtime).get<counter>(std::to_string(i)).call<&counter::value>().get();
    wrong += value == 2 * threads ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("actors that call one another in all directions", "[client]") {
  troupe::runtime runtime{counters()};
  std::atomic<int> failures{0};
  on_threads(threads, [&](int thread) {
    for (int i = 0; i < 200; ++i) {
      try {
        auto from = client_of(runtime).get_or_create<counter>(std::to_string((thread + i) % 3));
        from.call<&counter::pass_on>(std::to_string((thread + i + 1 + i % 2) % 3), 1).get();
      } catch (const std::exception&) {
        ++failures;
      }
    }
  });
  CHECK(failures == 0);
  std::int64_t sum = 0;
  for (int i = 0; i < 3; ++i) sum += client_of(runtime).get<counter>(std::to_string(i)).call<&counter::value>().get();
  CHECK(sum == threads * 200 * 2);
}

TEST_CASE("handles may be copied, used and dropped from all threads at once", "[client]") {
  troupe::runtime runtime{counters()};
  const auto one = client_of(runtime).get_or_create<counter>("one");
  on_threads(threads, [&](int) {
    for (int i = 0; i < 300; ++i) {
      auto copy = one;
      auto again = copy.with(troupe::timeout{30s});
      copy = client_of(runtime).get_or_create<counter>("one");
      again.call<&counter::add>(1).get();
      auto moved = std::move(copy);
      moved.call<&counter::value>().get();
    }
  });
  CHECK(one.call<&counter::value>().get() == threads * 300);
}

TEST_CASE("actors that fall asleep under their callers keep every change", "[client]") {
  troupe::options restless;
  restless.sleep_after = 1ms;
  troupe::runtime runtime{counters(restless)};
  on_threads(threads, [&](int thread) {
    for (int i = 0; i < 150; ++i) {
      // Some handles stay, most go: cells come and go with them.
      client_of(runtime).get_or_create<counter>(std::to_string(i % 2)).call<&counter::add>(1).get();
      if (i % 50 == thread)
        runtime.run(troupe::when_all(client_of(runtime).get_or_create<counter>("0").call<&counter::add_later>(0),
                                     client_of(runtime).get_or_create<counter>("1").call<&counter::add_later>(0)));
    }
  });
  const auto value = [&](const char* k) { return client_of(runtime).get<counter>(k).call<&counter::value>().get(); };
  CHECK(value("0") + value("1") == threads * 150);
}

TEST_CASE("actors come and go beside one another, by more threads than there are places to make them", "[client]") {
  troupe::options restless;
  restless.sleep_after = 1ms;
  troupe::runtime runtime{counters(restless)};
  std::atomic<int> wrong{0};
  on_threads(40, [&](int thread) {
    const auto client = client_of(runtime);
    for (int i = 0; i < 20; ++i) {
      const auto key = std::to_string(thread) + " " + std::to_string(i);
      const auto called = [&] { return client.get_or_create<counter>(key).call<&counter::add>(1).get(); };
      if (called() != 1 || called() != 2) ++wrong;
      const auto id = client.get<counter>(key).resolve().get();
      if (client.get_for_id<counter>(id).call<&counter::value>().get() != 2) ++wrong;
      if (i % 2 == 0) client.get_for_id<counter>(id).call<&counter::end>().get();
      const auto next = called();
      if (next != (i % 2 == 0 ? 1 : 3)) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("an id finds its actor from all threads, while it falls asleep and wakes", "[client]") {
  troupe::options restless;
  restless.sleep_after = 1ms;
  troupe::runtime runtime{counters(restless)};
  const auto id = client_of(runtime).get_or_create<counter>("one").resolve().get();
  std::atomic<int> failures{0};
  on_threads(threads, [&](int) {
    for (int i = 0; i < 150; ++i) {
      try {
        auto h = client_of(runtime).get_for_id<counter>(id);
        i % 2 == 0 ? static_cast<void>(h.call<&counter::add>(1).get()) : h.post<&counter::add>(1);
      } catch (const std::exception&) {
        ++failures;
      }
    }
  });
  CHECK(failures == 0);
  CHECK(client_of(runtime).get<counter>("one").call<&counter::value>().get() >= threads * 75);
  runtime.shutdown();
}

TEST_CASE("callers of an actor that is destroyed again and again reach one or none", "[client]") {
  troupe::runtime runtime{counters()};
  const auto following = client_of(runtime).get_or_create<counter>("one");
  const auto looking = client_of(runtime).get<counter>("one");
  std::atomic<int> unexpected{0};
  on_threads(threads, [&](int thread) {
    for (int i = 0; i < 100; ++i) {
      try {
        if (thread == 0) {
          following.call<&counter::end>().get();
        } else if (thread == 1) {
          looking.call<&counter::add>(1).get();
        } else {
          following.call<&counter::add>(1).get();
        }
      } catch (const troupe::error& e) {
        const bool may_be = e.is(troupe::errc::destroying) || (thread == 1 && e.is(troupe::errc::not_found));
        if (!may_be) ++unexpected;
      }
    }
  });
  CHECK(unexpected == 0);
  CHECK(following.call<&counter::add>(1).get() >= 1);
}
