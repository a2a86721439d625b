// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <troupe/troupe.hpp>

#include "resident.hpp"

/// \file
/// What the benchmarks of actors share. Times are wall clock throughout: work moves between threads.

namespace bench {

/// An actor with next to nothing in it, so that what is measured is ours.
struct tally {
  std::int64_t count = 0;

  std::int64_t add(std::int64_t by) { return count += by; }
  std::int64_t value() const { return count; }
  troupe::task<std::int64_t> add_later(std::int64_t by) { co_return count += by; }
  void doze(troupe::context<tally>& c) { c.sleep(); }

  using actor = troupe::actor<tally, &tally::add, &tally::value, &tally::add_later, &tally::doze>;
};

/// A folder that goes when it does.
class directory {
 public:
  directory() : path_{std::filesystem::temp_directory_path() / fmt::format("troupe-bench-{}", std::random_device{}())} {
    std::filesystem::create_directory(path_);
  }
  ~directory() { std::filesystem::remove_all(path_); }
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;
  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Actors never sleep by themselves here, so that no timer of theirs runs beside what is measured.
inline troupe::use_options with(troupe::durability durability) {
  troupe::use_options how;
  how.options = troupe::options{.sleep_after = troupe::never, .durability = durability};
  return how;
}

inline std::string key_of(std::size_t index) { return fmt::format("user-{}", index); }

/// A runtime with tallies in it, all awake and held.
class tallies {
 public:
  tallies(troupe::durability durability, std::size_t count, troupe::store_factory store = troupe::memory{},
          unsigned threads = 0)
      : runtime{registry_of(durability), {.store = std::move(store), .threads = threads}} {
    handles.reserve(count);
    for (std::size_t i = 0; i != count; ++i) handles.push_back(runtime.client().get_or_create<tally>(key_of(i)));
    runtime.run(wake());
  }

  [[nodiscard]] const troupe::handle<tally>& next() noexcept {
    at_ = at_ + 1 == handles.size() ? 0 : at_ + 1;
    return handles[at_];
  }

  troupe::runtime runtime;
  std::vector<troupe::handle<tally>> handles;

 private:
  static troupe::registry registry_of(troupe::durability durability) {
    troupe::registry registry;
    registry.use<tally>("tally", with(durability));
    return registry;
  }
  troupe::task<> wake() {
    for (auto& h : handles) {
      const auto value = co_await h.call<&tally::value>();
      benchmark::DoNotOptimize(value);
    }
  }

  std::size_t at_ = 0;
};

/// Counts what arrives, on whatever threads, and lets one thread wait for it.
class arrivals {
 public:
  void add() noexcept {
    if (count_.fetch_add(1, std::memory_order_acq_rel) + 1 != wanted_.load(std::memory_order_acquire)) return;
    const std::lock_guard lock{mutex_};
    all_.notify_one();
  }
  void expect(std::int64_t more) noexcept { wanted_.fetch_add(more); }
  void wait() {
    std::unique_lock lock{mutex_};
    all_.wait(lock, [this] { return count_.load(std::memory_order_acquire) >= wanted_.load(); });
  }

 private:
  std::atomic<std::int64_t> count_{0};
  std::atomic<std::int64_t> wanted_{0};
  std::mutex mutex_;
  std::condition_variable all_;
};

}  // namespace bench
