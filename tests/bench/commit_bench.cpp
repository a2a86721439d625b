// SPDX-License-Identifier: Apache-2.0
// Callers outside the actors who wait for their change to be on disk, each at an actor of its own, beside what the disk
// and SQLite give to a program that does nothing else: the same rows, in the same run. Every write changes the state,
// because SQLite skips an overwrite with equal bytes.
//
//     bench_commit --benchmark_filter=durable

#include <atomic>
#include <memory>
#include <numeric>

#include <time.h>

#include "durable.hpp"

namespace {

using bench::record;
using bench::records;
using bench::seconds_since;
using bench::steady_clock;
using troupe::durability;

// Some tenths of a second each.
int rounds_for(std::int64_t callers) {
  if (callers == 1) return 1000;
  return callers <= 64 ? 250 : callers <= 256 ? 100 : callers <= 1024 ? 50 : 16;
}

// -- actors ----------------------------------------------------------------------------------------------------------

void actors(benchmark::State& state) {
  const bench::directory where;
  records world{durability::committed, static_cast<std::size_t>(state.range(0)), troupe::sqlite{where.file("app.db")}};
  std::vector<double> seconds;
  world.write_all(1, seconds);
  const auto before = world.runtime.health().commits;
  const int rounds = rounds_for(state.range(0));
  for (auto _ : state) state.SetIterationTime(world.write_all(rounds, seconds));
  state.SetItemsProcessed(static_cast<std::int64_t>(seconds.size()));
  state.counters["rows_per_commit"] =
      static_cast<double>(seconds.size()) / static_cast<double>(world.runtime.health().commits - before);
  bench::report(state, seconds);
}

// Crowd after crowd of new ones; the first is not measured.
constexpr std::size_t crowds_created = 16;

void actors_created(benchmark::State& state) {
  const bench::directory where;
  const auto crowd = static_cast<std::size_t>(state.range(0));
  records world{durability::committed, crowd * (1 + crowds_created), troupe::sqlite{where.file("app.db")}};
  std::vector<double> seconds;
  world.write_some(0, crowd, seconds);
  seconds.clear();
  for (auto _ : state) {
    const auto start = steady_clock::now();
    for (std::size_t i = 1; i <= crowds_created; ++i) world.write_some(i * crowd, crowd, seconds);
    state.SetIterationTime(seconds_since(start));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(seconds.size()));
  bench::report(state, seconds);
}

void blocking_caller(benchmark::State& state) {
  const bench::directory where;
  records world{durability::committed, 1, troupe::sqlite{where.file("app.db")}};
  world.handles[0].call<&record::write>().get();
  std::vector<double> seconds;
  for (auto _ : state) {
    const auto start = steady_clock::now();
    benchmark::DoNotOptimize(world.handles[0].call<&record::write>().get());
    seconds.push_back(seconds_since(start));
    state.SetIterationTime(seconds.back());
  }
  state.SetItemsProcessed(state.iterations());
  bench::report(state, seconds);
}

// Knows what the thread that commits has used of its core.
class metered_store final : public troupe::store {
 public:
  metered_store(std::unique_ptr<troupe::store> inner, std::atomic<double>& busy_seconds)
      : inner_{std::move(inner)}, busy_{busy_seconds} {}

  void load(troupe::load_request& r) noexcept override { inner_->load(r); }
  void list(troupe::list_request& r) noexcept override { inner_->list(r); }
  void list_outgoing(troupe::outgoing_request& r) noexcept override { inner_->list_outgoing(r); }
  void list_waiting(troupe::waiting_request& r) noexcept override { inner_->list_waiting(r); }
  void list_parts(troupe::parts_request& r) noexcept override { inner_->list_parts(r); }
  void list_due(troupe::due_request& r) noexcept override { inner_->list_due(r); }
  [[nodiscard]] std::uint64_t opening() const noexcept override { return inner_->opening(); }
  void commit(troupe::commit_request& r) noexcept override {
    inner_->commit(r);
    ::timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    busy_.store(static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9);
  }
  void backup(const std::string& path) override { inner_->backup(path); }
  void close() noexcept override { inner_->close(); }

 private:
  std::unique_ptr<troupe::store> inner_;
  std::atomic<double>& busy_;
};

troupe::task<> burst(const troupe::handle<record>* first, std::size_t count, int calls) {
  for (int i = 0; i != calls; ++i) co_await first[static_cast<std::size_t>(i) % count].call<&record::write>();
}

// Two callers, a thousand hot actors. The saves come once a second; this runs for some two.
void relaxed(benchmark::State& state) {
  const bench::directory where;
  std::atomic<double> committer{0};
  constexpr std::size_t count = 1000;
  constexpr int calls = 1'000'000;
  records world{durability::relaxed, count, [&]() -> std::unique_ptr<troupe::store> {
                  return std::make_unique<metered_store>(troupe::sqlite{where.file("app.db")}(), committer);
                }};
  std::vector<double> seconds;
  world.write_all(1, seconds);
  const auto* const first = world.handles.data();
  const auto both = [&]() -> troupe::task<> {
    co_await troupe::when_all(burst(first, count / 2, calls), burst(first + count / 2, count / 2, calls));
  };
  const double busy_before = committer.load();
  const auto start = steady_clock::now();
  std::int64_t total = 0;
  for (auto _ : state) {
    do {
      world.runtime.run(both());
      total += 2 * calls;
    } while (seconds_since(start) < 2.2);
    state.SetIterationTime(seconds_since(start));
  }
  state.SetItemsProcessed(total);
  state.counters["committer_percent"] =
      (committer.load() - busy_before) / seconds_since(start) * 100;
}

// -- what one would write by hand ------------------------------------------------------------------------------------

// Runs `commit` some rounds, and reports as if every row had a caller that waited for it.
template <class Commit>
void rounds_of(benchmark::State& state, Commit commit) {
  const int rounds = rounds_for(state.range(0));
  std::vector<double> seconds;
  commit();
  for (auto _ : state) {
    const auto begin = steady_clock::now();
    for (int i = 0; i != rounds; ++i) {
      const auto start = steady_clock::now();
      commit();
      seconds.push_back(seconds_since(start));
    }
    state.SetIterationTime(seconds_since(begin));
  }
  state.SetItemsProcessed(state.iterations() * rounds * state.range(0));
  bench::report(state, seconds);
}

std::vector<troupe::actor_id> ids_of(std::size_t count) {
  std::mt19937_64 random{42};
  std::vector<troupe::actor_id> ids;
  for (std::size_t i = 0; i != count; ++i) {
    ids.push_back(troupe::actor_id::make(1'700'000'000'000 + i / 64, random(), random()));
  }
  return ids;
}

// A transaction with so many rows, each with a value that was never there.
void commit_rows(bench::database& database, const std::vector<const troupe::actor_id*>& rows, record& value) {
  database.run("BEGIN IMMEDIATE");
  for (const auto* const id : rows) {
    value.write();
    database.write(*id, troupe::encode(value));
  }
  database.run("COMMIT");
}

constexpr const char* schema = "CREATE TABLE actors (id BLOB PRIMARY KEY, state BLOB) WITHOUT ROWID";
constexpr const char* upsert = "INSERT INTO actors VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET state = ?2";

// The same rows again and again: as many as there are.
void upserts(benchmark::State& state) {
  const bench::directory where;
  bench::database database{where.file("plain.db"), schema, upsert};
  const auto ids = ids_of(static_cast<std::size_t>(state.range(0)));
  std::vector<const troupe::actor_id*> rows;
  for (const auto& id : ids) rows.push_back(&id);
  record value;
  rounds_of(state, [&] { commit_rows(database, rows, value); });
}

// New rows, to be found by their key too, and those of a kind in the order of ids: as actors are.
void rows_created(benchmark::State& state) {
  const bench::directory where;
  bench::database database{where.file("new.db"),
                           "CREATE TABLE actors (id BLOB PRIMARY KEY, kind INTEGER, key TEXT, state BLOB) WITHOUT ROWID;"
                           "CREATE UNIQUE INDEX keys ON actors (kind, key);"
                           "CREATE INDEX kinds ON actors (kind, id)",
                           "INSERT INTO actors VALUES (?1, 1, ?3, ?2)"};
  const auto crowd = static_cast<std::size_t>(state.range(0));
  const auto ids = ids_of(crowd * (1 + crowds_created));
  record value;
  std::vector<double> seconds;
  std::size_t next = 0;
  const auto commit = [&] {
    const auto start = steady_clock::now();
    database.run("BEGIN IMMEDIATE");
    for (const auto end = next + crowd; next != end; ++next) {
      value.write();
      database.write(ids[next], troupe::encode(value), bench::key_of(next));
    }
    database.run("COMMIT");
    return seconds_since(start);
  };
  commit();
  for (auto _ : state) {
    while (next != ids.size()) seconds.push_back(commit());
    state.SetIterationTime(std::accumulate(seconds.begin(), seconds.end(), 0.0));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(crowd * crowds_created));
  bench::report(state, seconds);
}

// A table of a million rows, filled once for all.
struct million_rows {
  million_rows() {
    database.run("PRAGMA synchronous = OFF");
    std::vector<const troupe::actor_id*> rows;
    for (const auto& id : ids) rows.push_back(&id);
    commit_rows(database, rows, value);
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    database.run("PRAGMA synchronous = FULL");
  }
  bench::directory where;
  bench::database database{where.file("million.db"), schema, upsert};
  std::vector<troupe::actor_id> ids = ids_of(1'000'000);
  record value;
};
std::unique_ptr<million_rows> all_rows;

// Random ones of a million.
void upserts_of_a_million(benchmark::State& state) {
  if (all_rows == nullptr) all_rows = std::make_unique<million_rows>();
  std::mt19937_64 random{42};
  std::vector<const troupe::actor_id*> rows(static_cast<std::size_t>(state.range(0)));
  rounds_of(state, [&] {
    for (auto& row : rows) row = &all_rows->ids[random() % all_rows->ids.size()];
    commit_rows(all_rows->database, rows, all_rows->value);
  });
}

// Nothing is looked for: every row is a new one behind the last.
void log_table(benchmark::State& state) {
  const bench::directory where;
  bench::database database{where.file("log.db"), "CREATE TABLE log (n INTEGER PRIMARY KEY, id BLOB, state BLOB)",
                           "INSERT INTO log (id, state) VALUES (?1, ?2)"};
  const auto ids = ids_of(static_cast<std::size_t>(state.range(0)));
  std::vector<const troupe::actor_id*> rows;
  for (const auto& id : ids) rows.push_back(&id);
  record value;
  rounds_of(state, [&] { commit_rows(database, rows, value); });
}

void raw_append(benchmark::State& state) {
  const bench::directory where;
  bench::log_file file{where.file("log")};
  const troupe::bytes rows(static_cast<std::size_t>(state.range(0)) * (16 + 120));
  rounds_of(state, [&] { file.append(rows); });
}

void crowds(benchmark::internal::Benchmark* b) {
  b->Arg(1)->Arg(64)->Arg(256)->Arg(1024)->Arg(4096)->Iterations(1)->UseManualTime();
}

}  // namespace

BENCHMARK(raw_append)->Name("durable/raw_append")->Apply(crowds);
BENCHMARK(log_table)->Name("durable/sqlite_log")->Apply(crowds);
BENCHMARK(upserts)->Name("durable/sqlite_upserts")->Apply(crowds);
BENCHMARK(upserts_of_a_million)->Name("durable/sqlite_upserts_of_a_million")->Apply(crowds);
BENCHMARK(actors)->Name("durable/actors")->Apply(crowds);
BENCHMARK(rows_created)->Name("durable/sqlite_creates")->Arg(1024)->Iterations(1)->UseManualTime();
BENCHMARK(actors_created)->Name("durable/create")->Arg(1024)->Iterations(1)->UseManualTime();
BENCHMARK(blocking_caller)->Name("durable/blocking_caller")->Iterations(1000)->UseManualTime();
BENCHMARK(relaxed)->Name("relaxed/hot")->Iterations(1)->UseManualTime();

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  all_rows.reset();
  benchmark::Shutdown();
}
