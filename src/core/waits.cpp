// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <memory>
#include <mutex>

#include <fmt/format.h>

#include <troupe/core/delay.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/sync_wait.hpp>
#include <troupe/core/when.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

void refuse_task(const char* operation) {
  throw error(errc::invalid_operation,
              fmt::format("{} was given an empty task: it was moved from, awaited before, or never made", operation));
}

}  // namespace detail

// --- delay ----------------------------------------------------------------------------------------------------------

bool delay::await_suspend(std::coroutine_handle<> h) {
  auto* const fiber = detail::this_thread().here;
  executor_ = fiber == nullptr ? nullptr : fiber->home();
  if (executor_ == nullptr) {
    throw error(errc::invalid_operation,
                "delay needs an executor; run the task with runtime::run or runtime::spawn, not with sync_wait");
  }
  both_.reset();
  interrupted_.store(false, std::memory_order_relaxed);
  aborted_ = false;
  if (!begin(h, executor_)) {
    aborted_ = true;
    return false;
  }
  executor_->arm(timer_, moment_after(executor_->now(), duration_));
  if (interrupted_.load(std::memory_order_acquire)) stop_waiting();  // it came before there was a timer to cancel
  return !both_.arrive();
}

void delay::event() noexcept {
  if (both_.arrive()) wake();
}

void delay::stop_waiting() noexcept {
  if (!executor_->cancel(timer_)) return;
  aborted_ = true;
  event();
}

void delay::await_resume() {
  end();
  if (aborted_) throw error(errc::aborted, "delay");
}

void delay::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_release);
  stop_waiting();
}

namespace detail {

// --- joins ----------------------------------------------------------------------------------------------------------

void require_fiber(const char* operation) {
  if (this_thread().here != nullptr) return;
  throw error(errc::invalid_operation,
              fmt::format("{} must be awaited in a troupe::task that runs on a runtime or under sync_wait", operation));
}

branch::branch(join& whole, std::coroutine_handle<> body, promise_base& promise) noexcept
    : fiber{whole.parent_.home()}, work{&branch::begin}, whole_{whole}, body_{body} {
  promise.on_end = &branch::ended;
  promise.owner = this;
}

void branch::resume_later(work& w) noexcept { whole_.root_.resume_later(w); }
const fiber* branch::whole() const noexcept { return &whole_.parent_; }
fiber& branch::root() noexcept { return whole_.root_; }
void branch::part_ended(const fiber& part, const fiber& whole) noexcept { whole_.root_.part_ended(part, whole); }

bool branch::may_be_overtaken() const noexcept {
  return whole_.until_ == join::until::first || whole_.parent_.may_be_overtaken();
}

void branch::begin(work& w) noexcept {
  auto& self = static_cast<branch&>(w);
  drive_as(self, self.body_);
}

void branch::ended(promise_base& p) noexcept {
  auto& self = *static_cast<branch*>(p.owner);
  self.whole_.branch_ended(self);
}

join::join(until u, std::size_t count)
    : parent_{this_thread().here->promote()}, root_{parent_.root()}, capacity_{count}, until_{u} {
  if (count != 0) branches_ = static_cast<branch*>(allocate_block(count * sizeof(branch)));
}

join::~join() {
  std::destroy_n(branches_, count_);
  if (branches_ != nullptr) release_block(branches_, capacity_ * sizeof(branch));
}

void join::await_suspend(std::coroutine_handle<> h) {
  const bool cancelled = !begin(h, parent_.home());
  if (cancelled) cancel_all();
  if (root_.takes_turns()) {
    const std::size_t count = count_;
    begun_.store(count, std::memory_order_relaxed);
    left_.store(count, std::memory_order_relaxed);
    for (std::size_t i = 0; i != count; ++i) root_.resume_later(branches_[i]);
    return;
  }
  begun_.store(1, std::memory_order_relaxed);
  left_.store(count_ + (count_ > 1 ? 1 : 0), std::memory_order_relaxed);
  // Others may end all branches but the first, so this outlasts the call.
  if (count_ > 1) offer();
  go_on_with(*branches_);
}

// The rest counts as a part of the join until it is taken back, or has been taken up and is all begun.
void join::offer() noexcept {
  if (executor* const home = root_.home(); home != nullptr) {
    home->offer(rest_);
  } else {
    root_.resume_later(rest_);
  }
}

// Whether there is nothing to offer any more, and nobody will come for it.
bool join::took_back() noexcept {
  if (begun_.load(std::memory_order_relaxed) < count_) return false;
  executor* const home = root_.home();
  return home != nullptr && home->take_back(rest_);
}

// On any thread of the executor.
void join::help() noexcept {
  branch* const mine = claim();
  if (mine == nullptr) {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
    return;
  }
  if (begun_.load(std::memory_order_relaxed) < count_) {
    offer();
  } else {
    left_.fetch_sub(1, std::memory_order_relaxed);  // not the last: ours is still to be run
  }
  drive_as(*mine, mine->body_);
}

branch* join::claim() noexcept {
  if (begun_.load(std::memory_order_relaxed) >= count_) return nullptr;
  const auto index = begun_.fetch_add(1, std::memory_order_relaxed);
  return index < count_ ? branches_ + index : nullptr;
}

// What `drive` runs next on this thread.
void join::go_on_with(branch& b) noexcept {
  auto& thread = this_thread();
  thread.here = &b;
  thread.next = b.body_;
}

void join::branch_ended(branch& b) noexcept {
  root_.part_ended(b, parent_);
  if (until_ == until::first) {
    std::size_t expected = none;
    if (first_.compare_exchange_strong(expected, static_cast<std::size_t>(&b - branches_), std::memory_order_relaxed)) {
      cancel_all();
    }
  }
  if (root_.takes_turns()) {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
    return;
  }
  // A fiber may keep the thread for as many branches as it may make calls in a row; then what it has offered goes on.
  const bool may_go_on = this_thread().count_call();
  // As long as this branch counts, the join is there.
  branch* const next = may_go_on ? claim() : nullptr;
  const std::size_t ended = next == nullptr && took_back() ? 2 : 1;
  if (left_.fetch_sub(ended, std::memory_order_acq_rel) == ended) {
    if (may_go_on) return continue_here();
    const yielding_scope behind;
    wake();
  } else if (next != nullptr) {
    go_on_with(*next);
  }
}

std::string join::describe() const {
  std::string all;
  for (std::size_t i = 0; i != count_; ++i) {
    const auto one = branches_[i].describe_wait();
    if (!one.empty()) all += (all.empty() ? "" : "; ") + one;
  }
  return all;
}

void join::cancel_all() noexcept {
  for (std::size_t i = 0; i != count_; ++i) branches_[i].cancel();
}

// --- blocking -------------------------------------------------------------------------------------------------------

namespace {

// Continuations come back to the blocked thread, which runs them itself.
class driving_thread final : public fiber {
 public:
  driving_thread() noexcept : fiber{nullptr} {}

  void resume_later(work& w) noexcept override {
    const std::lock_guard lock{mutex_};
    ready_.push_back(w);
    posted_.notify_one();  // under the lock: the thread may leave, and end this object, as soon as it sees the work
  }

  void run_until(const bool& ended) {
    while (!ended) {
      std::unique_lock lock{mutex_};
      posted_.wait(lock, [&] { return !ready_.empty(); });
      work* const w = ready_.pop_front();
      lock.unlock();
      w->run(*w);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  work_list ready_;
};

}  // namespace

void block_on(std::coroutine_handle<> h, promise_base& promise) {
  if (!this_thread().may_block()) {
    throw error(errc::invalid_operation,
                "blocking on a task inside a coroutine or on a thread of an executor would stall others; co_await it "
                "instead");
  }
  bool ended = false;
  promise.owner = &ended;
  promise.on_end = [](promise_base& p) noexcept { *static_cast<bool*>(p.owner) = true; };
  driving_thread here;
  drive_as(here, h);
  here.run_until(ended);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
