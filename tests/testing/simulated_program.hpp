// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <troupe/testing/simulation.hpp>

#include "runtime/world.hpp"

// What the tests of the simulation let run in it.

namespace behaviour {

using troupe::testing::simulation;
using troupe::testing::simulation_options;

/// Counts, and tells. What is static outlives the simulated processes.
struct clerk {
  static constexpr troupe::event<"changed", int> changed{};
  static constexpr troupe::queue<"jobs", int> jobs{{.attempts_max = 2, .retry_min = 10min, .retry_max = 1h}};

  int count = 0;
  std::vector<int> done;

  void on_wake(troupe::context<clerk>&) { ++wakes; }
  void on_sleep(troupe::context<clerk>&) { ++sleeps; }

  int add(troupe::context<clerk>& c, int by) {
    count += by;
    c.broadcast(changed, count);
    return count;
  }
  troupe::task<int> add_after(troupe::context<clerk>& c, std::chrono::nanoseconds time, int by) {
    co_await c.delay(time);
    co_return add(c, by);
  }
  int look() const { return count; }
  std::chrono::nanoseconds wall(troupe::context<clerk>& c) const { return c.wall().time_since_epoch(); }
  void fail() { throw troupe::user_error{"no", "It does not want to."}; }
  void meddle_with_world() {
    ++count;
    if (meddle) meddle();
  }
  void send_to(troupe::context<clerk>& c, std::string whom, int job) {
    c.client().get_or_create<clerk>(whom).send(jobs, job).get();
  }

  troupe::task<> run(troupe::context<clerk>& c) {
    for (;;) {
      auto job = co_await c.queue().next(jobs);
      if (*job < 0 && job.attempts() == 1) throw std::runtime_error{"not at once"};
      if (*job < -100) throw std::runtime_error{"never"};
      done.push_back(*job);
    }
  }

  static inline int wakes = 0;
  static inline int sleeps = 0;
  static inline std::function<void()> meddle;

  static constexpr troupe::options options{.sleep_after = 30s};
  using actor = troupe::actor<clerk, &clerk::add, &clerk::add_after, &clerk::look, &clerk::wall, &clerk::fail,
                              &clerk::meddle_with_world, &clerk::send_to, jobs, changed>;
};

/// Counts, and saves that now and then, or never.
template <troupe::durability How>
struct careless {
  int count = 0;
  int add(int by) { return count += by; }
  static constexpr troupe::options options{.durability = How, .save_interval = 1s};
  using actor = troupe::actor<careless, &careless::add>;
};

inline troupe::registry served() {
  clerk::wakes = clerk::sleeps = 0;
  clerk::meddle = nullptr;
  troupe::registry r;
  r.use<clerk>("clerk");
  r.use<careless<troupe::durability::relaxed>>("relaxed");
  r.use<careless<troupe::durability::ephemeral>>("ephemeral");
  return r;
}

inline auto clerk_of(simulation& sim, std::string name = "a") {
  return sim.client().get_or_create<clerk>(std::move(name));
}

/// The code of the error that a call in a simulation ends with; "" if it succeeds.
template <class Awaitable>
std::string code_in(simulation& sim, Awaitable awaitable) {
  return code_when([&] { static_cast<void>(sim.run(std::move(awaitable))); });
}

/// What those are told who wait for something when their process dies.
inline bool tells_of_a_death(const std::string& code) {
  return code == "store.unavailable" || code == "runtime.stopped" || code == "actor.aborted";
}

}  // namespace behaviour
