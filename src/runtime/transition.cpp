// SPDX-License-Identifier: Apache-2.0
#include "transition.hpp"

#include <exception>
#include <utility>

#include <troupe/core/assert.hpp>

#include "core.hpp"
#include "late_hook.hpp"

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

bool quiet_wait::await_ready() const noexcept { return cell_.live()->running_count == 0; }

void quiet_wait::await_suspend(std::coroutine_handle<> h) noexcept {
  static_cast<void>(begin(h, &cell_.core().exec()));
  underway_.set_quiet(*this);
}

void transition::actor_is_quiet() noexcept {
  if (quiet_ != nullptr) std::exchange(quiet_, nullptr)->wake();
}

task<> transition::run_hook(const char* name, task<> body, std::chrono::nanoseconds limit) {
  if (!body) co_return;
  TROUPE_ASSERT(hook_ == nullptr, "hooks of one actor run one after the other");
  std::exception_ptr failure;
  join whole{join::until::all, 1};
  auto guarded_body = guarded(std::move(body), failure);
  whole.add(std::move(guarded_body));
  overdue_ = false;
  hook_ = &whole;
  hook_name_ = name;
  hook_limit_ = limit;
  if (limit != troupe::never) {
    deadline_ = cell_.core().exec().now() + limit;
    arm();
  } else if (cell_.live()->interrupted) {
    arm();  // has passed: this is cut short, too
  }
  co_await whole;
  hook_ = nullptr;
  if (limit != troupe::never) disarm();
  if (std::exchange(overdue_, false)) throw late_hook(cell_, hook_name_, hook_limit_);
  if (failure) std::rethrow_exception(failure);
}

std::optional<time_point> transition::hook_since() const noexcept {
  if (!in_hook() || hook_limit_ == troupe::never) return std::nullopt;
  return deadline_ - hook_limit_;
}

void transition::cancel_hook() noexcept {
  if (hook_ != nullptr) hook_->cancel_all();
}

error transition::fail_late_hook() {
  overdue_ = true;
  return late_hook(cell_, hook_name_, hook_limit_);
}

void transition::arm() noexcept { cell_.core().exec().arm(timer_, deadline_); }
void transition::disarm() noexcept { cell_.core().exec().cancel(timer_); }
bool transition::is_due() const noexcept { return cell_.core().exec().now() >= deadline_; }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
