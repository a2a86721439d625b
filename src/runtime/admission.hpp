// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <troupe/actor/invocation.hpp>
#include <troupe/runtime/lifecycle.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The part of an actor's state that decides about the admission of invocations.
struct actor_facts {
  lifecycle::phase phase = lifecycle::phase::asleep;
  bool runtime_stops = false;
  bool ends_for_good = false;  ///< it has been told to end, and will not come back
  bool falls_asleep = false;   ///< it has been told to sleep
  bool is_ephemeral = false;   ///< messages in its queues end with its life
  bool is_quiet = false;       ///< no invocation runs in it
  bool is_interrupted = false; ///< the grace period is over
};

/// The part of an invocation that decides about its admission.
struct invocation_facts {
  invocation::purpose kind = invocation::purpose::action;
  bool started = false;
  bool given_up = false;        ///< its caller no longer waits for it
  bool must_arrive = false;     ///< it is not refused for good, but tried again
  bool posted = false;          ///< no caller waits for the answer
  bool from_actor = false;      ///< an actor waits for the answer
  bool of_earlier_life = false; ///< a background task of a life that has ended
  bool of_earlier_actor = false;  ///< it came over a connection to an actor that is gone
  bool is_kept_out = false;     ///< another invocation holds the actor, and this one does not descend from it
  bool descends_from_stop = false;  ///< the procedure that ends the actor has led to it
};

enum class verdict : std::uint8_t {
  run,
  wait_for_holder,     ///< until the invocation that holds the actor has ended
  wait_for_procedure,  ///< until the wake or the end of the actor is over; it may lead back to the caller
  wait_for_successor,  ///< until the actor has ended
  wake,                ///< the actor has to wake first
  refuse_given_up,
  refuse_earlier_life,
  refuse_earlier_actor,
  refuse_runtime_stops,
  refuse_own_wake,     ///< a hook of the wake waits for it, so that it would wait for itself
  refuse_end,          ///< an actor waits for the answer, which might wait for that actor
  refuse_late_task,    ///< a background task that begins when the actor has shut down
};

/// Whether an actor that is awake, or shuts down and still runs something, takes an invocation that has not started. An
/// actor that ends for good takes nothing from outside: effects that were acknowledged would go with it.
[[nodiscard, gnu::always_inline]] constexpr bool takes(const actor_facts& a, const invocation_facts& i) noexcept {
  using purpose = invocation::purpose;
  if (i.kind == purpose::background || (i.kind == purpose::connection && i.posted)) return true;
  if (a.ends_for_good) return false;
  const bool ends = a.phase == lifecycle::phase::stopping || a.falls_asleep;
  return !(ends && a.is_ephemeral && i.kind == purpose::enqueue);
}

/// The verdict on an invocation that an ending actor does not take.
[[nodiscard, gnu::always_inline]] constexpr verdict turn_away(const actor_facts& a,
                                                              const invocation_facts& i) noexcept {
  if (a.ends_for_good && i.from_actor && !i.posted && !i.must_arrive) return verdict::refuse_end;
  return a.phase == lifecycle::phase::stopping ? verdict::wait_for_procedure : verdict::wait_for_successor;
}

/// Decides about an invocation whose turn it is. Pure.
[[nodiscard, gnu::always_inline]] constexpr verdict admit(const actor_facts& a, const invocation_facts& i) noexcept {
  using phase = lifecycle::phase;
  using purpose = invocation::purpose;
  if (i.started) return i.is_kept_out ? verdict::wait_for_holder : verdict::run;
  if (i.kind == purpose::lifecycle) return verdict::run;
  if (i.given_up && !i.must_arrive) return verdict::refuse_given_up;
  if (i.kind == purpose::background && i.of_earlier_life) return verdict::refuse_earlier_life;
  if (i.of_earlier_actor) return verdict::refuse_earlier_actor;
  switch (a.phase) {
    case phase::asleep: return a.runtime_stops ? verdict::refuse_runtime_stops : verdict::wake;
    case phase::waking: return i.is_kept_out ? verdict::wait_for_procedure : verdict::refuse_own_wake;
    case phase::awake:
      if (i.is_kept_out) return verdict::wait_for_holder;
      return takes(a, i) ? verdict::run : turn_away(a, i);
    case phase::stopping:
      if (i.kind == purpose::background || (i.kind == purpose::connection && i.posted)) {
        return i.is_kept_out ? verdict::wait_for_holder : verdict::run;
      }
      // Invocations that still run may lead to calls back to the actor, and could not end without them.
      if (!i.is_kept_out && i.descends_from_stop && i.kind != purpose::enqueue) return verdict::run;
      return i.is_kept_out || !takes(a, i) || a.is_quiet || a.is_interrupted ? turn_away(a, i) : verdict::run;
    case phase::finalising:
      return i.kind == purpose::background ? verdict::refuse_late_task : verdict::wait_for_procedure;
  }
  return verdict::wait_for_procedure;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
