// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe {
inline namespace v0 {

/// When the effects of an action count.
enum class durability : std::uint8_t {
  committed,  ///< a caller outside the actors gets its reply once the effects are on disk
  relaxed,    ///< the reply comes at once; the state is saved within `options::save_interval`
  ephemeral,  ///< never stored: the actor is gone when it sleeps
};

/// A duration that never passes: `options{.sleep_after = never}`.
inline constexpr std::chrono::nanoseconds never = std::chrono::nanoseconds::max();

/// How actors of one definition behave. A definition has them as a member, and `registry::use` may override them:
///
///     static constexpr troupe::options options{.sleep_after = 30s, .durability = troupe::durability::relaxed};
struct options {
  /// Idle time before the actor goes to sleep. It sleeps between this and 1.25 times this after its last turn.
  std::chrono::nanoseconds sleep_after = std::chrono::seconds{30};

  /// What `on_sleep` or `on_destroy`, running actions and background tasks may take together when the actor shuts down.
  /// After it, whatever they wait for ends with `actor.aborted`.
  std::chrono::nanoseconds sleep_grace_period = std::chrono::seconds{15};

  troupe::durability durability = troupe::durability::committed;

  /// For `relaxed`: the longest time between a change and its commit.
  std::chrono::nanoseconds save_interval = std::chrono::seconds{1};

  /// The time-out of a call that does not name one, from the call to its reply, commit included.
  std::chrono::nanoseconds action_timeout = std::chrono::seconds{60};

  std::chrono::nanoseconds on_create_timeout = std::chrono::seconds{5};
  std::chrono::nanoseconds on_wake_timeout = std::chrono::seconds{30};

  /// Of each of on_before_connect, create_connection_state, on_connect, on_disconnect and can_subscribe.
  std::chrono::nanoseconds on_connect_timeout = std::chrono::seconds{5};

  /// Events that may wait to be taken by one connection; one more closes it with `connection.lagging`.
  std::uint32_t connection_events_max = 1'024;

  /// Back-off before a `run` that threw is started again: from the first to the second, doubling. It starts anew once
  /// `run` has run for as long as the second. `never` as the first: it is not started again until the next wake.
  std::chrono::nanoseconds run_restart_min = std::chrono::milliseconds{100};
  std::chrono::nanoseconds run_restart_max = std::chrono::minutes{1};

  /// A turn that keeps its thread for longer is reported in the log, as a warning with the actor and the action: for
  /// certain if it takes a quarter more than this, when it has ended and, unless it is a plain action that runs at once
  /// on its caller's thread, while it goes on. Code in an actor awaits what it waits for; what computes for long goes
  /// to a thread of its own. `never`: no report.
  std::chrono::nanoseconds long_turn = std::chrono::seconds{1};

  /// Calls that may wait for one actor; a further one fails with `actor.overloaded`.
  std::uint32_t mailbox_calls_max = 65'536;

  /// The encoded state. A turn that leaves it larger fails with `actor.state_too_large`, and the state is as it was
  /// before; but a state that is too large already, because the limit was lowered, may become smaller step by step. At
  /// most the largest value of the store: with SQLite, a little less than 1,000,000,000 bytes. A state is encoded
  /// and written whole, so one near the default is slow already: see docs/store.md.
  std::size_t state_bytes_max = 64U << 20;

  /// The encoded creation input; a larger one fails with `actor.input_too_large`.
  std::size_t input_bytes_max = 4U << 20;
};

}  // namespace v0
}  // namespace troupe
