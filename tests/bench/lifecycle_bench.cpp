// SPDX-License-Identifier: Apache-2.0
// How actors come and go: creation by key, sleep and wake, and trees of them that exist for one question.

#include <chrono>
#include <memory>

#include "world.hpp"

namespace {

using bench::tally;
using bench::tallies;
using troupe::durability;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

template <class A>
std::unique_ptr<troupe::runtime> runtime_of(durability kind, troupe::store_factory store = troupe::memory{}) {
  troupe::registry registry;
  registry.use<A>("actor", bench::with(kind));
  return std::make_unique<troupe::runtime>(registry, troupe::runtime_options{.store = std::move(store)});
}

// -- creation --------------------------------------------------------------------------------------------------------

troupe::task<> create_all(const troupe::client& client, const std::vector<troupe::key>& keys) {
  for (const auto& key : keys) {
    const auto value = co_await client.get_or_create<tally>(key).call<&tally::add>(1);
    benchmark::DoNotOptimize(value);
  }
}

void spawn(benchmark::State& state) {
  const auto count = state.range(0);
  std::vector<troupe::key> keys;
  for (std::int64_t i = 0; i != count; ++i) keys.emplace_back(bench::key_of(static_cast<std::size_t>(i)));
  std::int64_t bytes = 0;
  for (auto _ : state) {
    const auto runtime = runtime_of<tally>(durability::ephemeral);
    const auto before = bench::resident_bytes();
    const auto start = steady_clock::now();
    runtime->run(create_all(runtime->client(), keys));
    state.SetIterationTime(seconds_since(start));
    bytes = bench::resident_bytes() - before;
  }
  state.SetItemsProcessed(state.iterations() * count);
  state.counters["bytes_each"] = static_cast<double>(bytes) / static_cast<double>(count);
}

// -- sleep and wake --------------------------------------------------------------------------------------------------

troupe::task<> put_to_sleep(const std::vector<troupe::handle<tally>>& handles) {
  for (const auto& h : handles) {
    co_await h.call<&tally::doze>();
  }
  for (const auto& h : handles) {
    for (auto phase = troupe::actor_status::phase::awake; phase != troupe::actor_status::phase::asleep;) {
      const auto status = co_await h.status();
      phase = status.state;
      co_await troupe::delay(100us);
    }
  }
}

troupe::task<double> wake_all(const std::vector<troupe::handle<tally>>& handles) {
  const auto start = steady_clock::now();
  for (const auto& h : handles) {
    const auto value = co_await h.call<&tally::value>();
    benchmark::DoNotOptimize(value);
  }
  co_return seconds_since(start);
}

void wake(benchmark::State& state, bool on_disk) {
  const bench::directory where;
  constexpr std::size_t count = 256;
  tallies world{durability::committed, count,
                on_disk ? troupe::store_factory{troupe::sqlite{where.file("app.db")}} : troupe::memory{}};
  for (auto _ : state) {
    world.runtime.run(put_to_sleep(world.handles));
    state.SetIterationTime(world.runtime.run(wake_all(world.handles)));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}

// -- skynet: a tree of askers, ten to a node (github.com/atemerev/skynet) --------------------------------------------

struct asker {
  troupe::task<std::int64_t> sum(troupe::context<asker>& c, std::int64_t first, std::int64_t leaves) {
    if (leaves == 1) co_return first;
    std::vector<troupe::call<asker, &asker::sum>> children;
    for (std::int64_t i = 0; i != 10; ++i) {
      const std::int64_t from = first + i * leaves / 10;
      auto child = c.client().get_or_create<asker>(troupe::key{fmt::format("{}-{}", from, leaves / 10)});
      children.push_back(std::move(child).call<&asker::sum>(from, leaves / 10));
    }
    const auto sums = co_await troupe::when_all(std::move(children));
    std::int64_t total = 0;
    for (const auto each : sums) total += each;
    co_return total;
  }

  using actor = troupe::actor<asker, &asker::sum>;
};

troupe::task<std::int64_t> sum(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) co_return first;
  std::vector<troupe::task<std::int64_t>> children;
  for (std::int64_t i = 0; i != 10; ++i) children.push_back(sum(first + i * leaves / 10, leaves / 10));
  const auto sums = co_await troupe::when_all(std::move(children));
  std::int64_t total = 0;
  for (const auto each : sums) total += each;
  co_return total;
}

// Reported per actor or task, so that trees of different sizes compare: the usual figure is that of a million leaves.
template <class Ask>
void skynet(benchmark::State& state, Ask ask) {
  const auto leaves = state.range(0);
  for (auto _ : state) {
    const auto runtime = runtime_of<asker>(durability::ephemeral);
    const auto start = steady_clock::now();
    if (ask(*runtime, leaves) != leaves * (leaves - 1) / 2) state.SkipWithError("the sum is wrong");
    state.SetIterationTime(seconds_since(start));
  }
  state.SetItemsProcessed(state.iterations() * leaves);
}

std::int64_t ask_actors(troupe::runtime& runtime, std::int64_t leaves) {
  return runtime.client().get_or_create<asker>("root").call<&asker::sum>(0, leaves).get();
}

std::int64_t ask_tasks(troupe::runtime& runtime, std::int64_t leaves) { return runtime.run(sum(0, leaves)); }

}  // namespace

BENCHMARK(spawn)->Name("lifecycle/spawn")->Arg(100'000)->Iterations(1)->UseManualTime();
BENCHMARK_CAPTURE(wake, memory, false)->Name("lifecycle/wake/memory")->Iterations(4)->UseManualTime();
BENCHMARK_CAPTURE(wake, sqlite, true)->Name("lifecycle/wake/sqlite")->Iterations(4)->UseManualTime();
BENCHMARK_CAPTURE(skynet, actors, ask_actors)->Name("skynet/actors")->Arg(10'000)->Iterations(2)->UseManualTime();
BENCHMARK_CAPTURE(skynet, tasks, ask_tasks)->Name("skynet/tasks")->Arg(100'000)->Iterations(2)->UseManualTime();

BENCHMARK_MAIN();
