// SPDX-License-Identifier: Apache-2.0
// A subscription that has gone is not called any more, wherever it was let go; a handler that throws harms nobody.

#include <catch2/catch.hpp>

#include "runtime/world.hpp"

using namespace behaviour;

namespace {

struct ticker {
  static constexpr troupe::event<"tick", int> tick{};
  int n = 0;
  void go(troupe::context<ticker>& c, int count) {
    for (int i = 0; i < count; ++i) c.broadcast(tick, ++n);
  }
  using actor = troupe::actor<ticker, &ticker::go, tick>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<ticker>("ticker");
    return r;
  }
  void go(int count) {
    w.run(h.call<&ticker::go>(count));
    w.settle();
  }
  world w{registry()};
  troupe::handle<ticker> h = w.client.get_or_create<ticker>("t");
  troupe::connection<ticker> conn = w.run(h.connect());
  std::vector<int> heard;
};

}  // namespace

TEST_CASE_METHOD(fixture, "a subscription ends when it goes, is reset, or another is put in its place") {
  auto s = conn.on(ticker::tick, [&](int n) { heard.push_back(n); });
  CHECK(s);
  go(1);
  s.reset();
  CHECK_FALSE(s);
  s.reset();
  go(1);
  CHECK(heard == std::vector{1});
  {
    const auto t = conn.on(ticker::tick, [&](int n) { heard.push_back(n); });
    go(1);
  }
  go(1);
  CHECK(heard == std::vector{1, 3});
  auto u = conn.on(ticker::tick, [&](int n) { heard.push_back(n); });
  u = conn.on(ticker::tick, [&](int n) { heard.push_back(-n); });
  go(1);
  CHECK(heard == std::vector{1, 3, -5});
  auto moved = std::move(u);
  go(1);
  CHECK(heard.back() == -6);
}

TEST_CASE_METHOD(fixture, "events that were on their way to a handler do not reach it after its reset") {
  auto s = conn.on(ticker::tick, [&](int n) { heard.push_back(n); });
  h.post<&ticker::go>(3);
  s.reset();
  w.settle();
  CHECK(heard.empty());
}

TEST_CASE_METHOD(fixture, "a handler may end its own subscription, and those of others") {
  troupe::subscription own, other;
  std::vector<int> heard_by_other;
  own = conn.on(ticker::tick, [&](int n) {
    heard.push_back(n);
    if (n == 2) {
      own.reset();
      other.reset();
    }
  });
  other = conn.on(ticker::tick, [&](int n) { heard_by_other.push_back(n); });
  go(4);
  CHECK(heard == std::vector{1, 2});
  CHECK(heard_by_other.size() <= 2);
}

TEST_CASE_METHOD(fixture, "a handler may close its connection, and let it go") {
  std::optional<troupe::connection<ticker>> mine{std::move(conn)};
  const auto s = mine->on(ticker::tick, [&](int n) {
    heard.push_back(n);
    mine.reset();
  });
  go(3);
  CHECK(heard == std::vector{1});
}

TEST_CASE_METHOD(fixture, "a handler may listen to more, and make calls") {
  troupe::subscription more;
  std::vector<int> heard_later;
  const auto s = conn.on(ticker::tick, [&](int n) {
    heard.push_back(n);
    if (n == 1) {
      more = conn.on(ticker::tick, [&](int m) { heard_later.push_back(m); });
      h.post<&ticker::go>(2);
    }
  });
  go(1);
  CHECK(heard == std::vector{1, 2, 3});
  CHECK(heard_later == std::vector{2, 3});
}

TEST_CASE_METHOD(fixture, "what a handler throws is reported; it and the others go on") {
  const auto s = conn.on(ticker::tick, [&](int n) {
    heard.push_back(n);
    throw troupe::user_error{"clumsy", "dropped it"};
  });
  std::vector<int> heard_by_other;
  const auto t = conn.on(ticker::tick, [&](int n) { heard_by_other.push_back(n); });
  go(2);
  CHECK(heard == std::vector{1, 2});
  CHECK(heard_by_other == std::vector{1, 2});
  REQUIRE(w.errors.size() == 2);
  CHECK_THAT(w.errors.front(), Catch::Contains("handler") && Catch::Contains("ticker/t") &&
                                   Catch::Contains("user.clumsy"));
  CHECK(conn.connected());
}

TEST_CASE_METHOD(fixture, "a subscription may outlive its connection's object and the actor") {
  auto s = conn.on(ticker::tick, [&](int n) { heard.push_back(n); });
  conn = w.run(w.client.get_or_create<ticker>("another").connect());
  go(1);
  CHECK(heard.empty());
  CHECK(s);
  s.reset();
}

TEST_CASE_METHOD(fixture, "a long row of events is handled in shares, in order, and others get their turn between") {
  const auto other = w.run(h.connect());
  std::string order;
  const auto a = conn.on(ticker::tick, [&](int n) {
    heard.push_back(n);
    if (n % 100 == 0) order += 'a';
  });
  const auto b = other.on(ticker::tick, [&](int n) {
    if (n % 100 == 0) order += 'b';
  });
  go(500);
  REQUIRE(heard.size() == 500);
  CHECK(std::ranges::is_sorted(heard));
  CHECK(order == "ababababab");
}

TEST_CASE_METHOD(fixture, "ready is so at once for an actor that asks nobody") {
  const auto s = conn.on(ticker::tick, [](int) {});
  CHECK(w.code(s.ready()).empty());
  const auto stream = conn.stream(ticker::tick);
  CHECK(w.code(stream.ready()).empty());
}
