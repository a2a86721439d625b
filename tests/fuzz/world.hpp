// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include <troupe/troupe.hpp>

#include "fuzz.hpp"

namespace fuzz {

/// The same numbers in every run.
class counted final : public troupe::random_source {
 public:
  [[nodiscard]] std::uint64_t next() noexcept override { return state_ += 0x9E3779B97F4A7C15ULL; }

 private:
  std::uint64_t state_ = 0;
};

/// A runtime on one thread and virtual time, which says nothing. What it did is a function of its calls.
class world {
 public:
  world(const troupe::registry& served, troupe::store_factory store) : runtime{served, options(std::move(store))} {}

  /// Lets time pass, in steps, so that what waits for one another finds it.
  void advance(std::chrono::nanoseconds by) {
    for (int step = 0; step < 4; ++step) {
      clock_->advance(by / 4);
      settle();
    }
  }
  /// Runs what is ready. It has to come to an end: a timer that rings for ever at one moment is a busy loop.
  void settle() {
    for (int rounds = 0; runtime.poll() != 0; ++rounds) check(rounds < 1'000, "the runtime comes to rest");
  }

 private:
  troupe::runtime_options options(troupe::store_factory store) {
    const auto executor = std::make_shared<troupe::manual_executor>(
        clock_, troupe::manual_executor::options{.io_thread = false});
    troupe::runtime_options o;
    o.store = std::move(store);
    o.executor = executor;
    o.random = std::make_shared<counted>();
    o.on_error = [](const std::exception_ptr&, std::string_view) {};
    o.logger = [](troupe::log_level, std::string_view) {};
    return o;
  }

  std::shared_ptr<troupe::manual_clock> clock_ = std::make_shared<troupe::manual_clock>();

 public:
  troupe::runtime runtime;
};

}  // namespace fuzz
