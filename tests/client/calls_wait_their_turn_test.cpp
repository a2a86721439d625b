// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "client/outcome.hpp"
#include "core/failures.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

struct ledger {
  std::vector<int> entries;

  void add(int n) { entries.push_back(n); }
  void add_small(int n) {
    if (n > 100) throw troupe::user_error("too_large", "that is too much");
    entries.push_back(n);
  }
  std::vector<int> all() const { return entries; }
  task<> close(std::int64_t seconds) {
    const std::chrono::seconds time{seconds};
    co_await troupe::delay(time);
  }

  using actor =
      troupe::actor<ledger, &ledger::add, &ledger::add_small, &ledger::all, troupe::exclusive<&ledger::close>>;
};

struct sender {
  int sent = 0;

  void send(troupe::context<sender>& c, int count) {
    auto to = c.client().get_or_create<ledger>("main");
    for (int i = 0; i < count; ++i) to.post<&ledger::add>(++sent);
  }
  task<std::vector<int>> send_and_look(troupe::context<sender>& c) {
    auto to = c.client().get_or_create<ledger>("main");
    to.post<&ledger::add>(1);
    to.post<&ledger::add>(2);
    auto seen = co_await to.call<&ledger::all>();
    co_return seen;
  }
  void send_and_fail(troupe::context<sender>& c) {
    c.client().get_or_create<ledger>("main").post<&ledger::add>(1);
    throw troupe::user_error("changed_my_mind");
  }

  using actor = troupe::actor<sender, &sender::send, &sender::send_and_look, &sender::send_and_fail>;
};

std::vector<int> up_to(int n) {
  std::vector<int> all;
  for (int i = 1; i <= n; ++i) all.push_back(i);
  return all;
}

troupe::registry offices(std::uint32_t mailbox_calls_max = 1000) {
  troupe::registry r;
  troupe::use_options how;
  how.options = troupe::options{.mailbox_calls_max = mailbox_calls_max};
  r.use<ledger>("ledger", how);
  r.use<sender>("sender");
  return r;
}

}  // namespace

TEST_CASE("posts of one sender arrive in their order", "[client]") {
  SECTION("from a plain thread, to an actor that is not awake yet") {
    troupe::runtime runtime{offices()};
    auto main = client_of(runtime).get_or_create<ledger>("main");
    for (int i = 1; i <= 500; ++i) main.post<&ledger::add>(i);
    CHECK(main.call<&ledger::all>().get() == up_to(500));
  }
  SECTION("from an actor, several turns long") {
    troupe::runtime runtime{offices()};
    auto from = client_of(runtime).get_or_create<sender>("one");
    for (int turn = 0; turn < 5; ++turn) from.call<&sender::send>(100).get();
    CHECK(client_of(runtime).get<ledger>("main").call<&ledger::all>().get() == up_to(500));
  }
}

TEST_CASE("posts wait behind an exclusive action, among the calls", "[client]") {
  manual_runtime runtime{offices(100)};
  auto main = client_of(*runtime).get_or_create<ledger>("main");
  outcome<std::monostate> closed;
  outcome<std::monostate> added;
  runtime->spawn(keep(main.call<&ledger::close>(10), closed));
  runtime.settle();
  for (int i = 1; i <= 9; ++i) main.post<&ledger::add>(i);
  runtime->spawn(keep(main.call<&ledger::add>(10), added));
  runtime.settle();
  main.post<&ledger::add>(11);
  runtime.settle();
  CHECK(main.status().get().calls_waiting == 11);
  runtime.advance(10s + 1ms);
  CHECK(added.value);
  CHECK(main.call<&ledger::all>().get() == up_to(11));
  CHECK(main.status().get().calls_waiting == 0);
}

TEST_CASE("a post means who has the key when it arrives, and nobody else", "[client]") {
  std::vector<std::string> heard;
  troupe::runtime_options options;
  options.on_error = [&](const std::exception_ptr& failure, std::string_view) {
    heard.push_back(code_of([&] { std::rethrow_exception(failure); }));
  };
  manual_runtime runtime{offices(), std::move(options)};
  const auto id = client_of(*runtime).get_or_create<ledger>("main").resolve().get();
  client_of(*runtime).get<ledger>("main").post<&ledger::add>(1);
  client_of(*runtime).get_for_id<ledger>(id).post<&ledger::add>(2);
  client_of(*runtime).get_or_create<ledger>("new").post<&ledger::add>(3);
  runtime.settle();
  CHECK(heard.empty());
  CHECK(client_of(*runtime).get<ledger>("main").call<&ledger::all>().get() == up_to(2));
  CHECK(client_of(*runtime).get<ledger>("new").call<&ledger::all>().get() == std::vector<int>{3});
}

TEST_CASE("what a turn posts goes out before what it awaits", "[client]") {
  troupe::runtime runtime{offices()};
  auto from = client_of(runtime).get_or_create<sender>("one");
  CHECK(from.call<&sender::send_and_look>().get() == up_to(2));
}

TEST_CASE("the failure of a posted call goes to the error handler", "[client]") {
  std::vector<std::string> heard;
  troupe::runtime_options options;
  options.on_error = [&](const std::exception_ptr& failure, std::string_view where) {
    heard.push_back(code_of([&] { std::rethrow_exception(failure); }) + " in " + std::string{where});
  };
  manual_runtime runtime{offices(), std::move(options)};
  auto main = client_of(*runtime).get_or_create<ledger>("main");
  main.post<&ledger::add_small>(1000);
  main.post<&ledger::add_small>(1);
  client_of(*runtime).get<ledger>("nowhere").post<&ledger::add>(1);
  runtime.settle();
  CHECK(main.call<&ledger::all>().get() == up_to(1));
  REQUIRE(heard.size() == 2);
  CHECK(heard[0] == "user.too_large in add_small in ledger/main");
  CHECK(heard[1] == "actor.not_found in add in ledger/nowhere");
  CHECK(runtime->health().errors == 2);
}

TEST_CASE("calls queue behind an exclusive action, in order", "[client]") {
  manual_runtime runtime{offices()};
  auto main = client_of(*runtime).get_or_create<ledger>("main");
  outcome<std::monostate> closed;
  std::vector<outcome<std::monostate>> added(20);
  runtime->spawn(keep(main.call<&ledger::close>(10), closed));
  runtime.settle();
  for (std::size_t i = 0; i < added.size(); ++i) {
    runtime->spawn(keep(main.call<&ledger::add>(static_cast<int>(i) + 1), added[i]));
  }
  runtime.settle();
  CHECK_FALSE(closed.over());
  CHECK_FALSE(added[0].over());
  const auto status = main.status().get();
  CHECK(status.exclusive == "close");
  CHECK(status.calls_waiting == 20);
  runtime.advance(10s + 1ms);
  CHECK(closed.value);
  CHECK(added.back().value);
  CHECK(main.call<&ledger::all>().get() == up_to(20));
}

TEST_CASE("a full mailbox refuses the next call, and is open again afterwards", "[client]") {
  manual_runtime runtime{offices(3)};
  auto main = client_of(*runtime).get_or_create<ledger>("main");
  outcome<std::monostate> closed;
  std::vector<outcome<std::monostate>> added(5);
  runtime->spawn(keep(main.call<&ledger::close>(10), closed));
  runtime.settle();
  for (auto& each : added) runtime->spawn(keep(main.call<&ledger::add>(1), each));
  runtime.settle();
  CHECK(added[3].failure == "actor.overloaded");
  CHECK(added[4].failure == "actor.overloaded");
  CHECK(code_of([&] { main.post<&ledger::add>(1); }) == "actor.overloaded");
  CHECK(code_of([&] { main.call("add", "[1]").get(); }) == "actor.overloaded");
  CHECK_THAT(message_of([&] { main.post<&ledger::add>(1); }),
             Catch::Contains("ledger/main") && Catch::Contains("mailbox_calls_max"));
  runtime.advance(10s + 1ms);
  CHECK(added[2].value);
  for (int i = 0; i < 5; ++i) main.call<&ledger::add>(1).get();
  for (int i = 0; i < 5; ++i) {
    main.post<&ledger::add>(1);
    runtime.settle();
  }
  CHECK(main.call<&ledger::all>().get().size() == 13);
}
