// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/blocking.hpp>

#include <utility>

#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

void blocking_job::refuse(std::exception_ptr why) noexcept {
  if (!leave_waiting(state::dropped) || !result_.claim()) return;
  result_.failure = std::move(why);
  result_.publish();
}

void blocking_job::drop() noexcept {
  if (leave_waiting(state::dropped) && threads != nullptr) threads->forget(*this);
}

void begin_blocking(blocking_job& job) noexcept {
  thread_state& thread = this_thread();
  TROUPE_ASSERT(thread.here != nullptr, "a blocking function is awaited by a coroutine of troupe");
  job.threads = thread.here->root().blocking();
  if (job.threads != nullptr) return job.threads->run(job);
  // The function may block as on a thread of its own.
  const thread_activity doing = std::exchange(static_cast<thread_activity&>(thread), thread_activity{});
  job.run_now();
  static_cast<thread_activity&>(thread) = doing;
}

void require_blocking(bool has_function) {
  if (!has_function) {
    throw error(errc::invalid_operation, "a call of blocking is awaited once, and not after it was moved from");
  }
  if (this_thread().here == nullptr) {
    throw error(errc::invalid_operation,
                "blocking must be awaited in a troupe::task that runs on a runtime or under sync_wait");
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
