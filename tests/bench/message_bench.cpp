// SPDX-License-Identifier: Apache-2.0
// Durable queues: messages from outside and between actors, until they have been handled and acknowledged.

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <sqlite3.h>

#include "world.hpp"

namespace {

using troupe::durability;

bench::arrivals handled;

/// Takes numbers from its queue and adds them up.
struct adder {
  static constexpr troupe::queue<"numbers", std::int64_t> numbers{{.messages_max = 1U << 20}};
  std::int64_t sum = 0;

  troupe::task<> run(troupe::context<adder>& c) {
    for (;;) {
      const auto next = co_await c.queue().next(numbers);
      sum += *next;
      handled.add();
    }
  }
  void start() {}

  using actor = troupe::actor<adder, &adder::start, numbers>;
};

/// Sends as many to an adder as it is told, in one turn.
struct source {
  std::int64_t sent = 0;

  troupe::task<> send(troupe::context<source>& c, std::int64_t count) {
    const auto to = c.client().get_or_create<adder>(c.key());
    for (std::int64_t i = 0; i != count; ++i) {
      co_await to.send(adder::numbers, ++sent);
    }
  }

  using actor = troupe::actor<source, &source::send>;
};

constexpr troupe::queue_options fallible{.messages_max = 1U << 20,
                                         .attempts_max = 3,
                                         .retry_min = std::chrono::milliseconds{100},
                                         .retry_max = std::chrono::milliseconds{100}};

void add_up(std::int64_t& sum, std::int64_t number) {
  if (number < 0) throw std::runtime_error{"a bad message"};
  sum += number;
  handled.add();
}

/// Adds numbers up, and fails with negative ones: in a handler.
struct handler {
  static constexpr troupe::queue<"numbers", std::int64_t> numbers{fallible};
  std::int64_t sum = 0;
  void on_number(const std::int64_t& number) { add_up(sum, number); }
  using actor = troupe::actor<handler, troupe::consumes<numbers, &handler::on_number>>;
};

/// The same in a loop.
struct looper {
  static constexpr troupe::queue<"numbers", std::int64_t> numbers{fallible};
  std::int64_t sum = 0;
  troupe::task<> run(troupe::context<looper>& c) {
    for (;;) {
      const auto next = co_await c.queue().next(numbers);
      add_up(sum, *next);
    }
  }
  using actor = troupe::actor<looper, numbers>;
};

/// Sends as many as it is told, in one turn; so many in a hundred are negative.
template <class To>
struct mixed_source {
  int turns = 0;
  troupe::task<> send(troupe::context<mixed_source>& c, std::int64_t count, std::int64_t negative) {
    ++turns;
    const auto to = c.client().template get_or_create<To>(c.key());
    for (std::int64_t i = 0; i != count; ++i) {
      const std::int64_t number = i % 100 < negative ? -1 : i;
      co_await to.send(To::numbers, number);
    }
  }
  using actor = troupe::actor<mixed_source, &mixed_source::send>;
};

std::unique_ptr<troupe::runtime> runtime_of(durability kind, troupe::store_factory store) {
  troupe::registry registry;
  registry.use<adder>("adder", bench::with(kind));
  registry.use<source>("source", bench::with(kind));
  registry.use<handler>("handler", bench::with(kind)).use<looper>("looper", bench::with(kind));
  registry.use<mixed_source<handler>>("handlerSource", bench::with(kind));
  registry.use<mixed_source<looper>>("looperSource", bench::with(kind));
  troupe::runtime_options options{.store = std::move(store)};
  options.on_error = [](const std::exception_ptr&, std::string_view) {};
  return std::make_unique<troupe::runtime>(registry, std::move(options));
}

troupe::task<> send_some(const troupe::handle<adder>& to, std::int64_t count) {
  for (std::int64_t i = 0; i != count; ++i) {
    co_await to.send(adder::numbers, i);
  }
}

troupe::task<> send_together(const troupe::handle<adder>& to, std::size_t senders, std::int64_t each) {
  std::vector<troupe::task<>> all;
  for (std::size_t i = 0; i != senders; ++i) all.push_back(send_some(to, each));
  co_await troupe::when_all(std::move(all));
}

// From outside: each sender waits until its message is in the queue before it sends the next.
void from_outside(benchmark::State& state, durability kind, bool on_disk) {
  constexpr std::int64_t each = 16;
  const auto senders = static_cast<std::size_t>(state.range(0));
  const bench::directory folder;
  const auto runtime =
      on_disk ? runtime_of(kind, troupe::sqlite{folder.file("queue.db")}) : runtime_of(kind, troupe::memory{});
  const auto to = runtime->client().get_or_create<adder>("a");
  to.call<&adder::start>().get();
  for (auto _ : state) {
    handled.expect(static_cast<std::int64_t>(senders) * each);
    runtime->run(send_together(to, senders, each));
    handled.wait();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * each);
}

// Between two actors: a turn that sends so many, which are then handled one by one.
void between_actors(benchmark::State& state, durability kind, bool on_disk) {
  const auto count = state.range(0);
  const bench::directory folder;
  const auto runtime =
      on_disk ? runtime_of(kind, troupe::sqlite{folder.file("queue.db")}) : runtime_of(kind, troupe::memory{});
  const auto from = runtime->client().get_or_create<source>("a");
  for (auto _ : state) {
    handled.expect(count);
    from.call<&source::send>(count).get();
    handled.wait();
  }
  state.SetItemsProcessed(state.iterations() * count);
}

// A job queue of which so many messages in a hundred fail in all of their attempts: until all others are handled.
template <class To>
void with_failures(benchmark::State& state) {
  constexpr std::int64_t count = 10'000;
  const auto negative = state.range(0);
  const bench::directory folder;
  const auto runtime = runtime_of(durability::committed, troupe::sqlite{folder.file("queue.db")});
  const auto from = runtime->client().get_or_create<mixed_source<To>>("a");
  for (auto _ : state) {
    handled.expect(count - count / 100 * negative);
    from.template call<&mixed_source<To>::send>(count, negative).get();
    handled.wait();
  }
  state.SetItemsProcessed(state.iterations() * count);
}

// The same by hand: a table that is filled and emptied, so many rows a transaction.
void table_by_hand(benchmark::State& state) {
  const bench::directory folder;
  sqlite3* db = nullptr;
  sqlite3_open(folder.file("table.db").c_str(), &db);
  const auto run = [&](const char* sql) { sqlite3_exec(db, sql, nullptr, nullptr, nullptr); };
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = FULL");
  run("CREATE TABLE numbers (id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
  sqlite3_stmt* insert = nullptr;
  sqlite3_stmt* remove = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO numbers (id, body) VALUES (?1, x'1864')", -1, &insert, nullptr);
  sqlite3_prepare_v2(db, "DELETE FROM numbers WHERE id = ?1", -1, &remove, nullptr);
  std::int64_t id = 0;
  const auto each = [&](sqlite3_stmt* statement, std::int64_t first) {
    run("BEGIN IMMEDIATE");
    for (std::int64_t i = 0; i != state.range(0); ++i) {
      sqlite3_bind_int64(statement, 1, first + i);
      sqlite3_step(statement);
      sqlite3_reset(statement);
    }
    run("COMMIT");
  };
  for (auto _ : state) {
    each(insert, id);
    each(remove, id);
    id += state.range(0);
  }
  sqlite3_finalize(insert);
  sqlite3_finalize(remove);
  sqlite3_close(db);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK_CAPTURE(from_outside, committed, durability::committed, true)
    ->Name("message/from_outside/committed")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->UseRealTime();
BENCHMARK_CAPTURE(from_outside, relaxed, durability::relaxed, true)
    ->Name("message/from_outside/relaxed")
    ->Arg(1)
    ->Arg(64)
    ->UseRealTime();
BENCHMARK_CAPTURE(from_outside, ephemeral, durability::ephemeral, false)
    ->Name("message/from_outside/ephemeral")
    ->Arg(64)
    ->UseRealTime();
BENCHMARK_CAPTURE(between_actors, committed, durability::committed, true)
    ->Name("message/between_actors/committed")
    ->Arg(1)
    ->Arg(1000)
    ->UseRealTime();
BENCHMARK_CAPTURE(between_actors, relaxed, durability::relaxed, true)
    ->Name("message/between_actors/relaxed")
    ->Arg(1000)
    ->UseRealTime();
BENCHMARK(with_failures<handler>)->Name("message/failing/handler")->Arg(0)->Arg(1)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(with_failures<looper>)->Name("message/failing/loop")->Arg(0)->Arg(1)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(table_by_hand)->Name("baseline/table_by_hand")->Arg(1)->Arg(64)->Arg(1000)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
