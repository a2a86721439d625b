// SPDX-License-Identifier: Apache-2.0
// Load on wake: what belongs to another system is fetched when the actor wakes and kept in a transient member while it
// is awake. Every call then reads memory, and the data is as fresh as the last wake. Use it for profiles, settings,
// permissions; not for data that must never be stale (ask its owner each time) nor for what this actor owns (a member).

#include <troupe/troupe.hpp>

#include <functional>
#include <memory>
#include <string>

#include "support.hpp"

using namespace std::chrono_literals;

// Stands for a service elsewhere: answers after a while.
struct profile {
  std::string name;
  bool admin = false;
};
struct user_service {
  int requests = 0;

  troupe::task<profile> find(std::string user) {
    ++requests;
    co_await troupe::delay(20ms);
    co_return profile{user == "u-1" ? "Alice" : "somebody", user == "u-1"};
  }
};

// [session]
struct session {
  int pages_seen = 0;                 // durable
  troupe::transient<profile> cached;  // not stored: fetched again on every wake

  troupe::task<> on_wake(troupe::context<session>& c) {
    auto fetched = co_await c.service<user_service>().find(c.key().segments().front());
    *cached = std::move(fetched);
  }

  std::string greet() {
    ++pages_seen;
    return "Hello " + cached->name;
  }
  int seen() const { return pages_seen; }

  static constexpr troupe::options options{.sleep_after = 30s};
  using actor = troupe::actor<session, &session::greet, &session::seen, troupe::needs<user_service>>;
};
// [/session]

int main() {
  // Time is turned by hand, so that sleeping does not take half a minute.
  const auto clock = std::make_shared<troupe::manual_clock>();
  const auto executor =
      std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
  troupe::registry registry;
  registry.use<session>("session");
  user_service users;
  troupe::runtime runtime{registry, {.services = troupe::services{}.provide(std::ref(users)), .executor = executor}};
  const auto turn = [&](auto duration) {
    runtime.poll();
    clock->advance(duration);
    runtime.poll();
  };

  std::string greeting;
  const auto greet = [](troupe::client client, std::string& result) -> troupe::task<> {
    auto mine = client.get_or_create<session>("u-1");
    result = co_await mine.call<&session::greet>();
  };
  runtime.spawn(greet(runtime.client(), greeting));
  runtime.poll();
  check(greeting.empty());  // the call waits for on_wake
  turn(25ms);
  check(greeting == "Hello Alice" && users.requests == 1);

  runtime.spawn(greet(runtime.client(), greeting));
  runtime.poll();
  check(users.requests == 1);  // awake: from memory

  for (int i = 0; i < 6; ++i) turn(10s);
  check(runtime.health().awake == 0);  // idle for 30 s and more: asleep
  runtime.spawn(greet(runtime.client(), greeting));
  turn(25ms);
  check(users.requests == 2);  // woken: fetched again

  const int seen = runtime.run(runtime.client().get<session>("u-1").call<&session::seen>());
  check(seen == 3);
  return 0;
}
