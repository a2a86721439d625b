// Callers outside the actors who wait for their change to be on disk, each at an actor of its own, beside what the disk
// and SQLite give to a program that does nothing else: the same rows, in the same run. Every write changes the state,
// because SQLite skips an overwrite with equal bytes.
//
//     bench_commit --benchmark_filter=durable

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "world.hpp"

namespace {

using std::chrono::steady_clock;
using troupe::durability;

// 120 bytes of CBOR.
struct record {
  std::uint64_t written = UINT64_MAX / 2;
  std::string text = std::string(95, 'x');

  std::uint64_t write() { return ++written; }
  std::uint64_t read() const { return written; }

  using actor = troupe::actor<record, &record::write, &record::read>;
};

// -- measuring -------------------------------------------------------------------------------------------------------

double seconds_between(steady_clock::time_point from, steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Sorts `seconds`.
void report(benchmark::State& state, std::vector<double>& seconds) {
  std::ranges::sort(seconds);
  state.counters["p50_us"] = seconds[seconds.size() / 2] * 1e6;
  state.counters["p99_us"] = seconds[seconds.size() * 99 / 100] * 1e6;
}

// About half a second each.
int rounds_for(std::int64_t callers) {
  if (callers == 1) return 1000;
  return callers <= 64 ? 250 : callers <= 1024 ? 50 : 16;
}

// -- actors ----------------------------------------------------------------------------------------------------------

troupe::task<> writer(const troupe::handle<record>& h, int rounds, double* seconds) {
  for (int i = 0; i != rounds; ++i) {
    const auto start = steady_clock::now();
    co_await h.call<&record::write>();
    seconds[i] = seconds_between(start, steady_clock::now());
  }
}

class records {
 public:
  records(durability kind, std::size_t count, troupe::store_factory store)
      : runtime{registry_of(kind), {.store = std::move(store)}} {
    const auto client = runtime.client();
    for (std::size_t i = 0; i != count; ++i) handles.push_back(client.get_or_create<record>(bench::key_of(i)));
  }

  // Every handle's caller writes so many times. Returns how long all of it took.
  double write_all(int rounds, std::vector<double>& seconds) {
    seconds.resize(handles.size() * static_cast<std::size_t>(rounds));
    const auto start = steady_clock::now();
    runtime.run(all(rounds, seconds.data()));
    return seconds_between(start, steady_clock::now());
  }

  troupe::runtime runtime;
  std::vector<troupe::handle<record>> handles;

 private:
  static troupe::registry registry_of(durability kind) {
    troupe::registry registry;
    registry.use<record>("record", bench::with(kind));
    return registry;
  }
  troupe::task<> all(int rounds, double* seconds) {
    std::vector<troupe::task<>> writers;
    for (std::size_t i = 0; i != handles.size(); ++i) {
      writers.push_back(writer(handles[i], rounds, seconds + i * static_cast<std::size_t>(rounds)));
    }
    co_await troupe::when_all(std::move(writers));
  }
};

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
  report(state, seconds);
}

void actors_created(benchmark::State& state) {
  const bench::directory where;
  records world{durability::committed, static_cast<std::size_t>(state.range(0)), troupe::sqlite{where.file("app.db")}};
  world.runtime.client().get_or_create<record>("another").call<&record::write>().get();
  std::vector<double> seconds;
  for (auto _ : state) state.SetIterationTime(world.write_all(1, seconds));
  state.SetItemsProcessed(state.range(0));
  report(state, seconds);
}

void blocking_caller(benchmark::State& state) {
  const bench::directory where;
  records world{durability::committed, 1, troupe::sqlite{where.file("app.db")}};
  world.handles[0].call<&record::write>().get();
  std::vector<double> seconds;
  for (auto _ : state) {
    const auto start = steady_clock::now();
    benchmark::DoNotOptimize(world.handles[0].call<&record::write>().get());
    seconds.push_back(seconds_between(start, steady_clock::now()));
    state.SetIterationTime(seconds.back());
  }
  state.SetItemsProcessed(state.iterations());
  report(state, seconds);
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
    } while (seconds_between(start, steady_clock::now()) < 2.2);
    state.SetIterationTime(seconds_between(start, steady_clock::now()));
  }
  state.SetItemsProcessed(total);
  state.counters["committer_percent"] =
      (committer.load() - busy_before) / seconds_between(start, steady_clock::now()) * 100;
}

// -- what one would write by hand ------------------------------------------------------------------------------------

void check(int result) {
  if (result != SQLITE_OK && result != SQLITE_DONE) throw std::runtime_error{sqlite3_errstr(result)};
}

class plain_sqlite {
 public:
  explicit plain_sqlite(const std::string& path) {
    check(sqlite3_open(path.c_str(), &handle_));
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    run("CREATE TABLE actors (id BLOB PRIMARY KEY, state BLOB) WITHOUT ROWID");
    const char* const upsert = "INSERT INTO actors VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET state = ?2";
    check(sqlite3_prepare_v2(handle_, upsert, -1, &upsert_, nullptr));
  }
  ~plain_sqlite() {
    sqlite3_finalize(upsert_);
    sqlite3_close(handle_);
  }
  plain_sqlite(const plain_sqlite&) = delete;
  plain_sqlite& operator=(const plain_sqlite&) = delete;

  void upsert(const troupe::actor_id& id, troupe::bytes_view state) {
    check(sqlite3_bind_blob(upsert_, 1, id.bytes().data(), 16, SQLITE_STATIC));
    check(sqlite3_bind_blob(upsert_, 2, state.data(), static_cast<int>(state.size()), SQLITE_STATIC));
    check(sqlite3_step(upsert_));
    check(sqlite3_reset(upsert_));
  }
  void run(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }

 private:
  sqlite3* handle_ = nullptr;
  sqlite3_stmt* upsert_ = nullptr;
};

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
      seconds.push_back(seconds_between(start, steady_clock::now()));
    }
    state.SetIterationTime(seconds_between(begin, steady_clock::now()));
  }
  state.SetItemsProcessed(state.iterations() * rounds * state.range(0));
  report(state, seconds);
}

void plain_upserts(benchmark::State& state) {
  const bench::directory where;
  plain_sqlite database{where.file("plain.db")};
  std::mt19937_64 random{42};
  std::vector<troupe::actor_id> ids;
  for (std::int64_t i = 0; i != state.range(0); ++i) {
    ids.push_back(troupe::actor_id::make(1'700'000'000'000 + static_cast<std::uint64_t>(i) / 64, random(), random()));
  }
  record value;
  rounds_of(state, [&] {
    database.run("BEGIN IMMEDIATE");
    for (const auto& id : ids) {
      value.write();
      database.upsert(id, troupe::encode(value));
    }
    database.run("COMMIT");
  });
}

void raw_append(benchmark::State& state) {
  const bench::directory where;
  const int file = ::open(where.file("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) throw std::system_error{errno, std::generic_category(), "open"};
  troupe::bytes rows(static_cast<std::size_t>(state.range(0)) * (16 + 120));
  rounds_of(state, [&] {
    if (::write(file, rows.data(), rows.size()) != static_cast<::ssize_t>(rows.size()) || ::fdatasync(file) != 0) {
      throw std::system_error{errno, std::generic_category(), "write"};
    }
  });
  ::close(file);
}

void crowds(benchmark::internal::Benchmark* b) {
  b->Arg(1)->Arg(64)->Arg(1024)->Arg(4096)->Iterations(1)->UseManualTime();
}

}  // namespace

BENCHMARK(raw_append)->Name("durable/raw_append")->Apply(crowds);
BENCHMARK(plain_upserts)->Name("durable/plain_sqlite")->Apply(crowds);
BENCHMARK(actors)->Name("durable/actors")->Apply(crowds);
BENCHMARK(actors_created)->Name("durable/create")->Arg(1024)->Iterations(1)->UseManualTime();
BENCHMARK(blocking_caller)->Name("durable/blocking_caller")->Iterations(1000)->UseManualTime();
BENCHMARK(relaxed)->Name("relaxed/hot")->Iterations(1)->UseManualTime();

BENCHMARK_MAIN();
