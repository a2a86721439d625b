// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <troupe/actor/definition.hpp>
#include <troupe/core/assert.hpp>

#include "actor_part.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The parts of one actor, as its definition lists them. Each call goes to all of them, in the order of the list. An
/// actor without parts has no list. The holder of the cell calls it.
class part_list {
 public:
  part_list(cell& owner, const definition& type);

  /// The part of class `P`, which the definition has.
  template <class P>
  [[nodiscard]] P& get() const noexcept {
    const place* at = parts_.get();
    while (at->make != &P::make) {
      TROUPE_ASSERT(at + 1 != end_, "the definition has a part that it is asked for");
      ++at;
    }
    return static_cast<P&>(*at->part);
  }

  // See `actor_part`.

  /// If it throws, all are unloaded.
  void load(const stored_rows& stored);
  void woken();
  [[nodiscard]] bool is_loaded() const noexcept { return loaded_; }
  void unload(unload_reason why) noexcept;
  /// Those of parts that wake the actor.
  [[nodiscard]] std::optional<time_point> next_due() const noexcept;
  [[nodiscard]] std::optional<wall_time> next_due_row() const noexcept;

  /// Whether the turn has changed any.
  [[nodiscard]] bool changed() const noexcept { return first_changed_ != nullptr; }
  void record(row_changes& into) {
    end_changes([&](actor_part& each) { each.record(into); });
  }
  void roll_back() noexcept;
  void discard() noexcept {
    end_changes([](actor_part& each) { each.discard(); });
  }

  bool invocation_ended(const invocation& inv, const std::exception_ptr& failure) noexcept;
  void plain_action_ended(bool failed) noexcept;
  void branch_ended(const fiber& branch, const fiber& whole, bool cancelled) noexcept;
  [[nodiscard]] std::string describe_held(const invocation& inv) const;

 private:
  struct place {
    decltype(part_entry::make) make = nullptr;
    std::unique_ptr<actor_part> part;
  };

  // Those that the turn has changed are as it leaves them.
  template <class End>
  void end_changes(End&& end) {
    while (first_changed_ != nullptr) {
      TROUPE_ASSERT(loaded_, "a part changes while it is loaded");
      actor_part& each = *first_changed_;
      end(each);
      TROUPE_ASSERT(first_changed_ == &each, "the end of a part's changes changes no other part");
      each.changed_ = false;
      first_changed_ = each.next_changed_;
    }
  }

  [[nodiscard]] std::span<place> all() const noexcept { return {parts_.get(), end_}; }

  const definition& type_;
  const std::unique_ptr<place[]> parts_;
  place* const end_;
  bool loaded_ = false;
  actor_part* first_changed_ = nullptr;  ///< of those that the turn has changed
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
