// SPDX-License-Identifier: Apache-2.0
#include "runtime/world.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "loopback/client_of.hpp"

namespace behaviour {
namespace {

troupe::runtime_options with_store(troupe::store_factory store) {
  troupe::runtime_options options;
  options.store = std::move(store);
  return options;
}

}  // namespace

std::string code_of(const std::exception_ptr& failure) {
  if (!failure) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const troupe::error& e) {
    return e.group() + "." + e.code();
  } catch (const std::exception& e) {
    return e.what();
  }
}

std::string text_of(const std::exception_ptr& failure) {
  if (!failure) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  }
}

world::world(const troupe::registry& served) : world{served, troupe::runtime_options{}} {}
world::world(const troupe::registry& served, troupe::store_factory store)
    : world{served, with_store(std::move(store))} {}
world::world(const troupe::registry& served, troupe::runtime_options options)
    : runtime{served, complete(std::move(options))}, client{client_of(runtime)} {}
world::~world() = default;

void world::settle() {
  while (runtime.poll() != 0) {
  }
}

void world::pass(std::chrono::nanoseconds duration) {
  const auto end = clock->now() + duration;
  for (settle(); clock->now() < end; settle()) {
    const auto next = std::max(executor->next_deadline(), clock->now() + 1ms);
    clock->advance(std::min(next, end) - clock->now());
  }
}

troupe::runtime_options world::complete(troupe::runtime_options options) {
  options.executor = executor;
  options.on_error = [this](const std::exception_ptr& failure, std::string_view where) {
    errors.push_back(std::string{where} + ": " + code_of(failure));
  };
  options.logger = [this](troupe::log_level, std::string_view line) { log.emplace_back(line); };
  return options;
}

}  // namespace behaviour
