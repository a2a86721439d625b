// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>

#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/timer.hpp>
#include <troupe/core/when.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/store/store.hpp>

#include "cell_messages.hpp"
#include "part_list.hpp"
#include "run_loop_state.hpp"
#include "state_recorder.hpp"
#include "subscription_hub.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Lets the stop procedure wait until nothing runs in the actor any more.
class quiet_wait final : public wait {
 public:
  explicit quiet_wait(cell& c) noexcept : cell_{c} {}
  [[nodiscard]] bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> h) noexcept;
  void await_resume() noexcept { end(); }
  using wait::wake;

 private:
  void interrupt() noexcept override {}
  [[nodiscard]] std::string describe() const override { return "all that runs in the actor to end"; }
  cell& cell_;
};

/// An actor's coming or going, if that takes time: of its hooks or of what runs in it.
struct transition {
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }
  explicit transition(pending_signals& signals) noexcept : deadline{signals, pending_signals::overdue} {}

  invocation* procedure = nullptr;        ///< that stops it, if it does
  join* hook = nullptr;                   ///< the hook that runs, if it is a coroutine
  const char* hook_name = "";
  std::chrono::nanoseconds hook_limit{};
  bool overdue = false;
  quiet_wait* quiet = nullptr;
  time_point deadline_at{};
  signal_timer deadline;  ///< of the hook that runs, or of the grace period
};

/// The part of a cell that only some actors need, from the first need on. The holder's, but for what says otherwise.
/// What few of them need, or not for long, has memory of its own meanwhile.
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
    if (!underway) underway = std::make_unique<transition>(signals);
    return *underway;
  }
  [[nodiscard]] bool in_hook() const noexcept { return underway && underway->hook != nullptr; }

  cell& owner;
  invocation* holder = nullptr;  ///< the exclusive action or lifecycle procedure that keeps others out
  work_list deferred;            ///< must wait: for the wake, for an exclusive action, ...
  bool in_wait_graph = false;    ///< of those, some are known to `wait_graph`
  std::optional<time_point> since;   ///< it is awake, or shuts down
  std::exception_ptr last_failure;   ///< of what ran in this life

  bool sleep_requested = false;    ///< by the actor itself
  bool destroy_requested = false;  ///< the same

  counted_ptr<subscription_hub> hub;  ///< the connections; null before the first one

  std::unique_ptr<part_list> parts;  ///< null: the definition has none

  // --- lifecycle ---
  pending_signals signals;
  state_recorder recorder;
  std::unique_ptr<transition> underway;  ///< null while it neither comes nor goes
  run_loop_state run;
};

inline invocation* cell::holder() const noexcept { return extension_ ? extension_->holder : nullptr; }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
