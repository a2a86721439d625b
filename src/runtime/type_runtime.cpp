// SPDX-License-Identifier: Apache-2.0
#include "type_runtime.hpp"

#include <algorithm>
#include <utility>

#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint8_t rounds_until_sleep = 4;
constexpr std::size_t looked_at_in_a_row = 512;

// More than that is not kept for the live copy of an actor that is asleep.
constexpr std::size_t cell_bytes_max = 320;

constexpr std::size_t up_to(std::size_t multiple, std::size_t n) noexcept {
  return (n + multiple - 1) / multiple * multiple;
}

bool can_wake_at_once(const definition& d) noexcept {
  return d.options.durability == durability::ephemeral && !d.has_on_create && !d.has_on_wake && !d.has_run &&
         !d.has_on_state_change && d.parts.empty();
}

}  // namespace

type_runtime::type_runtime(runtime_core& r, const cell_handlers& to, const definition& d,
                           const commit_state& commits) noexcept
    : served_type{r, to, d, commits, r.stopping_flag(), can_wake_at_once(d), r.observes_turns(), 0, 0, 0} {
  std::size_t bytes = sizeof(cell);
  if (d.options.durability != durability::ephemeral) {
    id_at = static_cast<std::uint32_t>(bytes);
    bytes += sizeof(actor_id);
  }
  cell_bytes = static_cast<std::uint32_t>(up_to(cell_blocks::alignment, bytes));
  const auto at = up_to(d.live_alignment, bytes);
  if (d.live_alignment > cell_blocks::alignment || at + d.live_bytes > cell_bytes_max) return;
  live_at = static_cast<std::uint32_t>(at);
  cell_bytes = static_cast<std::uint32_t>(up_to(cell_blocks::alignment, at + d.live_bytes));
}

std::chrono::nanoseconds idle_rounds::apart() const noexcept {
  return std::max<std::chrono::nanoseconds>(type_.type.options.sleep_after / rounds_until_sleep,
                                            std::chrono::nanoseconds{1});
}

void idle_rounds::actor_woke(cell& c) noexcept {
  c.tally().count();
  // Either the end of a round sees that somebody is awake, or we that there is no next one.
  awake_.fetch_add(1, std::memory_order_seq_cst);
  if (type_.type.options.sleep_after == troupe::never || under_way_.load(std::memory_order_seq_cst)) return;
  if (under_way_.exchange(true, std::memory_order_seq_cst)) return;
  last_end_ = type_.core.exec().now();
  wait();
}

// Whoever shuts down sees the timer, or we see the shutdown.
void idle_rounds::wait() noexcept {
  auto& exec = type_.core.exec();
  exec.arm(*this, moment_after(last_end_, apart()));
  if (type_.core.stopping()) exec.cancel(*this);
}

void idle_rounds::stop() noexcept { type_.core.exec().cancel(*this); }

void idle_rounds::ring(timer& t) noexcept {
  auto& self = static_cast<idle_rounds&>(t);
  self.type_.core.enter_busy();
  self.begin_round();
  self.type_.core.exec().post(self);
}

void idle_rounds::look(work& w) noexcept {
  auto& self = static_cast<idle_rounds&>(w);
  auto& core = self.type_.core;
  if (!core.stopping()) {
    std::size_t looked_at = 0;
    while (self.next_shard_ != shard_count && looked_at < looked_at_in_a_row) looked_at += self.look_at_next_shard();
    if (self.next_shard_ != shard_count) return core.exec().post_behind(self);
    self.end_round();
  }
  core.leave_busy();
}

// Time that was skipped, because nobody drove the executor, counts.
void idle_rounds::begin_round() noexcept {
  const auto passed = (type_.core.exec().now() - last_end_) / apart();
  round_ = static_cast<std::uint8_t>(round_ + std::clamp<decltype(passed)>(passed, 1, rounds_until_sleep));
  next_shard_ = 0;
}

void idle_rounds::end_round() noexcept {
  last_end_ = type_.core.exec().now();
  if (awake_.load(std::memory_order_seq_cst) != 0) return wait();
  under_way_.store(false, std::memory_order_seq_cst);
  if (awake_.load(std::memory_order_seq_cst) != 0 && !under_way_.exchange(true, std::memory_order_seq_cst)) wait();
}

// Returns how many cells there are in it.
std::size_t idle_rounds::look_at_next_shard() noexcept {
  auto& shard = type_.by_key[next_shard_++];
  std::size_t count = 0;
  work_list idle_cells;
  {
    const std::lock_guard lock{shard.mutex};
    // One that is awake keeps its cell.
    shard.cells.for_each([&](cell& c) {
      ++count;
      if (!c.try_lock()) return;
      has_been_idle(c) ? idle_cells.push_back(c) : c.unlock();
    });
  }
  while (work* const w = idle_cells.pop_front()) {
    auto& c = static_cast<cell&>(*w);
    type_.handlers.idle(c);
    c.post();
  }
  return count;
}

bool idle_rounds::has_been_idle(cell& c) const noexcept {
  if (!c.tally().take() && c.live()->keep_awake_count == 0) {
    return static_cast<std::uint8_t>(round_ - c.tally().round()) >= rounds_until_sleep;
  }
  c.tally().set_round(round_);
  return false;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
