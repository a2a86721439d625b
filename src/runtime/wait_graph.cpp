// SPDX-License-Identifier: Apache-2.0
#include "wait_graph.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "../core/planted.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

bool is_awaited(const invocation& inv) noexcept { return !inv.abandoned() && !inv.has_answer(); }

bool descends(const invocation& inv, const invocation& from) noexcept {
  return inv.link && from.link && inv.link->descends_from(*from.link);
}

bool contains(const std::vector<invocation*>& all, const invocation& one) noexcept {
  return std::ranges::find(all, &one) != all.end();
}

}  // namespace

std::string wait_graph::put_aside(invocation& inv, invocation& holder, const actors& all) {
  trail cycle;
  std::string how;
  std::vector<cell*> to_look;
  {
    const std::lock_guard lock{mutex_};
    auto& here = entries_[inv.target];
    here.push_back({counted_ptr<invocation>{inv}, counted_ptr<invocation>{holder}});
    trail seen;
    if (is_planted(planted::deadlock_missed) || !leads_back(inv, holder, cycle, seen)) return {};
    std::ranges::reverse(cycle);  // now each waits for the one behind it, and the last one for the first
    to_look = actors_to_enter(cycle);
    if (to_look.empty() && inv.started) to_look = actor_to_refuse(cycle);
    if (to_look.empty() && !inv.started) {
      how = describe(cycle, all);
      here.pop_back();
    }
    for (cell* const c : to_look) all.retain(*c);
  }
  for (cell* const c : to_look) all.look_again(*c);  // without the lock, since that may bring them here
  return how;
}

void wait_graph::forget(const cell& c) noexcept {
  std::vector<entry> forgotten;  // ends without the lock
  const std::lock_guard lock{mutex_};
  const auto found = entries_.find(&c);
  if (found == entries_.end()) return;
  forgotten.swap(found->second);
  entries_.erase(found);
}

void wait_graph::serve(invocation& consumer, invocation& sender) {
  const std::lock_guard lock{mutex_};
  services_.push_back({counted_ptr<invocation>{consumer}, counted_ptr<invocation>{sender}});
}

void wait_graph::end_serving(const invocation& consumer, const invocation& sender) noexcept {
  service ended;  // without the lock
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find_if(services_, [&](const service& s) {
    return s.consumer.get() == &consumer && s.sender.get() == &sender;
  });
  if (found == services_.end()) return;
  ended = std::move(*found);
  services_.erase(found);
}

void wait_graph::clear() noexcept {
  decltype(entries_) entries;  // end without the lock
  decltype(services_) services;
  const std::lock_guard lock{mutex_};
  entries.swap(entries_);
  services.swap(services_);
}

// Whether `to` waits for `from`. `way` gets all from `from` to `to`.
bool wait_graph::leads_back(invocation& from, const invocation& to, trail& way, trail& seen) const {
  if (contains(seen, from)) return false;
  seen.push_back(&from);
  way.push_back(&from);
  if (&from == &to) return true;
  if (from.caller && is_awaited(from) && leads_back(*from.caller, to, way, seen)) return true;
  if (const auto behind = entries_.find(from.target); behind != entries_.end()) {
    for (const entry& e : behind->second) {
      if (e.holder.get() == &from && leads_back(*e.waiting, to, way, seen)) return true;
    }
  }
  for (const service& s : services_) {
    const bool is_served = s.consumer.get() == &from && is_awaited(*s.sender);
    if (is_served && leads_back(*s.sender, to, way, seen)) return true;
  }
  way.pop_back();
  return false;
}

const invocation* wait_graph::holder_before(const invocation& waiting) const noexcept {
  const auto all = entries_.find(waiting.target);
  if (all == entries_.end()) return nullptr;
  const auto found = std::ranges::find_if(all->second, [&](const entry& e) { return e.waiting.get() == &waiting; });
  return found != all->second.end() ? found->holder.get() : nullptr;
}

// The actors of those in the cycle that descend from what keeps them out, by now.
std::vector<cell*> wait_graph::actors_to_enter(const trail& cycle) const {
  std::vector<cell*> found;
  for (std::size_t i = 0; i != cycle.size(); ++i) {
    const invocation& next = *cycle[(i + 1) % cycle.size()];
    if (holder_before(*cycle[i]) == &next && descends(*cycle[i], next)) found.push_back(cycle[i]->target);
  }
  return found;
}

// The one that has closed the cycle has begun, and cannot be refused. An actor that looks again at one that has not
// finds the same cycle, and refuses it.
std::vector<cell*> wait_graph::actor_to_refuse(const trail& cycle) const {
  for (const invocation* const one : cycle) {
    if (!one->started && is_awaited(*one) && holder_before(*one) != nullptr) return {one->target};
  }
  return {};
}

// "a is kept out by b, which waits for c, which is kept out by d, which waits for a", where a is the last of the trail.
std::string wait_graph::describe(const trail& cycle, const actors& all) const {
  std::string text = fmt::format("{} is kept out by {}", all.name(*cycle.back()), all.name(*cycle.front()));
  for (std::size_t i = 0; i + 1 < cycle.size(); ++i) {
    const invocation& next = *cycle[i + 1];
    const bool is_kept_out = holder_before(*cycle[i]) == &next;
    text += fmt::format(", which {} {}", is_kept_out ? "is kept out by" : "waits for", all.name(next));
  }
  return text;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
