// SPDX-License-Identifier: Apache-2.0
// In a simulation the program gives fakes as its services. They are the outside: no crash of the program ends them.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include <catch2/catch.hpp>
#include <troupe/testing.hpp>

using namespace std::chrono_literals;
using troupe::testing::simulation;

namespace {

class bank_api {
 public:
  bank_api() = default;
  bank_api(const bank_api&) = delete;
  bank_api& operator=(const bank_api&) = delete;
  virtual ~bank_api() = default;
  /// One transfer for each order, however often it is asked for.
  virtual void transfer(const std::string& order, int amount) = 0;
};

class fake_bank final : public bank_api {
 public:
  void transfer(const std::string& order, int amount) override {
    ++requests;
    transfers.emplace(order, amount);
  }
  std::map<std::string, int> transfers;
  int requests = 0;
};

struct payer {
  static constexpr troupe::queue<"orders", std::string> orders{};

  int paid = 0;

  troupe::task<> on_order(troupe::context<payer>& c, std::string order) {
    co_await c.save();  // the order is durable before the bank hears of it
    c.service<bank_api>().transfer(order, 10);
    paid += 10;
  }

  using actor = troupe::actor<payer, troupe::consumes<orders, &payer::on_order>, troupe::needs<bank_api>>;
};

const troupe::registry program = troupe::registry{}.use<payer>("payer");

troupe::testing::simulation_options with(fake_bank& bank, std::uint64_t seed = 0) {
  troupe::testing::simulation_options options;
  options.seed = seed;
  options.runtime.services.provide<bank_api>(std::ref(bank));
  return options;
}

}  // namespace

TEST_CASE("a fake is the same before and after a crash, and knows what the program has forgotten") {
  fake_bank bank;
  simulation sim{program, with(bank)};
  auto a = sim.client().get_or_create<payer>("a");
  sim.run(a.send(payer::orders, "rent"));
  sim.crash_before_next_commit();  // the bank has been asked, and the actor forgets it
  sim.advance(1min);
  REQUIRE(sim.crashes() == 1);
  CHECK(bank.requests == 2);
  CHECK(bank.transfers == std::map<std::string, int>{{"rent", 10}});
  CHECK(sim.stored(sim.client().get<payer>("a"))->paid == 10);
  sim.finish();
}

TEST_CASE("a simulation without what an actor needs does not start") {
  std::string why;
  try {
    const simulation sim{program};
  } catch (const troupe::error& e) {
    why = e.what();
  }
  CHECK_THAT(why, Catch::Matchers::Contains("\"payer\"") && Catch::Matchers::Contains("bank_api"));
}

TEST_CASE("whatever crashes, each order is transferred once as the bank sees it, and all are paid") {
  constexpr troupe::testing::faults bad_day{
      .crash = {.probability = 0.02},
      .crash_before_commit = {.probability = 0.05},
      .crash_after_commit = {.probability = 0.05},
  };
  troupe::testing::for_each_seed(20, [&](std::uint64_t seed) {
    fake_bank bank;
    auto options = with(bank, seed);
    options.faults = bad_day;
    simulation sim{program, options};
    int sent = 0;
    for (int i = 0; i < 20; ++i) {
      try {
        sim.run(sim.client().get_or_create<payer>("a").send(payer::orders, "order " + std::to_string(i)));
        ++sent;
      } catch (const troupe::error&) {  // the outcome is open
      }
    }
    sim.heal();
    sim.advance(1h);
    const int paid = sim.stored(sim.client().get<payer>("a"))->paid;
    REQUIRE(paid >= sent * 10);
    REQUIRE(static_cast<std::size_t>(paid) == bank.transfers.size() * 10);
    sim.finish();
  });
}
