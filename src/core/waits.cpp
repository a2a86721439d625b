#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include <troupe/core/delay.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/sync_wait.hpp>
#include <troupe/core/when.hpp>

namespace troupe::inline v0 {

// --- delay ----------------------------------------------------------------------------------------------------------

bool delay::await_suspend(std::coroutine_handle<> h) {
  auto* const fiber = detail::this_thread().here;
  executor_ = fiber == nullptr ? nullptr : fiber->home();
  if (executor_ == nullptr) {
    throw error(errc::invalid_operation,
                "delay needs an executor; run the task with runtime::run or runtime::spawn, not with sync_wait");
  }
  if (!begin(h, executor_)) {
    aborted_ = true;
    return false;
  }
  executor_->arm(timer_, moment_after(executor_->now(), duration_));
  if (interrupted_.load(std::memory_order_acquire)) stop_waiting();  // it came before there was a timer to cancel
  return outstanding_.fetch_sub(1, std::memory_order_acq_rel) != 1;
}

void delay::event() noexcept {
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
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

branch::branch(fiber& parent, join& whole, std::size_t index, task<void> body) noexcept
    : fiber{parent.home()}, work{&branch::begin}, parent_{parent}, whole_{whole}, index_{index}, body_{body.release()} {
  body_.promise().on_end = &branch::ended;
  body_.promise().owner = this;
}

branch::~branch() { body_.destroy(); }

void branch::begin(work& w) noexcept {
  auto& self = static_cast<branch&>(w);
  drive_as(self, self.body_);
}

void branch::ended(promise_base& p) noexcept {
  auto& self = *static_cast<branch*>(p.owner);
  self.parent_.part_ended(self, self.parent_);
  self.whole_.branch_ended(self.index_);
}

bool join::await_suspend(std::coroutine_handle<> h) {
  fiber& parent = *this_thread().here;
  const bool cancelled = !begin(h, parent.home());
  // From here on another thread may end the last branch, and with it this object.
  for (std::size_t i = 0, count = branches_.size(); i < count; ++i) {
    branch& b = *branches_[i];
    if (cancelled) b.cancel();
    b.start();
  }
  return true;
}

void join::branch_ended(std::size_t index) noexcept {
  std::size_t expected = none;
  if (first_.compare_exchange_strong(expected, index, std::memory_order_relaxed) && until_ == until::first)
    cancel_all();
  if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
}

void join::cancel_all() noexcept {
  for (auto& b : branches_) b->cancel();
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
  if (const auto& thread = this_thread(); thread.here != nullptr || thread.in_turn != nullptr) {
    throw error(errc::invalid_operation,
                "blocking on a task inside a coroutine would stall others; co_await it instead");
  }
  bool ended = false;
  promise.owner = &ended;
  promise.on_end = [](promise_base& p) noexcept { *static_cast<bool*>(p.owner) = true; };
  driving_thread here;
  drive_as(here, h);
  here.run_until(ended);
}

}  // namespace detail
}  // namespace troupe::inline v0
