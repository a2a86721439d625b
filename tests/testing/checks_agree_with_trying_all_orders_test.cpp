// SPDX-License-Identifier: Apache-2.0
// check_linearizable over random histories, small and large.

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/testing/linearizable.hpp>

#include "recorded_calls.hpp"

using namespace recorded;
using troupe::testing::history;
using verdict = troupe::testing::linearizability::verdict;

namespace {

struct chance {
  std::mt19937 numbers;  // the standard says what it gives; not so its distributions
  int below(int n) { return static_cast<int>(numbers() % static_cast<unsigned>(n)); }
};

template <class Operation>
std::string subject(const Operation&) {
  return {};
}
std::string subject(const counter_model::operation& o) { return o.counter; }

// Calls of a few clients, answered by one state at a moment between begin and end; some answers are then falsified and
// some forgotten.
template <class Model, class Ask, class Falsify>
std::vector<recorded_call<Model>> random_calls(chance& random, int clients, int count, Ask ask, Falsify falsify,
                                               int unknown_percent) {
  struct client {
    std::size_t call = 0;
    int phase = 0;  // idle, asked, answered
  };
  std::vector<recorded_call<Model>> calls;
  std::vector<client> all(static_cast<std::size_t>(clients));
  std::map<std::string, Model> states;
  const auto apply = [&](const auto& asked) { return states[subject(asked)].apply(asked); };
  int time = 0;
  int begun = 0;
  for (int busy = 0; begun < count || busy > 0;) {
    client& c = all[static_cast<std::size_t>(random.below(clients))];
    ++time;
    if (c.phase == 0) {
      if (begun == count) continue;
      c.call = calls.size();
      calls.push_back({time, 0, ask(random), {}});
      ++begun;
      ++busy;
      c.phase = 1;
    } else if (c.phase == 1 && random.below(100) < unknown_percent) {
      if (random.below(2) == 0) apply(calls[c.call].asked);
      --busy;
      c.phase = 0;
    } else if (c.phase == 1) {
      calls[c.call].answer = apply(calls[c.call].asked);
      c.phase = 2;
    } else {
      calls[c.call].end = time;
      --busy;
      c.phase = 0;
    }
  }
  falsify(random, calls);
  return calls;
}

register_model::operation ask_register(chance& random) {
  const int kind = random.below(4);
  if (kind < 2) return get;
  return kind == 2 ? set(random.below(3)) : swap(random.below(3), random.below(3));
}
counter_model::operation ask_counter(chance& random) { return {std::string(1, "ab"[random.below(2)]), random.below(3)}; }
queue_model::operation ask_queue(chance& random) {
  if (random.below(5) < 3) return take;
  return put(random.below(3));
}

// Answers, or the order of calls.
template <class Model>
void falsify_one(chance& random, std::vector<recorded_call<Model>>& calls) {
  const auto which = static_cast<std::size_t>(random.below(static_cast<int>(calls.size())));
  const int how = random.below(5);
  if (how == 1) calls[which].answer = random.below(4);
  if (how == 2) calls[which].answer += 1;
  if (how == 3 && which + 1 < calls.size()) std::swap(calls[which].asked, calls[which + 1].asked);
}

// Partitions too are told apart by hand.
template <class Model>
bool by_trying(const std::vector<recorded_call<Model>>& calls) {
  return some_order_explains(calls, std::vector<bool>(calls.size()), Model{});
}
template <>
bool by_trying(const std::vector<recorded_call<counter_model>>& calls) {
  for (const char* const name : {"a", "b"}) {
    std::vector<recorded_call<counter_model>> part;
    for (const auto& c : calls) {
      if (c.asked.counter == name) part.push_back(c);
    }
    if (!some_order_explains(part, std::vector<bool>(part.size()), counter_model{})) return false;
  }
  return true;
}

template <class Model, class Ask>
void compare(std::uint32_t seed, Ask ask, int histories) {
  chance random{std::mt19937{seed}};
  int good = 0;
  int different = 0;
  for (int i = 0; i < histories; ++i) {
    const auto calls =
        random_calls<Model>(random, 2 + random.below(3), 3 + random.below(5), ask, falsify_one<Model>, i % 2 * 25);
    const bool expected = by_trying(calls);
    const auto found = check(calls);
    good += expected ? 1 : 0;
    if (expected == (found.outcome() == verdict::linearizable)) continue;
    ++different;
    UNSCOPED_INFO("history " << i << " of seed " << seed << ": " << found);
  }
  CHECK(different == 0);
  CHECK(good > histories / 5);
  CHECK(good < histories * 4 / 5);
}

}  // namespace

TEST_CASE("thousands of small histories get the verdict that trying all orders gives", "[testing]") {
  compare<register_model>(1, ask_register, 4000);
  compare<counter_model>(2, ask_counter, 4000);
  compare<queue_model>(3, ask_queue, 4000);
}

TEST_CASE("hundreds of operations of one partition, thousands in all", "[testing]") {
  const auto as_it_is = [](chance&, auto&) {};
  int last = 0;
  const auto ask_unique = [&](chance& r) { return r.below(2) == 0 ? get : set(++last); };
  const recorded_call<register_model> impossible{1'000'000, 1'000'001, get, -1};
  chance random{std::mt19937{4}};
  for (int i = 0; i < 3; ++i) {
    CHECK(check(random_calls<register_model>(random, 8, 600, ask_register, as_it_is, 5)));
    CHECK(check(random_calls<queue_model>(random, 4, 300, ask_queue, as_it_is, 0)));
    auto calls = random_calls<register_model>(random, 8, 400, ask_register, as_it_is, 0);
    calls.push_back(impossible);
    CHECK_THAT(check(calls).explanation(), Catch::Contains("(401 operations) nothing explains #400"));
    calls = random_calls<register_model>(random, 6, 300, ask_unique, as_it_is, 10);
    CHECK(check(calls));
    calls.push_back(impossible);
    CHECK_THAT(check(calls).explanation(), Catch::Contains("(301 operations) nothing explains #300"));
  }
  const auto ask_many = [](chance& r) {
    return counter_model::operation{"counter " + std::to_string(r.below(50)), r.below(5)};
  };
  history<counter_model> many;
  chance another{std::mt19937{5}};
  std::map<std::string, std::int64_t> counters;
  for (int i = 0; i < 5000; ++i) {
    const auto asked = ask_many(another);
    many.end(many.begin(asked), counters[asked.counter] += asked.by);
  }
  CHECK(check_linearizable(many));
}
