// SPDX-License-Identifier: Apache-2.0
// Registers called from several threads: what the callers saw is what one after another would have seen.

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/testing/linearizable.hpp>
#include <troupe/troupe.hpp>

#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

struct cell {
  std::int64_t value = 0;

  std::int64_t read() const { return value; }
  std::int64_t write(std::int64_t to) { return value = to; }
  bool compare_and_set(std::int64_t expected, std::int64_t to) {
    if (value != expected) return false;
    value = to;
    return true;
  }
  std::int64_t increment(std::int64_t by) { return value += by; }
  // Several turns, in which others take part.
  task<std::int64_t> increment_later(std::int64_t by) {
    co_await troupe::delay(0ns);
    co_return value += by;
  }
  // Not linearizable: what was read may be old when it is written.
  task<std::int64_t> increment_carelessly(std::int64_t by) {
    const auto old = value;
    co_await troupe::delay(0ns);
    co_return value = old + by;
  }

  bool operator==(const cell&) const = default;
  using actor = troupe::actor<cell, &cell::read, &cell::write, &cell::compare_and_set, &cell::increment,
                              &cell::increment_later, &cell::increment_carelessly>;
};

// The model of a cell is a cell.
struct cell_model {
  struct read {
    std::string cell;
  };
  struct write {
    std::string cell;
    std::int64_t to;
  };
  struct compare_and_set {
    std::string cell;
    std::int64_t expected;
    std::int64_t to;
  };
  struct increment {
    std::string cell;
    std::int64_t by;
  };
  using operation = std::variant<read, write, compare_and_set, increment>;
  cell it;

  std::int64_t apply(const operation& o) { return std::visit(*this, o); }
  static std::string partition(const operation& o) {
    return std::visit([](const auto& any) { return any.cell; }, o);
  }
  bool operator==(const cell_model&) const = default;

  std::int64_t operator()(const read&) { return it.read(); }
  std::int64_t operator()(const write& w) { return it.write(w.to); }
  std::int64_t operator()(const compare_and_set& c) { return it.compare_and_set(c.expected, c.to) ? 1 : 0; }
  std::int64_t operator()(const increment& i) { return it.increment(i.by); }
};

using cell_history = troupe::testing::history<cell_model>;
using cell_handle = troupe::handle<cell>;

constexpr int threads = 4;
constexpr int calls_per_thread = 300;

struct setting {
  troupe::options options{};
  troupe::store_factory store = troupe::memory{};
  int cells = 3;
};

template <class Call>
void call_from_threads(const setting& s, cell_history& history, Call call) {
  troupe::registry registry;
  troupe::use_options use;
  use.options = s.options;
  registry.use<cell>("cell", use);
  troupe::runtime runtime{registry, {.store = s.store}};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < threads; ++caller) {
    callers.emplace_back([&, caller] {
      std::mt19937 random{static_cast<std::uint32_t>(caller)};
      for (int i = 0; i < calls_per_thread; ++i) {
        const auto name = "cell " + std::to_string(random() % static_cast<std::uint32_t>(s.cells));
        call(history, client_of(runtime).get_or_create<cell>(name), name, random);
      }
    });
  }
  for (auto& t : callers) t.join();
}

void call_anything(cell_history& history, const cell_handle& actor, const std::string& name, std::mt19937& random) {
  const std::int64_t few = random() % 4;
  switch (random() % 6) {
    case 0:
    case 1: {
      const auto id = history.begin(cell_model::read{name});
      return history.end(id, actor.call<&cell::read>().get());
    }
    case 2: {
      const std::int64_t to = random() % 1000;
      const auto id = history.begin(cell_model::write{name, to});
      return history.end(id, actor.call<&cell::write>(to).get());
    }
    case 3: {
      const std::int64_t expected = actor.call<&cell::read>().get();
      const auto id = history.begin(cell_model::compare_and_set{name, expected, few});
      return history.end(id, actor.call<&cell::compare_and_set>(expected, few).get() ? 1 : 0);
    }
    case 4: {
      const auto id = history.begin(cell_model::increment{name, few});
      return history.end(id, actor.call<&cell::increment>(few).get());
    }
    default: {
      const auto id = history.begin(cell_model::increment{name, few});
      return history.end(id, actor.call<&cell::increment_later>(few).get());
    }
  }
}

void check_calls(const setting& s) {
  cell_history history;
  call_from_threads(s, history, call_anything);
  CHECK(history.size() == threads * calls_per_thread);
  CHECK(check_linearizable(history));
}

}  // namespace

TEST_CASE("calls of committed actors are linearizable", "[testing]") { check_calls({}); }

TEST_CASE("calls of relaxed actors are linearizable", "[testing]") {
  check_calls({.options = {.durability = troupe::durability::relaxed}});
}

TEST_CASE("calls of ephemeral actors are linearizable", "[testing]") {
  check_calls({.options = {.durability = troupe::durability::ephemeral}});
}

TEST_CASE("calls of one actor are linearizable", "[testing]") { check_calls({.cells = 1}); }

TEST_CASE("calls of actors that fall asleep between them are linearizable", "[testing]") {
  check_calls({.options = {.sleep_after = 1ms}, .cells = 2});
}

TEST_CASE("an actor that loses updates is caught", "[testing]") {
  cell_history history;
  const auto together = [](cell_history& h, const cell_handle& actor, const std::string& name, std::mt19937&) {
    const auto first = h.begin(cell_model::increment{name, 1});
    const auto second = h.begin(cell_model::increment{name, 1});
    auto both = troupe::when_all(actor.call<&cell::increment_carelessly>(1), actor.call<&cell::increment_carelessly>(1));
    const auto [one, other] = troupe::sync_wait(std::move(both));
    h.end(first, one);
    h.end(second, other);
  };
  call_from_threads({.cells = 1}, history, together);
  const auto found = check_linearizable(history);
  CHECK(found.outcome() == troupe::testing::linearizability::verdict::not_linearizable);
  CHECK_THAT(found.explanation(), Catch::Contains("in partition \"cell 0\" (2400 operations)") &&
                                        Catch::Contains(R"(increment{"cell":"cell 0","by":1} -> )"));
}
