// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <troupe/testing/simulation.hpp>
#include <troupe/troupe.hpp>

// Accounts that pay each other through queues of every kind, and the books that must add up whatever went wrong.

namespace payments {

using namespace std::chrono_literals;

/// Pay somebody. Its first attempts fail, as many as it says.
struct order {
  int number = 0;
  int payee = 0;
  int amount = 0;
  std::uint32_t failures = 0;
};

struct credit {
  int order = 0;
  int amount = 0;
};

/// What became of an order.
struct outcome {
  bool paid = false;
  int payee = 0;
  int amount = 0;
  std::size_t place = 0;      ///< among those that the account executed
  std::uint64_t message = 0;  ///< its id in the queue
};

inline constexpr int accounts = 5;
inline constexpr int opening = 100;
inline std::string name_of(int account) { return "account-" + std::to_string(account); }

struct account {
  static constexpr troupe::queue<"orders", order, bool> orders{
      {.messages_max = 4, .attempts_max = 3, .retry_min = 2ms, .retry_max = 20ms}};
  static constexpr troupe::queue<"credits", credit> credits{{.messages_max = 3}};
  /// Handled in several turns, so at least once.
  static constexpr troupe::queue<"errands", int> errands{
      {.messages_max = 3, .attempts_max = 1'000'000, .retry_min = 1ms, .retry_max = 50ms}};
  /// From the account to itself, later.
  static constexpr troupe::queue<"receipts", int> receipts{};

  int balance = opening;
  std::map<int, outcome> executed;      ///< by number
  std::map<int, std::uint32_t> failed;  ///< attempts that threw
  std::set<int> buried;                 ///< orders that were dead letters
  std::map<int, int> received;          ///< amounts by order
  std::vector<int> arrivals;            ///< the same orders as they came
  std::map<int, std::uint32_t> begun;   ///< attempts at errands
  std::set<int> ended;
  std::set<int> receipted;
  std::vector<std::string> broken;

  troupe::task<> run(troupe::context<account>& c) {
    for (;;) {
      auto message = co_await c.queue().next(orders, credits, errands, receipts);
      if (auto* const o = std::get_if<0>(&message)) {
        pay(c, *o);
      } else if (auto* const m = std::get_if<1>(&message)) {
        take(m->body());
      } else if (auto* const e = std::get_if<2>(&message)) {
        auto errand = do_errand(c, *e);
        co_await std::move(errand);
      } else if (auto* const r = std::get_if<3>(&message)) {
        once(receipted.insert(r->body()).second, "receipt", r->body());
      }
    }
  }

  int look() const { return balance; }

  /// A person sees to the dead letters.
  void sweep(troupe::context<account>& c) {
    for (const auto& m : c.queue().try_next_batch(orders.dead_letters(), 10)) {
      once(buried.insert(m->number).second, "dead letter", m->number);
      if (m.attempts() != orders.attempts_max) broken.push_back(fmt::format("{} died too early", m->number));
    }
  }

  static constexpr troupe::options options{
      .sleep_after = 100ms, .sleep_grace_period = 200ms, .run_restart_min = 1ms, .run_restart_max = 20ms};
  using actor = troupe::actor<account, orders, credits, errands, receipts, &account::look, &account::sweep>;

 private:
  using order_message = troupe::message<std::remove_cv_t<decltype(orders)>>;
  using errand_message = troupe::message<std::remove_cv_t<decltype(errands)>>;

  void once(bool first, const char* what, int number) {
    if (!first) broken.push_back(fmt::format("{} {} again", what, number));
  }

  void pay(troupe::context<account>& c, order_message& m) {
    const order& o = m.body();
    if (m.attempts() != failed[o.number] + 1) {
      broken.push_back(fmt::format("order {}: attempt {} after {}", o.number, m.attempts(), failed[o.number]));
    }
    if (m.attempts() <= o.failures) {
      ++failed[o.number];
      throw std::runtime_error{"not now"};
    }
    const bool covered = o.amount <= balance;
    const outcome now{covered, o.payee, o.amount, executed.size(), m.id()};
    once(executed.try_emplace(o.number, now).second, "order", o.number);
    if (covered) {
      balance -= o.amount;
      const auto payee = c.client().get_or_create<account>(name_of(o.payee));
      payee.send(credits, credit{o.number, o.amount}).get();
      if (o.number % 3 == 0) payee.send(errands, o.number).get();
      if (o.number % 4 == 0) c.queue().send(receipts, o.number, troupe::delayed{5ms * (o.number % 8)});
    }
    m.complete(covered);
  }

  void take(const credit& given) {
    once(received.try_emplace(given.order, given.amount).second, "credit", given.order);
    arrivals.push_back(given.order);
    balance += given.amount;
  }

  // `begun` is durable with the attempt, in one turn: so they are equal, whatever happens between.
  troupe::task<> do_errand(troupe::context<account>& c, errand_message& m) {
    const int number = *m;
    const auto attempt = ++begun[number];
    if (attempt != m.attempts()) {
      broken.push_back(fmt::format("errand {}: attempt {}, and has begun {}", number, m.attempts(), attempt));
    }
    try {
      co_await c.delay(std::chrono::milliseconds(number % 5));
      const auto other = c.client().get_or_create<account>(name_of(number % accounts));
      if (number % 2 == 0) {
        co_await other.call<&account::look>();
      }
    } catch (const troupe::error& e) {
      if (e.is(troupe::errc::aborted) && c.stop_token().stop_requested()) --begun[number];  // given back uncounted
      throw;
    }
    if (number % 7 == 0 && attempt == 1) throw std::runtime_error{"not at once"};
    once(ended.insert(number).second, "errand", number);
  }
};

/// What the customers know; it outlives the processes.
struct customers {
  std::map<int, int> asked;        ///< the account by order
  std::set<int> acknowledged;      ///< orders that are durable
  std::set<int> refused;           ///< orders that never were taken
  std::map<int, bool> answered;    ///< what send_and_wait said
  std::set<int> reported_dead;     ///< or that it said
  std::map<int, std::vector<int>> in_order;  ///< by customer: acknowledged one after another, not delayed
  std::vector<std::string> broken;
  int orders_max = 60;             ///< until the customers go home
  bool at_home = false;            ///< the bank is closed
  troupe::store* store = nullptr;
};

/// Sends orders one after another, until there are enough.
inline troupe::task<> customer(troupe::testing::simulation& sim, customers& all, int me) {
  auto& random = sim.random();
  while (!all.at_home && static_cast<int>(all.asked.size()) < all.orders_max) {
    const int number = static_cast<int>(all.asked.size()) + 1;
    const int from = static_cast<int>(random.below(accounts));
    all.asked.emplace(number, from);
    const order wanted{number, static_cast<int>(random.below(accounts)), static_cast<int>(random.below(60)),
                       random.below(4) == 0 ? static_cast<std::uint32_t>(random.below(5)) : 0U};
    const auto how = random.below(8);
    auto to = sim.client().get_or_create<account>(name_of(from));
    if (random.below(8) == 0) to = to.with(troupe::timeout{1ms * (1 + random.below(100))});
    const troupe::delayed later{1ms * (how == 0 ? random.below(300) : 0)};
    try {
      if (how < 3) {
        auto sending = to.send_and_wait(account::orders, wanted, later);
        const auto answer = co_await std::move(sending);
        all.answered.emplace(number, answer.value());
      } else {
        auto sending = to.send(account::orders, wanted);
        co_await std::move(sending);
        all.in_order[me].push_back(number);
      }
      all.acknowledged.insert(number);
    } catch (const troupe::error& e) {
      if (e.is(troupe::errc::runtime_stopped)) co_return;
      if (e.is(troupe::errc::queue_full)) all.refused.insert(number);
      if (e.is(troupe::errc::queue_dead_letter)) all.reported_dead.insert(number);
    }
    co_await troupe::delay(1ms * random.below(120));
  }
}

/// Sees to dead letters now and then.
inline troupe::task<> sweeper(troupe::testing::simulation& sim, const customers& all) {
  while (!all.at_home) {
    const auto one = sim.client().get_or_create<account>(name_of(static_cast<int>(sim.random().below(accounts))));
    try {
      co_await one.call<&account::sweep>();
    } catch (const troupe::error& e) {
      if (e.is(troupe::errc::runtime_stopped)) co_return;
    }
    co_await troupe::delay(1ms * sim.random().below(400));
  }
}

/// All accounts as a crash would leave them, now.
class books {
 public:
  books(troupe::testing::simulation& sim, customers& all) : all_{all} {
    const auto client = sim.client();
    for (int i = 0; i < accounts; ++i) {
      const auto one = client.get<account>(name_of(i));
      auto state = sim.stored(one);
      if (!state) state.emplace();
      for (std::string& each : state->broken) complain(std::move(each));
      for (const order& o : sim.stored_messages(one, account::orders)) wait(waiting_orders_, o.number, i);
      for (const order& o : sim.stored_dead_letters(one, account::orders)) wait(dead_orders_, o.number, i);
      for (const credit& g : sim.stored_messages(one, account::credits)) wait(waiting_credits_, g.order, i);
      for (const int e : sim.stored_messages(one, account::errands)) wait(waiting_errands_, e, i);
      for (const int r : sim.stored_messages(one, account::receipts)) wait(waiting_receipts_, r, i);
      states_[static_cast<std::size_t>(i)] = std::move(*state);
    }
    troupe::outgoing_request request;
    request.limit = 10'000;
    request.done = [](troupe::outgoing_request&) noexcept {};
    all.store->list_outgoing(request);
    on_their_way_ = request.found.size();
  }

  /// Whatever was lost: what is there is of one moment, and nothing of it is there twice.
  void check_cut() {
    std::size_t missing = 0;
    for (int i = 0; i < accounts; ++i) {
      const account& a = states_[static_cast<std::size_t>(i)];
      int balance = opening;
      for (const auto& [number, o] : a.executed) {
        if (waiting_orders_.contains(number)) complain(fmt::format("order {} is executed and still waits", number));
        if (is_dead(number)) complain(fmt::format("order {} is executed and dead", number));
        if (!o.paid) continue;
        balance -= o.amount;
        const account& payee = states_[static_cast<std::size_t>(o.payee)];
        missing += trace("credit", number, payee.received.contains(number), waiting_credits_.contains(number));
        if (number % 3 == 0) {
          missing += trace("errand", number, payee.ended.contains(number), waiting_errands_.contains(number));
        }
        if (number % 4 == 0 &&
            trace("receipt", number, a.receipted.contains(number), waiting_receipts_.contains(number)) != 0) {
          complain(fmt::format("receipt {} is lost", number));
        }
      }
      for (const auto& [number, amount] : a.received) balance += amount;
      if (balance != a.balance) complain(fmt::format("{} has {} and not {}", name_of(i), a.balance, balance));
    }
    // With a commit for each actor, a message that has arrived is on its way until a later commit.
    const bool is_apart = all_.store->traits().cut == troupe::commit_cut::per_actor;
    if (is_apart ? missing > on_their_way_ : missing != on_their_way_) {
      complain(fmt::format("{} messages should be on their way, and {} are", missing, on_their_way_));
    }
  }

  /// What customers were told is true.
  void check_promises() {
    for (const auto& [number, account_of] : all_.asked) {
      const account& a = states_[static_cast<std::size_t>(account_of)];
      const bool known = a.executed.contains(number) || is_dead(number) || waiting_orders_.contains(number);
      if (all_.acknowledged.contains(number) && !known) complain(fmt::format("order {} is lost", number));
      if (all_.refused.contains(number) && known) complain(fmt::format("order {} was refused, and is there", number));
    }
    for (const auto& [number, paid] : all_.answered) {
      const account& a = states_[static_cast<std::size_t>(all_.asked.at(number))];
      const auto found = a.executed.find(number);
      const bool is_true = found != a.executed.end() && found->second.paid == paid;
      if (!is_true) complain(fmt::format("a wrong answer to {}", number));
    }
    for (const int number : all_.reported_dead) {
      if (!is_dead(number)) complain(fmt::format("order {} is not dead", number));
    }
    // Ids rise in the order of arrival, and arrival is the order in which a customer sent them.
    for (const auto& [me, numbers] : all_.in_order) {
      std::array<std::uint64_t, accounts> last{};
      for (const int number : numbers) {
        const auto found = state_of(number).executed.find(number);
        if (found == state_of(number).executed.end()) continue;
        auto& before = last[static_cast<std::size_t>(all_.asked.at(number))];
        if (found->second.message <= before) complain(fmt::format("order {} arrived too early", number));
        before = found->second.message;
      }
    }
  }

  /// Credits from one account to another arrived in the order of their messages' sending.
  void check_order_of_credits() {
    for (const account& payee : states_) {
      std::array<std::size_t, accounts> last{};
      for (const int number : payee.arrivals) {
        const auto from = static_cast<std::size_t>(all_.asked.at(number));
        const auto place = states_[from].executed.at(number).place + 1;
        if (place <= last[from]) complain(fmt::format("credit {} was overtaken", number));
        last[from] = place;
      }
    }
  }

  [[nodiscard]] bool drained() const {
    return on_their_way_ == 0 && waiting_orders_.empty() && waiting_credits_.empty() && waiting_errands_.empty() &&
           waiting_receipts_.empty();
  }

  [[nodiscard]] std::string what_waits() const {
    return fmt::format("{} on their way, {} orders, {} credits, {} errands, {} receipts", on_their_way_,
                       waiting_orders_.size(), waiting_credits_.size(), waiting_errands_.size(),
                       waiting_receipts_.size());
  }

 private:
  void complain(std::string what) { all_.broken.push_back(std::move(what)); }

  [[nodiscard]] const account& state_of(int number) const {
    return states_[static_cast<std::size_t>(all_.asked.at(number))];
  }

  /// Whether the order is a dead letter, or was one.
  [[nodiscard]] bool is_dead(int number) const {
    return dead_orders_.contains(number) || state_of(number).buried.contains(number);
  }

  void wait(std::map<int, int>& where, int number, int at) {
    if (!where.emplace(number, at).second) complain(fmt::format("message {} waits twice", number));
  }

  /// 1 if it is neither handled nor in its queue.
  std::size_t trace(const char* what, int number, bool handled, bool waits) {
    if (handled && waits) complain(fmt::format("{} {} is handled and still waits", what, number));
    return handled || waits ? 0 : 1;
  }

  customers& all_;
  std::array<account, accounts> states_;
  std::map<int, int> waiting_orders_, dead_orders_, waiting_credits_, waiting_errands_, waiting_receipts_;
  std::size_t on_their_way_ = 0;
};

/// The program: the books are looked at whenever its process starts, then the customers come.
inline void employ(troupe::testing::simulation_options& options, customers& all) {
  options.runtime.store = [open = options.runtime.store, &all] {
    auto opened = open();
    all.store = opened.get();
    return opened;
  };
  options.on_start = [&all](troupe::testing::simulation& sim) {
    books now{sim, all};
    now.check_cut();
    now.check_promises();
    for (int me = 0; me < 3; ++me) sim.spawn(customer(sim, all, me));
    sim.spawn(sweeper(sim, all));
  };
}

/// Nothing fails any more, and nobody comes: then all that was begun comes to its end.
inline books close(troupe::testing::simulation& sim, customers& all) {
  sim.heal();
  sim.advance(1s);
  all.at_home = true;
  // Retries wait by the wall clock, which may have been set back.
  for (int minutes = 0; minutes < 24 * 60; ++minutes) {
    books now{sim, all};
    now.check_cut();
    if (now.drained() || !all.broken.empty()) break;
    sim.advance(1min);
  }
  books last{sim, all};
  last.check_cut();
  last.check_promises();
  if (!last.drained()) all.broken.push_back("what waits for ever: " + last.what_waits());
  return last;
}

}  // namespace payments
