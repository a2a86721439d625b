// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "loopback/client_of.hpp"

namespace {

struct counter {
  int count = 0;
  int add() { return ++count; }
  troupe::task<int> add_later() { co_return ++count; }
  int value() const { return count; }
  using actor = troupe::actor<counter, &counter::add, &counter::add_later, &counter::value>;
};

}  // namespace

TEST_CASE("a client and handles that outlive their runtime say so", "[client]") {
  troupe::registry registry;
  registry.use<counter>("counter");
  std::optional<troupe::runtime> runtime{std::in_place, registry};
  const auto client = client_of(*runtime);
  auto used = client.get_or_create<counter>("used");
  const auto unused = client.get_or_create<counter>("unused");
  CHECK(used.call<&counter::add>().get() == 1);
  const auto pinned = client.get_for_id<counter>(used.resolve().get());
  const bool ended_by_hand = GENERATE(true, false);
  ended_by_hand ? runtime->shutdown() : runtime.reset();
  if (ended_by_hand) runtime->shutdown();  // twice is once

  const std::string stopped = "runtime.stopped";
  for (const auto& h : {used, unused, pinned}) {
    CHECK(code_of([&] { h.call<&counter::add>().get(); }) == stopped);
    CHECK(code_of([&] { h.call<&counter::add_later>().get(); }) == stopped);
    CHECK(code_of([&] { h.call<&counter::value>().get(); }) == stopped);
    CHECK(code_of([&] { h.call("value", "[]").get(); }) == stopped);
    CHECK(code_of([&] { h.resolve().get(); }) == stopped);
    CHECK(code_of([&] { h.status().get(); }) == stopped);
    CHECK(code_of([&] { h.post<&counter::add>(); }) == stopped);
  }
  CHECK(code_of([&] { static_cast<void>(client.create<counter>("new").get()); }) == stopped);
  CHECK(code_of([&] { static_cast<void>(client.list<counter>().get()); }) == stopped);
  CHECK(code_of([&] { client.get_or_create<counter>("new").call<&counter::add>().get(); }) == stopped);
}

TEST_CASE("runtimes in one process do not know one another's actors", "[client]") {
  troupe::registry registry;
  registry.use<counter>("counter");
  troupe::runtime one{registry};
  troupe::runtime two{registry};
  client_of(one).get_or_create<counter>("x").call<&counter::add>().get();
  CHECK(client_of(two).get_or_create<counter>("x").call<&counter::value>().get() == 0);
  CHECK(code_of([&] {
          client_of(two).get_for_id<counter>(client_of(one).get<counter>("x").resolve().get()).resolve().get();
        }) == "actor.not_found");
}
