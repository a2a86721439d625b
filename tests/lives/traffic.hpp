// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <latch>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include <troupe/troupe.hpp>

#include "journal.hpp"

namespace lives {

/// One life of a program under test.
struct life {
  std::string database;
  std::uint64_t seed = 0;  ///< of the traffic
  std::string fault;       ///< see `plant`
  int journal = -1;        ///< the end of a pipe to write to
  int leash = -1;          ///< the end of a pipe to read from: when it closes, the life ends by itself
};

/// One of those that make the traffic. Its steps follow from the life's seed and its number.
struct worker {
  worker(std::size_t n, std::uint64_t seed) : number{n}, random{seed ^ (0x9E3779B97F4A7C15U * (n + 1))} {}
  std::size_t below(std::size_t limit) { return random() % limit; }

  std::size_t number;
  std::mt19937_64 random;
};

/// A runtime, and workers that take one step after the other until the life ends: the first ones on threads of the host,
/// the others as coroutines.
template <class Worker, class Journal>
class traffic {
 public:
  using what = typename Journal::what;

  traffic(const traffic&) = delete;
  traffic& operator=(const traffic&) = delete;

  /// Returns the exit status of the process, if that lives so long.
  int run() {
    journal_.say(what::ready);
    std::vector<std::jthread> host;
    for (std::size_t i = 0; i < threads_; ++i) {
      host.emplace_back([this, i] { work_on_thread(i); });
    }
    for (std::size_t i = threads_; i < workers_; ++i) runtime_.spawn(work_in_coroutine(i));
    char nothing = 0;
    while (::read(leash_, &nothing, 1) > 0) {
    }
    stopping_ = true;
    ended_.wait();
    host.clear();
    runtime_.shutdown();
    journal_.say(what::finished);
    return 0;
  }

 protected:
  struct crew {
    std::size_t workers = 0;
    std::size_t threads = 0;  ///< workers below this number have a thread
  };

  traffic(const life& how, const troupe::registry& served, troupe::store_factory store, crew size)
      : seed_{how.seed},
        leash_{how.leash},
        threads_{size.threads},
        workers_{size.workers},
        journal_{how.journal},
        ended_{static_cast<std::ptrdiff_t>(size.workers)},
        runtime_{served,
                 {.store = std::move(store),
                  .threads = 2,
                  .on_error = [this](const std::exception_ptr& e, std::string_view where) { hear_error(e, where); }}},
        client_{runtime_.client()} {}
  ~traffic() = default;

  [[nodiscard]] bool has_thread(const Worker& w) const noexcept { return w.number < threads_; }

  virtual troupe::task<> step(Worker& me) = 0;
  virtual void step_on_thread(Worker& me) { step(me).get(); }
  /// Whether the workers have nothing to do in this life.
  [[nodiscard]] virtual bool is_quiet() const noexcept { return false; }

 private:
  void work_on_thread(std::size_t number) {
    Worker me{number, seed_};
    try {
      while (!stopping_ && !is_quiet()) step_on_thread(me);
    } catch (const std::exception& e) {
      journal_.complain(fmt::format("worker {}: {}", number, e.what()));
    }
    ended_.count_down();
  }

  troupe::task<> work_in_coroutine(std::size_t number) {
    Worker me{number, seed_};
    std::string complaint;
    try {
      while (!stopping_ && !is_quiet()) {
        co_await step(me);
      }
    } catch (const std::exception& e) {
      complaint = e.what();
    }
    if (!complaint.empty()) journal_.complain(fmt::format("worker {}: {}", number, complaint));
    ended_.count_down();
  }

  void hear_error(const std::exception_ptr& failure, std::string_view where) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      journal_.complain(fmt::format("{}: {}", where, e.what()));
    }
  }

  const std::uint64_t seed_;
  const int leash_;
  const std::size_t threads_;
  const std::size_t workers_;
  std::atomic<bool> stopping_{false};

 protected:
  const Journal journal_;

 private:
  std::latch ended_;
  troupe::runtime runtime_;

 protected:
  const troupe::client client_;
};

}  // namespace lives
