// SPDX-License-Identifier: Apache-2.0
// The workloads of call_bench and lifecycle_bench on the C++ Actor Framework (Debian's libcaf-dev, 0.17). Built where
// it is installed. One scheduler thread where there is one thing to do at a time: CAF is faster so.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>
#include <caf/all.hpp>

#include "resident.hpp"

namespace {

using add_atom = caf::atom_constant<caf::atom("add")>;
using note_atom = caf::atom_constant<caf::atom("note")>;
using go_atom = caf::atom_constant<caf::atom("go")>;
using done_atom = caf::atom_constant<caf::atom("done")>;

class world {
 public:
  explicit world(std::size_t threads = 1) : config_{threads}, system{config_} {}

  // Until some actor reports.
  void wait() {
    main->receive([](done_atom) {});
  }

 private:
  struct configuration : caf::actor_system_config {
    explicit configuration(std::size_t threads) { set("scheduler.max-threads", threads); }
  };
  configuration config_;

 public:
  caf::actor_system system;
  caf::scoped_actor main{system};
};

struct counted {
  std::int64_t count = 0;
};

caf::behavior tally(caf::stateful_actor<counted>* self) {
  return {[self](add_atom, std::int64_t by) { return self->state.count += by; },
          [self](note_atom, std::int64_t by) { self->state.count += by; }};
}

constexpr std::int64_t rounds = 10'000;

// -- awaited calls ---------------------------------------------------------------------------------------------------

struct asking {
  std::vector<caf::actor> tallies;
  std::size_t at = 0;
};

void ask(caf::stateful_actor<asking>* self, std::int64_t left, const caf::actor& whom) {
  auto& all = self->state.tallies;
  self->state.at = self->state.at + 1 == all.size() ? 0 : self->state.at + 1;
  self->request(all[self->state.at], caf::infinite, add_atom::value, std::int64_t{1})
      .then([self, left, whom](std::int64_t value) {
        benchmark::DoNotOptimize(value);
        if (left > 1) return ask(self, left - 1, whom);
        self->send(whom, done_atom::value);
      });
}

caf::behavior caller(caf::stateful_actor<asking>* self, std::size_t actors) {
  for (std::size_t i = 0; i != actors; ++i) self->state.tallies.push_back(self->spawn(tally));
  return {[self](go_atom) { ask(self, rounds, caf::actor_cast<caf::actor>(self->current_sender())); }};
}

void call(benchmark::State& state) {
  world w;
  const auto from = w.system.spawn(caller, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    w.main->send(from, go_atom::value);
    w.wait();
  }
  state.SetItemsProcessed(state.iterations() * rounds);
}

void blocking(benchmark::State& state) {
  world w;
  const auto to = w.system.spawn(tally);
  for (auto _ : state) {
    w.main->request(to, caf::infinite, add_atom::value, std::int64_t{1})
        .receive([](std::int64_t value) { benchmark::DoNotOptimize(value); }, [](const caf::error&) {});
  }
  state.SetItemsProcessed(state.iterations());
}

// -- messages --------------------------------------------------------------------------------------------------------

caf::behavior player(caf::event_based_actor* self) {
  return {[self](const caf::actor& other, const caf::actor& whom, std::int64_t left) {
    if (left == 0) return self->send(whom, done_atom::value);
    self->send(other, caf::actor{self}, whom, left - 1);
  }};
}

void ping_pong(benchmark::State& state) {
  world w;
  const auto a = w.system.spawn(player);
  const auto b = w.system.spawn(player);
  for (auto _ : state) {
    w.main->send(a, b, caf::actor{w.main.ptr()}, 2 * rounds);
    w.wait();
  }
  state.SetItemsProcessed(state.iterations() * rounds);
}

// Producers that wait for the consumer every `window` messages.
constexpr std::int64_t window = 1024;
constexpr std::int64_t windows = 16;

void produce(caf::event_based_actor* self, const caf::actor& to, const caf::actor& whom, std::int64_t left) {
  if (left == 0) return self->send(whom, done_atom::value);
  for (std::int64_t i = 1; i != window; ++i) self->send(to, note_atom::value, std::int64_t{1});
  self->request(to, caf::infinite, add_atom::value, std::int64_t{1})
      .then([self, to, whom, left](std::int64_t) { produce(self, to, whom, left - 1); });
}

caf::behavior producer(caf::event_based_actor* self, const caf::actor& to) {
  return {[self, to](go_atom) { produce(self, to, caf::actor_cast<caf::actor>(self->current_sender()), windows); }};
}

void fan_in(benchmark::State& state) {
  world w{2};
  const auto to = w.system.spawn(tally);
  std::vector<caf::actor> producers;
  for (std::int64_t i = 0; i != state.range(0); ++i) producers.push_back(w.system.spawn(producer, to));
  for (auto _ : state) {
    for (const auto& each : producers) w.main->send(each, go_atom::value);
    for (std::size_t i = 0; i != producers.size(); ++i) w.wait();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * windows * window);
}

// -- creation --------------------------------------------------------------------------------------------------------

caf::behavior newcomer(caf::event_based_actor* self) {
  return {[self](const caf::actor& whom) { self->send(whom, add_atom::value); }};
}

caf::behavior counter(caf::stateful_actor<counted>* self, std::int64_t wanted, const caf::actor& whom) {
  return {[self, wanted, whom](add_atom) {
    if (++self->state.count == wanted) self->send(whom, done_atom::value);
  }};
}

// Each hears one message; without a key, so no lookup. All stay.
void spawn(benchmark::State& state) {
  std::int64_t bytes = 0;
  for (auto _ : state) {
    world w;
    const auto all = w.system.spawn(counter, state.range(0), caf::actor{w.main.ptr()});
    std::vector<caf::actor> newcomers;
    newcomers.reserve(static_cast<std::size_t>(state.range(0)));
    const auto before = bench::resident_bytes();
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i != state.range(0); ++i) {
      newcomers.push_back(w.system.spawn(newcomer));
      w.main->send(newcomers.back(), all);
    }
    w.wait();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    bytes = bench::resident_bytes() - before;
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes_each"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}

// -- skynet ----------------------------------------------------------------------------------------------------------

struct summing {
  std::int64_t sum = 0;
  int missing = 10;
};

caf::behavior asker(caf::stateful_actor<summing>* self, const caf::actor& parent) {
  return {[self, parent](std::int64_t first, std::int64_t leaves) {
            if (leaves == 1) {
              self->send(parent, first);
              return self->quit();
            }
            for (std::int64_t i = 0; i != 10; ++i) {
              self->send(self->spawn<caf::lazy_init>(asker, caf::actor{self}), first + i * leaves / 10, leaves / 10);
            }
          },
          [self, parent](std::int64_t sum) {
            self->state.sum += sum;
            if (--self->state.missing != 0) return;
            self->send(parent, self->state.sum);
            self->quit();
          }};
}

void skynet(benchmark::State& state) {
  const auto leaves = state.range(0);
  for (auto _ : state) {
    world w{2};
    const auto start = std::chrono::steady_clock::now();
    w.main->send(w.system.spawn(asker, caf::actor{w.main.ptr()}), std::int64_t{0}, leaves);
    w.main->receive([&](std::int64_t sum) {
      if (sum != leaves * (leaves - 1) / 2) state.SkipWithError("the sum is wrong");
    });
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  state.SetItemsProcessed(state.iterations() * leaves);
}

}  // namespace

BENCHMARK(call)->Name("caf/call/plain")->Arg(1)->Arg(1'000)->UseRealTime();
BENCHMARK(blocking)->Name("caf/call/from_thread")->UseRealTime();
BENCHMARK(ping_pong)->Name("caf/queue/ping_pong")->UseRealTime();
BENCHMARK(fan_in)->Name("caf/queue/fan_in")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(spawn)->Name("caf/lifecycle/spawn")->Arg(100'000)->Iterations(1)->UseManualTime();
BENCHMARK(skynet)->Name("caf/skynet/actors")->Arg(10'000)->Iterations(2)->UseManualTime();

BENCHMARK_MAIN();
