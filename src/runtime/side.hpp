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

#include "audience.hpp"
#include "cell_messages.hpp"
#include "part_list.hpp"
#include "run_loop_state.hpp"
#include "state_recorder.hpp"

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
struct passage {
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }
  explicit passage(cell_wants& wants) noexcept : deadline{wants, cell_wants::overdue} {}

  invocation* procedure = nullptr;        ///< that stops it, if it does
  join* hook = nullptr;                   ///< the hook that runs, if it is a coroutine
  const char* hook_name = "";
  std::chrono::nanoseconds hook_limit{};
  bool overdue = false;
  quiet_wait* quiet = nullptr;
  time_point deadline_at{};
  want_alarm deadline;  ///< of the hook that runs, or of the grace period
};

/// The part of a cell that only some actors need, from the first need on. The holder's, but for what says otherwise.
/// What few of them need, or not for long, has memory of its own meanwhile.
struct cell_side {
  explicit cell_side(cell& c);
  ~cell_side();

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

  [[nodiscard]] passage& passes() {
    if (!passing) passing = std::make_unique<passage>(wants);
    return *passing;
  }
  [[nodiscard]] bool in_hook() const noexcept { return passing && passing->hook != nullptr; }

  cell& owner;
  invocation* holder = nullptr;  ///< the exclusive action or lifecycle procedure that keeps others out
  work_list deferred;            ///< must wait: for the wake, for an exclusive action, ...
  bool in_wait_graph = false;    ///< of those, some are known to `wait_graph`
  std::optional<time_point> since;   ///< it is awake, or shuts down
  std::exception_ptr last_failure;   ///< of what ran in this life

  bool sleep_requested = false;    ///< by the actor itself
  bool destroy_requested = false;  ///< the same

  counted_ptr<audience> heard_by;  ///< the connections; null before the first one

  std::unique_ptr<part_list> parts;  ///< null: the definition has none

  // --- lifecycle ---
  cell_wants wants;
  state_recorder recorder;
  std::unique_ptr<passage> passing;  ///< null while it neither comes nor goes
  run_loop_state run;
};

inline invocation* cell::holder() const noexcept { return side_ ? side_->holder : nullptr; }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
