// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "type_runtime.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {
struct test_door;
}  // namespace testing
namespace detail {

/// Finds cells: by definition and key, and by id. All members may be called from any thread.
class directory {
 public:
  /// Once, before all else: what there may be actors of, each at the place that its ordinal says.
  void serve(runtime_core& core, const cell_handlers& to,
             std::span<const std::shared_ptr<const definition>> definitions, const commit_state& commits);

  [[nodiscard]] static std::uint32_t hash_of(const definition& type, const troupe::key& key) noexcept;
  /// A look-up with this hash is going to follow: memory may begin to bring what it will look at.
  void fetch(const definition& type, std::uint32_t hash) const noexcept;

  /// The cell of this key, made if there is none. Retained for the caller.
  [[nodiscard]] cell& at(const definition& type, const troupe::key& key, std::uint32_t hash);
  [[nodiscard]] cell& at(const definition& type, const troupe::key& key) { return at(type, key, hash_of(type, key)); }

  /// The cell of the actor with this id, if it is in memory. Retained for the caller.
  [[nodiscard]] cell* find(const actor_id& id) noexcept;

  /// Makes a cell findable by id, or no longer. By its holder.
  void set_id(cell& c, const actor_id& id);
  void clear_id(cell& c) noexcept;
  /// Its id; nil while the actor is not known to exist. An actor that is never stored gets its id when that is first
  /// asked for. By its holder.
  [[nodiscard]] const actor_id& id_of(cell& c);

  /// Gives back a reference that may be the last; the last one ends the cell. See `cell::release`.
  void release(cell& c) noexcept;

  /// All cells that are there now, each retained.
  [[nodiscard]] std::vector<cell*> all();
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t awake() const noexcept;
  /// For people: the names of some that are not asleep, behind a colon; empty if all are.
  [[nodiscard]] std::string not_asleep();

  /// Nobody is put to sleep for idleness any more: the runtime shuts down.
  void stop() noexcept;

 private:
  friend struct testing::test_door;
  void remove_id(cell& c) noexcept;

  std::vector<std::unique_ptr<type_runtime>> kinds_;
  directory_shards by_id_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
