// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <troupe/core/executor.hpp>
#include <troupe/core/fiber.hpp>

#include "fork_watch.hpp"
#include "io_lane.hpp"

namespace troupe {
inline namespace v0 {
namespace {

// Every so many pieces of work what has given way goes first, and what blocks: or work that feeds itself would starve
// them.
constexpr unsigned later_interval = 32;
constexpr unsigned blocking_interval = 1024;

}  // namespace

struct manual_executor::impl {
  mutable std::mutex mutex;
  std::condition_variable posted;
  work_list ready;
  work_list later;     // has given way
  work_list blocking;  // without an I/O thread
  unsigned round = 0;  // of those who pump
  std::atomic<const detail::thread_state*> pumping{nullptr};
  bool io_thread = true;
  detail::io_lane lane;
  detail::fork_watch fork{[](void*) noexcept {}, nullptr};

  explicit impl(const executor& owner) noexcept : lane{owner} {}

  // What is next: of `taken`, which is filled up with what is ready. What has given way waits until nothing is ready,
  // and what blocks waits for that, too, so that a commit takes along all that leads to.
  work* next(work_list& taken) noexcept {
    const unsigned now = ++round;
    const bool others_first = now % later_interval == 0;
    if (!others_first) {
      if (work* const w = taken.pop_front(); w != nullptr) return w;
    }
    const std::lock_guard lock{mutex};
    taken.splice(std::move(ready));
    work* w = now % blocking_interval == 0 ? blocking.pop_front() : nullptr;
    if (w == nullptr && others_first) w = later.pop_front();
    if (w == nullptr) w = taken.pop_front();
    if (w == nullptr) w = later.pop_front();
    return w != nullptr ? w : blocking.pop_front();
  }
  [[nodiscard]] bool has_more() const noexcept { return !ready.empty() || !later.empty() || !blocking.empty(); }
  void put_back(work_list&& rest) noexcept {
    const std::lock_guard lock{mutex};
    rest.splice(std::move(ready));
    ready.splice(std::move(rest));
  }
};

manual_executor::manual_executor() : manual_executor{std::make_shared<system_clock>()} {}
manual_executor::manual_executor(std::shared_ptr<const troupe::clock> c) : manual_executor{std::move(c), options{}} {}
manual_executor::manual_executor(std::shared_ptr<const troupe::clock> c, options o)
    : executor{std::move(c)}, impl_{std::make_unique<impl>(*this)} {
  impl_->io_thread = o.io_thread;
}
manual_executor::~manual_executor() {
  if (impl_->fork.in_child()) {
    detail::keep_for_ever(std::shared_ptr<impl>{std::move(impl_)});
  } else {
    stop();
  }
}

std::size_t manual_executor::poll(std::size_t most) {
  auto& thread = detail::this_thread();
  if (impl_->pumping.load(std::memory_order_relaxed) == &thread) return 0;
  impl_->pumping.store(&thread, std::memory_order_relaxed);
  if (thread.mark.of_unknown_thread()) [[unlikely]]
    detail::make_known(thread);
  const detail::working polling{thread, *this};
  if (timers_.next_look() != time_point::max()) {  // else there is no need to know the time
    if (const auto present = now(); timers_.due(present)) timers_.expire(present);
  }
  std::size_t ran = 0;
  work_list taken;
  for (; ran < most; ++ran) {
    work* const w = impl_->next(taken);
    if (w == nullptr) break;
    w->run(*w);
  }
  if (!taken.empty()) impl_->put_back(std::move(taken));
  impl_->pumping.store(nullptr, std::memory_order_relaxed);
  return ran;
}

std::size_t manual_executor::poll_for(std::chrono::nanoseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  std::size_t ran = 0;
  for (;;) {
    ran += poll();
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero() || on_worker()) return ran;
    help(left);
  }
}

bool manual_executor::help(std::chrono::nanoseconds limit) noexcept {
  if (poll() != 0) return true;
  const auto next = next_deadline();
  if (next != time_point::max() && next > now()) limit = std::min(limit, next - now());
  std::unique_lock lock{impl_->mutex};
  impl_->posted.wait_for(lock, limit, [this] { return impl_->has_more(); });
  return true;
}

time_point manual_executor::next_deadline() const noexcept {
  return timers_.next_deadline().value_or(time_point::max());
}

bool manual_executor::blocking() const noexcept {
  const std::lock_guard lock{impl_->mutex};
  return impl_->lane.busy() || !impl_->blocking.empty();
}

void manual_executor::post(work& w) noexcept {
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->ready.push_back(w);
  }
  impl_->posted.notify_one();
}

void manual_executor::post_behind(work& w) noexcept {
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->later.push_back(w);
  }
  impl_->posted.notify_one();
}

void manual_executor::post(work_list&& list) noexcept {
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->ready.splice(std::move(list));
  }
  impl_->posted.notify_one();
}

void manual_executor::post_blocking(work& w) noexcept {
  if (impl_->io_thread) return impl_->lane.post(w);
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->blocking.push_back(w);
  }
  impl_->posted.notify_one();
}

bool manual_executor::on_worker() const noexcept {
  return impl_->pumping.load(std::memory_order_relaxed) == &detail::this_thread();
}

void manual_executor::stop() noexcept {
  if (impl_->fork.in_child()) return;
  impl_->lane.stop();
  poll();
}

void manual_executor::arm(timer& t, time_point at) noexcept { timers_.arm(t, at); }

}  // namespace v0
}  // namespace troupe
