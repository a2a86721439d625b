// SPDX-License-Identifier: Apache-2.0
#include "error_reporter.hpp"

#include <cstdio>

#include <fmt/format.h>

#include <troupe/core/fiber.hpp>

#include "../core/text_of.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

void log_to_stderr(log_level level, std::string_view line) {
  if (level < log_level::warning) return;
  std::fputs(fmt::format("troupe: {}: {}\n", level == log_level::error ? "error" : "warning", line).c_str(), stderr);
}

// Marks the thread that calls a function of the host's, one at a time.
class telling {
 public:
  telling(std::mutex& m, std::atomic<const void*>& by) noexcept : lock_{m}, by_{by} {
    by_.store(&this_thread(), std::memory_order_relaxed);
  }
  telling(const telling&) = delete;
  telling& operator=(const telling&) = delete;
  ~telling() { by_.store(nullptr, std::memory_order_relaxed); }

 private:
  const std::lock_guard<std::mutex> lock_;
  std::atomic<const void*>& by_;
};

}  // namespace

void error_reporter::report(const std::exception_ptr& failure, std::string_view where) noexcept {
  errors_.fetch_add(1, std::memory_order_relaxed);
  if (!options_.on_error) return log(log_level::error, fmt::format("{}: {}", where, text_of(failure)));
  const telling host{mutex_, reporting_};
  options_.on_error(failure, where);
}

void error_reporter::log(log_level level, std::string_view line) noexcept {
  const telling host{mutex_, reporting_};
  options_.logger ? options_.logger(level, line) : log_to_stderr(level, line);
}

bool error_reporter::is_reporting() const noexcept {
  return reporting_.load(std::memory_order_relaxed) == &this_thread();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
