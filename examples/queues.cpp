// SPDX-License-Identifier: Apache-2.0
// Durable work: orders wait in a queue until the warehouse handles them, one by one. Use a queue where the sender need
// not wait for the work, or where a failure shall be tried again; call an action where the caller needs the answer now.

#include <troupe/troupe.hpp>

#include "support.hpp"

using namespace std::chrono_literals;

// [warehouse]
struct order {
  std::string item;
  int count = 0;
};

struct parcel {
  int number = 0;
  std::string label;
};

struct warehouse {
  static constexpr troupe::queue<"orders", order, parcel> orders{{.attempts_max = 3, .retry_min = 1ms}};

  std::map<std::string, int> stock;
  int parcels = 0;

  void deliver(std::string item, int count) { stock[item] += count; }
  int packed() const { return parcels; }
  std::size_t failed(troupe::context<warehouse>& c) { return c.queue().size(orders.dead_letters()); }

  // Gets each order by itself. The value answers send_and_wait. An order that throws comes again later, and no other
  // order waits for it.
  parcel on_order(const order& o) {
    if (stock[o.item] < o.count) throw std::runtime_error{"not enough of " + o.item};
    stock[o.item] -= o.count;
    return {++parcels, o.item};
  }

  using actor = troupe::actor<warehouse, troupe::consumes<orders, &warehouse::on_order>, &warehouse::deliver,
                              &warehouse::packed, &warehouse::failed>;
};
// [/warehouse]

// [shop]
// Taking the money and sending the order are one turn: both are durable together, or neither is.
struct shop {
  int earned = 0;

  troupe::task<> buy(troupe::context<shop>& c, std::string item, int count) {
    earned += count * 10;
    auto w = c.client().get_or_create<warehouse>("main");
    const order wanted{item, count};
    co_await w.send(warehouse::orders, wanted);  // ends no turn
  }
  int till() const { return earned; }

  using actor = troupe::actor<shop, &shop::buy, &shop::till>;
};
// [/shop]

troupe::task<> trade(const troupe::client& client) {
  auto main = client.get_or_create<warehouse>("main");
  co_await main.call<&warehouse::deliver>("apples", 5);

  // [send]
  co_await main.send(warehouse::orders, "apples", 2);                    // an order's members; durable when this returns
  const order apples{"apples", 2};
  auto packed = co_await main.send_and_wait(warehouse::orders, apples);  // handled when this returns
  check(packed.has_value() && packed->label == "apples" && packed->number == 2);
  // [/send]

  auto corner = client.get_or_create<shop>("corner");
  co_await corner.call<&shop::buy>("apples", 1);

  // An order that cannot be packed is tried three times, then becomes a dead letter.
  const order pears{"pears", 1};
  bool gave_up = false;
  try {
    co_await main.send_and_wait(warehouse::orders, pears);
  } catch (const troupe::error& e) {
    gave_up = e.is(troupe::errc::queue_dead_letter);
  }
  check(gave_up);
  check(co_await main.call<&warehouse::failed>() == 1);
  check(co_await main.call<&warehouse::packed>() == 3);
  check(co_await corner.call<&shop::till>() == 10);
}

int main() {
  troupe::registry registry;
  registry.use<warehouse>("warehouse");
  registry.use<shop>("shop");

  const temporary_folder folder;
  troupe::runtime_options options{.store = troupe::sqlite{folder / "shop.db"}};
  options.on_error = [](const std::exception_ptr&, std::string_view) {};  // the pears: here it is no news
  troupe::runtime runtime{registry, std::move(options)};
  runtime.run(trade(runtime.client()));
  return 0;
}
