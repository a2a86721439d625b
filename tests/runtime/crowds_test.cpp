// SPDX-License-Identifier: Apache-2.0
// In a crowd, each is found under its own key and id, and each sleeps in its own time.

#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

struct guest {
  std::uint64_t number = 0;

  void arrive(std::uint64_t n) { number = n; }
  std::uint64_t which() const { return number; }
  void leave(troupe::context<guest>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = 8s, .durability = troupe::durability::ephemeral};
  using actor = troupe::actor<guest, &guest::arrive, &guest::which, &guest::leave>;
};

struct regular {
  std::uint64_t visits = 0;

  std::uint64_t visit() { return ++visits; }
  using actor = troupe::actor<regular, &regular::visit>;
};

troupe::registry regulars() {
  troupe::registry r;
  r.use<regular>("regular");
  return r;
}

troupe::registry guests() {
  troupe::registry r;
  r.use<guest>("guest");
  return r;
}

std::string key_of(std::uint64_t n) { return "guest " + std::to_string(n); }

struct hotel {
  troupe::client client;
  std::map<std::uint64_t, std::pair<std::uint64_t, troupe::actor_id>> there{};  ///< number and id, by key
  std::uint64_t arrivals = 0;
  std::uint64_t mistaken = 0;

  troupe::task<> check_in(std::uint64_t key) {
    const auto h = client.get_or_create<guest>(key_of(key));
    co_await h.call<&guest::arrive>(++arrivals);
    const auto id = co_await h.resolve();
    there[key] = {arrivals, id};
  }
  troupe::task<> check(std::uint64_t key) {
    const auto by_key = client.get<guest>(key_of(key));
    const auto by_id = client.get_for_id<guest>(there[key].second);
    const auto first = co_await by_key.call<&guest::which>();
    const auto second = co_await by_id.call<&guest::which>();
    mistaken += first != there[key].first || second != there[key].first ? 1 : 0;
  }
  troupe::task<> check_out(std::uint64_t key) {
    const auto h = client.get<guest>(key_of(key));
    const auto by_id = client.get_for_id<guest>(there[key].second);
    co_await h.call<&guest::leave>();
    there.erase(key);
    std::string found;
    try {
      co_await by_id.call<&guest::which>();
    } catch (const troupe::error& e) {
      found = e.code();
    }
    mistaken += found != "not_found" ? 1 : 0;
  }
  troupe::task<> days(std::mt19937_64& random, int events) {
    for (int i = 0; i != events; ++i) {
      const auto key = random() % 2000;
      if (!there.contains(key)) {
        co_await check_in(key);
      } else if (random() % 3 == 0) {
        co_await check_out(key);
      } else {
        co_await check(key);
      }
    }
  }
};

}  // namespace

TEST_CASE("each of a crowd is found under its key and its id, whoever comes and goes") {
  world w{guests()};
  hotel h{w.client};
  std::mt19937_64 random{7};
  for (int day = 0; day != 10; ++day) {
    w.run(h.days(random, 1000));
    w.settle();
    CHECK(h.mistaken == 0);
    CHECK(w.runtime.health().awake == h.there.size());
    CHECK(w.runtime.health().held == h.there.size());
  }
}

TEST_CASE("each of a crowd sleeps when it has been idle for its time") {
  world w{guests()};
  const auto call = [&](std::uint64_t from, std::uint64_t to) -> troupe::task<> {
    for (auto n = from; n != to; ++n) {
      co_await w.client.get_or_create<guest>(key_of(n)).call<&guest::arrive>(n);
    }
  };
  w.run(call(0, 3000));
  w.pass(5s);
  w.run(call(0, 1000));
  w.pass(3s - 1ms);
  CHECK(w.runtime.health().awake == 3000);
  w.pass(2s + 5ms);
  CHECK(w.runtime.health().awake == 1000);
  w.pass(2900ms);
  CHECK(w.runtime.health().awake == 1000);
  w.pass(2200ms);
  CHECK(w.runtime.health().awake == 0);
  CHECK(w.runtime.health().held == 0);
}

TEST_CASE("a crowd that wakes together is asked for in few goes, one that wakes alone at once") {
  gated_store store;
  world w{regulars(), store};
  const auto visit = [&](std::uint64_t count) -> troupe::task<> {
    std::vector<troupe::task<>> visits;
    for (std::uint64_t n = 0; n != count; ++n) {
      visits.push_back([](troupe::handle<regular> h) -> troupe::task<> {
        co_await h.call<&regular::visit>();
      }(w.client.get_or_create<regular>(key_of(n))));
    }
    co_await troupe::when_all(std::move(visits));
  };
  w.run(visit(1000));
  CHECK(store.loads() == 1000);
  CHECK(store.questions() >= 2);
  CHECK(store.questions() <= 100);
  CHECK(store.write_sets() == 1000);
  const auto before = store.questions();
  w.run(w.client.get_or_create<regular>("late").call<&regular::visit>());
  CHECK(store.loads() == 1001);
  CHECK(store.questions() == before + 1);
}
