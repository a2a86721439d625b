// SPDX-License-Identifier: Apache-2.0
#include "part_list.hpp"

#include <cstddef>

#include "../core/planted.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

template <class Moment>
void take_earlier(std::optional<Moment>& first, std::optional<Moment> other) noexcept {
  if (other && (!first || *other < *first)) first = other;
}

}  // namespace

part_list::part_list(cell& owner, const definition& type)
    : type_{type}, parts_{std::make_unique<place[]>(type.parts.size())}, end_{parts_.get() + type.parts.size()} {
  for (std::size_t i = 0; i != type.parts.size(); ++i) {
    parts_[i] = {type.parts[i].make, type.parts[i].make(owner)};
    parts_[i].part->first_changed_ = &first_changed_;
  }
}

void part_list::load(const stored_rows& stored) {
  TROUPE_ASSERT(!loaded_, "the parts of an actor are loaded once a life");
  loaded_ = true;
  try {
    for (const place& each : all()) each.part->load(stored);
  } catch (...) {
    unload(unload_reason::slept);
    throw;
  }
}

void part_list::woken() {
  TROUPE_ASSERT(loaded_, "an actor that is awake has its parts");
  for (const place& each : all()) each.part->woken();
}

void part_list::unload(unload_reason why) noexcept {
  loaded_ = false;
  for (const place& each : all()) {
    each.part->unload(why);
    each.part->changed_ = false;
  }
  first_changed_ = nullptr;
}

std::optional<time_point> part_list::next_due() const noexcept {
  std::optional<time_point> first;
  for (std::size_t i = 0; i != all().size(); ++i) {
    if (type_.parts[i].wakes) take_earlier(first, parts_[i].part->next_due());
  }
  return first;
}

std::optional<wall_time> part_list::next_due_row() const noexcept {
  std::optional<wall_time> first;
  for (std::size_t i = 0; i != all().size(); ++i) {
    if (type_.parts[i].wakes) take_earlier(first, parts_[i].part->next_due_row());
  }
  return first;
}

void part_list::roll_back() noexcept {
  end_changes([](actor_part& each) {
    is_planted(planted::part_change_kept) ? each.discard() : each.roll_back();
  });
}

bool part_list::invocation_ended(const invocation& inv, const std::exception_ptr& failure) noexcept {
  bool is_theirs = false;
  for (const place& each : all()) is_theirs = each.part->invocation_ended(inv, failure) || is_theirs;
  return is_theirs;
}

void part_list::plain_action_ended(bool failed) noexcept {
  for (const place& each : all()) each.part->plain_action_ended(failed);
}

void part_list::branch_ended(const fiber& branch, const fiber& whole, bool cancelled) noexcept {
  for (const place& each : all()) each.part->branch_ended(branch, whole, cancelled);
}

std::string part_list::describe_held(const invocation& inv) const {
  std::string text;
  for (const place& each : all()) text += each.part->describe_held(inv);
  return text;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
