// SPDX-License-Identifier: Apache-2.0
// check_linearizable: what it accepts, what it refuses and how it says so.

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/core/error.hpp>
#include <troupe/testing/linearizable.hpp>

#include "recorded_calls.hpp"

using namespace recorded;
using troupe::testing::history;
using troupe::testing::linearizability;
using verdict = troupe::testing::linearizability::verdict;

namespace {

linearizability of_register(const std::vector<recorded_call<register_model>>& calls) { return check(calls); }
linearizability of_counter(const std::vector<recorded_call<counter_model>>& calls) { return check(calls); }
linearizability of_queue(const std::vector<recorded_call<queue_model>>& calls) { return check(calls); }

bool contains(const linearizability& found, const std::string& text) {
  INFO(found.explanation());
  CHECK_THAT(found.explanation(), Catch::Contains(text));
  return found.outcome() != verdict::linearizable;
}

}  // namespace

TEST_CASE("a history without operations is linearizable", "[testing]") {
  const history<register_model> h;
  CHECK(check_linearizable(h));
  CHECK(check_linearizable(h).explanation().empty());
}

TEST_CASE("registers", "[testing]") {
  SECTION("one after another") {
    CHECK(of_register({{1, 2, set(1), 1}, {3, 4, get, 1}, {5, 6, set(2), 2}, {7, 8, get, 2}}));
  }
  SECTION("a read during a write sees the old value or the new one") {
    CHECK(of_register({{1, 4, set(1), 1}, {2, 3, get, 0}}));
    CHECK(of_register({{1, 4, set(1), 1}, {2, 3, get, 1}}));
    CHECK_FALSE(of_register({{1, 4, set(1), 1}, {2, 3, get, 2}}));
  }
  SECTION("a stale read") { CHECK_FALSE(of_register({{1, 2, set(1), 1}, {3, 4, get, 0}})); }
  SECTION("once a read has seen the new value, later ones do not see the old") {
    CHECK_FALSE(of_register({{1, 6, set(1), 1}, {2, 3, get, 1}, {4, 5, get, 0}}));
    CHECK(of_register({{1, 6, set(1), 1}, {2, 4, get, 1}, {3, 5, get, 0}}));
  }
  SECTION("one's own write is seen") {
    CHECK_FALSE(of_register({{1, 2, set(5), 5}, {3, 6, set(6), 6}, {4, 5, get, 0}}));
    CHECK(of_register({{1, 2, set(5), 5}, {3, 6, set(6), 6}, {4, 5, get, 5}}));
  }
  SECTION("two writers: either may be last, but readers agree") {
    CHECK(of_register({{1, 3, set(1), 1}, {2, 4, set(2), 2}, {5, 6, get, 1}}));
    CHECK(of_register({{1, 3, set(1), 1}, {2, 4, set(2), 2}, {5, 6, get, 2}}));
    CHECK_FALSE(of_register({{1, 3, set(1), 1}, {2, 4, set(2), 2}, {5, 7, get, 1}, {6, 8, get, 2}}));
  }
  SECTION("of two exchanges that expect the same, one fails") {
    CHECK(of_register({{1, 3, swap(0, 1), 1}, {2, 4, swap(0, 2), 1}}));
    CHECK_FALSE(of_register({{1, 3, swap(0, 1), 1}, {2, 4, swap(0, 2), 2}}));
  }
}

TEST_CASE("counters", "[testing]") {
  SECTION("concurrent increments get different answers") {
    CHECK(of_counter({{1, 4, {"a", 1}, 2}, {2, 3, {"a", 1}, 1}}));
    CHECK_FALSE(of_counter({{1, 4, {"a", 1}, 1}, {2, 3, {"a", 1}, 1}}));
  }
  SECTION("a lost update") {
    CHECK_FALSE(of_counter({{1, 2, {"a", 1}, 1}, {3, 4, {"a", 1}, 1}}));
    CHECK_FALSE(of_counter({{1, 4, {"a", 1}, 1}, {2, 3, {"a", 1}, 2}, {5, 6, {"a", 0}, 1}}));
  }
  SECTION("a later increment cannot come before an earlier one") {
    CHECK_FALSE(of_counter({{1, 2, {"a", 1}, 2}, {3, 4, {"a", 1}, 1}}));
  }
}

TEST_CASE("queues", "[testing]") {
  CHECK(of_queue({{1, 3, put(1), 1}, {2, 4, put(2), 2}, {5, 6, take, 2}, {7, 8, take, 1}, {9, 10, take, -1}}));
  CHECK(of_queue({{1, 6, put(1), 1}, {2, 3, take, -1}, {4, 5, take, 1}}));
  // out of order
  CHECK_FALSE(of_queue({{1, 2, put(1), 1}, {3, 4, put(2), 2}, {5, 6, take, 2}}));
  // twice
  CHECK_FALSE(of_queue({{1, 2, put(1), 1}, {3, 5, take, 1}, {4, 6, take, 1}}));
  // lost
  CHECK_FALSE(of_queue({{1, 2, put(1), 1}, {3, 4, take, -1}}));
}

TEST_CASE("an operation of unknown outcome happens once, at any time after its begin, or never", "[testing]") {
  CHECK(of_register({{1, 0, set(1), 0}, {2, 3, get, 0}}));
  CHECK(of_register({{1, 0, set(1), 0}, {2, 3, get, 1}}));
  CHECK(of_register({{1, 0, set(1), 0}, {2, 3, get, 0}, {4, 5, get, 0}, {6, 7, get, 1}}));
  CHECK_FALSE(of_register({{1, 0, set(1), 0}, {2, 3, get, 1}, {4, 5, get, 0}}));
  CHECK_FALSE(of_register({{1, 2, get, 1}, {3, 0, set(1), 0}}));
  CHECK(of_counter({{1, 0, {"a", 1}, 0}, {2, 0, {"a", 1}, 0}, {3, 4, {"a", 0}, 2}}));
  CHECK_FALSE(of_counter({{1, 0, {"a", 1}, 0}, {2, 0, {"a", 1}, 0}, {3, 4, {"a", 0}, 3}}));
  CHECK_FALSE(of_counter({{1, 0, {"a", 1}, 0}, {2, 3, {"a", 0}, 1}, {4, 5, {"a", 1}, 3}}));
  CHECK(of_queue({{1, 2, put(1), 1}, {3, 0, take, 0}, {4, 5, take, -1}}));

  SECTION("saying so and not ending it are the same") {
    history<register_model> h;
    h.unknown(h.begin(set(1)));
    h.end(h.begin(get), 1);
    CHECK(check_linearizable(h));
    h.end(h.begin(get), 0);
    CHECK_FALSE(check_linearizable(h));
  }
}

TEST_CASE("an operation that has failed has had no effect", "[testing]") {
  history<register_model> h;
  h.failed(h.begin(set(1)));
  const auto during = h.begin(set(2));
  h.end(h.begin(get), 0);
  h.failed(during);
  CHECK(check_linearizable(h));
  CHECK(h.size() == 3);
  h.end(h.begin(get), 2);
  CHECK_FALSE(check_linearizable(h));
}

TEST_CASE("an operation ends once, and in its own history", "[testing]") {
  history<register_model> h;
  const auto refused = Catch::Predicate<troupe::error>([](const troupe::error& e) {
    return e.is(troupe::errc::invalid_operation) && e.message().find("operation #0 of the history") != std::string::npos;
  });
  CHECK_THROWS_MATCHES(h.end({0}, 1), troupe::error, refused);
  const auto id = h.begin(set(1));
  SECTION("answered") { h.end(id, 1); }
  SECTION("failed") { h.failed(id); }
  SECTION("unknown") { h.unknown(id); }
  CHECK_THROWS_MATCHES(h.end(id, 1), troupe::error, refused);
  CHECK_THROWS_MATCHES(h.failed(id), troupe::error, refused);
  CHECK_THROWS_MATCHES(h.unknown(id), troupe::error, refused);
}

TEST_CASE("a history begins with the state it is given", "[testing]") {
  history<register_model> h{register_model{7}};
  h.end(h.begin(get), 7);
  CHECK(check_linearizable(h));
  h.end(h.begin(get), 0);
  CHECK_FALSE(check_linearizable(h));
}

TEST_CASE("partitions are checked one by one, the smallest first", "[testing]") {
  CHECK(of_counter({{1, 2, {"a", 1}, 1}, {3, 4, {"b", 1}, 1}, {5, 6, {"a", 0}, 1}}));
  const auto found = of_counter({{1, 2, {"good", 1}, 1},
                                 {3, 4, {"large", 1}, 1},
                                 {5, 6, {"large", 1}, 1},
                                 {7, 8, {"large", 1}, 1},
                                 {9, 10, {"small", 1}, 1},
                                 {11, 12, {"small", 1}, 1}});
  CHECK(found.outcome() == verdict::not_linearizable);
  CHECK(contains(found, R"(in partition "small" (2 operations) nothing explains #5)"));
  CHECK(found.explanation().find("large") == std::string::npos);
}

TEST_CASE("what is not linearizable is explained", "[testing]") {
  const auto found = of_register({{1, 2, set(1), 1}, {3, 5, get, 1}, {4, 7, get, 0}, {6, 0, set(2), 0}});
  CHECK(found.outcome() == verdict::not_linearizable);
  std::ostringstream printed;
  printed << found;
  CHECK(printed.str() == found.explanation());
  CHECK(found.explanation() ==
        R"(troupe: not linearizable: in the history (4 operations) nothing explains #2: {"write":null,"expected":null} -> 0
  This order of 2 explains all that ended before it did:
    #0  []        {"write":1,"expected":null} -> 1
    #1    [-]     {"write":null,"expected":null} -> 1
  The state is then {"value":1}. What was under way:
    #2     [--]   {"write":null,"expected":null} -> 0, but the model gives 1
    #3       [->  {"write":2,"expected":null}, outcome unknown)");

  SECTION("the culprit is the first operation without an explanation, not what comes later") {
    const auto later = of_counter({{1, 2, {"a", 1}, 1},
                                   {3, 4, {"a", 1}, 5},
                                   {5, 6, {"a", 1}, 2},
                                   {7, 8, {"a", 1}, 77},
                                   {9, 10, {"a", 1}, 3}});
    CHECK(contains(later, "nothing explains #1"));
    CHECK(contains(later, R"(#1    []  {"counter":"a","by":1} -> 5, but the model gives 2)"));
    CHECK(later.explanation().find("77") == std::string::npos);
  }
  SECTION("operations of several kinds by their names") {
    const auto kinds = of_queue({{1, 2, put(1), 1}, {3, 4, take, -1}});
    CHECK(contains(kinds, R"(put{"item":1} -> 1)"));
    CHECK(contains(kinds, "take{} -> -1, but the model gives 1"));
    CHECK(contains(kinds, R"(The state is then {"items":[1]})"));
  }
  SECTION("long histories by their last operations") {
    std::vector<recorded_call<counter_model>> calls;
    for (int i = 1; i <= 100; ++i) calls.push_back({2 * i, 2 * i + 1, {"a", 1}, i});
    calls.push_back({1000, 1001, {"a", 1}, 100});
    const auto many = of_counter(calls);
    CHECK(contains(many, "nothing explains #100"));
    CHECK(contains(many, "This order of 100"));
    CHECK(contains(many, "and 90 before these"));
    CHECK(contains(many, "#90"));
    CHECK(many.explanation().find("#89 ") == std::string::npos);
  }
}

namespace {

// A model that judges: any number that is not taken may be drawn.
struct lottery_model {
  struct operation {
    friend std::ostream& operator<<(std::ostream& out, const operation&) { return out << "draw"; }
  };
  using result = int;
  std::set<int> taken;

  bool step(const operation&, const int* drawn) { return drawn == nullptr || taken.insert(*drawn).second; }
  bool operator==(const lottery_model&) const = default;
};

// Neither printable nor encodable.
class opaque_model {
 public:
  class operation {
   public:
    explicit operation(int by) : by_{by} {}
    int by() const { return by_; }

   private:
    int by_;
  };
  int apply(const operation& o) { return sum_ += o.by(); }
  bool operator==(const opaque_model&) const = default;

 private:
  int sum_ = 0;
};

}  // namespace

TEST_CASE("a model may judge answers", "[testing]") {
  history<lottery_model> h;
  const auto first = h.begin({});
  h.unknown(h.begin({}));
  h.end(h.begin({}), 17);
  h.end(first, 4);
  CHECK(check_linearizable(h));
  h.end(h.begin({}), 17);
  const auto found = check_linearizable(h);
  CHECK(found.outcome() == verdict::not_linearizable);
  CHECK(contains(found, "draw -> 17, which the model does not allow"));
  CHECK(contains(found, R"({"taken":[4,17]})"));
}

TEST_CASE("what cannot be printed is named by its type", "[testing]") {
  history<opaque_model> h;
  h.end(h.begin(opaque_model::operation{2}), 3);
  CHECK(contains(check_linearizable(h), "nothing explains #0: operation -> 3"));
  CHECK(contains(check_linearizable(h), "The state is then opaque_model. "));
}

TEST_CASE("a search that takes too long is given up, which is no success", "[testing]") {
  // Subsets of distinct numbers that add up to one that they do not.
  std::vector<recorded_call<counter_model>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back({1 + i, 0, {"a", std::int64_t{2} << i}, 0});
  calls.push_back({100, 101, {"a", 0}, 1});
  calls.push_back({102, 103, {"b", 1}, 1});
  const auto found = check(calls, {.configurations_max = 1000});
  CHECK(found.outcome() == verdict::gave_up);
  CHECK_FALSE(found);
  CHECK(found.configurations() < 1100);
  CHECK(contains(found, "troupe: gave up: after 1000 configurations in partition \"a\" (21 operations), 20 of them with"));
  CHECK(contains(found, "linearizability_limits::configurations_max"));

  SECTION("unless another partition is not linearizable") {
    for (int i = 0; i < 30; ++i) calls.push_back({200 + 2 * i, 201 + 2 * i, {"b", 1}, i == 20 ? 0 : i + 2});
    const auto other = check(calls, {.configurations_max = 1000});
    CHECK(other.outcome() == verdict::not_linearizable);
    CHECK(contains(other, "\"b\""));
  }
}

TEST_CASE("unknown operations that ask the same, or change nothing, cost little", "[testing]") {
  std::vector<recorded_call<register_model>> calls;
  for (int i = 0; i < 100; ++i) calls.push_back({1 + i, 0, i % 2 == 0 ? get : set(i % 4), 0});
  calls.push_back({200, 201, get, 9});
  const auto found = check(calls, {.configurations_max = 1000});
  CHECK(found.outcome() == verdict::not_linearizable);
}

TEST_CASE("a history may be recorded by several threads", "[testing]") {
  history<counter_model> h;
  std::mutex mutex;
  std::int64_t count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        const auto id = h.begin({"one", 1});
        const auto answer = [&] {
          const std::lock_guard lock{mutex};
          return ++count;
        }();
        h.end(id, answer);
      }
    });
  }
  for (auto& t : threads) t.join();
  CHECK(h.size() == 800);
  CHECK(check_linearizable(h));
}
