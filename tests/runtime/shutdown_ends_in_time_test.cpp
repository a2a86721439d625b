// SPDX-License-Identifier: Apache-2.0
// Whatever does not end, a shutdown does: within its limit. What is not saved by then is lost, and the log says so.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "gated_store.hpp"
#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

// Shows a later time whenever it is asked: time passes without anybody waiting for it.
class impatient_clock final : public troupe::clock {
 public:
  [[nodiscard]] troupe::time_point now() const noexcept override {
    const std::chrono::nanoseconds step = 100ms;
    return troupe::time_point{std::chrono::nanoseconds{elapsed_.fetch_add(step.count()) + step.count()}};
  }
  [[nodiscard]] troupe::wall_time wall() const noexcept override {
    const std::chrono::nanoseconds since{elapsed_.load()};
    return troupe::wall_time{1'767'225'600'000ms} + std::chrono::floor<std::chrono::milliseconds>(since);
  }
  [[nodiscard]] bool runs_by_itself() const noexcept override { return false; }

 private:
  mutable std::atomic<std::int64_t> elapsed_{1};
};

troupe::task<> last_long() { co_await troupe::delay(24h * 365); }

struct clerk {
  int count = 0;
  int increment() { return ++count; }
  using actor = troupe::actor<clerk, &clerk::increment>;
};

// Saved only when it sleeps, which its task keeps it from.
struct tireless {
  int count = 0;
  int begin(troupe::context<tireless>& c) {
    c.keep_awake(last_long());
    return ++count;
  }
  static constexpr troupe::options options{.sleep_grace_period = troupe::never,
                                           .durability = troupe::durability::relaxed,
                                           .save_interval = 24h * 365,
                                           .action_timeout = troupe::never};
  using actor = troupe::actor<tireless, &tireless::begin>;
};

struct fixture {
  template <class Clock>
  troupe::runtime& start(std::shared_ptr<Clock> clock, troupe::runtime_options options = {}) {
    options.store = store;
    options.executor =
        std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
    options.logger = [this](troupe::log_level, std::string_view line) { log.emplace_back(line); };
    options.on_error = [](const std::exception_ptr&, std::string_view) {};
    troupe::registry r;
    r.use<clerk>("clerk").use<tireless>("tireless");
    return runtime.emplace(r, options);
  }
  // What a shutdown takes by the runtime's clock.
  std::chrono::nanoseconds shutdown(const troupe::clock& clock) {
    const auto before = clock.now();
    runtime->shutdown();
    return clock.now() - before;
  }
  [[nodiscard]] bool says_what_is_lost() const {
    return std::ranges::any_of(log, [](const std::string& line) { return line.find("is lost") != std::string::npos; });
  }

  gated_store store;
  std::vector<std::string> log;
  std::optional<troupe::runtime> runtime;
};

constexpr auto looks = 3s;  // what it takes to look at such a clock a few times

}  // namespace

TEST_CASE_METHOD(fixture, "a store that is full holds a shutdown up for the limit, and no longer") {
  const auto clock = std::make_shared<impatient_clock>();
  troupe::runtime_options options;
  const bool is_default = GENERATE(true, false);
  if (!is_default) options.shutdown_limit = 8s;
  auto& r = start(clock, options);
  store.fail(troupe::errc::store_full);
  client_of(r).get_or_create<clerk>("c").post<&clerk::increment>();
  while (r.poll() != 0) {
  }
  const auto taken = shutdown(*clock);
  CHECK(taken >= options.shutdown_limit);
  CHECK(taken <= options.shutdown_limit + troupe::shutdown_overrun_max + looks);
  CHECK(says_what_is_lost());
  CHECK(store.durable().empty());
}

TEST_CASE_METHOD(fixture, "one that has room again in time loses nothing") {
  const auto clock = std::make_shared<impatient_clock>();
  auto& r = start(clock);
  store.fail(troupe::errc::store_full);
  client_of(r).get_or_create<clerk>("c").post<&clerk::increment>();
  while (r.poll() != 0) {
  }
  store.heal();  // in time
  shutdown(*clock);
  CHECK_FALSE(says_what_is_lost());
  CHECK(store.durable().size() == 1);
}

TEST_CASE_METHOD(fixture, "where time stands still, the limit is that of the machine's clock") {
  troupe::runtime_options options;
  options.shutdown_limit = 50ms;
  auto& r = start(std::make_shared<troupe::manual_clock>(), options);
  store.fail(troupe::errc::store_full);
  client_of(r).get_or_create<clerk>("c").post<&clerk::increment>();
  while (r.poll() != 0) {
  }
  const auto before = std::chrono::steady_clock::now();
  r.shutdown();
  CHECK(std::chrono::steady_clock::now() - before < 20s);
  CHECK(says_what_is_lost());
}

TEST_CASE_METHOD(fixture, "an actor that does not end is interrupted while there is time to save it") {
  const auto clock = std::make_shared<impatient_clock>();
  auto& r = start(clock);
  CHECK(r.run(client_of(r).get_or_create<tireless>("t").call<&tireless::begin>()) == 1);
  const auto taken = shutdown(*clock);
  CHECK(taken < troupe::runtime_options{}.shutdown_limit);
  CHECK_FALSE(says_what_is_lost());
  REQUIRE(store.durable().size() == 1);
  CHECK(troupe::decode<tireless>(store.durable().begin()->second.state).count == 1);
}

TEST_CASE_METHOD(fixture, "a spawned task that does not end is cut off, and told so") {
  const auto clock = std::make_shared<impatient_clock>();
  auto& r = start(clock);
  std::string ended;
  r.spawn([](std::string& end) -> troupe::task<> {
    try {
      co_await last_long();
    } catch (const troupe::error& e) {
      end = e.code();
    }
  }(ended));
  while (r.poll() != 0) {
  }
  const auto taken = shutdown(*clock);
  CHECK(taken <= troupe::runtime_options{}.shutdown_limit + troupe::shutdown_overrun_max + looks);
  CHECK(ended == "aborted");
  CHECK(says_what_is_lost());
}
