// Which invocations an actor lets in, and when.

#include <troupe/runtime/cell.hpp>

#include <memory>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "audience.hpp"
#include "core.hpp"
#include "lifecycle.hpp"
#include "side.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

void cell::enter(phase p, invocation* holder) noexcept {
  phase_ = p;
  if (holder != nullptr || side_) side().holder = holder;
  open_ = p == phase::awake && holder == nullptr && !ends_for_good();
}

// The actor has been told to end, and will not come back.
bool cell::ends_for_good() const noexcept { return side_ && side_->destroy_requested; }

void cell::defer(work& w) noexcept { side().deferred.push_back(w); }

void cell::keep_out(invocation& inv, work& w) noexcept {
  const invocation* const by = holder();
  inv.kept_out_by.store(by != nullptr ? by->constant_name() : nullptr, std::memory_order_relaxed);
  defer(w);
}

void cell::readmit() noexcept {
  if (!side_) return;
  side_->deferred.splice(std::move(incoming_));
  incoming_.splice(std::move(side_->deferred));
}

bool cell::descends(const invocation& inv, const invocation& from) noexcept {
  return inv.link && from.link && inv.link->descends_from(*from.link);
}

// The invocation waits for what keeps it out. The hooks of a procedure may lead back to an actor that the invocation
// keeps locked: they are let in there, or both would wait for their time-outs.
void cell::defer_behind(invocation& keeps_out, invocation& inv, work& w) noexcept {
  if (inv.link && keeps_out.kind == invocation::purpose::lifecycle && !is_planted(planted::wake_without_chain)) {
    if (!keeps_out.link) keeps_out.link = std::make_shared<chain_link>(nullptr);
    keeps_out.link->join(inv.link);
  }
  keep_out(inv, w);
}

// Whether an actor that is awake, or is shutting down and still runs something, takes an invocation that has not begun.
// An actor that ends for good takes nothing from outside: effects that were acknowledged would go with it.
bool cell::takes(const invocation& inv) const noexcept {
  using purpose = invocation::purpose;
  if (inv.kind == purpose::background || (inv.kind == purpose::connection && inv.posted)) return true;
  if (ends_for_good()) return is_planted(planted::destroyed_takes_more) && phase_ == phase::awake;
  const bool falls_asleep = phase_ == phase::stopping || (side_ && side_->sleep_requested);
  const bool loses_messages = falls_asleep && type().options.durability == durability::ephemeral;
  return !loses_messages || inv.kind != purpose::enqueue;
}

// An invocation that an ending actor does not take waits for its successor. A call that another actor waits for is
// refused, since this one may wait for that actor.
bool cell::turn_away(invocation& inv, work& w) noexcept {
  if (ends_for_good() && !inv.from_host && !inv.posted && !inv.must_arrive) {
    core().refuse(inv, std::make_exception_ptr(error(errc::destroying, name())));
  } else if (phase_ == phase::stopping) {
    defer_behind(*side_->passing->procedure, inv, w);
  } else {
    defer(w);
  }
  return true;
}

// Runs a message of an invocation, or puts it aside. False if the cell is no longer held.
bool cell::dispatch(invocation& inv, work& w) noexcept {
  using purpose = invocation::purpose;
  invocation* const keeps_out = holder();
  const bool intrudes = is_planted(planted::background_intrudes) && inv.kind == purpose::background;
  const bool excluded =
      keeps_out != nullptr && inv.kind != purpose::lifecycle && !descends(inv, *keeps_out) && !intrudes;
  if (inv.started) {
    if (excluded) return keep_out(inv, w), true;
    return run_turn(inv, &w);
  }
  if (inv.kind == purpose::lifecycle) return run_turn(inv, nullptr);
  const auto refuse = [&](errc why, std::string_view detail) {
    core().refuse(inv, std::make_exception_ptr(error(why, detail)));
    return true;
  };
  const bool given_up = inv.abandoned() || inv.given_up.stop_requested();
  if (given_up && !inv.must_arrive && !is_planted(planted::given_up_call_runs)) {
    return refuse(errc::aborted, fmt::format("{}: the call was given up before it began", name()));
  }
  // Begun by an on_create or on_wake that then failed: its actor's live copy is gone.
  if (inv.kind == purpose::background && (!live_ || inv.life != live_->known_life())) {
    return refuse(errc::aborted, fmt::format("{} did not wake", name()));
  }
  if (inv.via && inv.via->heard_by && inv.via->heard_by.get() != heard_by()) {
    core().refuse(inv, inv.via->why_closed());  // it was connected to an actor that is gone
    return true;
  }
  switch (phase_) {
    case phase::asleep:
      if (core().stopping()) return refuse(errc::runtime_stopped, core().interrupted(name()));
      try {
        inv.created_actor = inv.origin != nullptr && lifecycle::wake_at_once(*this, *inv.origin);
      } catch (...) {
        core().refuse(inv, std::current_exception());
        return true;
      }
      if (inv.created_actor) break;
      lifecycle::begin_wake(*this);
      defer_behind(*holder(), inv, w);
      return true;
    case phase::waking:
      if (!excluded) {
        return refuse(errc::starting, fmt::format("{} was called by its own on_create or on_wake", name()));
      }
      return defer_behind(*keeps_out, inv, w), true;
    case phase::awake:
      if (excluded) return keep_out(inv, w), true;
      if (!takes(inv)) return turn_away(inv, w);
      break;
    case phase::stopping:
      if (inv.kind == purpose::background || (inv.kind == purpose::connection && inv.posted)) {
        if (excluded) return keep_out(inv, w), true;
        break;
      }
      // Actions that still run may lead to calls back to here, and could not end without them.
      if (!excluded && inv.kind != purpose::enqueue && descends(inv, *side_->passing->procedure)) break;
      if (excluded || !takes(inv) || live_->running_count == 0 || live_->interrupted) return turn_away(inv, w);
      break;
    case phase::finalising:
      if (inv.kind == purpose::background) return refuse(errc::aborted, name() + " has shut down");
      return defer_behind(*keeps_out, inv, w), true;
  }
  if (inv.origin != nullptr && inv.origin->how == address::intent::by_id && !is(inv.origin->id)) {
    return refuse(errc::not_found, fmt::format("{} {}", type().name, inv.origin->id.str()));
  }
  const bool changes = inv.kind == purpose::action ? inv.writes : inv.kind == purpose::enqueue && !inv.must_arrive;
  if (changes && refuses_changes()) {
    return refuse(errc::store_refuses_changes, name());
  }
  return run_turn(inv, nullptr);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
