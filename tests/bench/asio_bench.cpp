// SPDX-License-Identifier: Apache-2.0
// The workloads of call_bench that Asio's strands can do (Debian's libasio-dev, without Boost). Built where it is
// installed. A strand is what keeps an object to one thread at a time; one thread runs the io_context.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <asio.hpp>
#include <benchmark/benchmark.h>

namespace {

using strand = asio::strand<asio::io_context::executor_type>;

struct tally {
  explicit tally(asio::io_context& io) : on{asio::make_strand(io)} {}
  strand on;
  std::int64_t count = 0;
};

// -- awaited calls ---------------------------------------------------------------------------------------------------

constexpr std::int64_t rounds = 10'000;

// With handlers: the caller, on a strand of its own, goes on when the answer has been posted back to it.
void ask(strand& caller, tally& t, std::int64_t left) {
  asio::post(t.on, [&caller, &t, left] {
    asio::post(caller, [&caller, &t, left, value = ++t.count] {
      benchmark::DoNotOptimize(value);
      if (left > 1) ask(caller, t, left - 1);
    });
  });
}

void call(benchmark::State& state) {
  asio::io_context io;
  strand caller = asio::make_strand(io);
  tally t{io};
  for (auto _ : state) {
    ask(caller, t, rounds);
    io.restart();
    io.run();
  }
  state.SetItemsProcessed(state.iterations() * rounds);
}

asio::awaitable<std::int64_t> add_later(tally& t, std::int64_t by) { co_return t.count += by; }

asio::awaitable<void> each_iteration(benchmark::State& state, tally& t) {
  for ([[maybe_unused]] auto _ : state) {
    const auto value = co_await asio::co_spawn(t.on, add_later(t, 1), asio::use_awaitable);
    benchmark::DoNotOptimize(value);
  }
}

void coroutine_action(benchmark::State& state) {
  asio::io_context io;
  tally t{io};
  asio::co_spawn(io, each_iteration(state, t), asio::detached);
  io.run();
  state.SetItemsProcessed(state.iterations());
}

// -- messages --------------------------------------------------------------------------------------------------------

void posted(benchmark::State& state) {
  asio::io_context io;
  const auto guard = asio::make_work_guard(io);
  tally t{io};
  for (auto _ : state) {
    for (std::int64_t i = 0; i != state.range(0); ++i) asio::post(t.on, [&t] { benchmark::DoNotOptimize(++t.count); });
    io.poll();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void rally(std::array<strand, 2>& both, std::int64_t left) {
  if (left == 0) return;
  asio::post(both[static_cast<std::size_t>(left & 1)], [&both, left] { rally(both, left - 1); });
}

void ping_pong(benchmark::State& state) {
  asio::io_context io;
  std::array<strand, 2> both{asio::make_strand(io), asio::make_strand(io)};
  for (auto _ : state) {
    rally(both, 2 * rounds);
    io.restart();
    io.run();
  }
  state.SetItemsProcessed(state.iterations() * rounds);
}

}  // namespace

BENCHMARK(call)->Name("asio/call/plain")->UseRealTime();
BENCHMARK(coroutine_action)->Name("asio/call/coroutine_action")->UseRealTime();
BENCHMARK(posted)->Name("asio/queue/post_and_run")->Arg(1)->Arg(128)->Arg(1024)->UseRealTime();
BENCHMARK(ping_pong)->Name("asio/queue/ping_pong")->UseRealTime();

BENCHMARK_MAIN();
