// SPDX-License-Identifier: Apache-2.0
// A turn that keeps its thread for long is reported, with actor and action: while it goes on, if time passes by itself,
// and when it has ended.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

// In virtual time: an action that moves the clock takes as long.
std::shared_ptr<troupe::manual_clock> now;

// In real time: an action that waits until the test has seen what it wants to see.
std::latch* seen = nullptr;
std::atomic<bool> waits{false};

struct busy {
  int count = 0;

  int think(std::chrono::milliseconds time) {
    now->advance(time);
    return ++count;
  }
  int look(std::chrono::milliseconds time) const {
    now->advance(time);
    return count;
  }
  int think_in_steps(int steps) {
    for (int i = 0; i != steps; ++i) now->advance(100ms);
    return ++count;
  }
  troupe::task<int> think_later(std::chrono::milliseconds time) {
    now->advance(time);
    co_return ++count;
  }
  troupe::task<int> think_twice(troupe::context<busy>& c, std::chrono::milliseconds time) {
    co_await c.delay(1ms);
    now->advance(time);
    co_await c.delay(10s);  // awaiting takes no thread
    co_return ++count;
  }
  troupe::task<> ask(troupe::context<busy>& c, std::chrono::milliseconds time) {
    auto other = c.client().get_or_create<busy>("other");
    co_await other.call<&busy::think>(time);
  }
  void throw_late(std::chrono::milliseconds time) {
    now->advance(time);
    throw troupe::user_error("late", "but true");
  }
  void wait_until_seen() {
    waits = true;
    seen->wait();
  }
  troupe::task<> wait_in_coroutine() {
    wait_until_seen();
    co_return;
  }
  int block(std::chrono::milliseconds time) {
    waits = true;
    std::mutex mutex;
    std::condition_variable nobody;
    std::unique_lock lock{mutex};
    nobody.wait_for(lock, time, [] { return false; });
    return ++count;
  }
  int count_up() { return ++count; }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor =
      troupe::actor<busy, &busy::think, &busy::look, &busy::think_in_steps, &busy::think_later, &busy::think_twice,
                    &busy::ask, &busy::throw_late, &busy::wait_until_seen, &busy::wait_in_coroutine, &busy::block,
                    &busy::count_up>;
};

struct slow_to_wake {
  void on_wake(troupe::context<slow_to_wake>&) { now->advance(3s); }
  int look() const { return 0; }
  using actor = troupe::actor<slow_to_wake, &slow_to_wake::look>;
};

troupe::registry served(std::chrono::nanoseconds limit = 1s) {
  troupe::use_options how;
  how.options = busy::options;
  how.options->long_turn = limit;
  troupe::registry r;
  r.use<busy>("busy", how).use<slow_to_wake>("slowToWake");
  return r;
}

struct fixture {
  explicit fixture(std::chrono::nanoseconds limit = 1s) : w{served(limit)} { now = w.clock; }
  ~fixture() { now.reset(); }
  // What the log says since it was last asked.
  std::vector<std::string> reports() { return std::exchange(w.log, {}); }
  world w;
  troupe::handle<busy> a = w.client.get_or_create<busy>("a");
};

struct fixture_without_reports : fixture {
  fixture_without_reports() : fixture{troupe::never} {}
};

}  // namespace

TEST_CASE_METHOD(fixture, "a turn that takes long is reported when it ends, with actor, action and time") {
  w.run(a.call<&busy::think>(3s));
  const auto lines = reports();
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], StartsWith("busy/a: think kept its thread for 3000 ms"));
  CHECK_THAT(lines[0], Contains("options::long_turn is 1000 ms"));
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "one that does not, is not, and neither is time that passes between turns") {
  w.run(a.call<&busy::think>(999ms));
  w.clock->advance(1h);
  w.run(a.call<&busy::think>(999ms));
  for (int i = 0; i != 5; ++i) w.run(a.call<&busy::think>(400ms));
  const auto twice = w.start(a.call<&busy::think_twice>(999ms));
  w.pass(1h);
  CHECK(twice.done());
  CHECK(reports().empty());
}

TEST_CASE_METHOD(fixture, "it is the same in whatever way the turn is run") {
  const auto expect = [&](const char* action) {
    w.settle();
    const auto lines = reports();
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], StartsWith(std::string{"busy/a: "} + action + " kept its thread for 1000 ms"));
  };
  w.run(a.call<&busy::look>(1s));
  expect("look");
  w.run(a.call<&busy::think_in_steps>(10));
  expect("think_in_steps");
  w.run(a.call<&busy::think_later>(1s));
  expect("think_later");
  const auto twice = w.start(a.call<&busy::think_twice>(1s));
  w.pass(12s);
  CHECK(twice.done());
  expect("think_twice");
  static_cast<void>(w.code(a.call<&busy::throw_late>(1s)));
  expect("throw_late");
  a.post<&busy::think>(1s);
  expect("think");
  a.post<&busy::think_later>(1s);
  expect("think_later");
  a.call<&busy::think>(1s).get();  // on this thread
  expect("think");
}

TEST_CASE_METHOD(fixture, "the actor that is reported is the one that keeps the thread") {
  w.run(a.call<&busy::ask>(2s));
  const auto lines = reports();
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], StartsWith("busy/other: think kept its thread for 2000 ms"));
}

TEST_CASE_METHOD(fixture, "hooks are turns, too") {
  w.run(w.client.get_or_create<slow_to_wake>("s").call<&slow_to_wake::look>());
  const auto lines = reports();
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], StartsWith("slowToWake/s: wake kept its thread for 3000 ms"));
}

TEST_CASE_METHOD(fixture_without_reports, "`never` reports none") {
  w.run(a.call<&busy::think>(1h));
  CHECK(reports().empty());
}

TEST_CASE("a limit of nothing is refused") {
  CHECK(code_when([] { static_cast<void>(served(0ns)); }) == "config.invalid");
}

namespace {

// A runtime in real time, whose log the test waits for.
struct real {
  explicit real(troupe::runtime_options options) : runtime{served(20ms), complete(std::move(options))} {}

  // Lets the turn go on as soon as it has been reported, and not before.
  void expect_report_meanwhile() {
    std::unique_lock lock{mutex};
    REQUIRE(logged.wait_for(lock, 60s, [&] { return !lines.empty(); }));
    CHECK_THAT(lines.front(), StartsWith("busy/a: ") && Contains("goes on"));
    lines.clear();
    go_on.count_down();
  }
  // And when it has ended.
  void expect_end(const std::string& action) {
    std::unique_lock lock{mutex};
    REQUIRE(logged.wait_for(lock, 60s, [&] { return !lines.empty(); }));
    CHECK_THAT(lines.front(), StartsWith("busy/a: " + action + " kept its thread for "));
  }

  troupe::runtime_options complete(troupe::runtime_options options) {
    seen = &go_on;
    waits = false;
    options.logger = [this](troupe::log_level level, std::string_view line) {
      const std::lock_guard lock{mutex};
      if (waits && level == troupe::log_level::warning) lines.emplace_back(line);  // what was slow before is no matter
      logged.notify_all();
    };
    return options;
  }

  std::latch go_on{1};
  std::mutex mutex;
  std::condition_variable logged;
  std::vector<std::string> lines;
  troupe::runtime runtime;
};

troupe::runtime_options on_threads(unsigned count) {
  troupe::runtime_options options;
  options.threads = count;
  return options;
}

}  // namespace

TEST_CASE("a turn that blocks all workers there are is reported while it does") {
  real r{on_threads(1)};
  const auto a = client_of(r.runtime).get_or_create<busy>("a");
  a.post<&busy::wait_until_seen>();
  r.expect_report_meanwhile();
  r.expect_end("wait_until_seen");
}

TEST_CASE("and one of a coroutine that blocks the thread of its caller") {
  real r{on_threads(2)};
  const auto a = client_of(r.runtime).get_or_create<busy>("a");
  a.resolve().get();
  const bool has_called = GENERATE(false, true);
  std::jthread caller{[&] {
    if (has_called) a.call<&busy::count_up>().get();
    a.call<&busy::wait_in_coroutine>().get();
  }};
  r.expect_report_meanwhile();
  r.expect_end("wait_in_coroutine");
}

TEST_CASE("a plain action that blocks the thread of its caller is reported when it has ended") {
  const bool is_pumped = GENERATE(false, true);
  const bool has_called = GENERATE(false, true);
  auto options = on_threads(2);
  if (is_pumped) options.executor = std::make_shared<troupe::manual_executor>();
  real r{options};
  const auto a = client_of(r.runtime).get_or_create<busy>("a");
  r.runtime.run(a.call<&busy::count_up>());
  std::jthread caller{[&] {
    if (has_called && !is_pumped) a.call<&busy::count_up>().get();
    is_pumped ? r.runtime.run(a.call<&busy::block>(100ms)) : a.call<&busy::block>(100ms).get();
  }};
  r.expect_end("block");
}

TEST_CASE("runtimes come and go while turns are looked at") {
  std::atomic<int> ended{0};
  std::vector<std::jthread> all;
  for (int t = 0; t != 4; ++t) {
    all.emplace_back([&] {
      for (int round = 0; round != 20; ++round) {
        auto options = on_threads(2);
        options.logger = [](troupe::log_level, std::string_view) {};
        troupe::runtime runtime{served(1ms), options};
        for (int i = 0; i != 50; ++i) {
          const auto each = client_of(runtime).get_or_create<busy>(std::to_string(i % 3));
          each.post<&busy::count_up>();
          each.call<&busy::count_up>().get();
        }
        ++ended;
      }
    });
  }
  all.clear();
  CHECK(ended == 80);
}
