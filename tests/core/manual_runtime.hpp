// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include <troupe/troupe.hpp>

/// A runtime on one thread and with a clock that the test moves: everything happens in a fixed order.
class manual_runtime {
 public:
  explicit manual_runtime(const troupe::registry& served) : manual_runtime{served, troupe::runtime_options{}} {}
  manual_runtime(const troupe::registry& served, troupe::runtime_options options)
      : runtime_{served, on_one_thread(std::move(options), clock_)} {}

  troupe::runtime& operator*() noexcept { return runtime_; }
  troupe::runtime* operator->() noexcept { return &runtime_; }

  /// Runs everything that can run without time passing.
  void settle() {
    while (runtime_.poll() != 0) {
    }
  }
  /// Lets time pass, a second at most at a time, and runs what is due.
  void advance(std::chrono::nanoseconds by) {
    settle();
    while (by > by.zero()) {
      const auto step = std::min<std::chrono::nanoseconds>(by, std::chrono::seconds{1});
      clock_->advance(step);
      settle();
      by -= step;
    }
  }
  [[nodiscard]] const troupe::manual_clock& clock() const noexcept { return *clock_; }

 private:
  static troupe::runtime_options on_one_thread(troupe::runtime_options options,
                                               const std::shared_ptr<troupe::manual_clock>& clock) {
    troupe::manual_executor::options how;
    how.io_thread = false;
    options.executor = std::make_shared<troupe::manual_executor>(clock, how);
    return options;
  }

  std::shared_ptr<troupe::manual_clock> clock_ = std::make_shared<troupe::manual_clock>();
  troupe::runtime runtime_;
};
