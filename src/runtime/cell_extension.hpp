// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <memory>
#include <optional>

#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/timer.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/store/store.hpp>

#include "cell_messages.hpp"
#include "part_list.hpp"
#include "run_loop_state.hpp"
#include "state_recorder.hpp"
#include "subscription_hub.hpp"
#include "transition.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The part of a cell that only some actors need, from the first need on. The holder's, but for what says otherwise.
/// Members that few of them need, or not for long, have memory of their own meanwhile. An actor that wakes, stops or
/// finalises has one; one that is awake may have none.
struct cell_extension {
  explicit cell_extension(cell& c);
  ~cell_extension();

  /// Whether every actor of the definition needs it: what it is, is stored or looked at; or it has parts.
  [[nodiscard]] static bool concerns(const definition& type) noexcept {
    return type.options.durability != durability::ephemeral || type.has_on_create || type.has_on_state_change ||
           !type.parts.empty();
  }

  /// The committer waits for an image. From any thread.
  static void image_awaited(cell& c) noexcept;

  /// A new life begins, of an actor that the store has, or (without a record) of a new one.
  void begin_life(const actor_record* record);
  /// Gives memory back. True if nothing is left that the next life needs.
  [[nodiscard]] bool end_life(unload_reason why) noexcept;

  [[nodiscard]] transition& transition_now() {
    if (!underway) underway = std::make_unique<transition>(owner, signals);
    return *underway;
  }
  [[nodiscard]] bool in_hook() const noexcept { return underway && underway->in_hook(); }

  /// The invocation is answered when the actor has ended, and not before: see `answer_end`. It keeps its reference.
  void await_end(invocation& inv) noexcept;
  /// The actor has fallen asleep, or ended: answers those that wait for its end. `failure`: it may be stored still.
  void answer_end(const std::exception_ptr& failure) noexcept;
  /// The deferred messages fail.
  void refuse_deferred(const std::exception_ptr& why) noexcept;

  cell& owner;
  invocation* holder = nullptr;  ///< the exclusive action or lifecycle procedure that keeps others out
  work_list deferred;            ///< must wait: for the wake, for an exclusive action, ...
  work_list end_waiters;         ///< invocations that wait until the actor has ended
  bool in_wait_graph = false;    ///< of those, some are known to `wait_graph`
  std::optional<time_point> since;   ///< it is awake, or shuts down
  std::exception_ptr last_failure;   ///< of what ran in this life

  counted_ptr<subscription_hub> hub;  ///< the connections; null before the first one

  std::unique_ptr<part_list> parts;  ///< null: the definition has none

  pending_signals signals;
  state_recorder recorder;
  std::unique_ptr<transition> underway;  ///< null while it neither comes nor goes
  run_loop_state run;
};

inline invocation* cell::holder() const noexcept { return extension_ ? extension_->holder : nullptr; }

/// The connections of an actor; null before the first one.
[[nodiscard]] inline subscription_hub* hub_of(const cell& c) noexcept {
  return c.known_extension() != nullptr ? c.known_extension()->hub.get() : nullptr;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
