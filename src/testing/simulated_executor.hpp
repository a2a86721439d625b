// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include <troupe/core/executor.hpp>

#include "simulated_world.hpp"

namespace troupe {
inline namespace v0 {
namespace testing::detail {

/// Runs everything on the calling thread: what comes next, of all that could, is up to the seed. The I/O lane is one
/// more thing that could. Each piece of work takes a little virtual time.
class simulated_executor final : public executor {
 public:
  explicit simulated_executor(simulated_world& world) : executor{world.clock}, world_{world} {}

  /// Runs one piece of work. False if none is ready, or this is called from within one.
  bool step() noexcept;
  /// Lets time pass to the next timer, but not beyond `until`. False if there is none before.
  bool pass_time(time_point until) noexcept;
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  /// Nothing is left here: no work, no timer.
  [[nodiscard]] bool empty() const noexcept;

  /// Called at times before a step: an actor may be held for a while.
  std::function<void()> hold_an_actor;

  void post(work& w) noexcept override;
  void post(work_list&& list) noexcept override;
  void post_blocking(work& w) noexcept override;
  [[nodiscard]] bool on_worker() const noexcept override { return running_; }
  bool help(std::chrono::nanoseconds limit) noexcept override;
  [[nodiscard]] bool exhausted() const noexcept override { return !running_ && empty(); }
  void stop() noexcept override {}
  void arm(timer& t, time_point at) noexcept override { timers_.arm(t, at); }

 private:
  struct late_work {
    time_point due;
    work* what;
  };

  void run(work& w) noexcept;
  void disturb() noexcept;
  void expire() noexcept;
  [[nodiscard]] bool put_off(work& w) noexcept;
  [[nodiscard]] time_point next_deadline() const noexcept;

  simulated_world& world_;
  std::vector<work*> ready_;
  std::deque<work*> lane_;
  std::vector<late_work> late_;
  std::uint64_t steps_ = 0;
  unsigned inline_calls_ = 0;
  bool running_ = false;
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace troupe
