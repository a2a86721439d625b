// SPDX-License-Identifier: Apache-2.0
#include "linearizable_search.hpp"

#include <algorithm>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {

namespace {

// The finish of splitmix64 (Steele, Lea and Flood, 2014): every bit counts in every other.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) + 0x9e3779b97f4a7c15U;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
  return hash ^ (hash >> 31);
}

}  // namespace

std::uint64_t fingerprint(bytes_view of) noexcept {
  std::uint64_t hash = of.size();
  for (const std::byte b : of) hash = mix(hash, std::to_integer<std::uint64_t>(b));
  return hash;
}

bool visited_configurations::insert(const number_set& answered, const number_set& unknown, std::size_t state) {
  const auto& a = answered.words();
  const auto& u = unknown.words();
  const auto first = std::find_if(a.begin(), a.end(), [](std::uint64_t word) { return ~word != 0; });
  const auto end_of = [](auto begin, auto end) {
    while (end != begin && *(end - 1) == 0) --end;
    return end;
  };
  const auto a_end = end_of(first, a.end());
  const auto u_end = end_of(u.begin(), u.end());
  entry now{.hash = mix(partition_.hash(state), static_cast<std::uint64_t>(first - a.begin())),
            .state = state,
            .words = words_.size(),
            .skipped = static_cast<std::uint32_t>(first - a.begin()),
            .answered = static_cast<std::uint32_t>(a_end - first),
            .unknown = static_cast<std::uint32_t>(u_end - u.begin()),
            .next = 0};
  words_.insert(words_.end(), first, a_end);
  words_.insert(words_.end(), u.begin(), u_end);
  std::for_each(first, a_end, [&](std::uint64_t word) { now.hash = mix(now.hash, word); });

  if (entries_.size() >= buckets_.size()) grow();
  auto& bucket = buckets_[now.hash & (buckets_.size() - 1)];
  for (auto i = bucket; i != 0; i = entries_[i - 1].next) {
    ++comparisons_;
    if (covers(entries_[i - 1], now)) {
      words_.resize(now.words);
      return false;
    }
  }
  now.next = bucket;
  entries_.push_back(now);
  bucket = static_cast<std::uint32_t>(entries_.size());
  return true;
}

bool visited_configurations::covers(const entry& old, const entry& now) const {
  if (old.hash != now.hash || old.skipped != now.skipped || old.answered != now.answered) return false;
  if (old.unknown > now.unknown) return false;
  const auto* const o = words_.data() + old.words;
  const auto* const n = words_.data() + now.words;
  if (!std::equal(o, o + old.answered, n)) return false;
  for (std::size_t i = 0; i < old.unknown; ++i) {
    if ((o[old.answered + i] & ~n[now.answered + i]) != 0) return false;
  }
  return partition_.equal(old.state, now.state);
}

void visited_configurations::grow() {
  std::vector<std::uint32_t> larger(buckets_.size() * 2);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto& bucket = larger[entries_[i].hash & (larger.size() - 1)];
    entries_[i].next = bucket;
    bucket = static_cast<std::uint32_t>(i + 1);
  }
  buckets_ = std::move(larger);
}

order_search::order_search(history_partition& partition, std::size_t configurations_max)
    : partition_{partition},
      configurations_max_{std::min(configurations_max, visited_configurations::size_max)},
      rank_(partition.operations().size()),
      answered_placed_{partition.operations().size()},
      unknown_placed_{partition.operations().size()},
      visited_{partition} {
  list_events();
  find_twins();
}

void order_search::list_events() {
  const auto& operations = partition_.operations();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (operations[i].end == history_partition::unknown) {
      unknown_.push_back(i);
      continue;
    }
    events_.push_back({.time = operations[i].begin, .operation = i});
    events_.push_back({.time = operations[i].end, .operation = i});
    ++open_;
  }
  std::sort(events_.begin() + 1, events_.end(), [](const event& a, const event& b) { return a.time < b.time; });
  std::vector<std::size_t> call(operations.size(), none);
  std::size_t ended = 0;
  for (std::size_t i = 1; i < events_.size(); ++i) {
    events_[i].previous = i - 1;
    events_[i - 1].next = i;
    auto& its_call = call[events_[i].operation];
    if (its_call == none) {
      its_call = i;
    } else {
      events_[its_call].match = i;
      rank_[events_[i].operation] = ended++;
    }
  }
  at_event_ = events_[0].next;
}

// Of several unknown operations that ask the same, the one that began first may as well take effect first.
void order_search::find_twins() {
  twin_.assign(unknown_.size(), none);
  for (std::size_t i = 1; i < unknown_.size(); ++i) {
    for (std::size_t j = i; j-- > 0 && twin_[i] == none;) {
      if (partition_.ask_the_same(unknown_[i], unknown_[j])) twin_[i] = j;
    }
  }
}

order_search::outcome order_search::run() {
  static_cast<void>(visited_.insert(answered_placed_, unknown_placed_, state_));
  while (open_ > 0) {
    if (visited_.effort() >= configurations_max_) return outcome::gave_up;
    if (place_next()) continue;
    note_dead_end();
    if (steps_.empty()) return outcome::none;
    take_back();
  }
  return outcome::found;
}

bool order_search::place_next() {
  for (; !events_[at_event_].is_return(); at_event_ = events_[at_event_].next) {
    if (place_answered(at_event_)) return true;
  }
  for (; at_unknown_ < unknown_.size(); ++at_unknown_) {
    if (partition_.operations()[unknown_[at_unknown_]].begin > events_[at_event_].time) break;
    if (place_unknown(at_unknown_)) return true;
  }
  return false;
}

bool order_search::place_answered(std::size_t call) {
  const auto operation = events_[call].operation;
  const auto next = partition_.step(state_, operation);
  if (!next) return false;
  answered_placed_.insert(rank_[operation]);
  if (enter(*next, {.operation = operation, .before = state_, .event = call, .unknown = none})) {
    lift(call);
    at_event_ = events_[0].next;
    --open_;
    return true;
  }
  answered_placed_.erase(rank_[operation]);
  return false;
}

bool order_search::place_unknown(std::size_t number) {
  if (unknown_placed_.contains(number)) return false;
  if (twin_[number] != none && !unknown_placed_.contains(twin_[number])) return false;
  const auto next = partition_.step(state_, unknown_[number]);
  if (!next || *next == state_) return false;  // what changes nothing now is better kept for later
  if (hides_the_last(unknown_[number], *next)) {
    partition_.drop_newest();
    return false;
  }
  unknown_placed_.insert(number);
  if (enter(*next, {.operation = unknown_[number], .before = state_, .event = at_event_, .unknown = number})) {
    at_event_ = events_[0].next;
    return true;
  }
  unknown_placed_.erase(number);
  return false;
}

// Whether the unknown operation placed last need not have happened, since nobody saw it and `operation`, which leads to
// `state`, leads there without it. Another branch has that.
bool order_search::hides_the_last(std::size_t operation, std::size_t state) {
  if (steps_.empty() || steps_.back().unknown == none) return false;
  const auto before = steps_.back().before;
  const auto without = partition_.step(before, operation);
  if (!without) return false;
  const bool same = partition_.equal(*without, state);
  if (*without != before) partition_.drop_newest();
  return same;
}

bool order_search::enter(std::size_t state, const step& s) {
  if (!visited_.insert(answered_placed_, unknown_placed_, state)) {
    if (state != state_) partition_.drop_newest();
    return false;
  }
  steps_.push_back(s);
  state_ = state;
  at_unknown_ = 0;
  return true;
}

void order_search::take_back() {
  const step last = steps_.back();
  steps_.pop_back();
  state_ = last.before;
  if (last.unknown == none) {
    answered_placed_.erase(rank_[last.operation]);
    put_back(last.event);
    ++open_;
    at_event_ = events_[last.event].next;
    at_unknown_ = 0;
  } else {
    unknown_placed_.erase(last.unknown);
    at_event_ = last.event;
    at_unknown_ = last.unknown + 1;
  }
}

// Nothing may come next, so the first return in the list cannot happen. No configuration gets past the latest such
// return, since every one that is not the end of an order ends here.
void order_search::note_dead_end() {
  const auto& stuck = events_[at_event_];
  if (stuck.time < furthest_time_) return;
  if (stuck.time == furthest_time_ && steps_.size() >= furthest_.order.size()) return;
  furthest_time_ = stuck.time;
  furthest_.order.clear();
  for (const step& s : steps_) furthest_.order.push_back(s.operation);
  furthest_.state = state_;
  furthest_.culprit = stuck.operation;
}

void order_search::lift(std::size_t call) noexcept {
  const auto unlink = [this](const event& e) {
    events_[e.previous].next = e.next;
    events_[e.next].previous = e.previous;  // of the last one: in event 0, where nobody looks
  };
  unlink(events_[call]);
  unlink(events_[events_[call].match]);
}

void order_search::put_back(std::size_t call) noexcept {
  const auto link = [this](std::size_t i) {
    events_[events_[i].previous].next = i;
    events_[events_[i].next].previous = i;
  };
  link(events_[call].match);
  link(call);
}

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
