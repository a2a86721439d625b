// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  int value() const { return count; }
  using actor = troupe::actor<counter, &counter::add, &counter::value>;
};

struct other {
  int value() const { return 0; }
  using actor = troupe::actor<other, &other::value>;
};

// Those that are the same as written do not compile.
struct same_in_camel_case {
  int add_up() const { return 0; }
  int addUp() const { return 0; }
  using actor = troupe::actor<same_in_camel_case, &same_in_camel_case::add_up, &same_in_camel_case::addUp>;
};

const std::string invalid = "config.invalid";

template <class Change>
std::string refusal_of(Change change) {
  troupe::options options;
  change(options);
  troupe::use_options how;
  how.options = options;
  troupe::registry registry;
  const auto e = failure_of([&] { registry.use<counter>("counter", how); });
  return e && e->is(troupe::errc::invalid_config) ? e->message() : std::string{};
}

}  // namespace

TEST_CASE("a name is neither empty nor over-long nor used twice", "[actor]") {
  troupe::registry registry;
  CHECK(code_of([&] { registry.use<counter>(""); }) == invalid);
  const std::string longest(troupe::registry::name_bytes_max, 'n');
  CHECK(code_of([&] { registry.use<counter>(longest + "n"); }) == invalid);
  CHECK_THAT(message_of([&] { registry.use<counter>(longest + "n"); }), Contains("65 bytes") && Contains("64"));
  CHECK(code_of([&] { registry.use<counter>(longest); }) == "nothing");
  CHECK(code_of([&] { registry.use<other>(longest); }) == invalid);
  CHECK_THAT(message_of([&] { registry.use<other>(longest); }), Contains(longest));
  CHECK(registry.definitions().size() == 1);
}

TEST_CASE("a type is served under one name", "[actor]") {
  troupe::registry registry;
  registry.use<counter>("counter");
  CHECK(code_of([&] { registry.use<counter>("again"); }) == invalid);
  CHECK_THAT(message_of([&] { registry.use<counter>("again"); }), Contains("counter") && Contains("again"));
}

TEST_CASE("two actions of one wire name are refused, and told how to differ", "[actor]") {
  troupe::registry registry;
  troupe::use_options camel;
  camel.naming = troupe::camel_case;
  CHECK(code_of([&] { registry.use<same_in_camel_case>("x", camel); }) == invalid);
  CHECK_THAT(message_of([&] { registry.use<same_in_camel_case>("x", camel); }),
             Contains("\"addUp\"") && Contains("troupe::named"));
  CHECK(code_of([&] { registry.use<same_in_camel_case>("x"); }) == "nothing");
}

TEST_CASE("an option that cannot work is named", "[actor]") {
  CHECK_THAT(refusal_of([](auto& o) { o.sleep_after = 0ns; }), Contains("sleep_after"));
  CHECK_THAT(refusal_of([](auto& o) { o.sleep_after = -1s; }), Contains("sleep_after"));
  CHECK_THAT(refusal_of([](auto& o) { o.sleep_grace_period = 0ns; }), Contains("sleep_grace_period"));
  CHECK_THAT(refusal_of([](auto& o) { o.save_interval = 0ns; }), Contains("save_interval"));
  CHECK_THAT(refusal_of([](auto& o) { o.action_timeout = 0ns; }), Contains("action_timeout"));
  CHECK_THAT(refusal_of([](auto& o) { o.on_create_timeout = 0ns; }), Contains("on_create_timeout"));
  CHECK_THAT(refusal_of([](auto& o) { o.on_wake_timeout = 0ns; }), Contains("on_wake_timeout"));
  CHECK_THAT(refusal_of([](auto& o) { o.mailbox_calls_max = 0; }), Contains("mailbox_calls_max"));
  CHECK(refusal_of([](auto& o) { o.sleep_after = o.action_timeout = troupe::never; }).empty());
}

TEST_CASE("a runtime keeps its own copy of the registry", "[actor]") {
  troupe::registry registry;
  registry.use<counter>("counter");
  troupe::runtime runtime{registry};
  registry.use<other>("other");
  CHECK(runtime.client().get_or_create<counter>("x").call<&counter::add>(2).get() == 2);
  CHECK(code_of([&] { static_cast<void>(runtime.client().get<other>("x")); }) == "actor.not_registered");
}
