// SPDX-License-Identifier: Apache-2.0
// How throughput goes with workers, actors, the size of a state and the length of a file's history. Growth of the cost
// that is worse than linear is a defect.

#include <memory>

#include "durable.hpp"

namespace {

using bench::records;
using bench::seconds_since;
using bench::steady_clock;
using bench::tallies;
using bench::tally;
using troupe::durability;

// -- workers ---------------------------------------------------------------------------------------------------------

troupe::task<> call_some(const troupe::handle<tally>* first, std::size_t count, std::int64_t times) {
  for (std::int64_t i = 0; i != times; ++i) {
    co_await first[static_cast<std::size_t>(i) % count].call<&tally::add_later>(1);
  }
}

// Eight callers, each with actors of its own.
void workers(benchmark::State& state) {
  constexpr std::size_t callers = 8;
  constexpr std::size_t each = 16;
  constexpr std::int64_t times = 200'000;
  tallies world{durability::ephemeral, callers * each, troupe::memory{}, static_cast<unsigned>(state.range(0))};
  const auto all = [&]() -> troupe::task<> {
    std::vector<troupe::task<>> running;
    for (std::size_t i = 0; i != callers; ++i) running.push_back(call_some(&world.handles[i * each], each, times));
    co_await troupe::when_all(std::move(running));
  };
  for (auto _ : state) world.runtime.run(all());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(callers) * times);
}

void workers_committed(benchmark::State& state) {
  const bench::directory where;
  records world{durability::committed, 1024, troupe::sqlite{where.file("app.db")},
                static_cast<unsigned>(state.range(0))};
  std::vector<double> seconds;
  world.write_all(1, seconds);
  for (auto _ : state) state.SetIterationTime(world.write_all(50, seconds));
  state.SetItemsProcessed(static_cast<std::int64_t>(seconds.size()));
}

// -- actors ----------------------------------------------------------------------------------------------------------

troupe::task<> each_iteration(benchmark::State& state, tallies& world) {
  for ([[maybe_unused]] auto _ : state) {
    const auto value = co_await world.next().call<&tally::add>(1);
    benchmark::DoNotOptimize(value);
  }
}

// A million take their time to be made, so the same ones serve all runs with as many.
std::unique_ptr<tallies> crowd;

// One caller that goes round.
void actors(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  if (crowd == nullptr || crowd->handles.size() != count) {
    crowd.reset();
    crowd = std::make_unique<tallies>(durability::ephemeral, count);
  }
  crowd->runtime.run(each_iteration(state, *crowd));
  state.SetItemsProcessed(state.iterations());
}

// -- the size of a state ---------------------------------------------------------------------------------------------

struct document {
  std::uint64_t edits = 0;
  std::string text;

  void resize(std::uint64_t bytes) { text = std::string(bytes, 'x'); }
  std::uint64_t edit() {
    text[edits % text.size()] = static_cast<char>('a' + edits % 26);
    return ++edits;
  }
  using actor = troupe::actor<document, &document::resize, &document::edit>;
};

troupe::task<> edit(const troupe::handle<document>& h, std::int64_t times) {
  for (std::int64_t i = 0; i != times; ++i) {
    co_await h.call<&document::edit>();
  }
}

// Edits of one byte, until each kind has been saved at least once.
void state_size(benchmark::State& state, durability kind) {
  const bench::directory where;
  troupe::registry registry;
  registry.use<document>("document", bench::with(kind));
  troupe::runtime runtime{registry, {.store = troupe::sqlite{where.file("app.db")}}};
  const auto h = runtime.client().get_or_create<document>("a");
  h.call<&document::resize>(static_cast<std::uint64_t>(state.range(0))).get();
  runtime.run(edit(h, 1));
  std::int64_t edits = 0;
  for (auto _ : state) {
    const auto start = steady_clock::now();
    const std::int64_t at_once = kind == durability::committed ? 10 : 1000;
    const double most = kind == durability::committed ? 0.4 : 1.2;
    for (; seconds_since(start) < most; edits += at_once) runtime.run(edit(h, at_once));
    state.SetIterationTime(seconds_since(start));
  }
  state.SetItemsProcessed(edits);
}

void raw_append(benchmark::State& state) {
  const bench::directory where;
  bench::log_file file{where.file("log")};
  const troupe::bytes row(16 + static_cast<std::size_t>(state.range(0)));
  std::int64_t rows = 0;
  for (auto _ : state) {
    const auto start = steady_clock::now();
    for (; seconds_since(start) < 0.3; ++rows) file.append(row);
    state.SetIterationTime(seconds_since(start));
  }
  state.SetItemsProcessed(rows);
}

// -- history ---------------------------------------------------------------------------------------------------------

// Committed calls of 64 callers after so many changes have been committed to the same file by them.
void history(benchmark::State& state) {
  const bench::directory where;
  const auto store = troupe::sqlite{where.file("app.db"), {.synchronous = troupe::synchronous::normal}};
  std::vector<double> seconds;
  constexpr std::int64_t writers = 4096;
  if (state.range(0) != 0) {
    records before{durability::committed, writers, store};
    before.write_all(static_cast<int>(state.range(0) / writers), seconds);
  }
  records world{durability::committed, 64, troupe::sqlite{where.file("app.db")}};
  world.write_all(1, seconds);
  for (auto _ : state) state.SetIterationTime(world.write_all(200, seconds));
  state.SetItemsProcessed(static_cast<std::int64_t>(seconds.size()));
  bench::report(state, seconds);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->Arg(100)->Arg(1 << 10)->Arg(10 << 10)->Arg(100 << 10)->Arg(1 << 20)->Iterations(1)->UseManualTime();
}

}  // namespace

BENCHMARK(workers)->Name("scaling/workers/calls")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(workers_committed)->Name("scaling/workers/committed")->Arg(1)->Arg(2)->Iterations(1)->UseManualTime();
BENCHMARK(actors)->Name("scaling/actors")->RangeMultiplier(10)->Range(1, 1'000'000)->UseRealTime();
BENCHMARK_CAPTURE(state_size, committed, durability::committed)->Name("scaling/state/committed")->Apply(sizes);
BENCHMARK_CAPTURE(state_size, relaxed, durability::relaxed)->Name("scaling/state/relaxed")->Apply(sizes);
BENCHMARK(raw_append)->Name("scaling/state/raw_append")->Apply(sizes);
BENCHMARK(history)->Name("scaling/history")->Arg(0)->Arg(100'000)->Arg(1'000'000)->Iterations(1)->UseManualTime();

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  crowd.reset();
  benchmark::Shutdown();
}
