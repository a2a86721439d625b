// SPDX-License-Identifier: Apache-2.0
#pragma once

// Actors whose states tell on one another: each keeps what another must have kept first.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <troupe/troupe.hpp>

namespace crash {

using namespace std::chrono_literals;

// They sleep as soon as they are left alone, so that lives are full of waking.
inline constexpr troupe::options restless{.sleep_after = 2ms};

/// Weight for a state: so many bytes of one letter, which goes with a number. A torn or stale state shows.
struct ballast {
  std::string text;

  /// Keys that begin with "big" get more than fits an eagerly encoded state.
  void load(const troupe::key& key) {
    if (key.canonical().starts_with("big")) text.assign(6'000 + 2'000 * (key.canonical().back() % 4), 'a');
  }
  void mark(std::uint64_t number) { std::fill(text.begin(), text.end(), letter(number)); }
  [[nodiscard]] bool shows(std::uint64_t number) const {
    return std::all_of(text.begin(), text.end(), [&](char c) { return c == letter(number); });
  }
  static char letter(std::uint64_t number) { return static_cast<char>('a' + number % 26); }
};

struct counter {
  std::uint64_t value = 0;
  ballast weight;

  void on_create(troupe::context<counter>& c) { weight.load(c.key()); }
  std::uint64_t add() {
    weight.mark(++value);
    return value;
  }
  std::uint64_t read() const { return value; }
  counter copy() const { return *this; }
  void nap(troupe::context<counter>& c) { c.sleep(); }

  static constexpr auto options = restless;
  using actor = troupe::actor<counter, &counter::add, &counter::read, &counter::copy, &counter::nap>;
};

/// Writes down what others tell it and what it sees of them.
struct ledger {
  static constexpr std::size_t pages_max = 300;

  std::map<std::string, std::uint64_t> heard, hinted, seen;  // the highest number, by who it is about
  std::vector<std::string> pages;                            // only in big ones
  std::uint64_t entries = 0;

  void hear(troupe::context<ledger>& c, std::string from, std::uint64_t number) {
    note(c.key(), heard[from], number);
  }
  void hint(troupe::context<ledger>& c, std::string from, std::uint64_t number) {
    note(c.key(), hinted[from], number);
  }
  troupe::task<> watch(troupe::context<ledger>& c, std::string name) {
    const auto watched = c.client().get_or_create<counter>(name);
    const std::uint64_t value = co_await watched.call<&counter::read>();
    note(c.key(), seen[name], value);
  }
  ledger copy() const { return *this; }

  static constexpr auto options = restless;
  using actor = troupe::actor<ledger, &ledger::hear, &ledger::hint, &ledger::watch, &ledger::copy>;

 private:
  void note(const troupe::key& key, std::uint64_t& place, std::uint64_t number) {
    place = std::max(place, number);
    ++entries;
    if (!key.canonical().starts_with("big")) return;
    if (pages.size() < pages_max) pages.resize(pages_max, std::string(30, '.'));
    pages[entries % pages_max] = std::to_string(entries);
  }
};

/// What one wallet knows about its dealings with another.
struct dealings {
  std::uint64_t sent = 0, sent_amount = 0;
  std::uint64_t confirmed = 0;  ///< of those sent: the other has said that it has them
  std::uint64_t received = 0, received_amount = 0;
};

struct wallet {
  static constexpr std::int64_t initial_balance = 1'000;

  std::int64_t balance = initial_balance;
  std::uint64_t steps = 0;  // turns that changed something
  std::uint64_t sent = 0;
  std::uint64_t told = 0;
  std::map<std::string, dealings> with;
  ballast weight;

  void on_create(troupe::context<wallet>& c) { weight.load(c.key()); }

  /// Sends an amount on a journey; returns when it has arrived at the last stop. Two turns, and two for each stop.
  troupe::task<> send(troupe::context<wallet>& c, std::uint64_t amount, std::vector<std::string> route) {
    const std::string next = route.front();
    route.erase(route.begin());
    dealings& before = with[next];
    ++before.sent;
    before.sent_amount += amount;
    balance -= static_cast<std::int64_t>(amount);
    ++sent;
    weight.mark(++steps);
    if (sent % 4 == 0) c.client().get_or_create<ledger>("quick").post<&ledger::hint>(c.key().canonical(), sent);
    const auto to = c.client().get_or_create<wallet>(next);
    co_await to.call<&wallet::take>(c.key().canonical(), amount, std::move(route));
    ++with[next].confirmed;
    weight.mark(++steps);
  }
  troupe::task<> send_alone(troupe::context<wallet>& c, std::uint64_t amount, std::vector<std::string> route) {
    co_await send(c, amount, std::move(route));
  }
  troupe::task<> take(troupe::context<wallet>& c, std::string from, std::uint64_t amount,
                      std::vector<std::string> rest) {
    dealings& before = with[from];
    ++before.received;
    before.received_amount += amount;
    balance += static_cast<std::int64_t>(amount);
    weight.mark(++steps);
    if (!rest.empty()) {
      co_await send(c, amount, std::move(rest));
    }
  }
  troupe::task<std::uint64_t> tell(troupe::context<wallet>& c, std::string name) {
    const std::uint64_t number = ++told;
    weight.mark(++steps);
    const auto listener = c.client().get_or_create<ledger>(name);
    co_await listener.call<&ledger::hear>(c.key().canonical(), number);
    co_return number;
  }
  wallet copy() const { return *this; }

  static constexpr auto options = restless;
  using actor = troupe::actor<wallet, &wallet::send, troupe::exclusive<&wallet::send_alone>, &wallet::take,
                              &wallet::tell, &wallet::copy>;
};

/// Is made and ended again and again, under few keys.
struct mayfly {
  struct birth {
    std::uint64_t token = 0;  ///< never used twice
  };
  struct portrait {
    troupe::actor_id id;
    std::string key;
    std::uint64_t token = 0;
    std::uint64_t touches = 0;
  };

  std::uint64_t token = 0;
  std::uint64_t touches = 0;

  void on_create(troupe::context<mayfly>&, birth input) { token = input.token; }
  std::uint64_t touch() { return ++touches; }
  portrait look(troupe::context<mayfly>& c) const { return {c.id(), c.key().canonical(), token, touches}; }
  void end(troupe::context<mayfly>& c) { c.destroy(); }

  static constexpr auto options = restless;
  using actor = troupe::actor<mayfly, &mayfly::touch, &mayfly::look, &mayfly::end>;
};

/// Replies before it is saved. What is found after a crash may be old, but must have been.
struct gauge {
  std::uint64_t value = 0;
  std::uint64_t thrice = 0;  // always three times the value
  ballast weight;

  void on_create(troupe::context<gauge>& c) { weight.load(c.key()); }
  std::uint64_t tick() {
    ++value;
    thrice += 3;
    weight.mark(value);
    return value;
  }
  troupe::task<std::uint64_t> tick_and_save(troupe::context<gauge>& c) {
    const std::uint64_t mine = tick();
    co_await c.save();
    co_return mine;
  }
  gauge copy() const { return *this; }

  static constexpr troupe::options options{
      .sleep_after = 3ms, .durability = troupe::durability::relaxed, .save_interval = 5ms};
  using actor = troupe::actor<gauge, &gauge::tick, &gauge::tick_and_save, &gauge::copy>;
};

inline constexpr std::size_t counters = 16, wallets = 10, gauges = 6, workers = 9, mayflies_each = 3;

/// Every third one is big.
inline std::string name_of(std::string_view kind, std::size_t number) {
  return (number % 3 == 0 ? "big-" : "") + std::string{kind} + "-" + std::to_string(number);
}
inline std::string mayfly_name(std::size_t number) { return "mayfly-" + std::to_string(number); }

inline troupe::registry served() {
  troupe::registry registry;
  registry.use<counter>("counter").use<ledger>("ledger").use<wallet>("wallet");
  registry.use<mayfly>("mayfly").use<gauge>("gauge");
  return registry;
}

}  // namespace crash
