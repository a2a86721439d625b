// SPDX-License-Identifier: Apache-2.0
#include "activity.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

void activity::leave() noexcept {
  auto before = busy_.load(std::memory_order_relaxed);
  while (before > 1) {
    if (busy_.compare_exchange_weak(before, before - 1, std::memory_order_acq_rel)) return;
  }
  // Under the lock, so that shutdown does not see the last one leave before it has left.
  const std::lock_guard lock{mutex_};
  busy_.fetch_sub(1, std::memory_order_acq_rel);
  idle_.notify_all();
}

void activity::notify() noexcept {
  const std::lock_guard lock{mutex_};
  idle_.notify_all();
}

activity::limit activity::limit_in(std::chrono::nanoseconds duration) const noexcept {
  return {moment_after(exec_.now(), duration), moment_after(std::chrono::steady_clock::now(), duration)};
}

bool activity::wait_until(const std::function<bool()>& done, limit until) {
  constexpr std::chrono::milliseconds look_round{20};
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      if (done()) return true;
      if (exec_.now() >= until.by_executor || std::chrono::steady_clock::now() >= until.by_machine) return false;
    }
    if (exec_.help(look_round)) {
      if (exec_.exhausted()) return done();
      continue;
    }
    std::unique_lock lock{mutex_};
    idle_.wait_for(lock, look_round, done);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
