// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/late_value.hpp>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

void late_base::publish() noexcept {
  TROUPE_ASSERT(claimed_.load(std::memory_order_relaxed), "a late value is published by the thread that claimed it");
  const auto was = place_.exchange(there, std::memory_order_acq_rel);
  TROUPE_ASSERT(was != there, "a late value is published once");
  if (was != empty) reinterpret_cast<late_wait*>(was)->event();
}

bool late_base::attach(late_wait& w) noexcept {
  std::uintptr_t seen = empty;
  const bool attached = place_.compare_exchange_strong(seen, reinterpret_cast<std::uintptr_t>(&w));
  TROUPE_ASSERT(attached || seen == there, "one coroutine at most waits for a late value");
  return attached;
}

bool late_base::detach(late_wait& w) noexcept {
  auto seen = reinterpret_cast<std::uintptr_t>(&w);
  return place_.compare_exchange_strong(seen, empty);
}

bool late_wait::await_suspend(std::coroutine_handle<> h) {
  source_ = &source();
  auto* const here = this_thread().here;
  if (!begin(h, here == nullptr ? nullptr : here->home())) {
    aborted_ = true;
    source_->given_up();
    return false;
  }
  source_->begun();
  if (!source_->attach(*this)) return false;
  // An interruption that came before `attach` found nobody to detach. Of the two sides one sees the other, since both
  // write first and read then, in one order for all threads.
  if (interrupted_.load()) give_up();
  return !both_.arrive();
}

void late_wait::give_up() noexcept {
  if (!source_->detach(*this)) return;
  source_->given_up();
  aborted_ = true;
  event();
}

void late_wait::interrupt() noexcept {
  interrupted_.store(true);
  give_up();
}

void late_wait::end_late(const char* what) {
  end();
  if (aborted_) throw error(errc::aborted, what);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
