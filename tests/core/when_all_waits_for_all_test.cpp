// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/manual_runtime.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

task<int> value(int x) { co_return x; }
task<std::string> word(std::string w) { co_return w; }
task<> nothing() { co_return; }
task<std::unique_ptr<int>> boxed(int x) { co_return std::make_unique<int>(x); }
task<int> fails(std::string why) {
  throw std::runtime_error(why);
  co_return 0;
}
task<int> late(std::chrono::nanoseconds wait, int x) {
  co_await troupe::delay(wait);
  co_return x;
}
task<int> late_failure(std::chrono::nanoseconds wait, std::string why) {
  co_await troupe::delay(wait);
  throw std::runtime_error(why);
}

template <class T>
task<> store(task<T> t, std::optional<T>& out) {
  auto v = co_await std::move(t);
  out.emplace(std::move(v));
}
task<> store_failure(task<std::tuple<int, int>> t, std::string& out) {
  try {
    co_await std::move(t);
  } catch (const std::exception& e) {
    out = e.what();
  }
}

task<int> sum_of(std::vector<task<int>> tasks) {
  auto values = co_await troupe::when_all(std::move(tasks));
  int sum = 0;
  for (const int v : values) sum += v;
  co_return sum;
}
task<bool> all_of(std::vector<task<>> tasks) {
  co_await troupe::when_all(std::move(tasks));
  co_return true;
}
task<std::size_t> count_of(std::vector<task<int>> tasks) {
  auto values = co_await troupe::when_all(std::move(tasks));
  co_return values.size();
}
task<int> depth(int levels) {
  if (levels == 0) co_return 0;
  const auto both = co_await troupe::when_all(depth(levels - 1), value(1));
  co_return std::get<0>(both) + std::get<1>(both);
}
task<std::int64_t> leaves(std::int64_t first, std::int64_t count) {
  if (count == 1) co_return first;
  std::vector<task<std::int64_t>> children;
  for (std::int64_t i = 0; i != 10; ++i) children.push_back(leaves(first + i * count / 10, count / 10));
  const auto sums = co_await troupe::when_all(std::move(children));
  std::int64_t total = 0;
  for (const auto each : sums) total += each;
  co_return total;
}
task<> in_no_order(std::vector<int>& order, int x, std::chrono::nanoseconds wait) {
  co_await troupe::delay(wait);
  order.push_back(x);
}

}  // namespace

TEST_CASE("when_all yields every value in its place", "[core]") {
  const auto [a, b, c] = troupe::when_all(value(1), word("two"), nothing()).get();
  CHECK(a == 1);
  CHECK(b == "two");
  CHECK(c == std::monostate{});
  auto [one, two] = troupe::when_all(boxed(1), boxed(2)).get();
  CHECK(*one + *two == 3);
}

TEST_CASE("when_all of nothing ends at once", "[core]") {
  CHECK(troupe::when_all().get() == std::tuple<>{});
  CHECK(count_of({}).get() == 0);
  CHECK(all_of({}).get());
}

TEST_CASE("when_all of a vector keeps the order, and void gives nothing", "[core]") {
  std::vector<task<int>> tasks;
  for (int i = 0; i < 1000; ++i) tasks.push_back(value(i));
  CHECK(sum_of(std::move(tasks)).get() == 499'500);
  std::vector<task<>> voids;
  voids.push_back(nothing());
  voids.push_back(nothing());
  CHECK(all_of(std::move(voids)).get());
}

TEST_CASE("when_all waits side by side", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  std::optional<std::tuple<int, int>> both;
  runtime->spawn(store(troupe::when_all(late(3s, 1), late(5s, 2)), both));
  runtime.advance(4s);
  CHECK_FALSE(both);
  runtime.advance(1001ms);
  REQUIRE(both);
  CHECK(*both == std::tuple{1, 2});
}

TEST_CASE("when_all lets the others end before it throws, the first of the arguments first", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  std::string failure;
  runtime->spawn(
      store_failure(troupe::when_all(late_failure(5s, "first argument"), late_failure(1s, "first in time")), failure));
  runtime.advance(4s);
  CHECK(failure.empty());
  runtime.advance(1001ms);
  CHECK(failure == "first argument");
  CHECK_THROWS_WITH(troupe::when_all(value(1), fails("only")).get(), "only");
}

TEST_CASE("when_all on a thread pool hands over every value", "[core]") {
  troupe::runtime runtime{troupe::registry{}};
  for (int round = 0; round < 200; ++round) {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(value(i));
    REQUIRE(runtime.run(sum_of(std::move(tasks))) == 190);
  }
}

TEST_CASE("when_all within when_all", "[core]") {
  const auto [outer, single] = troupe::when_all(troupe::when_all(value(1), value(2)), value(3)).get();
  CHECK(outer == std::tuple{1, 2});
  CHECK(single == 3);
}

TEST_CASE("joins within one another use no stack", "[core]") {
  CHECK(depth(50'000).get() == 50'000);
  troupe::registry nothing;
  troupe::runtime runtime{nothing};
  CHECK(runtime.run(depth(50'000)) == 50'000);
}

TEST_CASE("a tree of joins is summed up whole, on however many threads", "[core]") {
  troupe::registry nothing;
  troupe::runtime runtime{nothing, {.threads = GENERATE(1U, 2U, 4U)}};
  CHECK(runtime.run(leaves(0, 10'000)) == 10'000LL * 9'999 / 2);
}

TEST_CASE("branches run when their waits end, not when they were named", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  std::vector<int> order;
  std::vector<task<>> tasks;
  for (int i = 1; i <= 3; ++i) tasks.push_back(in_no_order(order, i, (4 - i) * 1s));
  std::optional<bool> done;
  runtime->spawn(store(all_of(std::move(tasks)), done));
  runtime.advance(4s);
  CHECK(done);
  CHECK(order == std::vector<int>{3, 2, 1});
}
