// SPDX-License-Identifier: Apache-2.0
// The time that hooks may take.

#include <chrono>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "cell_extension.hpp"
#include "core.hpp"
#include "late_hook.hpp"
#include "lifecycle.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

task<> guarded(task<> body, std::exception_ptr& failure) {
  try {
    co_await std::move(body);
  } catch (...) {
    failure = std::current_exception();
  }
}

}  // namespace

error lifecycle::timed_out(const cell& c) {
  const transition& now = *c.extension_->underway;
  return late_hook(c, now.hook_name, now.hook_limit);
}

// Awaits a hook for at most `limit`. A plain hook has run already, and left no task.
task<> lifecycle::bounded(cell& c, const char* name, task<> body, std::chrono::nanoseconds limit) {
  if (!body) co_return;
  auto& now = c.extension().transition_now();
  auto& exec = c.core().exec();
  std::exception_ptr failure;
  join whole{join::until::all, 1};
  auto guarded_body = guarded(std::move(body), failure);
  whole.add(std::move(guarded_body));
  now.overdue = false;
  now.hook = &whole;
  now.hook_name = name;
  now.hook_limit = limit;
  if (limit != troupe::never) {
    now.deadline_at = exec.now() + limit;
    exec.arm(now.deadline, now.deadline_at);
  } else if (c.live_->interrupted) {
    exec.arm(now.deadline, now.deadline_at);  // has passed: this is cut short, too
  }
  co_await whole;
  now.hook = nullptr;
  if (limit != troupe::never) exec.cancel(now.deadline);
  if (std::exchange(now.overdue, false)) throw timed_out(c);
  if (failure) std::rethrow_exception(failure);
}

void lifecycle::overdue(cell& c) noexcept {
  transition* const now = c.extension_->underway.get();
  if (now == nullptr || c.core().exec().now() < now->deadline_at) return;  // of an earlier hook
  if (c.phase_ == cell::phase::waking && now->hook != nullptr) {
    now->overdue = true;
    refuse_deferred(c, std::make_exception_ptr(timed_out(c)));
    now->hook->cancel_all();
  } else if (c.phase_ == cell::phase::stopping) {
    const bool again = c.live_->interrupted;
    c.live_->interrupted = true;
    if (now->hook != nullptr) now->hook->cancel_all();
    for (invocation* inv = c.live_->running; inv != nullptr; inv = inv->following) inv->cancel();
    if (again || c.core().killed()) return;
    c.core().log(log_level::warning, fmt::format("{}: the grace period ended with {} not ended", c.name(),
                                                 c.live_->running != nullptr ? c.live_->running->what() : "a hook"));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
