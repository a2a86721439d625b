// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include <troupe/core/timer.hpp>
#include <troupe/runtime/cell.hpp>

#include "cell_blocks.hpp"
#include "cell_table.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// A part of a directory, with a lock of its own. Which one, the highest bits of the hash tell.
struct alignas(64) directory_shard {
  std::mutex mutex;
  cell_table cells;
};
inline constexpr std::size_t shard_count = 64;
using directory_shards = std::array<directory_shard, shard_count>;
[[nodiscard]] constexpr std::size_t shard_of(std::uint32_t hash) noexcept { return hash >> 26; }

class type_runtime;

/// Puts the idle actors of one definition to sleep. While any is awake it looks at all of them in rounds, a quarter of
/// `sleep_after` apart, and one that has done nothing for four of them goes: so no actor needs a timer, and no call
/// reads a clock. So many at a time, then others get the thread.
class idle_rounds final : private timer, private work {
 public:
  explicit idle_rounds(type_runtime& k) noexcept : timer{&idle_rounds::ring}, work{&idle_rounds::look}, type_{k} {}

  /// The holder of a cell whose actor has just woken.
  void actor_woke(cell& c) noexcept;
  void actor_sleeps() noexcept { awake_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t awake() const noexcept { return awake_.load(std::memory_order_relaxed); }

  /// The runtime has begun to shut down.
  void stop() noexcept;

 private:
  static void ring(timer& t) noexcept;
  static void look(work& w) noexcept;
  [[nodiscard]] std::size_t look_at_next_shard() noexcept;
  [[nodiscard]] bool has_been_idle(cell& c) const noexcept;
  void begin_round() noexcept;
  void end_round() noexcept;
  void wait() noexcept;
  [[nodiscard]] std::chrono::nanoseconds apart() const noexcept;

  type_runtime& type_;
  std::atomic<std::size_t> awake_{0};
  std::atomic<bool> under_way_{false};
  std::size_t next_shard_ = 0;
  std::uint8_t round_ = 0;  ///< counts, also those that time has skipped
  time_point last_end_{};
};

/// A definition as one runtime serves it.
class type_runtime final : public served_type {
 public:
  type_runtime(runtime_core& r, const cell_handlers& to, const definition& d, const commit_state& commits) noexcept;
  type_runtime(const type_runtime&) = delete;
  type_runtime& operator=(const type_runtime&) = delete;

  directory_shards by_key;
  cell_blocks blocks;  ///< of its cells
  alignas(64) idle_rounds rounds{*this};  // counts all who wake: see runtime_core
};

[[nodiscard]] inline type_runtime& type_runtime_of(const cell& c) noexcept {
  return static_cast<type_runtime&>(c.kind());
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
