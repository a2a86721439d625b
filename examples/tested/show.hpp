// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tickets for a show. Seats that somebody reserves are held for ten minutes, and free again if they are not paid by
// then. The bank's messages about payments come through a queue.

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include <troupe/troupe.hpp>

namespace tickets {

/// The bank's message: somebody has paid for an order. It may come twice.
struct payment {
  std::string order;
};

struct held_seats {
  int seats = 0;
  troupe::wall_time until{};
};

struct show {
  static constexpr std::chrono::minutes hold_time{10};
  static constexpr std::chrono::seconds tick{10};
  static constexpr troupe::event<"seatsLeft", int> seats_left{};
  static constexpr troupe::queue<"payments", payment> payments{{.attempts_max = 3}};
  // Awake for longer than seats are held, so that they become free on time.
  static constexpr troupe::options options{.sleep_after = std::chrono::minutes{15}};

  int free = 0;
  std::map<std::string, held_seats> held;  // by order
  std::map<std::string, int> sold;

  // --- the rules, which need no context ---

  /// An order that has its seats already has them still: whoever did not hear the answer may ask again.
  bool hold(const std::string& order, int seats, troupe::wall_time now) {
    if (held.contains(order) || sold.contains(order)) return true;
    if (seats < 1 || seats > free) return false;
    free -= seats;
    held[order] = {seats, now + hold_time};
    return true;
  }
  void sell(const std::string& order) {
    if (sold.contains(order)) return;
    const auto found = held.find(order);
    if (found == held.end()) throw std::runtime_error{"nothing is held for " + order};
    sold[order] = found->second.seats;
    held.erase(found);
  }
  void end_holds(troupe::wall_time now) {
    std::erase_if(held, [&](const auto& each) {
      const bool over = each.second.until <= now;
      if (over) free += each.second.seats;
      return over;
    });
  }

  // --- the actor ---

  void on_create(troupe::context<show>&, int seats) { free = seats; }

  bool reserve(troupe::context<show>& c, std::string order, int seats) {
    end_holds(c.wall());  // those that ended while nothing ran
    const bool is_held = hold(order, seats, c.wall());
    c.broadcast(seats_left, free);
    return is_held;
  }
  int left(troupe::context<show>& c) {
    end_holds(c.wall());
    return free;
  }

  // [run]
  troupe::task<> run(troupe::context<show>& c) {
    for (;;) {
      auto paid = co_await c.queue().next(payments, tick);
      const int before = free;
      end_holds(c.wall());
      if (free != before) c.broadcast(seats_left, free);
      if (paid) sell((*paid)->order);
    }
  }
  // [/run]

  using actor = troupe::actor<show, &show::reserve, &show::left, payments, seats_left>;
};

}  // namespace tickets
