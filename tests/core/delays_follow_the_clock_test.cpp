// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/manual_runtime.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

task<> say_after(std::chrono::nanoseconds wait, std::string word, std::vector<std::string>& said) {
  co_await troupe::delay(wait);
  said.push_back(std::move(word));
}

task<int> plain_delay() {
  co_await troupe::delay(1ms);
  co_return 1;
}

task<std::size_t> first_of_never_and(std::chrono::nanoseconds wait) {
  auto first = troupe::when_any(troupe::delay(troupe::never), troupe::delay(wait));
  const auto ended = co_await std::move(first);
  co_return ended.index();
}

}  // namespace

TEST_CASE("a delay lasts as long as the runtime's clock says", "[core]") {
  manual_runtime runtime{troupe::registry{}};
  std::vector<std::string> said;
  runtime->spawn(say_after(1h, "later", said));
  runtime->spawn(say_after(1min, "soon", said));
  runtime->spawn(say_after(0ns, "now", said));
  runtime.advance(1ms);
  CHECK(said == std::vector<std::string>{"now"});
  runtime.advance(1min - 2ms);
  CHECK(said.size() == 1);
  runtime.advance(2ms);
  CHECK(said == std::vector<std::string>{"now", "soon"});
  runtime.advance(1h);
  CHECK(said == std::vector<std::string>{"now", "soon", "later"});
}

TEST_CASE("a delay ends by itself on a thread pool", "[core]") {
  troupe::runtime runtime{troupe::registry{}};
  CHECK(runtime.run(plain_delay()) == 1);
}

TEST_CASE("a delay of never ends when it is told to", "[core]") {
  troupe::runtime runtime{troupe::registry{}};
  CHECK(runtime.run(first_of_never_and(2ms)) == 1);
}

TEST_CASE("a delay where nobody keeps time is refused", "[core]") {
  CHECK(code_of([] { plain_delay().get(); }) == "actor.invalid_operation");
  CHECK_THAT(message_of([] { plain_delay().get(); }), Catch::Contains("runtime::run"));
}
