// SPDX-License-Identifier: Apache-2.0
// Four people who owe each other money all the time, and a bank that is closed in the middle of it.
// tests/bank has a thousand accounts, and a bank that is killed two hundred times.

#include "bank.hpp"

#include <array>
#include <chrono>
#include <map>
#include <random>

#include "../support.hpp"

namespace {

using namespace std::chrono_literals;
using bank::account;
using bank::money;

constexpr std::array<const char*, 4> customers{"ada", "bert", "cleo", "dora"};
constexpr money opening = 100;

troupe::task<> open_accounts(troupe::client client) {
  for (const char* name : customers) {
    co_await client.create<account>(name, opening);
  }
}

// [transfer]
troupe::task<bool> transfer(troupe::client client, const char* from, bank::order o) {
  const auto payer = client.get<account>(from);
  const auto paid = co_await payer.send_and_wait(account::orders, o);  // on disk: it has left, and will arrive
  co_return paid.value_or(false);
}
// [/transfer]

// [order]
troupe::task<> order_at_random(troupe::client client, std::uint64_t seed, int count) {
  std::mt19937_64 random{seed};
  for (int i = 0; i < count; ++i) {
    const auto payer = client.get<account>(customers[random() % customers.size()]);
    const bank::order o{seed * 1'000 + static_cast<std::uint64_t>(i), customers[random() % customers.size()],
                        static_cast<money>(1 + random() % 60)};
    co_await payer.send(account::orders, o);  // on disk: it will be executed, some time
  }
}
// [/order]

// [total]
using reports = std::map<std::string, bank::report>;

troupe::task<reports> read_all(troupe::client client) {
  reports all;
  for (const char* name : customers) {
    const auto one = client.get<account>(name);
    all[name] = co_await one.call<&account::read>();
  }
  co_return all;
}

// Once nothing waits in queues, what misses from the total is on its way.
troupe::task<reports> wait_for_rest(troupe::client client) {
  for (;;) {
    auto all = co_await read_all(client);
    money total = 0;
    std::size_t waiting = 0;
    for (const auto& [name, each] : all) {
      total += each.balance;
      waiting += each.waiting;
    }
    if (waiting == 0 && total == opening * static_cast<money>(customers.size())) co_return all;
    co_await troupe::delay(1ms);
  }
}
// [/total]

}  // namespace

int main() {
  troupe::registry registry;
  registry.use<account>("account");
  const temporary_folder folder;
  const auto file = folder / "bank.db";
  constexpr int orders_each = 50;
  {
    troupe::runtime runtime{registry, {.store = troupe::sqlite{file}}};
    const auto client = runtime.client();
    runtime.run(open_accounts(client));
    check(runtime.run(transfer(client, "ada", {1, "bert", 70})));
    check(!runtime.run(transfer(client, "ada", {2, "cleo", 70})));  // not covered
    runtime.run(troupe::when_all(order_at_random(client, 1, orders_each), order_at_random(client, 2, orders_each)));
  }  // closed, whatever is in its queues or between them

  troupe::runtime runtime{registry, {.store = troupe::sqlite{file}}};
  const auto all = runtime.run(wait_for_rest(runtime.client()));
  std::size_t executed = 0;
  std::size_t refused = 0;
  for (const auto& [name, each] : all) {
    money booked = opening;
    for (const bank::line& line : each.statement) {
      booked += line.amount;
      executed += line.amount < 0 ? 1 : 0;
    }
    refused += each.refused.size();
    check(each.balance == booked && each.balance >= 0);
    fmt::print("{:5} {:4}\n", name, each.balance);
  }
  check(executed + refused == 2 + 2 * orders_each);
  fmt::print("{} orders paid, {} refused\n", executed, refused);
  return 0;
}
