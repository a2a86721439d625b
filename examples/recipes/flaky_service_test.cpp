// SPDX-License-Identifier: Apache-2.0
// A service outside that fails, is slow, and whose answers get lost. The request is a message: it is durable before the
// service hears of it, its queue tries again with a back-off, and its id lets the service know it when it comes again.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>
#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

namespace {

using namespace std::chrono_literals;
using troupe::testing::simulation;

// [api]
/// The service, as the program knows it. The real one is a client of HTTP, which blocks its thread.
class payment_api {
 public:
  virtual ~payment_api() = default;
  /// Charges once for each id, however often it is asked, and gives the same receipt. Throws when it does not answer:
  /// then it may have charged, or not.
  virtual std::string charge(const std::string& id, int cents) = 0;
};
// [/api]

// [billing]
struct invoice {
  std::string id;  // chosen by the sender, once: an invoice that is sent again has the same
  int cents = 0;
};

struct billing {
  static constexpr troupe::queue<"invoices", invoice, std::string> invoices{
      {.attempts_max = 20, .retry_min = 1s, .retry_max = 5min, .concurrency = 8}};

  std::map<std::string, std::string> receipts;

  troupe::task<std::string> on_invoice(troupe::context<billing>& c, invoice i) {
    if (const auto known = receipts.find(i.id); known != receipts.end()) co_return known->second;
    co_await c.save();  // no charge for an invoice that a crash could still undo
    auto& api = c.service<payment_api>();
    std::string receipt = co_await troupe::blocking(&payment_api::charge, std::ref(api), i.id, i.cents);
    receipts[i.id] = receipt;
    co_return receipt;
  }

  using actor = troupe::actor<billing, troupe::consumes<invoices, &billing::on_invoice>, troupe::needs<payment_api>>;
};
// [/billing]

const troupe::registry program = troupe::registry{}.use<billing>("billing");

// [fake]
class flaky_payments final : public payment_api {
 public:
  std::function<bool()> fails = [] { return false; };
  std::map<std::string, int> charged;
  int requests = 0;

  std::string charge(const std::string& id, int cents) override {
    ++requests;
    if (fails()) throw std::runtime_error{"503"};
    charged.emplace(id, cents);
    if (fails()) throw std::runtime_error{"the connection was reset"};  // charged, and nobody hears of it
    return "receipt of " + id;
  }
};
// [/fake]

troupe::testing::simulation_options with(flaky_payments& service, std::uint64_t seed,
                                         const troupe::testing::faults& faults) {
  troupe::testing::simulation_options options;
  options.seed = seed;
  options.faults = faults;
  options.runtime.services.provide<payment_api>(std::ref(service));
  return options;
}

troupe::handle<billing> ours(simulation& sim) { return sim.client().get_or_create<billing>("ours"); }

}  // namespace

TEST_CASE("a service that does not answer is asked again later, and less and less often") {
  flaky_payments service;
  service.fails = [&] { return service.requests <= 4; };
  simulation sim{program, with(service, 1, {})};
  sim.run(ours(sim).send(billing::invoices, invoice{"i-1", 500}));
  sim.advance(20s);
  CHECK(service.requests == 5);  // at once, and about 1, 3, 7 and 15 s later
  CHECK(service.charged == std::map<std::string, int>{{"i-1", 500}});
  CHECK(sim.stored(ours(sim))->receipts.at("i-1") == "receipt of i-1");
}

TEST_CASE("an invoice that is sent again is charged once") {
  flaky_payments service;
  simulation sim{program, with(service, 1, {})};
  for (int i = 0; i < 2; ++i) {
    CHECK(sim.run(ours(sim).send_and_wait(billing::invoices, invoice{"i-1", 500})) == "receipt of i-1");
  }
  CHECK(service.requests == 1);
}

// [test]
TEST_CASE("whatever fails, what was accepted is charged, and what was charged has its receipt") {
  constexpr troupe::testing::faults bad_day{
      .crash = {.probability = 0.02},
      .crash_before_commit = {.probability = 0.05},
      .crash_after_commit = {.probability = 0.05},
  };
  troupe::testing::for_each_seed(100, [&](std::uint64_t seed) {
    flaky_payments service;
    simulation sim{program, with(service, seed, bad_day)};
    service.fails = [&sim] { return sim.random().chance(0.3); };
    std::set<std::string> accepted;
    for (int i = 0; i < 10; ++i) {
      const invoice each{"i-" + std::to_string(i), 100 + i};
      try {
        sim.run(ours(sim).send(billing::invoices, each));
        accepted.insert(each.id);
      } catch (const troupe::error&) {  // the outcome is open
      }
    }
    sim.heal();
    sim.advance(24h);

    const auto receipts = sim.stored(ours(sim)).value().receipts;
    for (const auto& id : accepted) REQUIRE(receipts.contains(id));
    for (const auto& [id, cents] : service.charged) REQUIRE(receipts.contains(id));
    for (const auto& [id, receipt] : receipts) REQUIRE(receipt == "receipt of " + id);
    REQUIRE(service.charged.size() == receipts.size());
    sim.finish();
  });
}
// [/test]
