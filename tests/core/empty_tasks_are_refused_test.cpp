// SPDX-License-Identifier: Apache-2.0
// Tasks that cannot be run: empty, moved from, or awaited before.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/last_words.hpp"
#include "core/manual_runtime.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

const std::string refused = "actor.invalid_operation";

task<int> one() { co_return 1; }
task<> nothing() { co_return; }

template <class... T>
task<> join(T... tasks) {
  auto all = troupe::when_all(std::move(tasks)...);
  co_await std::move(all);
}
task<> race_with_empty() {
  auto any = troupe::when_any(one(), task<int>{});
  co_await std::move(any);
}
task<> join_vector() {
  std::vector<task<int>> some;
  some.push_back(one());
  some.push_back(task<int>{});
  auto all = troupe::when_all(std::move(some));
  co_await std::move(all);
}
task<> join_one_awaited_before() {
  auto used = one();
  co_await std::move(used);
  auto all = troupe::when_all(std::move(used), one());
  co_await std::move(all);
}

}  // namespace

TEST_CASE("an empty task is refused by every function that takes a task, and the error names the function", "[core]") {
  CHECK(code_of([] { static_cast<void>(troupe::sync_wait(task<int>{})); }) == refused);
  CHECK_THAT(message_of([] { static_cast<void>(troupe::sync_wait(task<int>{})); }), Catch::Contains("sync_wait"));
  CHECK(code_of([] { troupe::sync_wait(join(one(), task<>{})); }) == refused);
  CHECK(code_of([] { troupe::sync_wait(join_vector()); }) == refused);
  CHECK(code_of([] { troupe::sync_wait(race_with_empty()); }) == refused);
  manual_runtime runtime{troupe::registry{}};
  CHECK(code_of([&] { runtime->run(task<>{}); }) == refused);
  CHECK(code_of([&] { runtime->spawn(task<>{}); }) == refused);
  CHECK_THAT(message_of([&] { runtime->spawn(task<>{}); }), Catch::Contains("spawn"));
  CHECK(runtime->health().errors == 0);
}

TEST_CASE("a task that was waited for is empty afterwards", "[core]") {
  auto t = one();
  CHECK(std::move(t).get() == 1);
  CHECK(code_of([&] { static_cast<void>(std::move(t).get()); }) == refused);
  manual_runtime runtime{troupe::registry{}};
  auto other = nothing();
  runtime->run(std::move(other));
  CHECK(code_of([&] { runtime->run(std::move(other)); }) == refused);
}

TEST_CASE("a task that was awaited before is refused as an empty one is", "[core]") {
  CHECK(code_of([] { troupe::sync_wait(join_one_awaited_before()); }) == refused);
}

#if TROUPE_ASSERTIONS
namespace {

task<> await_empty() {
  task<int> empty;
  co_await std::move(empty);
}
task<> await_twice() {
  auto t = one();
  co_await std::move(t);
  co_await std::move(t);
}

}  // namespace

TEST_CASE("to await an empty task, or one for the second time, fails an assertion that says so", "[core]") {
  const auto empty = end_of_process([] { troupe::sync_wait(await_empty()); });
  CHECK(empty.aborted);
  CHECK_THAT(empty.words, Catch::Contains("troupe: assertion failed") && Catch::Contains("an empty task was awaited"));
  const auto twice = end_of_process([] { troupe::sync_wait(await_twice()); });
  CHECK(twice.aborted);
  CHECK_THAT(twice.words, Catch::Contains("a task is awaited once"));
}
#endif

TEST_CASE("a delay that is awaited again waits again", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  int passed = 0;
  const auto wait = [](int* count) -> task<> {
    troupe::delay second{1s};
    for (int i = 0; i < 3; ++i) {
      co_await second;
      ++*count;
    }
  };
  runtime->spawn(wait(&passed));
  runtime.advance(1s + 2ms);
  CHECK(passed == 1);
  runtime.advance(1s + 2ms);
  CHECK(passed == 2);
  runtime.advance(1s + 2ms);
  CHECK(passed == 3);
}
