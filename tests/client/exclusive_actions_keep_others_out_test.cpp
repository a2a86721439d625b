// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "client/outcome.hpp"
#include "core/failures.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using troupe::context;
using troupe::task;

namespace {

using words = std::vector<std::string>;

struct pair_member {
  words heard;

  void note(std::string word) { heard.push_back(std::move(word)); }
  words all() const { return heard; }

  task<> begin_and_end(std::string word) {
    heard.push_back("begin " + word);
    co_await troupe::delay(10s);
    heard.push_back("end " + word);
  }
  task<> alone(std::string word) {
    heard.push_back("begin " + word);
    co_await troupe::delay(10s);
    heard.push_back("end " + word);
  }

  // A cycle: this actor, the other one, and back.
  task<int> there_and_back(context<pair_member>& c, std::string other) {
    auto to = c.client().get_or_create<pair_member>(other);
    const int answer = co_await to.call<&pair_member::back>(c.key().canonical());
    co_return answer + 1;
  }
  task<int> back(context<pair_member>& c, std::string first) {
    auto to = c.client().get<pair_member>(first);
    co_await troupe::delay(1s);
    co_await to.call<&pair_member::note>("called back");
    const int answer = co_await to.call<&pair_member::answer_exclusively>();
    co_return answer;
  }
  task<int> answer_exclusively() {
    co_await troupe::delay(1s);
    co_return 41;
  }

  // Calls that descend from an exclusive action may fan out.
  task<int> fan_out(context<pair_member>& c, std::string other) {
    auto to = c.client().get_or_create<pair_member>(other);
    auto one = to.call<&pair_member::back>(c.key().canonical());
    auto two = to.call<&pair_member::back>(c.key().canonical());
    auto both = co_await troupe::when_all(std::move(one), std::move(two));
    co_return std::get<0>(both) + std::get<1>(both);
  }

  task<> fails_alone() {
    co_await troupe::delay(1s);
    throw troupe::user_error("failed");
  }

  using actor = troupe::actor<pair_member, &pair_member::note, &pair_member::all, &pair_member::begin_and_end,
                              troupe::exclusive<&pair_member::alone>, troupe::exclusive<&pair_member::there_and_back>,
                              &pair_member::back, troupe::exclusive<&pair_member::answer_exclusively>,
                              troupe::exclusive<&pair_member::fan_out>, troupe::exclusive<&pair_member::fails_alone>>;
};

// Falls asleep while it still runs something.
struct recluse {
  words heard;
  bool calls_at_sleep = false;

  task<> on_sleep(context<recluse>& c) {
    if (!calls_at_sleep) co_return;
    auto self = c.client().get<recluse>(c.key());
    co_await self.call<&recluse::note>("from on_sleep");
  }
  void note(std::string word) { heard.push_back(std::move(word)); }
  words all() const { return heard; }
  void begin_task(context<recluse>& c) {
    c.keep_awake([this]() -> task<> {
      heard.push_back("task");
      co_return;
    });
  }
  task<> alone() {
    heard.push_back("begin");
    co_await troupe::delay(1s);
    heard.push_back("end");
  }
  task<> leave(context<recluse>& c) {
    c.sleep();
    auto self = c.client().get<recluse>(c.key());
    auto one = self.call<&recluse::begin_task>();
    auto two = self.call<&recluse::alone>();
    auto both = troupe::when_all(std::move(one), std::move(two));
    co_await std::move(both);
  }
  task<> sleep_alone(context<recluse>& c) {
    calls_at_sleep = true;
    heard.push_back("begin");
    c.sleep();
    co_await troupe::delay(1s);
    heard.push_back("end");
  }

  using actor = troupe::actor<recluse, &recluse::note, &recluse::all, &recluse::begin_task, &recluse::leave,
                              troupe::exclusive<&recluse::alone>, troupe::exclusive<&recluse::sleep_alone>>;
};

struct couple {
  couple() : runtime{registry()} {}
  static troupe::registry registry() {
    troupe::registry r;
    r.use<pair_member>("member").use<recluse>("recluse");
    return r;
  }
  manual_runtime runtime;
  troupe::handle<pair_member> a = client_of(*runtime).get_or_create<pair_member>("a");
  troupe::handle<pair_member> b = client_of(*runtime).get_or_create<pair_member>("b");
};

}  // namespace

TEST_CASE("actions that await let others in", "[client]") {
  couple s;
  outcome<std::monostate> first;
  outcome<std::monostate> second;
  s.runtime->spawn(keep(s.a.call<&pair_member::begin_and_end>("one"), first));
  s.runtime.advance(1s);
  s.runtime->spawn(keep(s.a.call<&pair_member::begin_and_end>("two"), second));
  s.runtime.settle();
  s.a.call<&pair_member::note>("between").get();
  s.runtime.advance(20s);
  CHECK(s.a.call<&pair_member::all>().get() == words{"begin one", "begin two", "between", "end one", "end two"});
}

TEST_CASE("an exclusive action keeps others out, across its awaits", "[client]") {
  couple s;
  outcome<std::monostate> first;
  outcome<std::monostate> second;
  outcome<std::monostate> note;
  outcome<words> look;
  s.runtime->spawn(keep(s.a.call<&pair_member::begin_and_end>("open"), first));
  s.runtime.advance(1s);
  s.runtime->spawn(keep(s.a.call<&pair_member::alone>("alone"), second));
  s.runtime->spawn(keep(s.a.call<&pair_member::note>("after"), note));
  s.runtime->spawn(keep(s.a.call<&pair_member::all>(), look));
  s.runtime.advance(5s);
  CHECK_FALSE(look.over());  // even a read waits
  s.runtime.advance(20s);
  // What was under way before is kept out as well ("end open" was due before "end alone"), and waits in its turn.
  CHECK(s.a.call<&pair_member::all>().get() == words{"begin open", "begin alone", "end alone", "after", "end open"});
  CHECK(note.value);
}

TEST_CASE("a cycle of calls does not deadlock on an exclusive action", "[client]") {
  couple s;
  outcome<int> out;
  outcome<std::monostate> stranger;
  s.runtime->spawn(keep(s.a.call<&pair_member::there_and_back>("b"), out));
  s.runtime.settle();
  s.runtime->spawn(keep(s.a.call<&pair_member::note>("stranger"), stranger));
  s.runtime.advance(5s);
  CHECK(out.value == 42);
  CHECK(s.a.call<&pair_member::all>().get() == words{"called back", "stranger"});
}

TEST_CASE("an exclusive action may call its own actor", "[client]") {
  couple s;
  outcome<int> out;
  s.runtime->spawn(keep(s.a.call<&pair_member::there_and_back>("a"), out));
  s.runtime.advance(5s);
  CHECK(out.value == 42);
}

TEST_CASE("what an exclusive action starts side by side is let in too", "[client]") {
  couple s;
  outcome<int> out;
  s.runtime->spawn(keep(s.a.call<&pair_member::fan_out>("b"), out));
  s.runtime.advance(10s);
  CHECK(out.value == 82);
}

TEST_CASE("an exclusive action that fails lets others in again", "[client]") {
  couple s;
  outcome<std::monostate> out;
  outcome<words> waiting;
  s.runtime->spawn(keep(s.a.call<&pair_member::fails_alone>(), out));
  s.runtime.settle();
  s.runtime->spawn(keep(s.a.call<&pair_member::all>(), waiting));
  s.runtime.advance(2s);
  CHECK(out.failure == "user.user_error");
  CHECK(waiting.value);
}

TEST_CASE("exclusive actions run one after another, on a thread pool as well", "[client]") {
  struct vault {
    std::int64_t balance = 0;
    task<> add_slowly() {
      const auto seen = balance;
      co_await troupe::delay(0ns);
      balance = seen + 1;
    }
    std::int64_t total() const { return balance; }
    using actor = troupe::actor<vault, troupe::exclusive<&vault::add_slowly>, &vault::total>;
  };
  troupe::registry registry;
  registry.use<vault>("vault");
  troupe::runtime runtime{registry};
  auto one = client_of(runtime).get_or_create<vault>("one");
  std::vector<troupe::call<vault, &vault::add_slowly>> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(one.call<&vault::add_slowly>());
  runtime.run(troupe::when_all(std::move(calls)));
  CHECK(one.call<&vault::total>().get() == 50);
}

TEST_CASE("an exclusive action keeps background tasks out, also while its actor falls asleep", "[client]") {
  couple s;
  const auto one = client_of(*s.runtime).get_or_create<recluse>("one");
  outcome<std::monostate> leaving;
  s.runtime->spawn(keep(one.call<&recluse::leave>(), leaving));
  s.runtime.advance(5s);
  CHECK(one.call<&recluse::all>().get() == words{"begin", "end", "task"});
}

TEST_CASE("an exclusive action keeps calls of on_sleep out", "[client]") {
  couple s;
  const auto one = client_of(*s.runtime).get_or_create<recluse>("one");
  outcome<std::monostate> sleeping;
  s.runtime->spawn(keep(one.call<&recluse::sleep_alone>(), sleeping));
  s.runtime.advance(5s);
  CHECK(one.call<&recluse::all>().get() == words{"begin", "end", "from on_sleep"});
}
