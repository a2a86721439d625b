// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <troupe/testing/linearizable.hpp>

namespace recorded {

struct register_model {
  struct operation {
    std::optional<int> write;
    std::optional<int> expected = std::nullopt;  // of a compare-and-set
    friend bool operator==(const operation&, const operation&) = default;
  };
  int value = 0;

  int apply(const operation& o) {
    if (o.write && (!o.expected || *o.expected == value)) value = *o.write;
    return value;
  }
  bool operator==(const register_model&) const = default;
};
inline const register_model::operation get{.write = std::nullopt};
inline register_model::operation set(int value) { return {.write = value}; }
inline register_model::operation swap(int expected, int value) { return {.write = value, .expected = expected}; }

struct counter_model {
  struct operation {
    std::string counter;
    std::int64_t by = 0;
  };
  std::int64_t count = 0;

  std::int64_t apply(const operation& o) { return count += o.by; }
  static std::string partition(const operation& o) { return o.counter; }
  bool operator==(const counter_model&) const = default;
};

struct queue_model {
  struct put {
    int item;
  };
  struct take {};
  using operation = std::variant<put, take>;
  std::deque<int> items;

  int apply(const operation& o) {
    if (const auto* p = std::get_if<put>(&o)) {
      items.push_back(p->item);
      return p->item;
    }
    if (items.empty()) return -1;
    const int first = items.front();
    items.pop_front();
    return first;
  }
  bool operator==(const queue_model&) const = default;
};
inline const queue_model::take take{};
inline queue_model::put put(int item) { return {item}; }

/// A history as a table: who was under way from when to when.
template <class Model>
struct recorded_call {
  using operation = typename troupe::testing::history<Model>::operation;
  using result = typename troupe::testing::history<Model>::result;

  int begin;
  int end;  ///< 0: unknown
  operation asked;
  result answer;
};

/// Records the calls in the order of their times, which are all different.
template <class Model>
void record(troupe::testing::history<Model>& history, const std::vector<recorded_call<Model>>& calls) {
  struct event {
    int time;
    std::size_t call;
    bool is_end;
  };
  std::vector<event> events;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    events.push_back({calls[i].begin, i, false});
    if (calls[i].end != 0) events.push_back({calls[i].end, i, true});
  }
  std::sort(events.begin(), events.end(), [](const event& a, const event& b) { return a.time < b.time; });
  std::vector<troupe::testing::operation_id> ids(calls.size());
  for (const event& e : events) {
    if (e.is_end) history.end(ids[e.call], calls[e.call].answer);
    else ids[e.call] = history.begin(calls[e.call].asked);
  }
}

template <class Model>
troupe::testing::linearizability check(const std::vector<recorded_call<Model>>& calls,
                                       troupe::testing::linearizability_limits limits = {}) {
  troupe::testing::history<Model> history;
  record(history, calls);
  return check_linearizable(history, limits);
}

/// The same by trying every order, without any of the tricks.
template <class Model>
bool some_order_explains(const std::vector<recorded_call<Model>>& calls, std::vector<bool> placed, const Model& state) {
  bool complete = true;
  for (std::size_t i = 0; i < calls.size(); ++i) complete = complete && (placed[i] || calls[i].end == 0);
  if (complete) return true;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (placed[i]) continue;
    bool may_be_next = true;
    for (std::size_t j = 0; j < calls.size(); ++j) {
      if (!placed[j] && calls[j].end != 0 && calls[j].end < calls[i].begin) may_be_next = false;
    }
    if (!may_be_next) continue;
    Model after = state;
    const auto answer = after.apply(calls[i].asked);
    if (calls[i].end != 0 && answer != calls[i].answer) continue;
    placed[i] = true;
    if (some_order_explains(calls, placed, after)) return true;
    placed[i] = false;
  }
  return false;
}

}  // namespace recorded
