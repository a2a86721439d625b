// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/timer.hpp>

#include <algorithm>
#include <bit>

#include "planted.hpp"

namespace troupe {
inline namespace v0 {
namespace {

constexpr std::int64_t tick_ns = 1'000'000;

std::uint64_t tick_at_or_after(time_point at) {
  const auto ns = std::max<std::int64_t>(at.time_since_epoch().count(), 0);
  return static_cast<std::uint64_t>(ns / tick_ns + (ns % tick_ns != 0 ? 1 : 0));
}

// In nanoseconds of steady time; the last one there is for a tick beyond.
std::int64_t moment_of(std::uint64_t tick) {
  return tick > static_cast<std::uint64_t>(INT64_MAX / tick_ns) ? INT64_MAX : static_cast<std::int64_t>(tick) * tick_ns;
}

}  // namespace

bool timer_queue::arm(timer& t, time_point at) noexcept {
  const std::lock_guard lock{mutex_};
  if (t.armed_) remove(t);
  t.tick_ = std::max(tick_at_or_after(at), now_tick_ + 1);
  insert(t);
  const auto due = moment_of(t.tick_);
  if (due >= next_.load(std::memory_order_relaxed)) return false;
  next_.store(due, std::memory_order_relaxed);
  return true;
}

// Most timers are cancelled before they are due, so nobody looks for the next one here.
bool timer_queue::cancel(timer& t) noexcept {
  const std::lock_guard lock{mutex_};
  if (!t.armed_) return false;
  remove(t);
  return true;
}

// A timer stands at the level of the highest bit in which its tick differs from the present one, so that it moves down
// a level each time the present reaches its slot.
void timer_queue::insert(timer& t) noexcept {
  const auto differing = t.tick_ ^ now_tick_;
  const auto level = static_cast<unsigned>(std::bit_width(differing) - 1) / bits;
  const auto slot = static_cast<unsigned>(t.tick_ >> (level * bits)) & (slots - 1);
  auto& l = wheel_[level][slot];
  t.slot_ = static_cast<std::uint16_t>(level * slots + slot);
  t.next_ = nullptr;
  t.previous_ = l.last;
  (l.last == nullptr ? l.first : l.last->next_) = &t;
  l.last = &t;
  t.armed_ = true;
  occupied_[level] |= std::uint64_t{1} << slot;
}

void timer_queue::remove(timer& t) noexcept {
  const auto level = t.slot_ / slots;
  const auto slot = t.slot_ % slots;
  auto& l = wheel_[level][slot];
  (t.previous_ == nullptr ? l.first : t.previous_->next_) = t.next_;
  (t.next_ == nullptr ? l.last : t.next_->previous_) = t.previous_;
  if (l.first == nullptr) occupied_[level] &= ~(std::uint64_t{1} << slot);
  t.armed_ = false;
}

// The present has come to this slot: what is due fires, the rest moves down.
std::size_t timer_queue::enter(unsigned level, unsigned slot) noexcept {
  std::size_t fired = 0;
  timer* t = wheel_[level][slot].first;
  wheel_[level][slot] = {};
  occupied_[level] &= ~(std::uint64_t{1} << slot);
  while (t != nullptr) {
    timer* const next = t->next_;
    if (t->tick_ == now_tick_) {
      t->armed_ = false;
      ++fired;
      if (!detail::is_planted(detail::planted::timer_lost) || fired == 1) t->fire(*t);
    } else {
      insert(*t);
    }
    t = next;
  }
  return fired;
}

// The next tick at which something fires or moves down: slots ahead of the present on the lowest level that has any.
std::uint64_t timer_queue::next_tick() const noexcept {
  for (unsigned level = 0; level < levels; ++level) {
    const auto here = static_cast<unsigned>(now_tick_ >> (level * bits)) & (slots - 1);
    const auto ahead = here == slots - 1 ? 0 : occupied_[level] & (~std::uint64_t{0} << (here + 1));
    if (ahead == 0) continue;
    const auto slot = static_cast<std::uint64_t>(std::countr_zero(ahead));
    const auto block = now_tick_ >> ((level + 1) * bits) << ((level + 1) * bits);
    return block | slot << (level * bits);
  }
  return UINT64_MAX;
}

void timer_queue::publish_next() const noexcept { next_.store(moment_of(next_tick()), std::memory_order_relaxed); }

std::size_t timer_queue::expire(time_point now) noexcept {
  const std::lock_guard lock{mutex_};
  const auto until = static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 0) / tick_ns);
  std::size_t fired = 0;
  while (now_tick_ < until) {
    const auto tick = next_tick();
    if (tick > until) {
      // No slot is entered on the way, so every timer keeps its place relative to the new present.
      now_tick_ = until;
      break;
    }
    now_tick_ = tick;
    for (unsigned level = levels; level-- > 0;) {
      if ((tick & ((std::uint64_t{1} << (level * bits)) - 1)) != 0) continue;
      fired += enter(level, static_cast<unsigned>(tick >> (level * bits)) & (slots - 1));
    }
  }
  publish_next();
  return fired;
}

std::optional<time_point> timer_queue::next_deadline() const noexcept {
  const std::lock_guard lock{mutex_};
  publish_next();
  const auto ns = next_.load(std::memory_order_relaxed);
  if (ns == never) return std::nullopt;
  return time_point{std::chrono::nanoseconds{ns}};
}

}  // namespace v0
}  // namespace troupe
