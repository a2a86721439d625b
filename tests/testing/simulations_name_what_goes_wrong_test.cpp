// SPDX-License-Identifier: Apache-2.0
// A program that hangs, spins or leaves something behind is told so at once, by an error that names the seed.

#include <catch2/catch.hpp>

#include <coroutine>

#if defined(__SANITIZE_ADDRESS__)
#define TEST_FINDS_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_FINDS_LEAKS 1
#endif
#endif
#if defined(TEST_FINDS_LEAKS)
#include <sanitizer/lsan_interface.h>
#endif

#include "testing/simulated_program.hpp"

using namespace behaviour;

namespace {

/// What waits for ever for something that is not troupe's can be freed by nobody: LeakSanitizer is not to tell.
struct forgives_leaks {
#if defined(TEST_FINDS_LEAKS)
  forgives_leaks() { __lsan_disable(); }
  ~forgives_leaks() { __lsan_enable(); }
#else
  forgives_leaks() = default;
  ~forgives_leaks() {}
#endif
  forgives_leaks(const forgives_leaks&) = delete;
  forgives_leaks& operator=(const forgives_leaks&) = delete;
};

/// Waits for ever.
struct insomniac {
  int seen = 0;
  troupe::task<> wait(troupe::context<insomniac>& c) { co_await c.delay(troupe::never); }
  int look() { return ++seen; }
  static constexpr troupe::options options{.sleep_after = troupe::never, .action_timeout = troupe::never};
  using actor = troupe::actor<insomniac, troupe::exclusive<&insomniac::wait>, &insomniac::look>;
};

/// Never ends, and cannot be told to.
troupe::task<> hang() { co_await std::suspend_always{}; }

/// Never rests either, until it is told to end.
troupe::task<> spin() {
  for (;;) co_await troupe::delay(0s);
}

/// Always has a successor.
troupe::task<> breed(simulation& sim) {
  if (sim.crashes() == 0) sim.spawn(breed(sim));
  co_return;
}

simulation_options limited(std::uint64_t steps_max, std::chrono::nanoseconds time_max = 24h) {
  simulation_options o;
  o.seed = 77;
  o.steps_max = steps_max;
  o.time_max = time_max;
  return o;
}

}  // namespace

TEST_CASE("waiting for what can never happen is a deadlock, and found at once") {
  troupe::registry registry;
  registry.use<insomniac>("insomniac");
  simulation sim{registry, limited(10'000)};
  const auto one = sim.client().get_or_create<insomniac>("a");
  const auto failure = failure_of([&] { sim.run(one.call<&insomniac::wait>()); });
  CHECK(code_of(failure) == "simulation.stuck");
  CHECK_THAT(text_of(failure), Catch::Contains("seed 77"));
  CHECK(code_in(sim, troupe::handle<insomniac>{one}.call<&insomniac::look>()) == "simulation.stuck");  // it is held
  CHECK(sim.steps() < 100);
  CHECK(sim.elapsed() < 1s);
  // The simulation goes on, and the others with it.
  CHECK(sim.run(sim.client().get_or_create<insomniac>("b").call<&insomniac::look>()) == 1);
  sim.crash();
  CHECK(sim.run(sim.client().get_or_create<insomniac>("a").call<&insomniac::look>()) == 1);
}

TEST_CASE("an actor that waits for ever looks for its sleep: that ends at the limit") {
  simulation sim{served(), limited(10'000)};
  const auto patient = clerk_of(sim).with(troupe::timeout{troupe::never});
  // The call goes on when `run` has given up, and outlives `patient`.
  CHECK(code_in(sim, troupe::handle<clerk>{patient}.call<&clerk::add_after>(troupe::never, 1)) == "simulation.endless");
}

TEST_CASE("a message that nobody takes is a deadlock for who waits") {
  const forgives_leaks here;
  simulation sim{served(), limited(10'000)};
  const auto one = clerk_of(sim).with(troupe::timeout{troupe::never});
  sim.run(one.send(clerk::jobs, -101));
  sim.advance(24h);  // it is a dead letter
  CHECK(sim.stored_dead_letters(one, clerk::jobs) == std::vector{-101});
  CHECK(code_in(sim, hang()) == "simulation.stuck");
}

TEST_CASE("waiting for a program that never rests ends at the limit of steps") {
  simulation sim{served(), limited(5'000)};
  sim.spawn(spin());
  const auto steps = sim.steps();
  const auto failure = failure_of([&] { sim.run(clerk_of(sim).call<&clerk::add_after>(1h, 1)); });
  CHECK(code_of(failure) == "simulation.endless");
  CHECK_THAT(text_of(failure), Catch::Contains("seed 77"));
  CHECK(sim.steps() - steps < 6'000);
}

TEST_CASE("settling a program that always has something to do ends at the limit of steps") {
  simulation sim{served(), limited(5'000)};
  sim.spawn(breed(sim));
  CHECK(code_when([&] { sim.settle(); }) == "simulation.endless");
}

TEST_CASE("waiting for longer than the limit of time ends there") {
  simulation sim{served(), limited(10'000, 1h)};
  const auto patient = clerk_of(sim).with(troupe::timeout{24h});
  // The call goes on when `run` has given up, and outlives `patient`.
  CHECK(code_in(sim, troupe::handle<clerk>{patient}.call<&clerk::add_after>(2h, 1)) == "simulation.endless");
  CHECK(code_in(sim, patient.call<&clerk::add_after>(30min, 1)).empty());
}

TEST_CASE("advance leaves a program that never rests a moment later") {
  simulation sim{served(), limited(5'000)};
  sim.spawn(spin());
  const auto before = sim.elapsed();
  sim.advance(10ms);
  CHECK(sim.elapsed() - before >= 10ms);
  CHECK(sim.elapsed() - before < 5s);
}

TEST_CASE("a coroutine that is told to end and does not is named at the end") {
  const forgives_leaks here;
  simulation sim{served(), limited(10'000)};
  sim.spawn(hang());
  sim.settle();

  SECTION("by finish") {
    CHECK(code_when([&] { sim.finish(); }) == "simulation.left_over");
  }
  SECTION("by restart") {
    CHECK(code_when([&] { sim.restart(); }) == "simulation.left_over");
  }
  SECTION("by a crash") {
    CHECK(code_when([&] { sim.crash(); }) == "simulation.endless");
  }
  SECTION("and not by the destructor") {}
}

TEST_CASE("an actor that goes on after its grace period is named at the end") {
  simulation sim{served(), limited(10'000)};
  outcome<int> calling;
  sim.spawn(calling.watch(clerk_of(sim).call<&clerk::add_after>(troupe::never, 1), calling));
  sim.settle();
  sim.finish();  // what it waits for ends with its grace period
  CHECK(calling.done());
  CHECK(calling.failed());
}

TEST_CASE("a simulation that ends well ends quietly, once") {
  const forgives_leaks here;
  simulation sim{served()};
  sim.run(clerk_of(sim).call<&clerk::add>(1));
  sim.spawn([](simulation& s) -> troupe::task<> { co_await clerk_of(s).call<&clerk::add>(1); }(sim));
  sim.advance(1s);
  sim.finish();
  CHECK(sim.errors().empty());

  // What it knows can still be asked for; there is no program any more.
  CHECK(sim.steps() > 0);
  CHECK(sim.elapsed() > 0s);
  CHECK(sim.trace_hash() != 0);
  CHECK(code_when([&] { sim.run(hang()); }) == "runtime.stopped");
  CHECK(code_when([&] { sim.spawn(hang()); }) == "runtime.stopped");
  CHECK(code_when([&] { sim.settle(); }) == "runtime.stopped");
  CHECK(code_when([&] { sim.advance(1s); }) == "runtime.stopped");
  CHECK(code_when([&] { sim.step(); }) == "runtime.stopped");
  CHECK(code_when([&] { sim.crash(); }) == "runtime.stopped");
  CHECK(code_when([&] { sim.power_cut(); }) == "runtime.stopped");
  CHECK(code_when([&] { sim.restart(); }) == "runtime.stopped");
  CHECK(code_when([&] { sim.finish(); }) == "runtime.stopped");
}

TEST_CASE("what only the outside may do is refused within the program") {
  const forgives_leaks here;
  simulation sim{served()};
  std::vector<std::string> codes;
  const auto try_all = [&] {
    codes.push_back(code_when([&] { sim.run(hang()); }));
    codes.push_back(code_when([&] { sim.settle(); }));
    codes.push_back(code_when([&] { sim.advance(1s); }));
    codes.push_back(code_when([&] { sim.step(); }));
    codes.push_back(code_when([&] { sim.restart(); }));
    codes.push_back(code_when([&] { sim.finish(); }));
    codes.push_back(code_when([&] { sim.put_to_sleep(clerk_of(sim)); }));
  };
  SECTION("in an actor") {
    clerk::meddle = try_all;
    sim.run(clerk_of(sim).call<&clerk::meddle_with_world>());
    clerk::meddle = nullptr;
  }
  SECTION("in a coroutine beside it") {
    sim.run(clerk_of(sim).call<&clerk::add>(1));
    sim.run([](const std::function<void()>& f) -> troupe::task<> {
      f();
      co_return;
    }(try_all));
  }
  CHECK(codes == std::vector<std::string>(7, "actor.invalid_operation"));
  CHECK(sim.run(clerk_of(sim).call<&clerk::look>()) == 1);
}

TEST_CASE("what nobody hears goes to errors, and to the program's own handler") {
  simulation_options options;
  std::vector<std::string> handled, logged;
  options.runtime.on_error = [&](const std::exception_ptr& failure, std::string_view where) {
    handled.push_back(std::string{where} + ": " + code_of(failure));
  };
  options.runtime.logger = [&](troupe::log_level, std::string_view line) { logged.emplace_back(line); };
  simulation sim{served(), options};
  CHECK(sim.errors().empty());

  sim.spawn([]() -> troupe::task<> {
    throw std::runtime_error{"a broken coroutine"};
    co_return;
  }());
  sim.settle();
  REQUIRE(sim.errors().size() == 1);
  CHECK_THAT(sim.errors()[0], Catch::EndsWith(": a broken coroutine"));

  clerk_of(sim).post<&clerk::fail>();
  sim.advance(1s);
  REQUIRE(sim.errors().size() == 2);
  CHECK_THAT(sim.errors()[1], Catch::Contains("user.no"));

  CHECK(code_in(sim, clerk_of(sim).call<&clerk::fail>()) == "user.no");  // somebody heard this one
  CHECK(sim.errors().size() == 2);
  CHECK(handled.size() == 2);
  sim.crash();
  CHECK(sim.errors().size() == 2);  // since the beginning
}

TEST_CASE("a program that cannot start says why") {
  simulation_options options;
  options.runtime.store = []() -> std::unique_ptr<troupe::store> {
    throw troupe::error(troupe::errc::store_read_only, "the disk");
  };
  CHECK(code_when([&] { simulation{served(), options}; }) == "store.read_only");

  options.runtime = {};
  options.on_start = [](simulation&) { throw std::runtime_error{"not today"}; };
  CHECK(code_when([&] { simulation{served(), options}; }) == "not today");
}
