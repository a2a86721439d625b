// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "world.hpp"

/// \file
/// Actors whose changes go to the disk, and what one would write by hand instead. Every write changes the state,
/// because SQLite skips an overwrite with equal bytes.

namespace bench {

using std::chrono::steady_clock;

/// 120 bytes of CBOR.
struct record {
  std::uint64_t written = UINT64_MAX / 2;
  std::string text = std::string(95, 'x');

  std::uint64_t write() { return ++written; }
  std::uint64_t read() const { return written; }

  using actor = troupe::actor<record, &record::write, &record::read>;
};

// -- measuring -------------------------------------------------------------------------------------------------------

inline double seconds_between(steady_clock::time_point from, steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}
inline double seconds_since(steady_clock::time_point start) { return seconds_between(start, steady_clock::now()); }

/// Sorts `seconds`.
inline void report(benchmark::State& state, std::vector<double>& seconds) {
  std::ranges::sort(seconds);
  const auto last = static_cast<double>(seconds.size() - 1);
  const auto at = [&](double part) { return seconds[static_cast<std::size_t>(last * part)] * 1e6; };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["p999_us"] = at(0.999);
  state.counters["max_us"] = at(1);
}

// -- actors ----------------------------------------------------------------------------------------------------------

/// A runtime with records in it, each of which has a caller.
class records {
 public:
  records(troupe::durability kind, std::size_t count, troupe::store_factory store, unsigned threads = 0)
      : runtime{registry_of(kind), {.store = std::move(store), .threads = threads}} {
    const auto client = runtime.client();
    for (std::size_t i = 0; i != count; ++i) handles.push_back(client.get_or_create<record>(key_of(i)));
  }

  /// Every handle's caller writes so many times, one after the other. Returns how long all of it took.
  double write_all(int rounds, std::vector<double>& seconds) {
    seconds.resize(handles.size() * static_cast<std::size_t>(rounds));
    const auto start = steady_clock::now();
    runtime.run(all(handles, rounds, seconds.data()));
    return seconds_since(start);
  }

  /// The callers of some handles write once. Returns how long all of it took.
  double write_some(std::size_t first, std::size_t count, std::vector<double>& seconds) {
    const auto before = seconds.size();
    seconds.resize(before + count);
    const auto start = steady_clock::now();
    runtime.run(all(std::span{handles}.subspan(first, count), 1, seconds.data() + before));
    return seconds_since(start);
  }

  troupe::runtime runtime;
  std::vector<troupe::handle<record>> handles;

 private:
  static troupe::registry registry_of(troupe::durability kind) {
    troupe::registry registry;
    registry.use<record>("record", with(kind));
    return registry;
  }
  static troupe::task<> writer(const troupe::handle<record>& h, int rounds, double* seconds) {
    for (int i = 0; i != rounds; ++i) {
      const auto start = steady_clock::now();
      co_await h.call<&record::write>();
      seconds[i] = seconds_since(start);
    }
  }
  static troupe::task<> all(std::span<const troupe::handle<record>> of, int rounds, double* seconds) {
    std::vector<troupe::task<>> writers;
    for (const auto& h : of) {
      writers.push_back(writer(h, rounds, seconds));
      seconds += rounds;
    }
    co_await troupe::when_all(std::move(writers));
  }
};

// -- by hand ---------------------------------------------------------------------------------------------------------

/// A SQLite database as one would use it oneself, with one statement that is run again and again.
class database {
 public:
  database(const std::string& path, const char* schema, const char* statement) {
    check(sqlite3_open(path.c_str(), &handle_));
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    run(schema);
    check(sqlite3_prepare_v2(handle_, statement, -1, &statement_, nullptr));
  }
  ~database() {
    sqlite3_finalize(statement_);
    sqlite3_close(handle_);
  }
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  void write(const troupe::actor_id& id, troupe::bytes_view state) {
    check(sqlite3_bind_blob(statement_, 1, id.bytes().data(), 16, SQLITE_STATIC));
    check(sqlite3_bind_blob(statement_, 2, state.data(), static_cast<int>(state.size()), SQLITE_STATIC));
    check(sqlite3_step(statement_));
    check(sqlite3_reset(statement_));
  }
  void write(const troupe::actor_id& id, troupe::bytes_view state, std::string_view key) {
    check(sqlite3_bind_text(statement_, 3, key.data(), static_cast<int>(key.size()), SQLITE_STATIC));
    write(id, state);
  }
  void run(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }

 private:
  static void check(int result) {
    if (result != SQLITE_OK && result != SQLITE_DONE) throw std::runtime_error{sqlite3_errstr(result)};
  }
  sqlite3* handle_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

/// A file that only grows, and is on disk after every append.
class log_file {
 public:
  explicit log_file(const std::string& path) : file_{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)} {
    if (file_ < 0) fail("open");
  }
  ~log_file() { ::close(file_); }
  log_file(const log_file&) = delete;
  log_file& operator=(const log_file&) = delete;

  void append(troupe::bytes_view bytes) {
    if (::write(file_, bytes.data(), bytes.size()) != static_cast<::ssize_t>(bytes.size())) fail("write");
    if (::fdatasync(file_) != 0) fail("fdatasync");
  }

 private:
  [[noreturn]] static void fail(const char* what) { throw std::system_error{errno, std::generic_category(), what}; }
  int file_;
};

}  // namespace bench
