// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The rows of all actors' parts in memory. Not thread-safe.
class memory_parts {
 public:
  /// Which row of an actor.
  struct place {
    std::uint32_t collection = 0;
    bytes key{};
  };
  struct row {
    std::optional<bytes> value{};  ///< nothing, among changes: the row is to be gone
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> due{};
  };

 private:
  /// The same as a `place`, to look for it without memory of its own.
  struct place_view {
    place_view(std::uint32_t collection, bytes_view key) noexcept : collection{collection}, key{key} {}
    place_view(const place& at) noexcept : collection{at.collection}, key{at.key} {}
    std::uint32_t collection;
    bytes_view key;
  };
  struct due_view {
    due_view(std::chrono::sys_time<std::chrono::milliseconds> due, const actor_id& actor, place_view at) noexcept
        : due{due}, actor{actor}, at{at} {}
    due_view(const due_request::place& of) noexcept : due{of.due}, actor{of.actor}, at{of.collection, of.key} {}
    std::chrono::sys_time<std::chrono::milliseconds> due;
    actor_id actor;
    place_view at;
  };
  struct in_order {
    using is_transparent = void;
    bool operator()(const place_view& a, const place_view& b) const noexcept;
  };
  struct in_order_of_time {
    using is_transparent = void;
    bool operator()(const due_view& a, const due_view& b) const noexcept;
  };
  using due_places = std::set<due_request::place, in_order_of_time>;

 public:
  using rows = std::map<place, row, in_order>;

  /// What a commit changes, with all the memory that this needs.
  class changes {
   public:
    void add(const write_set& write);

   private:
    friend class memory_parts;
    std::map<actor_id, rows> rows_;
    due_places due_;
  };

  /// Cannot fail. The changes are of actors that are there.
  void apply(changes& changed) noexcept;
  void destroy(const actor_id& actor) noexcept;

  /// All rows of a collection.
  void read(const actor_id& actor, std::uint32_t collection, std::vector<part_record>& found) const;
  void find(parts_request& request) const;
  /// The rows lack their actors' names and keys.
  void find(due_request& request) const;

  /// Null if the actor has none.
  [[nodiscard]] const rows* of(const actor_id& actor) const;

 private:
  static void change(const actor_id& actor, rows& of, rows& changed, due_places& due) noexcept;
  static void forget(const actor_id& actor, const place& at, const row& of, due_places& due) noexcept;

  std::map<actor_id, rows> rows_;  ///< of those that have any
  due_places due_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
