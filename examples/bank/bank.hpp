// SPDX-License-Identifier: Apache-2.0
#pragma once

// A bank whose accounts move money through queues. Whenever the process dies, no order is lost, none is executed twice,
// and no money is made or lost on its way; nothing here does anything for it, but for handling a message in one turn.

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <troupe/troupe.hpp>

namespace bank {

// [account]
using money = std::int64_t;

/// Pay somebody. The number is the customer's; it stands on both statements.
struct order {
  std::uint64_t number = 0;
  std::string payee;
  money amount = 0;
};

struct credit {
  std::uint64_t order = 0;
  money amount = 0;
};

struct line {
  std::uint64_t order = 0;
  money amount = 0;  ///< below zero: paid to another
};

struct report {
  money balance = 0;
  std::vector<line> statement;
  std::vector<std::uint64_t> refused;
  std::size_t waiting = 0;  ///< messages that the account has not handled yet
};

struct account {
  static constexpr troupe::queue<"orders", order, bool> orders{};  // the answer: whether it was covered, and is paid
  static constexpr troupe::queue<"credits", credit> credits{{.messages_max = 4}};  // others wait for their place

  money balance = 0;
  std::vector<line> statement;
  std::vector<std::uint64_t> refused;  // orders that were not covered

  void on_create(troupe::context<account>&, money opening) { balance = opening; }

  // Each round is a turn: the message is gone, the balance changed and the credit on its way together, or not at all.
  troupe::task<> run(troupe::context<account>& c) {
    for (;;) {
      auto message = co_await c.queue().next(orders, credits);
      if (auto* const o = std::get_if<0>(&message)) {
        o->complete(pay(c, o->body()));
      } else {
        const credit& received = std::get<1>(message).body();
        book(received.order, received.amount);
      }
    }
  }

  report read(troupe::context<account>& c) const {
    return {balance, statement, refused, c.queue().size(orders) + c.queue().size(credits)};
  }

  using actor = troupe::actor<account, orders, credits, &account::read>;

 private:
  bool pay(troupe::context<account>& c, const order& o) {
    if (o.amount <= 0 || o.amount > balance) {
      refused.push_back(o.number);
      return false;
    }
    book(o.number, -o.amount);
    const auto payee = c.client().get_or_create<account>(o.payee, money{0});
    payee.send(credits, credit{o.number, o.amount}).get();  // waits for nothing: it leaves with the turn
    return true;
  }
  void book(std::uint64_t number, money amount) {
    balance += amount;
    statement.push_back({number, amount});
  }
};
// [/account]

}  // namespace bank
