#include "core.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/text_of.hpp"
#include "store_limits.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

std::shared_ptr<executor> executor_of(const runtime_options& options) {
  return options.executor ? options.executor : std::make_shared<thread_pool>(options.threads);
}

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

runtime_core::runtime_core(const registry& served, runtime_options options, const parts& others)
    : options_{std::move(options)},
      definitions_{served.definitions()},
      executor_{executor_of(options_)},
      random_{options_.random ? options_.random : std::make_shared<system_random>()},
      store_{options_.store()},
      parts_{others} {
  for (const auto& each : definitions_) check_fits_store(*each, store_->value_bytes_max());
}

std::chrono::nanoseconds runtime_core::least_long_turn() const noexcept {
  std::chrono::nanoseconds least = troupe::never;
  for (const auto& d : definitions_) least = std::min(least, d->options.long_turn);
  return least;
}

const definition& runtime_core::find(const void* type) const {
  for (const auto& d : definitions_) {
    if (d->type == type) return *d;
  }
  throw error(errc::not_registered, fmt::format("the struct {0}; add registry.use<{0}>(\"name\")",
                                                *static_cast<const std::string_view*>(type)));
}

const definition* runtime_core::find(std::string_view name) const noexcept {
  for (const auto& d : definitions_) {
    if (d->name == name) return d.get();
  }
  return nullptr;
}

std::vector<std::string_view> runtime_core::names() const {
  std::vector<std::string_view> all;
  all.reserve(definitions_.size());
  for (const auto& d : definitions_) all.emplace_back(d->name);
  return all;
}

void runtime_core::refuse_stopped() const {
  if (!forked()) throw error(errc::runtime_stopped, killed_by_);
  throw error(errc::runtime_stopped,
              "this process was forked from the one that runs it; make a runtime of its own after the fork");
}

// --- reports --------------------------------------------------------------------------------------------------------

void runtime_core::report(const std::exception_ptr& failure, std::string_view where) noexcept {
  if (killed_) return;
  errors_.fetch_add(1, std::memory_order_relaxed);
  if (!options_.on_error) return log(log_level::error, fmt::format("{}: {}", where, text_of(failure)));
  const telling host{report_mutex_, reporting_};
  options_.on_error(failure, where);
}

void runtime_core::log(log_level level, std::string_view line) noexcept {
  const telling host{report_mutex_, reporting_};
  options_.logger ? options_.logger(level, line) : log_to_stderr(level, line);
}

bool runtime_core::is_reporting() const noexcept {
  return reporting_.load(std::memory_order_relaxed) == &this_thread();
}

// --- busy and idle --------------------------------------------------------------------------------------------------

void runtime_core::leave_busy() noexcept {
  auto before = busy_.load(std::memory_order_relaxed);
  while (before > 1) {
    if (busy_.compare_exchange_weak(before, before - 1, std::memory_order_acq_rel)) return;
  }
  // Under the lock, so that shutdown does not see the last one leave before it has left.
  const std::lock_guard lock{idle_mutex_};
  busy_.fetch_sub(1, std::memory_order_acq_rel);
  idle_.notify_all();
}

void runtime_core::notify() noexcept {
  const std::lock_guard lock{idle_mutex_};
  idle_.notify_all();
}

runtime_core::limit runtime_core::limit_in(std::chrono::nanoseconds duration) const noexcept {
  return {moment_after(executor_->now(), duration), moment_after(std::chrono::steady_clock::now(), duration)};
}

bool runtime_core::wait_until(const std::function<bool()>& done, limit until) {
  constexpr std::chrono::milliseconds look_round{20};
  for (;;) {
    {
      std::unique_lock lock{idle_mutex_};
      if (done()) return true;
      if (executor_->now() >= until.by_executor || std::chrono::steady_clock::now() >= until.by_machine) return false;
    }
    if (executor_->help(look_round)) {
      if (executor_->exhausted()) return done();
      continue;
    }
    std::unique_lock lock{idle_mutex_};
    idle_.wait_for(lock, look_round, done);
  }
}

// --- end ------------------------------------------------------------------------------------------------------------

void runtime_core::close() noexcept {
  if (!options_.executor) executor_->stop();
  store_->close();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
