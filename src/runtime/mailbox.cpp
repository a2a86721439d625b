// SPDX-License-Identifier: Apache-2.0
#include <troupe/runtime/mailbox.hpp>

#include <thread>

#include "../core/planted.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

bool mailbox::lock_briefly() noexcept {
  constexpr int looks = 256;
  constexpr int looks_in_a_row = 64;
  for (int i = 1; i <= looks; ++i) {
    if (try_lock()) return true;
    if (const auto now = word_.load(std::memory_order_relaxed); now != locked && now != idle) return false;
    if (i % looks_in_a_row == 0) std::this_thread::yield();  // the holder may have been preempted
  }
  return false;
}

// The stack has the newest on top.
void mailbox::receive(work_list& into) noexcept {
  TROUPE_ASSERT(is_locked(), "only the holder receives messages");
  const auto taken = word_.exchange(locked, std::memory_order_acquire);
  auto* newest = taken == locked ? nullptr : reinterpret_cast<work*>(taken);
  while (newest != nullptr) {
    work* const older = newest->next;
    is_planted(planted::mailbox_reordered) ? into.push_back(*newest) : into.push_front(*newest);
    newest = older;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
