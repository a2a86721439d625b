// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <troupe/core/clock.hpp>

#include "cell_messages.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class invocation;
class parked_wait;

/// When a `run` that threw is started again. Waiting for it does not keep the actor awake.
struct run_restart {
  run_restart(cell& c, cell_alarm::handler h) noexcept : ring{c, h} {}
  cell_alarm ring;
  std::optional<time_point> at;         ///< while it is awaited
  std::chrono::nanoseconds backoff{0};  ///< the last one; 0 before the first failure
};

/// The `run` of an actor, and the waits that end when the actor begins to shut down.
struct run_loop_state {
  invocation* running = nullptr;         ///< while it runs
  std::uint64_t awaited = 0;  ///< the subqueues that wake the actor: those that `run` last waited for, or all
  std::unique_ptr<run_restart> restart;  ///< made by its first failure
  parked_wait* parked = nullptr;         ///< the first of the waits
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
