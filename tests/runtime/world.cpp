// SPDX-License-Identifier: Apache-2.0
#include "runtime/world.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "loopback/client_of.hpp"
#include "store/forwarding_store.hpp"

namespace behaviour {
namespace {

troupe::runtime_options with_store(troupe::store_factory store) {
  troupe::runtime_options options;
  options.store = std::move(store);
  return options;
}

/// Any store, as one that commits each actor by itself.
class apart final : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load_all(troupe::load_request& first) noexcept override { good_->load_all(first); }
  [[nodiscard]] std::size_t value_bytes_max() const noexcept override { return good_->value_bytes_max(); }
  [[nodiscard]] troupe::store_traits traits() const noexcept override {
    return {.cut = troupe::commit_cut::per_actor};
  }
};

// The suites once more on such a store: see tests/CMakeLists.txt.
bool is_cut_apart() {
  const char* const cut = std::getenv("TROUPE_TEST_CUT");
  return cut != nullptr && std::string_view{cut} == "per_actor";
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
  if (is_cut_apart()) options.store = before_each<apart>(std::move(options.store));
  options.on_error = [this](const std::exception_ptr& failure, std::string_view where) {
    errors.push_back(std::string{where} + ": " + code_of(failure));
  };
  options.logger = [this](troupe::log_level, std::string_view line) { log.emplace_back(line); };
  return options;
}

}  // namespace behaviour
