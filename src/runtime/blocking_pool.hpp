// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <troupe/core/blocking.hpp>
#include <troupe/core/executor.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class activity;

/// Threads for the blocking functions of a runtime: at most so many, started when there is something for them, and
/// ended when there has been nothing for a while. Each function keeps the runtime busy until it has ended.
///
/// A thread that a function never gives back cannot be ended from outside. So the threads own what they share, and may
/// outlive the runtime: from `end` on they touch nothing of it.
class blocking_pool final : public blocking_threads {
 public:
  /// With no threads, functions run on the executor's lane for blocking I/O, one after the other.
  blocking_pool(executor& exec, activity& runs, std::size_t threads_max);
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;
  ~blocking_pool();

  void run(blocking_job& job) noexcept override;
  void forget(blocking_job& job) noexcept override;

  /// For people: the names of those that run, each behind a new line.
  [[nodiscard]] std::string names_of_running() const;

  /// The runtime ends: what waits is refused, idle threads end, and functions that still run are left to themselves.
  /// Once.
  void end() noexcept;

 private:
  class shared;

  executor& exec_;
  activity& runs_;
  const bool has_threads_;
  const std::shared_ptr<shared> shared_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
