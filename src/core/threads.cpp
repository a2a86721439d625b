// SPDX-License-Identifier: Apache-2.0
// The list of threads that run turns.

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include <troupe/core/fiber.hpp>

#include "fork_watch.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

struct thread_list {
  std::mutex mutex;
  std::vector<thread_state*> all;
  thread_state* forked = nullptr;  ///< in a child: the thread that has forked it
  fork_watch fork{[](void* self) noexcept { static_cast<thread_list*>(self)->forked = &this_thread(); }, this};
};

// Outlives every thread. A forked child has a list of its own: another thread of the parent may hold the parent's lock.
thread_list& known() noexcept {
  static std::atomic<thread_list*> current{new thread_list};
  thread_list* now = current.load(std::memory_order_acquire);
  if (!now->fork.in_child()) [[likely]]
    return *now;
  auto fresh = std::make_unique<thread_list>();
  if (!now->forked->mark.of_unknown_thread()) fresh->all.push_back(now->forked);
  return current.compare_exchange_strong(now, fresh.get(), std::memory_order_acq_rel) ? *fresh.release() : *now;
}

// Takes its thread off the list when that ends.
struct membership {
  explicit membership(thread_state& t) : thread{t} {
    const std::lock_guard lock{known().mutex};
    known().all.push_back(&thread);
  }
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;
  ~membership() {
    const std::lock_guard lock{known().mutex};
    std::erase(known().all, &thread);
  }
  thread_state& thread;
};

}  // namespace

// Not again for a thread that ends, whatever its destructors call: it stays known to itself.
void make_known(thread_state& thread) {
  if (!thread.mark.of_unknown_thread()) return;
  thread_local const membership mine{thread};
  static_cast<void>(mine);
  thread.mark.become_known();
}

void for_each_thread(void (*look)(thread_state& thread, void* context), void* context) {
  const std::lock_guard lock{known().mutex};
  for (thread_state* const each : known().all) look(*each, context);
}

void turn_mark::set(beginning b, unsigned& calls) noexcept {
  beginning_ = b;
  calls_ = read_shared(calls);
  write_shared(calls, calls_ | inline_calls_max);
  __atomic_fetch_or(&state_, marked, __ATOMIC_RELAXED);
}

std::optional<turn_mark::beginning> turn_mark::take(unsigned& calls) noexcept {
  const std::lock_guard lock{lock_};
  if ((__atomic_fetch_and(&state_, ~marked, __ATOMIC_RELAXED) & marked) == 0) return std::nullopt;
  const unsigned since = read_shared(calls) - (calls_ | inline_calls_max);
  if (since <= 1) write_shared(calls, calls_ + since);
  return beginning_;
}

void turn_mark::note(const clock& c, unsigned& calls) noexcept {
  const std::lock_guard lock{lock_};
  const bool is_marked = (state() & marked) != 0;
  if (is_marked && beginning_.by == &c) return;
  set({&c, c.now(), false}, calls);
}

void turn_mark::forget() noexcept {
  if (beginning_.by == nullptr) __atomic_fetch_and(&state_, ~marked, __ATOMIC_RELAXED);
}

std::optional<turn_mark::beginning> turn_mark::look(time_point now, unsigned& calls) noexcept {
  const bool is_marked = (state() & marked) != 0;
  if (is_marked) return beginning_.by == nullptr ? std::optional{beginning_} : std::nullopt;
  set({nullptr, now, false}, calls);
  return std::nullopt;
}

void before_time_passes(const clock& c) noexcept {
  auto& thread = this_thread();
  if (thread.in_turn != nullptr) thread.mark.note(c, thread.inline_calls);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
