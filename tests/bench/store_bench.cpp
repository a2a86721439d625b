// SPDX-License-Identifier: Apache-2.0
// Commits and loads of the SQLite store, beside the same work in plain SQLite. Values change every time, because SQLite
// skips an overwrite with equal bytes.
//
//     store_bench --benchmark_filter=full

#include <chrono>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>

namespace {

constexpr std::size_t rows_stored = 100'000;
constexpr std::size_t state_bytes = 64;

class directory {
 public:
  directory() : path_{std::filesystem::temp_directory_path() / fmt::format("troupe-bench-{}", std::random_device{}())} {
    std::filesystem::create_directory(path_);
  }
  ~directory() { std::filesystem::remove_all(path_); }
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;
  [[nodiscard]] std::string file() const { return (path_ / "app.db").string(); }

 private:
  std::filesystem::path path_;
};

/// Ids in the order of their making, and states that differ every time.
class source {
 public:
  [[nodiscard]] troupe::actor_id next_id() {
    return troupe::actor_id::make(1'700'000'000'000 + made_++ / 64, random_(), random_());
  }
  [[nodiscard]] std::size_t below(std::size_t end) { return random_() % end; }

  void fill(troupe::bytes& state) {
    state.resize(state_bytes);
    const std::uint64_t value = random_();
    std::memcpy(state.data(), &value, sizeof value);
  }

 private:
  std::mt19937_64 random_{42};
  std::uint64_t made_ = 0;
};

/// A commit of `rows` write-sets whose views look into it.
struct batch {
  explicit batch(std::size_t rows) : keys(rows), creations(rows), states(rows) {
    request.writes.resize(rows);
    request.done = [](troupe::commit_request&) noexcept {};
  }

  void create(source& from, std::vector<troupe::actor_id>& ids) {
    for (std::size_t at = 0; at != request.writes.size(); ++at) {
      keys[at] = fmt::format("user-{}", ids.size());
      creations[at].name = "counter";
      creations[at].key = keys[at];
      write(at, troupe::write_set::action::create, ids.emplace_back(from.next_id()), from);
      request.writes[at].created = &creations[at];
    }
  }

  void update(source& from, const std::vector<troupe::actor_id>& ids) {
    const std::size_t stride = ids.size() / request.writes.size();  // distinct, and spread over the whole table
    for (std::size_t at = 0; at != request.writes.size(); ++at) {
      write(at, troupe::write_set::action::update, ids[at * stride + from.below(stride)], from);
    }
  }

  /// A row of a part each, put anew. If it is due, then at a time that differs every time.
  void put_parts(source& from, const std::vector<troupe::actor_id>& ids, bool is_due) {
    const std::size_t stride = ids.size() / request.writes.size();
    parts.resize(request.writes.size());
    for (std::size_t at = 0; at != request.writes.size(); ++at) {
      write(at, troupe::write_set::action::keep, ids[at * stride + from.below(stride)], from);
      request.writes[at].state = {};
      parts[at] = {.collection = 1, .key = {}, .value = troupe::bytes_view{states[at]}, .due = {}};
      if (is_due) parts[at].due.emplace(std::chrono::milliseconds{1'767'225'600'000 + from.below(1'000'000'000)});
      request.writes[at].parts = {&parts[at], 1};
    }
  }

  void write(std::size_t at, troupe::write_set::action what, const troupe::actor_id& id, source& from) {
    from.fill(states[at]);
    request.writes[at].what = what;
    request.writes[at].id = id;
    request.writes[at].state = states[at];
  }

  troupe::commit_request request;
  std::vector<std::string> keys;
  std::vector<troupe::write_set::creation> creations;
  std::vector<troupe::bytes> states;
  std::vector<troupe::part_change> parts;
};

troupe::sqlite sqlite_at(const directory& where, troupe::synchronous synchronous) {
  return troupe::sqlite{where.file(), {.synchronous = synchronous}};
}

void commit(benchmark::State& state, troupe::store& store, batch& changes) {
  store.commit(changes.request);
  if (changes.request.failure) state.SkipWithError("a commit failed");
}

std::vector<troupe::actor_id> populate(benchmark::State& state, troupe::store& store, source& from) {
  std::vector<troupe::actor_id> ids;
  batch creating{4096};
  while (ids.size() < rows_stored) {
    creating.create(from, ids);
    commit(state, store, creating);
  }
  return ids;
}

void create_rows(benchmark::State& state, const troupe::store_factory& open) {
  const auto store = open();
  source from;
  std::vector<troupe::actor_id> ids;
  batch changes{static_cast<std::size_t>(state.range(0))};
  for (auto _ : state) {
    state.PauseTiming();
    changes.create(from, ids);
    state.ResumeTiming();
    commit(state, *store, changes);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void update_rows(benchmark::State& state, const troupe::store_factory& open) {
  const auto store = open();
  source from;
  const std::vector<troupe::actor_id> ids = populate(state, *store, from);
  batch changes{static_cast<std::size_t>(state.range(0))};
  for (auto _ : state) {
    state.PauseTiming();
    changes.update(from, ids);
    state.ResumeTiming();
    commit(state, *store, changes);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void put_rows_of_parts(benchmark::State& state, const troupe::store_factory& open, bool is_due) {
  const auto store = open();
  source from;
  const std::vector<troupe::actor_id> ids = populate(state, *store, from);
  batch all{ids.size()};
  all.put_parts(from, ids, is_due);
  commit(state, *store, all);
  batch changes{static_cast<std::size_t>(state.range(0))};
  for (auto _ : state) {
    state.PauseTiming();
    changes.put_parts(from, ids, is_due);
    state.ResumeTiming();
    commit(state, *store, changes);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// A row by its key, of as many as the range says that one actor has; or a page of 100 from there.
void list_rows_of_parts(benchmark::State& state, std::size_t limit) {
  const directory where;
  const auto store = sqlite_at(where, troupe::synchronous::normal)();
  source from;
  std::vector<troupe::actor_id> ids;
  batch creating{1};
  creating.create(from, ids);
  commit(state, *store, creating);
  std::vector<std::string> keys(static_cast<std::size_t>(state.range(0)));
  std::vector<troupe::part_change> rows(keys.size());
  for (std::size_t at = 0; at != keys.size(); ++at) {
    keys[at] = fmt::format("{:09}", at);
    rows[at].key = std::as_bytes(std::span{keys[at]});
    rows[at].value = troupe::bytes_view{creating.states[0]};
  }
  creating.request.writes[0].what = troupe::write_set::action::keep;
  creating.request.writes[0].parts = rows;
  commit(state, *store, creating);
  troupe::parts_request request{.actor = ids[0], .limit = limit};
  request.done = [](troupe::parts_request&) noexcept {};
  for (auto _ : state) {
    request.from = rows[from.below(rows.size())].key;
    store->list_parts(request);
    if (request.found.empty()) state.SkipWithError("a list of parts found nothing");
  }
  state.SetItemsProcessed(state.iterations());
}

void load_rows(benchmark::State& state, const troupe::store_factory& open, bool by_key) {
  const auto store = open();
  source from;
  const std::vector<troupe::actor_id> ids = populate(state, *store, from);
  troupe::load_request request;
  request.done = [](troupe::load_request&) noexcept {};
  for (auto _ : state) {
    const std::size_t which = from.below(ids.size());
    const std::string key = fmt::format("user-{}", which);
    if (by_key) {
      request.name = "counter";
      request.key = key;
    } else {
      request.id = ids[which];
    }
    store->load(request);
    if (!request.found) state.SkipWithError("a load found nothing");
  }
  state.SetItemsProcessed(state.iterations());
}

// -- what one would write by hand ------------------------------------------------------------------------------------

class plain_sqlite {
 public:
  explicit plain_sqlite(const std::string& path, const char* synchronous) {
    sqlite3_open(path.c_str(), &handle_);
    run("PRAGMA journal_mode = WAL");
    run(synchronous);
    run("CREATE TABLE actors (id BLOB PRIMARY KEY, key TEXT UNIQUE, state BLOB) WITHOUT ROWID");
    sqlite3_prepare_v2(handle_, "INSERT INTO actors VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET state = ?3", -1,
                       &upsert_, nullptr);
    sqlite3_prepare_v2(handle_, "SELECT state FROM actors WHERE id = ?1", -1, &select_, nullptr);
  }
  ~plain_sqlite() {
    sqlite3_finalize(upsert_);
    sqlite3_finalize(select_);
    sqlite3_close(handle_);
  }
  plain_sqlite(const plain_sqlite&) = delete;
  plain_sqlite& operator=(const plain_sqlite&) = delete;

  void upsert(const troupe::actor_id& id, std::string_view key, const troupe::bytes& state) {
    sqlite3_bind_blob(upsert_, 1, id.bytes().data(), 16, SQLITE_STATIC);
    sqlite3_bind_text(upsert_, 2, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
    sqlite3_bind_blob(upsert_, 3, state.data(), static_cast<int>(state.size()), SQLITE_STATIC);
    sqlite3_step(upsert_);
    sqlite3_reset(upsert_);
  }

  [[nodiscard]] bool load(const troupe::actor_id& id) {
    sqlite3_bind_blob(select_, 1, id.bytes().data(), 16, SQLITE_STATIC);
    const bool found = sqlite3_step(select_) == SQLITE_ROW;
    benchmark::DoNotOptimize(sqlite3_column_blob(select_, 0));
    sqlite3_reset(select_);
    return found;
  }

  void run(const char* sql) { sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); }

 private:
  sqlite3* handle_ = nullptr;
  sqlite3_stmt* upsert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
};

std::vector<troupe::actor_id> populate_plain(plain_sqlite& database, source& from) {
  std::vector<troupe::actor_id> ids;
  troupe::bytes row;
  database.run("BEGIN");
  while (ids.size() < rows_stored) {
    const std::string key = fmt::format("user-{}", ids.size());
    from.fill(row);
    database.upsert(ids.emplace_back(from.next_id()), key, row);
  }
  database.run("COMMIT");
  return ids;
}

void plain_rows(benchmark::State& state, const char* synchronous, bool creating) {
  const directory where;
  plain_sqlite database{where.file(), synchronous};
  source from;
  std::vector<troupe::actor_id> ids;
  if (!creating) ids = populate_plain(database, from);
  batch changes{static_cast<std::size_t>(state.range(0))};
  for (auto _ : state) {
    state.PauseTiming();
    if (creating) changes.create(from, ids);
    if (!creating) changes.update(from, ids);
    state.ResumeTiming();
    database.run("BEGIN IMMEDIATE");
    for (std::size_t at = 0; at != changes.states.size(); ++at) {
      database.upsert(changes.request.writes[at].id, changes.keys[at], changes.states[at]);
    }
    database.run("COMMIT");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void plain_load(benchmark::State& state) {
  const directory where;
  plain_sqlite database{where.file(), "PRAGMA synchronous = FULL"};
  source from;
  const std::vector<troupe::actor_id> ids = populate_plain(database, from);
  for (auto _ : state) {
    if (!database.load(ids[from.below(ids.size())])) state.SkipWithError("a load found nothing");
  }
  state.SetItemsProcessed(state.iterations());
}

template <troupe::synchronous Synchronous>
void troupe_create(benchmark::State& state) {
  const directory where;
  create_rows(state, sqlite_at(where, Synchronous));
}

template <troupe::synchronous Synchronous>
void troupe_update(benchmark::State& state) {
  const directory where;
  update_rows(state, sqlite_at(where, Synchronous));
}

template <troupe::synchronous Synchronous, bool IsDue>
void troupe_put_parts(benchmark::State& state) {
  const directory where;
  put_rows_of_parts(state, sqlite_at(where, Synchronous), IsDue);
}

template <bool ByKey>
void troupe_load(benchmark::State& state) {
  const directory where;
  load_rows(state, sqlite_at(where, troupe::synchronous::full), ByKey);
}

void sizes(benchmark::internal::Benchmark* b) { b->Arg(1)->Arg(64)->Arg(1024)->Arg(4096)->UseRealTime()->MinTime(0.5); }

constexpr auto full = troupe::synchronous::full;
constexpr auto normal = troupe::synchronous::normal;
constexpr const char* plain_full = "PRAGMA synchronous = FULL";

}  // namespace

BENCHMARK(troupe_create<full>)->Name("create/full")->Apply(sizes);
BENCHMARK_CAPTURE(plain_rows, full, plain_full, true)->Name("create/full/plain")->Apply(sizes);
BENCHMARK(troupe_create<normal>)->Name("create/normal")->Apply(sizes);
BENCHMARK(troupe_update<full>)->Name("update/full")->Apply(sizes);
BENCHMARK_CAPTURE(plain_rows, full, plain_full, false)->Name("update/full/plain")->Apply(sizes);
BENCHMARK(troupe_update<normal>)->Name("update/normal")->Apply(sizes);
BENCHMARK_CAPTURE(update_rows, memory, troupe::memory{})->Name("update/memory")->Apply(sizes);
BENCHMARK(troupe_put_parts<full, false>)->Name("parts/full")->Apply(sizes);
BENCHMARK(troupe_put_parts<normal, false>)->Name("parts/normal")->Apply(sizes);
BENCHMARK(troupe_put_parts<normal, true>)->Name("parts/normal/due")->Apply(sizes);
BENCHMARK_CAPTURE(put_rows_of_parts, memory, troupe::memory{}, false)->Name("parts/memory")->Apply(sizes);
BENCHMARK_CAPTURE(list_rows_of_parts, one, 1)->Name("parts/row")->Arg(100)->Arg(1'000'000);
BENCHMARK_CAPTURE(list_rows_of_parts, page, 100)->Name("parts/page")->Arg(1000)->Arg(1'000'000);
BENCHMARK(troupe_load<false>)->Name("load/id");
BENCHMARK(troupe_load<true>)->Name("load/key");
BENCHMARK(plain_load)->Name("load/id/plain");

BENCHMARK_MAIN();
