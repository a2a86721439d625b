// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include <troupe/core/fiber.hpp>
#include <troupe/core/intrusive_list.hpp>
#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class runtime_core;

/// The coroutines of the host that run on the executor and that nothing waits for: `runtime::spawn`. Each keeps the
/// runtime busy until it has ended. All members may be called from any thread.
class host_tasks {
 public:
  explicit host_tasks(runtime_core& core) noexcept : core_{core} {}
  host_tasks(const host_tasks&) = delete;
  host_tasks& operator=(const host_tasks&) = delete;

  /// Errors: `runtime.stopped`; `actor.invalid_operation` for an empty task.
  void spawn(task<> t);
  /// Cancels all that have not ended.
  void cancel_all() noexcept;

 private:
  class host_coroutine;
  struct member : fiber {
    using fiber::fiber;
    list_link<member> link;
  };
  using member_list = intrusive_list<member, &member::link>;

  runtime_core& core_;
  std::mutex mutex_;
  member_list running_;  ///< those that have not ended
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
