#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <troupe/testing/linearizable.hpp>

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
