// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/core/sync_wait.hpp>
#include <troupe/core/task.hpp>

#include "core/failures.hpp"

using troupe::task;

namespace {

task<int> twice(int x) { co_return 2 * x; }
task<> fails() {
  throw std::runtime_error("broken");
  co_return;
}

task<std::int64_t> sum_of_awaits(int count) {
  std::int64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await twice(i);
    sum += value;
  }
  co_return sum;
}

task<int> nested(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await nested(depth - 1);
  co_return below + 1;
}

task<int> caught_failures() {
  int caught = 0;
  for (int i = 0; i < 10'000; ++i) {
    try {
      co_await fails();
    } catch (const std::runtime_error&) {
      ++caught;
    }
  }
  co_return caught;
}

task<std::unique_ptr<int>> boxed(int x) { co_return std::make_unique<int>(x); }
task<std::unique_ptr<int>> passed_on() {
  auto box = co_await boxed(7);
  ++*box;
  co_return box;
}

struct pair {
  std::string name;
  int number;
};
task<pair> braced() { co_return {"a name that does not fit in place, so it is allocated", 1}; }

task<> mark(bool& ran) {
  ran = true;
  co_return;
}

task<int> await_given(task<int> given) {
  const int value = co_await std::move(given);
  co_return value;
}

struct noisy {
  explicit noisy(std::vector<std::string>& l, std::string n) : log{&l}, name{std::move(n)} {}
  noisy(noisy&& other) noexcept : log{std::exchange(other.log, nullptr)}, name{std::move(other.name)} {}
  ~noisy() {
    if (log != nullptr) log->push_back(name);
  }
  std::vector<std::string>* log;
  std::string name;
};
task<> holds(noisy argument) {
  const noisy local{*argument.log, "local"};
  co_await fails();
}

task<int> blocks_inside() {
  auto inner = twice(1);
  co_return std::move(inner).get();
}

}  // namespace

TEST_CASE("a task yields its value to who awaits it", "[core]") {
  CHECK(twice(21).get() == 42);
  CHECK(troupe::sync_wait(twice(21)) == 42);
  CHECK(await_given(twice(4)).get() == 8);
}

TEST_CASE("a task does nothing until it is awaited", "[core]") {
  bool ran = false;
  {
    auto t = mark(ran);
    CHECK(static_cast<bool>(t));
    CHECK_FALSE(ran);
  }
  CHECK_FALSE(ran);
  auto t = mark(ran);
  auto moved = std::move(t);
  CHECK_FALSE(static_cast<bool>(t));
  std::move(moved).get();
  CHECK(ran);
}

TEST_CASE("an exception passes through tasks unchanged", "[core]") {
  CHECK_THROWS_WITH(fails().get(), "broken");
  CHECK_THROWS_AS(fails().get(), std::runtime_error);
}

TEST_CASE("what a failing task held is given back in order", "[core]") {
  std::vector<std::string> log;
  noisy argument{log, "argument"};
  CHECK_THROWS_AS(holds(std::move(argument)).get(), std::runtime_error);
  CHECK(log == std::vector<std::string>{"local", "argument"});
}

TEST_CASE("values that only move, and aggregates, can be yielded", "[core]") {
  CHECK(*passed_on().get() == 8);
  CHECK(braced().get().name == "a name that does not fit in place, so it is allocated");
}

TEST_CASE("a million awaits in a loop use no stack", "[core]") {
  CHECK(sum_of_awaits(1'000'000).get() == std::int64_t{1'000'000} * 999'999);
  CHECK(caught_failures().get() == 10'000);
}

TEST_CASE("a hundred thousand tasks within one another use no stack either", "[core]") {
  CHECK(nested(100'000).get() == 100'000);
}

TEST_CASE("blocking inside a coroutine is refused and the message says what to do", "[core]") {
  CHECK(code_of([] { blocks_inside().get(); }) == "actor.invalid_operation");
  CHECK_THAT(message_of([] { blocks_inside().get(); }), Catch::Contains("co_await"));
}
