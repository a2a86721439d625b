// SPDX-License-Identifier: Apache-2.0
// Connections and events: what a broadcast costs, to many and to one, and what a connection costs.

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "world.hpp"

namespace {

using troupe::durability;

struct quote {
  std::string symbol;
  std::int64_t price = 0;
};

struct ticker {
  static constexpr troupe::event<"quoted", quote> quoted{};
  std::int64_t count = 0;

  void publish(troupe::context<ticker>& c, std::int64_t times) {
    for (std::int64_t i = 0; i != times; ++i) c.broadcast(quoted, quote{"TRPE", ++count});
  }
  using actor = troupe::actor<ticker, &ticker::publish, quoted>;
};

std::unique_ptr<troupe::runtime> runtime_of(durability kind, troupe::store_factory store = troupe::memory{}) {
  auto how = bench::with(kind);
  how.options->connection_events_max = 1U << 20;
  troupe::registry registry;
  registry.use<ticker>("ticker", how);
  return std::make_unique<troupe::runtime>(registry, troupe::runtime_options{.store = std::move(store)});
}

// One event to many connections, until the last handler has run. An item is one event heard by one connection.
void broadcast(benchmark::State& state, durability kind) {
  const auto listeners = state.range(0);
  const auto runtime = runtime_of(kind);
  const auto handle = runtime->client().get_or_create<ticker>("t");
  bench::arrivals heard;
  std::vector<troupe::connection<ticker>> connections;
  std::vector<troupe::subscription> subscriptions;
  for (std::int64_t i = 0; i != listeners; ++i) {
    connections.push_back(handle.connect().get());
    subscriptions.push_back(connections.back().on(ticker::quoted, [&](const quote&) { heard.add(); }));
  }
  for (auto _ : state) {
    heard.expect(listeners);
    handle.call<&ticker::publish>(1).get();
    heard.wait();
  }
  state.SetItemsProcessed(state.iterations() * listeners);
}

// The same by hand: a locked queue for each listener, and a worker that empties them.
void fan_out_by_hand(benchmark::State& state) {
  struct inbox {
    std::mutex mutex;
    std::deque<std::shared_ptr<const quote>> waiting;
    std::function<void(const quote&)> handler;
  };
  const auto listeners = static_cast<std::size_t>(state.range(0));
  std::vector<std::unique_ptr<inbox>> all;
  std::int64_t heard = 0;
  for (std::size_t i = 0; i != listeners; ++i) {
    all.push_back(std::make_unique<inbox>());
    all.back()->handler = [&](const quote& q) { heard += q.price != 0 ? 1 : 0; };
  }
  for (auto _ : state) {
    const auto event = std::make_shared<const quote>(quote{"TRPE", 1});
    for (auto& each : all) {
      const std::lock_guard lock{each->mutex};
      each->waiting.push_back(event);
    }
    for (auto& each : all) {
      std::shared_ptr<const quote> taken;
      {
        const std::lock_guard lock{each->mutex};
        taken = std::move(each->waiting.front());
        each->waiting.pop_front();
      }
      each->handler(*taken);
    }
  }
  benchmark::DoNotOptimize(heard);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Many events to one connection, a thousand a call.
void to_one(benchmark::State& state, durability kind) {
  constexpr std::int64_t burst = 1000;
  const auto runtime = runtime_of(kind);
  const auto handle = runtime->client().get_or_create<ticker>("t");
  bench::arrivals heard;
  const auto connection = handle.connect().get();
  const auto subscription = connection.on(ticker::quoted, [&](const quote&) { heard.add(); });
  for (auto _ : state) {
    heard.expect(burst);
    handle.call<&ticker::publish>(burst).get();
    heard.wait();
  }
  state.SetItemsProcessed(state.iterations() * burst);
}

// The same, awaited one by one.
troupe::task<> read_all(troupe::event_stream<troupe::event<"quoted", quote>>& events, std::int64_t count) {
  for (std::int64_t i = 0; i != count; ++i) {
    auto q = co_await events.next();
    benchmark::DoNotOptimize(q->price);
  }
}

void to_one_stream(benchmark::State& state) {
  constexpr std::int64_t burst = 1000;
  const auto runtime = runtime_of(durability::relaxed);
  const auto handle = runtime->client().get_or_create<ticker>("t");
  const auto connection = handle.connect().get();
  auto events = connection.stream(ticker::quoted);
  for (auto _ : state) {
    handle.call<&ticker::publish>(burst).get();
    runtime->run(read_all(events, burst));
  }
  state.SetItemsProcessed(state.iterations() * burst);
}

// A turn that broadcasts to nobody.
troupe::task<> publish_many(const troupe::handle<ticker>& handle, std::int64_t count) {
  for (std::int64_t i = 0; i != count; ++i) {
    co_await handle.call<&ticker::publish>(1);
  }
}

void to_nobody(benchmark::State& state) {
  constexpr std::int64_t burst = 10'000;
  const auto runtime = runtime_of(durability::relaxed);
  const auto handle = runtime->client().get_or_create<ticker>("t");
  for (auto _ : state) runtime->run(publish_many(handle, burst));
  state.SetItemsProcessed(state.iterations() * burst);
}

// Connect, then close; the actor stays.
troupe::task<> connect_many(const troupe::handle<ticker>& handle, std::int64_t count) {
  for (std::int64_t i = 0; i != count; ++i) {
    const auto connection = co_await handle.connect();
    benchmark::DoNotOptimize(connection.connected());
  }
}

void connect_and_close(benchmark::State& state) {
  constexpr std::int64_t burst = 1000;
  const auto runtime = runtime_of(durability::relaxed);
  const auto handle = runtime->client().get_or_create<ticker>("t");
  for (auto _ : state) runtime->run(connect_many(handle, burst));
  state.SetItemsProcessed(state.iterations() * burst);
}

troupe::task<> connect_and_keep(const troupe::handle<ticker>& handle, bench::arrivals& heard,
                                std::vector<troupe::connection<ticker>>& connections,
                                std::vector<troupe::subscription>& subscriptions, std::int64_t count) {
  for (std::int64_t i = 0; i != count; ++i) {
    auto connection = co_await handle.connect();
    subscriptions.push_back(connection.on(ticker::quoted, [&heard](const quote&) { heard.add(); }));
    connections.push_back(std::move(connection));
  }
}

// What an open connection with one subscription takes. So many, and once, that the blocks which other benchmarks have
// left to be used again do not count.
void memory_of_connections(benchmark::State& state) {
  constexpr std::int64_t count = 200'000;
  std::int64_t bytes = 0;
  for (auto _ : state) {
    const auto runtime = runtime_of(durability::relaxed);
    const auto handle = runtime->client().get_or_create<ticker>("t");
    handle.call<&ticker::publish>(1).get();
    bench::arrivals heard;
    std::vector<troupe::connection<ticker>> connections;
    std::vector<troupe::subscription> subscriptions;
    const auto before = bench::resident_bytes();
    runtime->run(connect_and_keep(handle, heard, connections, subscriptions, count));
    bytes = bench::resident_bytes() - before;
  }
  state.counters["bytes_each"] = static_cast<double>(bytes) / static_cast<double>(count);
}

BENCHMARK_CAPTURE(broadcast, relaxed, durability::relaxed)->Name("event/broadcast/relaxed")->Arg(10'000)->UseRealTime();
BENCHMARK_CAPTURE(broadcast, committed, durability::committed)
    ->Name("event/broadcast/committed")
    ->Arg(10'000)
    ->UseRealTime();
BENCHMARK(fan_out_by_hand)->Name("baseline/fan_out_by_hand")->Arg(10'000)->UseRealTime();
BENCHMARK_CAPTURE(to_one, relaxed, durability::relaxed)->Name("event/to_one/relaxed")->UseRealTime();
BENCHMARK_CAPTURE(to_one, committed, durability::committed)->Name("event/to_one/committed")->UseRealTime();
BENCHMARK(fan_out_by_hand)->Name("baseline/locked_queue")->Arg(1)->UseRealTime();
BENCHMARK(to_one_stream)->Name("event/to_one/stream")->UseRealTime();
BENCHMARK(to_nobody)->Name("event/to_nobody")->UseRealTime();
BENCHMARK(connect_and_close)->Name("event/connect_and_close")->UseRealTime();
BENCHMARK(memory_of_connections)->Name("event/memory")->Iterations(1)->Repetitions(1)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
