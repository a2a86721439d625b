// SPDX-License-Identifier: Apache-2.0
// Does one thing so many times, on one thread, while time stands still, so that the number of instructions is a
// function of the program alone. instructions.py counts them.
//
//     instructions WORKLOAD COUNT
//     instructions --list
//     instructions --build          what the counts depend on besides

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

namespace {

using troupe::durability;

// -- actors ----------------------------------------------------------------------------------------------------------

struct tally {
  std::int64_t count = 0;

  std::int64_t add(std::int64_t by) { return count += by; }
  std::int64_t value() const { return count; }
  troupe::task<std::int64_t> add_later(std::int64_t by) { co_return count += by; }

  using actor = troupe::actor<tally, &tally::add, &tally::value, &tally::add_later>;
};

struct asker {
  troupe::task<std::int64_t> ask(troupe::context<asker>& c, std::int64_t times) {
    const auto whom = c.client().get_or_create<tally>("a");
    std::int64_t last = 0;
    for (std::int64_t i = 0; i != times; ++i) last = co_await whom.call<&tally::add>(1);
    co_return last;
  }
  using actor = troupe::actor<asker, &asker::ask>;
};

// Counted, because a loop that measures nothing looks like a fast one.
std::int64_t happened = 0;

struct sleeper {
  std::int64_t count = 0;

  void on_wake(troupe::context<sleeper>&) { ++happened; }
  std::int64_t value() const { return count; }
  void doze(troupe::context<sleeper>& c) { c.sleep(); }

  using actor = troupe::actor<sleeper, &sleeper::value, &sleeper::doze>;
};

struct ticker {
  static constexpr troupe::event<"ticked", std::int64_t> ticked{};

  void publish(troupe::context<ticker>& c, std::int64_t value) { c.broadcast(ticked, value); }

  using actor = troupe::actor<ticker, &ticker::publish, ticked>;
};

struct adder {
  static constexpr troupe::queue<"numbers", std::int64_t> numbers{};
  std::int64_t sum = 0;

  troupe::task<> run(troupe::context<adder>& c) {
    for (;;) {
      const auto next = co_await c.queue().next(numbers);
      sum += *next;
      ++happened;
    }
  }
  void start() {}

  using actor = troupe::actor<adder, &adder::start, numbers>;
};

struct address {
  std::string street;
  std::int32_t number = 0;
};
struct person {
  std::int64_t id = 0;
  std::string name;
  double balance = 0;
  bool active = false;
  address home;
  std::vector<std::int32_t> scores;
};

// -- where they live -------------------------------------------------------------------------------------------------

class world {
 public:
  explicit world(durability kind) : runtime{registry_of(kind), options()} {}

  template <class A>
  troupe::handle<A> actor(std::string_view key = "a") {
    return runtime.client().get_or_create<A>(troupe::key{std::string{key}});
  }
  void settle() {
    while (runtime.poll() != 0) {
    }
  }

  troupe::runtime runtime;

 private:
  static troupe::registry registry_of(durability kind) {
    troupe::use_options how;
    how.options = troupe::options{.sleep_after = troupe::never, .durability = kind};
    troupe::registry registry;
    registry.use<tally>("tally", how);
    registry.use<asker>("asker", how);
    registry.use<sleeper>("sleeper", how);
    registry.use<ticker>("ticker", how);
    registry.use<adder>("adder", how);
    return registry;
  }
  static troupe::runtime_options options() {
    troupe::runtime_options o;
    o.executor = std::make_shared<troupe::manual_executor>(std::make_shared<troupe::manual_clock>(),
                                                           troupe::manual_executor::options{.io_thread = false});
    o.random = std::make_shared<troupe::testing::seeded_random>(42);
    return o;
  }
};

/// Awaits `call` so many times.
template <class Call>
troupe::task<> repeat(std::int64_t times, Call call) {
  for (std::int64_t i = 0; i != times; ++i) {
    co_await call();
  }
}

// -- workloads -------------------------------------------------------------------------------------------------------

template <durability Kind>
void plain_call(std::int64_t times) {
  world w{Kind};
  const auto h = w.actor<tally>();
  w.runtime.run(repeat(times, [&] { return h.call<&tally::add>(1); }));
  happened = w.runtime.run(h.call<&tally::value>());
}

void const_call(std::int64_t times) {
  world w{durability::ephemeral};
  const auto h = w.actor<tally>();
  w.runtime.run(repeat(times, [&] { return ++happened, h.call<&tally::value>(); }));
}

void coroutine_action(std::int64_t times) {
  world w{durability::ephemeral};
  const auto h = w.actor<tally>();
  w.runtime.run(repeat(times, [&] { return h.call<&tally::add_later>(1); }));
  happened = w.runtime.run(h.call<&tally::value>());
}

void call_by_key(std::int64_t times) {
  world w{durability::ephemeral};
  const auto client = w.runtime.client();
  w.runtime.run(repeat(times, [&] { return client.get_or_create<tally>("a").call<&tally::add>(1); }));
  happened = w.runtime.run(w.actor<tally>().call<&tally::value>());
}

void actor_to_actor(std::int64_t times) {
  world w{durability::ephemeral};
  happened = w.runtime.run(w.actor<asker>().call<&asker::ask>(times));
}

void blocking_call(std::int64_t times) {
  world w{durability::ephemeral};
  const auto h = w.actor<tally>();
  for (std::int64_t i = 0; i != times; ++i) happened = h.call<&tally::add>(1).get();
}

void post_and_run(std::int64_t times) {
  world w{durability::ephemeral};
  const auto h = w.actor<tally>();
  for (std::int64_t i = 0; i != times; ++i) {
    h.post<&tally::add>(1);
    w.runtime.poll();
  }
  happened = w.runtime.run(h.call<&tally::value>());
}

void post_128_and_run(std::int64_t times) {
  world w{durability::ephemeral};
  const auto h = w.actor<tally>();
  for (std::int64_t left = times; left > 0; left -= 128) {
    for (std::int64_t i = std::min<std::int64_t>(left, 128); i != 0; --i) h.post<&tally::add>(1);
    w.settle();
  }
  happened = w.runtime.run(h.call<&tally::value>());
}

troupe::task<> all_of(const troupe::handle<tally>& h, std::int64_t count) {
  std::vector<troupe::call<tally, &tally::add>> calls;
  for (std::int64_t i = 0; i != count; ++i) calls.push_back(h.call<&tally::add>(1));
  const auto values = co_await troupe::when_all(std::move(calls));
  happened += static_cast<std::int64_t>(values.size());
}

void when_all_of_64(std::int64_t times) {
  world w{durability::ephemeral};
  const auto h = w.actor<tally>();
  for (std::int64_t left = times; left > 0; left -= 64) w.runtime.run(all_of(h, std::min<std::int64_t>(left, 64)));
}

[[gnu::noinline]] troupe::task<> nothing() {
  ++happened;
  co_return;
}

void empty_task(std::int64_t times) {
  world w{durability::ephemeral};
  w.runtime.run(repeat(times, [] { return nothing(); }));
}

// Keys of one length, whatever the count.
template <durability Kind>
void spawn(std::int64_t times) {
  world w{Kind};
  const auto client = w.runtime.client();
  std::vector<troupe::key> keys;
  for (std::int64_t i = 0; i != times; ++i) keys.emplace_back(fmt::format("user-{:07}", i));
  w.runtime.run(repeat(times, [&] { return client.get_or_create<tally>(keys.at(happened++)).call<&tally::add>(1); }));
}

void sleep_and_wake(std::int64_t times) {
  world w{durability::committed};
  const auto h = w.actor<sleeper>();
  for (std::int64_t i = 0; i != times; ++i) {
    w.runtime.run(h.call<&sleeper::value>());
    h.post<&sleeper::doze>();
    w.settle();
  }
}

void event_to_one(std::int64_t times) {
  world w{durability::ephemeral};
  const auto connection = w.runtime.run(w.actor<ticker>().connect());
  const auto heard = connection.on(ticker::ticked, [](std::int64_t) { ++happened; });
  for (std::int64_t i = 0; i != times; ++i) {
    w.runtime.run(connection.call<&ticker::publish>(i));
    w.settle();
  }
}

template <durability Kind>
void send_and_receive(std::int64_t times) {
  world w{Kind};
  const auto h = w.actor<adder>();
  w.runtime.run(h.call<&adder::start>());
  for (std::int64_t i = 0; i != times; ++i) {
    w.runtime.run(h.send(adder::numbers, i));
    w.settle();
  }
}

person a_person() {
  return {1234567890123, "Ada Lovelace", 1024.75, true, {"St James's Square", 12}, {90, 85, 1000, 70}};
}

void encode(std::int64_t times) {
  const person p = a_person();
  troupe::buffer out;
  for (; happened != times; ++happened) {
    out.clear();
    troupe::encode(p, out);
  }
}

void decode(std::int64_t times) {
  const troupe::bytes encoded = troupe::encode(a_person());
  for (; happened != times; ++happened) {
    if (troupe::decode<person>(encoded).home.number != 12) throw std::runtime_error{"decode"};
  }
}

struct workload {
  std::string_view name;
  void (*run)(std::int64_t times);
};

constexpr workload workloads[] = {
    {"plain_call", plain_call<durability::ephemeral>},
    {"const_call", const_call},
    {"coroutine_action", coroutine_action},
    {"relaxed_call", plain_call<durability::relaxed>},
    {"committed_call", plain_call<durability::committed>},
    {"call_by_key", call_by_key},
    {"actor_to_actor", actor_to_actor},
    {"blocking_call", blocking_call},
    {"post_and_run", post_and_run},
    {"post_128_and_run", post_128_and_run},
    {"when_all_of_64", when_all_of_64},
    {"empty_task", empty_task},
    {"spawn", spawn<durability::ephemeral>},
    {"spawn_committed", spawn<durability::committed>},
    {"sleep_and_wake", sleep_and_wake},
    {"event_to_one", event_to_one},
    {"queue_ephemeral", send_and_receive<durability::ephemeral>},
    {"queue_committed", send_and_receive<durability::committed>},
    {"encode", encode},
    {"decode", decode},
};

// The counts are of one compiler for one machine, optimised, and without instrumentation.
void print_build() {
#if defined(__clang__)
  fmt::print("clang {}", __clang_major__);
#else
  fmt::print("g++ {}", __GNUC__);
#endif
#if defined(__x86_64__)
  fmt::print(", x86-64");
#else
  fmt::print(", another machine");
#endif
#if defined(NDEBUG) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  fmt::print(", optimised\n");
#else
  fmt::print(", for debugging\n");
#endif
}

int run(std::string_view name, std::string_view count) {
  std::int64_t times = 0;
  std::from_chars(count.data(), count.data() + count.size(), times);
  for (const auto& each : workloads) {
    if (each.name != name) continue;
    each.run(times);
    if (happened == times) return 0;
    fmt::print(stderr, "{}: {} times, not {}\n", name, happened, times);
    return 1;
  }
  fmt::print(stderr, "no workload {}\n", name);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2) return run(arguments[0], arguments[1]);
  if (arguments.size() == 1 && arguments[0] == "--build") return print_build(), 0;
  for (const auto& each : workloads) fmt::print("{}\n", each.name);
  return arguments.size() == 1 && arguments[0] == "--list" ? 0 : 2;
}
