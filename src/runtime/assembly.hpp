// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include <troupe/core/task.hpp>
#include <troupe/runtime/runtime.hpp>
#include <troupe/runtime/status.hpp>

#include "../core/fork_watch.hpp"
#include "alarms.hpp"
#include "blocking_pool.hpp"
#include "commit_ledger.hpp"
#include "core.hpp"
#include "directory.hpp"
#include "due_times.hpp"
#include "host_tasks.hpp"
#include "id_source.hpp"
#include "loader.hpp"
#include "outbox.hpp"
#include "wait_graph.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {
struct test_door;
}  // namespace testing
namespace detail {

/// A whole runtime: it makes and owns the parts, begins their work and ends it. It is above all of them, and none of
/// them knows it.
///
/// | from     | to       | by                                                                       |
/// |----------|----------|--------------------------------------------------------------------------|
/// | made     | running  | `begin`                                                                  |
/// | running  | stopping | `shutdown`: calls are refused, actors are put to sleep; or a kill         |
/// | stopping | ended    | both: nothing runs any more, the store is closed                         |
class runtime_assembly final : public runtime_core {
 public:
  runtime_assembly(const registry& served, runtime_options options);
  ~runtime_assembly();

  /// Takes up what an earlier process has left. Once, when all is set up.
  void begin();

  /// See `host_tasks::spawn`.
  void spawn(task<> t) { tasks_.spawn(std::move(t)); }
  [[nodiscard]] runtime_health health() const;

  /// Whether the end of this runtime would wait for the calling thread: it runs the executor's work, a turn of one of
  /// the actors, or the host's error handler or logger.
  [[nodiscard]] bool needs_this_thread() noexcept;

  /// Returns false if something had to be cut off.
  bool shutdown() noexcept;
  /// Whether that is over.
  [[nodiscard]] bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire); }

 private:
  friend struct testing::test_door;  // a simulated process dies

  void order_all(void (*run_command)(cell&) noexcept) noexcept;
  [[nodiscard]] bool is_quiet() const noexcept { return !is_busy() && ledger_->is_idle(); }
  bool wait_for(const std::function<bool()>& done, std::chrono::nanoseconds limit);
  [[nodiscard]] bool put_all_to_sleep() noexcept;
  void end() noexcept;

  loader loader_;
  directory directory_;
  const std::unique_ptr<commit_ledger> ledger_;
  id_source ids_;
  due_times delays_;
  alarms alarms_{*this};
  detail::outbox outbox_;
  wait_graph waits_;
  host_tasks tasks_{*this};
  blocking_pool blocking_;
  std::atomic<bool> ended_{false};
  // First thing in a forked child: it has no thread that would commit, so no change begins on the caller's thread.
  fork_watch forks_{[](void* self) noexcept { static_cast<commit_ledger*>(self)->refuse_changes(); }, ledger_.get()};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
