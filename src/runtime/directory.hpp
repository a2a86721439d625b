#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include <troupe/runtime/cell.hpp>

namespace troupe::inline v0 {
namespace detail {

/// Finds cells: by definition and key, and by id. Two sets of shards, each a lock and an intrusive hash table.
/// All members may be called from any thread.
class directory {
 public:
  /// The cell of this key, made if there is none. Retained for the caller.
  [[nodiscard]] cell& at(runtime_core& core, const definition& type, const troupe::key& key);

  /// The cell of the actor with this id, if it is in memory. Retained for the caller.
  [[nodiscard]] cell* find(const actor_id& id) noexcept;

  /// Makes a cell findable by id, or no longer. By its holder.
  void set_id(cell& c, const actor_id& id);
  void clear_id(cell& c) noexcept;

  /// Gives back one reference; the last one ends the cell.
  void release(cell& c) noexcept;

  /// All cells that are there now, each retained.
  [[nodiscard]] std::vector<cell*> all();
  /// One of them, as chance has it, retained; null if there is none.
  [[nodiscard]] cell* any(std::uint64_t random) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  struct shard {
    std::mutex mutex;
    std::vector<cell*> buckets;
    std::size_t count = 0;
  };
  static constexpr std::size_t shard_count = 64;

  [[nodiscard]] static std::size_t hash(const definition& type, const troupe::key& key) noexcept;
  template <cell* cell::*Next, class Hash>
  static void grow(shard& s, Hash hash);
  void remove_id(cell& c) noexcept;

  std::array<shard, shard_count> by_key_;
  std::array<shard, shard_count> by_id_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace detail
}  // namespace troupe::inline v0
