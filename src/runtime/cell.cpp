// SPDX-License-Identifier: Apache-2.0
#include <troupe/runtime/cell.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/executor.hpp>

#include "../core/planted.hpp"
#include "commit_ledger.hpp"
#include "core.hpp"
#include "observing.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

static_assert(sizeof(cell) <= 120, "every actor in memory pays for a larger cell");

cell::cell(served_type& kind, const troupe::key& key, std::uint8_t place)
    : locked_actor{kind}, place_{place}, key_{key} {}

cell::~cell() {
  if (extension_ != nullptr) kind().handlers.end_extension(*extension_);
}

observed_actor seen(const cell& c) noexcept { return {c.type().name, &c.key(), c.known_id()}; }

bool cell::try_retain() noexcept {
  auto count = references_.load(std::memory_order_relaxed);
  while (count != 0 && !references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) {
  }
  return count != 0;
}

void cell::release() noexcept {
  auto count = references_.load(std::memory_order_relaxed);
  while (count > 1) {
    if (references_.compare_exchange_weak(count, count - 1, std::memory_order_acq_rel)) return;
  }
  kind().handlers.release(*this);
}

// Fetched together: the cell with its key, and the beginning of a live copy that follows.
void cell::fetch() const noexcept {
  constexpr std::size_t line_bytes = 64;
  const auto* const lines = reinterpret_cast<const std::byte*>(this);
  for (std::size_t at = 0; at <= sizeof(cell) + sizeof(activation); at += line_bytes) __builtin_prefetch(lines + at);
}

std::exception_ptr why_it_ends(const cell& c, bool destroyed) {
  return std::make_exception_ptr(destroyed ? error(errc::destroying, c.name())
                                           : error(errc::runtime_stopped, c.core().interrupted(c.name())));
}

std::exception_ptr why_it_is_lost(const cell& c) {
  return std::make_exception_ptr(
      error(errc::store_unavailable, fmt::format("{}: {}", c.name(), c.core().commits().why_lost())));
}

// --- the mailbox ----------------------------------------------------------------------------------------------------

// A dormant cell lives only through its handles and the calls that are on their way to it. From its lock until it is
// dormant again it has a reference of its own, and counts as busy.
bool cell::lock_dormant() noexcept {
  retain();
  core().enter_busy();
  if (mailbox_.lock_dormant()) return true;
  references_.fetch_sub(1, std::memory_order_relaxed);  // not the last: the caller has one, or its call is counted in
  core().leave_busy();
  return false;
}

bool cell::try_wake(const address& wanted) {
  if (!kind().wakes_at_once || !wanted.creates() || !mailbox_.is_dormant() || !lock_dormant()) return false;
  try {
    if (kind().handlers.wake_at_once(*this, wanted) && life_.is_open()) return true;  // else the runtime shuts down
  } catch (...) {
    unlock();
    throw;
  }
  unlock();
  return false;
}

bool cell::enqueue(work& w) noexcept {
  const auto found = mailbox_.enqueue(w);
  if (found == mailbox::outcome::queued) return false;
  if (found == mailbox::outcome::dormant) return enqueue_dormant(w);
  incoming_.push_back(w);
  return true;
}

// Out of line, so that the others save no registers for its sake.
[[gnu::noinline]] bool cell::enqueue_dormant(work& w) noexcept {
  if (!lock_dormant()) return enqueue(w);
  incoming_.push_back(w);
  return true;
}

void cell::push(work& w) noexcept {
  if (enqueue(w)) post();
}

// A thread that has held the cell all along, or has woken it, runs it itself when no worker would any more.
void cell::post() noexcept {
  if (core().after_shutdown()) [[unlikely]]
    return drain(drain_budget);
  post_batch::post(core().exec(), *this);
}

void cell::unlock_to_executor() noexcept {
  if (!incoming_.empty() || (!try_unlock() && !is_planted(planted::lost_wake_up))) post();
}

// Leaves the cell if nothing waits. True if it is no longer held; then it may be gone.
bool cell::try_unlock() noexcept {
  using unlocked = mailbox::unlocked;
  const auto to = life_.is_open() ? unlocked::idle
                  : life_.now() == phase::asleep ? unlocked::dormant
                                                 : unlocked::closed;
  TROUPE_ASSERT(to != unlocked::dormant || live_ == nullptr, "an actor that is asleep has no live copy");
  if (!mailbox_.unlock(to)) return false;
  if (to == unlocked::dormant) {
    auto& here = core();
    release();
    here.leave_busy();
  }
  return true;
}

// Takes over what has come to the mailbox, in the order of arrival. False if nothing has, and the cell has been left.
bool cell::receive_more() noexcept {
  calls_.show();
  if (try_unlock()) return false;
  mailbox_.receive(incoming_);
  return true;
}

// The thread has something else to do first, so whoever is free may take it. Out of line, so that nobody saves
// registers for its sake.
[[gnu::noinline]] void offer_kept(thread_state& thread) noexcept {
  auto& kept = *static_cast<cell*>(std::exchange(thread.kept, nullptr));
  kept.core().exec().offer(kept);
}

void cell::drain(int budget) noexcept {
  kind().handlers.run_messages(*this, budget);
  if (auto& thread = this_thread(); thread.kept != nullptr) offer_kept(thread);
}

void count_in(cell& c, invocation& inv) {
  try {
    c.count_in();
  } catch (...) {
    inv.release();
    throw;
  }
  inv.counted = true;
}

void cell::withdraw() noexcept {
  retain();
  calls_.remove();
  release();
}

void cell::refuse_call() {
  if (!is_planted(planted::overloaded_call_counted)) calls_.remove();
  const error why{errc::overloaded, fmt::format("{} calls wait for {} already (options::mailbox_calls_max)",
                                                type().options.mailbox_calls_max, name())};
  tell(core(), [&](observer& o) { o.call_refused({type().name, &key(), {}}, "call", std::make_exception_ptr(why)); });
  throw why;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
