// SPDX-License-Identifier: Apache-2.0
#include "core.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "store_limits.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

std::shared_ptr<executor> executor_of(const runtime_options& options) {
  return options.executor ? options.executor : std::make_shared<thread_pool>(options.threads);
}

// Before the store is opened: a program that lacks something leaves no trace.
const std::vector<std::shared_ptr<const definition>>& with_services(const registry& served,
                                                                    const runtime_options& options) {
  for (const auto& each : served.definitions()) require_services(*each, options.services);
  return served.definitions();
}

}  // namespace

runtime_core::runtime_core(const registry& served, runtime_options options, const parts& others)
    : runtime_core{executor_of(options), served, std::move(options), others} {}

runtime_core::runtime_core(const std::shared_ptr<executor>& exec, const registry& served, runtime_options&& options,
                           const parts& others)
    : transport{*exec, this, options.observer && options.observer->wants_turns()},
      parts_{others},
      options_{std::move(options)},
      definitions_{with_services(served, options_)},
      executor_{exec},
      random_{options_.random ? options_.random : std::make_shared<system_random>()},
      store_{options_.store()} {
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

void runtime_core::report(const std::exception_ptr& failure, std::string_view where) noexcept {
  if (!killed_) reporter_.report(failure, where);
}

void runtime_core::close() noexcept {
  if (!options_.executor) executor_->stop();
  store_->close();
  if (is_busy()) {  // code that nothing could end may use them, as long as the process lives
    keep_for_ever(std::make_shared<troupe::services>(options_.services));
  } else {
    options_.services = {};
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
