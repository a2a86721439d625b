// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <optional>
#include <string_view>

#include <troupe/actor/invocation.hpp>
#include <troupe/actor/transport.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/work.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class connection_core;

/// The effects of a turn beside a changed state and messages, if it has any.
struct turn_effects {
  std::exception_ptr failure;  ///< of the changes, or of on_state_change; takes the place of the reply
  bool save = false;           ///< see turn::save_now()
  bool unsaved = false;        ///< the changes cannot be stored, so what the turn posted is not sent
};

/// The stretch of an actor's code between two suspension points. Made and ended by the holder of the cell.
struct turn {
  turn(cell& c, invocation* i, bool may_write, thread_state& t, bool inline_one = false) noexcept
      : where{&c}, inv{i}, outer{t.in_turn}, thread{t}, writes{may_write}, is_inline{inline_one} {
    t.in_turn = this;  // last, since others may look at it from now on
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() {
    TROUPE_ASSERT(thread.open_turn != this, "a turn that was open has been closed");
    thread.in_turn = outer;
  }

  /// Stamps the turn's changes, then sends what the turn sent. Returns what the turn can depend on.
  /// It is the `last` if nobody's code runs between it and the actor's next message.
  [[gnu::always_inline]] inline epoch_number end(bool last = false) noexcept {
    where->tally().count();
    if (outgoing_.empty() && !has_effects()) [[likely]]
      return end_plainly();
    return end_with_more(last);
  }

  /// Its invocation is over, which leaves the lists. The answer leaves at the end of the turn.
  void settle() noexcept;
  /// Ends a turn that has not been paused, of an invocation, and answers if that is over.
  void end_of_invocation() noexcept;

  /// Takes in what a message to this turn can depend on. Before the actor's code goes on.
  void depend_on(epoch_number dependency) noexcept;

  /// From now on `turn_watch` may look into it, and at its actor. Every turn but that of a plain action on its caller's
  /// thread opens.
  void open() noexcept { thread.open_turn = this; }
  /// When it has ended. From now on no other thread looks into it. True if the thread has a mark: then
  /// `look_at_mark` has to be called, which waits for a look that is under way.
  [[nodiscard]] bool close() noexcept {
    thread.open_turn = nullptr;
    return thread.mark.state() != 0;
  }

  /// Ends the turn and the hold, because its coroutine awaits another actor. Nothing leaves it if it is `unsaved` then.
  void pause() noexcept;
  /// Begins a new turn of the same coroutine, if the cell is free.
  [[nodiscard]] bool resume() noexcept;

  /// The invocation. An inline turn that has none gets one now. Null for a plain action on its caller's thread.
  [[nodiscard]] invocation* require_invocation() noexcept {
    if (is_inline && inv == nullptr) static_cast<void>(thread.here->promote());
    return inv;
  }

  /// From now on the turn does more than change the state and send.
  turn_effects& effects() noexcept { return effects_ ? *effects_ : effects_.emplace(); }

  /// Sends `one` with the turn: when that has ended, Leave(one, turn) runs, with what the turn can depend on in
  /// `depends_on`. If its changes could not be stored, it is `unsaved()`, and nothing of it may be seen.
  template <auto Leave, class Output>
  void send(Output& one) noexcept {
    one.run = [](work& w) noexcept { Leave(static_cast<Output&>(w), *this_thread().in_turn); };
    outgoing_.push_back(one);
  }

  /// Stamps the state even of a relaxed actor.
  void save_now() noexcept { effects().save = true; }

  /// The failure that takes the place of the reply; null if there is none.
  [[nodiscard]] std::exception_ptr failure() const noexcept { return effects_ ? effects_->failure : nullptr; }
  [[nodiscard]] bool has_failed() const noexcept { return effects_ && effects_->failure; }
  [[nodiscard]] bool unsaved() const noexcept { return effects_ && effects_->unsaved; }

  cell* where;
  invocation* inv;  ///< null for an action that runs on its caller's thread, until it needs one
  turn* outer;
  thread_state& thread;
  connection_core* via = nullptr;  ///< the connection that the call came over, if `inv` is null
  epoch_number depends_on = 0;   ///< what its messages can depend on; at its end, what the turn can
  bool writes;
  bool held = true;
  bool settled = false;       ///< its invocation is over
  bool failed = false;        ///< an action that runs on its caller's thread has thrown
  const bool is_inline;           ///< a coroutine that runs on its caller's thread: see `call_core::run_coroutine`

 private:
  [[nodiscard]] bool has_effects() const noexcept { return effects_ || (writes && !where->quick_writes()); }
  epoch_number end_plainly() noexcept {
    const auto before = where->dependency();
    const auto dependency = depends_on > before ? depends_on : before;
    if (writes) where->set_dependency(dependency);
    if (inv != nullptr) inv->dependency = dependency;
    return dependency;
  }
  epoch_number end_with_effects() noexcept;
  epoch_number end_with_more(bool last) noexcept;

  work_list outgoing_;  ///< what it sends; leaves when it has ended
  std::optional<turn_effects> effects_;
};

/// Runs the first turn of an invocation that the actor is open to, or with a continuation a further one. By the holder
/// of the actor. False if the actor is no longer locked: then the invocation waits for another actor, and neither may
/// be touched.
bool run_turn(cell& c, invocation& inv, work* continuation) noexcept;

/// Whether a thread's innermost turn is one of this actor.
[[nodiscard]] inline bool is_own_turn(const turn* t, const cell& c) noexcept { return t != nullptr && t->where == &c; }

/// Whether a turn is one of another runtime than the actors that a transport reaches. Null, for no turn: false.
[[nodiscard]] inline bool crosses_runtimes(const turn* sender, const transport& over) noexcept {
  return sender != nullptr && &sender->where->core() != over.local();
}
/// Whether a turn's changes are not committed together with those of the actors that a transport reaches: they are of
/// another runtime, or each actor is committed by itself. An epoch number of the one means nothing to the other, so
/// neither is given the dependencies of the other. Calls and answers between them wait at the gates that they leave by.
/// Null, for no turn: false.
[[nodiscard]] inline bool crosses_cuts(const turn* sender, const transport& over) noexcept {
  return sender != nullptr && &sender->where->core() != over.in_one_cut();
}

/// Throws `actor.invalid_operation`: the operation is for the actor's own code.
[[noreturn]] void refuse_turn(const cell& c, std::string_view operation);

/// The turn of this actor that runs on the calling thread. Throws `actor.invalid_operation` if there is none.
[[nodiscard]] inline turn& own_turn(const cell& c, std::string_view operation) {
  turn* const t = this_thread().in_turn;
  if (!is_own_turn(t, c)) [[unlikely]]
    refuse_turn(c, operation);
  return *t;
}
/// The thread has a mark, and its turn of this actor ends, or has ended: reported if it took longer than
/// `options::long_turn`. The report names the invocation, or else the action.
void look_at_mark(const cell& where, thread_state& thread, const invocation* inv, std::string_view action) noexcept;

/// Runs `look` in a turn of an actor that is awake, or about to be; else nothing. For the handler of an alarm. The turn
/// has no invocation and is no change of the state; `name` is for people.
template <class Look>
void run_when_due(cell& c, std::string_view name, Look&& look) noexcept {
  if (!c.takes_turns()) return;
  turn t{c, nullptr, false, this_thread()};
  t.open();
  look();
  t.end();
  if (t.close()) [[unlikely]]
    look_at_mark(c, t.thread, nullptr, name);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
