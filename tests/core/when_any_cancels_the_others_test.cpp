// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/manual_runtime.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

task<int> value(int x) { co_return x; }
task<int> late(std::chrono::nanoseconds wait, int x) {
  co_await troupe::delay(wait);
  co_return x;
}
task<int> late_failure(std::chrono::nanoseconds wait) {
  co_await troupe::delay(wait);
  throw std::runtime_error("lost");
}
// Says what its wait ended with, and takes as long again to go.
task<> dies_slowly(std::string& how) {
  try {
    co_await troupe::delay(1h);
    how = "ended";
  } catch (const troupe::error& e) {
    how = e.code();
  }
}
task<int> nested_wait(std::string& how) {
  co_await dies_slowly(how);
  co_await troupe::delay(1h);
  co_return 0;
}

template <class T>
task<> store(task<T> t, std::optional<T>& out, std::string& failure) {
  try {
    auto v = co_await std::move(t);
    out.emplace(std::move(v));
  } catch (const std::exception& e) {
    failure = e.what();
  }
}

struct race {
  std::optional<std::variant<int, int>> winner;
  std::string failure;
};

task<> wait_or_stop(std::string& how) {
  try {
    auto both = co_await troupe::when_all(late(1h, 1), late(2h, 2));
    how = "ended with " + std::to_string(std::get<0>(both));
  } catch (const troupe::error& e) {
    how = e.code();
  }
}

}  // namespace

TEST_CASE("when_any yields the value of the first, and its index", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  race r;
  runtime->spawn(store(troupe::when_any(late(5s, 1), late(2s, 2)), r.winner, r.failure));
  runtime.advance(1s);
  CHECK_FALSE(r.winner);
  runtime.advance(1001ms);
  REQUIRE(r.winner);
  CHECK(r.winner->index() == 1);
  CHECK(std::get<1>(*r.winner) == 2);
}

TEST_CASE("when_any of one that is ready needs no executor", "[core]") {
  const auto won = troupe::when_any(value(1)).get();
  CHECK(std::get<0>(won) == 1);
}

TEST_CASE("when_any throws what the first threw", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  race r;
  runtime->spawn(store(troupe::when_any(late_failure(1s), late(2s, 2)), r.winner, r.failure));
  runtime.advance(1001ms);
  CHECK_FALSE(r.winner);
  CHECK(r.failure == "lost");
}

TEST_CASE("the failure of a loser is nobody's", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  race r;
  runtime->spawn(store(troupe::when_any(late(1s, 1), late_failure(2s)), r.winner, r.failure));
  runtime.advance(3s);
  REQUIRE(r.winner);
  CHECK(r.winner->index() == 0);
  CHECK(r.failure.empty());
}

TEST_CASE("a loser's waits end with actor.aborted, now and later on", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  std::string how;
  race r;
  runtime->spawn(store(troupe::when_any(nested_wait(how), late(1s, 2)), r.winner, r.failure));
  runtime.advance(1001ms);
  CHECK(how == "aborted");
  REQUIRE(r.winner);
  CHECK(r.winner->index() == 1);
}

TEST_CASE("cancelling reaches what the loser waits for together", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  std::string how;
  std::string failure;
  std::optional<std::variant<std::monostate, int>> winner;
  runtime->spawn(store(troupe::when_any(wait_or_stop(how), late(1s, 2)), winner, failure));
  runtime.advance(1001ms);
  CHECK(how == "aborted");
  REQUIRE(winner);
  CHECK(winner->index() == 1);
}

TEST_CASE("races on a thread pool have one winner, and end", "[core]") {
  troupe::runtime runtime{troupe::registry{}};
  int won = 0;
  for (int round = 0; round < 500; ++round) {
    const auto winner = runtime.run(troupe::when_any(value(1), late(10s, 2), late(0ns, 3)));
    won += winner.index() != 1 ? 1 : 0;
  }
  CHECK(won == 500);
}
