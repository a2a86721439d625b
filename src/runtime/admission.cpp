// Puts the verdicts of admission into effect.

#include <troupe/runtime/cell.hpp>

#include <memory>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "admission.hpp"
#include "audience.hpp"
#include "core.hpp"
#include "deadlock.hpp"
#include "lifecycle.hpp"
#include "queues.hpp"
#include "side.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

void cell::enter(phase p, invocation* holder) noexcept {
  TROUPE_ASSERT(may_follow(phase_, p), "an actor goes from phase to phase as the table of phases says");
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
  if (by != nullptr && wait_graph::concerns(inv) && phase_ <= phase::awake) [[unlikely]]
    return keep_out_of_chain(inv, w);
  defer(w);
}

// Something that keeps others out of its own actor may wait for this one.
void cell::keep_out_of_chain(invocation& inv, work& w) noexcept {
  side().in_wait_graph = true;
  const wait_graph::actors all{
      .name = &name_of,
      .retain = [](cell& c) noexcept { c.retain(); },
      .look_again =
          [](cell& c) noexcept {
            c.core().order(c, [](cell& here) noexcept { here.readmit(); });
            c.release();
          },
  };
  const auto cycle = core().waits().put_aside(inv, *holder(), all);
  if (cycle.empty()) return defer(w);
  if (inv.must_arrive) defer(goes_on_unanswered(static_cast<enqueuing&>(inv), core().exec()));
  refuse(inv, errc::deadlock, cycle);
}

void cell::readmit() noexcept {
  if (!side_) return;
  if (std::exchange(side_->in_wait_graph, false)) core().waits().forget(*this);
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

void cell::refuse(invocation& inv, errc why, std::string_view detail) noexcept {
  core().refuse(inv, std::make_exception_ptr(error(why, detail)));
}

// Facts are looked up only where they can matter.
[[gnu::always_inline]] inline verdict cell::admit(const invocation& inv) const noexcept {
  using purpose = invocation::purpose;
  const invocation* const keeps_out = holder();
  invocation_facts i;
  i.kind = inv.kind;
  i.started = inv.started;
  i.is_kept_out = keeps_out != nullptr && inv.kind != purpose::lifecycle && !descends(inv, *keeps_out) &&
                  !(is_planted(planted::background_intrudes) && inv.kind == purpose::background);
  if (i.started || i.kind == purpose::lifecycle) return detail::admit({}, i);
  i.given_up = (inv.abandoned() || inv.given_up.stop_requested()) && !is_planted(planted::given_up_call_runs);
  i.must_arrive = inv.must_arrive;
  i.posted = inv.posted;
  i.from_actor = !inv.from_host;
  i.of_earlier_life = inv.kind == purpose::background && (!live_ || inv.life != live_->known_life());
  i.of_earlier_actor = inv.via && inv.via->heard_by && inv.via->heard_by.get() != heard_by();
  actor_facts a;
  a.phase = phase_;
  if (phase_ == phase::asleep) a.runtime_stops = core().stopping();
  if (side_) {
    a.ends_for_good = ends_for_good() && !(is_planted(planted::destroyed_takes_more) && phase_ == phase::awake);
    a.falls_asleep = side_->sleep_requested;
  }
  a.is_ephemeral = inv.kind == purpose::enqueue && type().options.durability == durability::ephemeral;
  if (phase_ == phase::stopping) {
    a.is_quiet = live_->running_count == 0;
    a.is_interrupted = live_->interrupted;
    i.descends_from_stop = !i.is_kept_out && descends(inv, *side_->passing->procedure);
  }
  return detail::admit(a, i);
}

// Its first turn, in an actor that is in memory by now, so that it is known which one it is.
[[gnu::always_inline]] inline bool cell::run_admitted(invocation& inv) noexcept {
  using purpose = invocation::purpose;
  if (inv.origin != nullptr && inv.origin->how == address::intent::by_id && !is(inv.origin->id)) {
    refuse(inv, errc::not_found, fmt::format("{} {}", type().name, inv.origin->id.str()));
    return true;
  }
  const bool changes = inv.kind == purpose::action ? inv.writes : inv.kind == purpose::enqueue && !inv.must_arrive;
  if (changes && refuses_changes()) {
    refuse(inv, errc::store_refuses_changes, name());
    return true;
  }
  return run_turn(inv, nullptr);
}

// Runs a message of an invocation, or puts it aside. False if the cell is no longer held.
bool cell::dispatch(invocation& inv, work& w) noexcept {
  const bool is_procedure = inv.kind == invocation::purpose::lifecycle;
  const verdict why = admit(inv);
  switch (why) {
    case verdict::run:
      return inv.started || is_procedure ? run_turn(inv, inv.started ? &w : nullptr) : run_admitted(inv);
    case verdict::wake: return wake_for(inv, w);
    case verdict::wait_for_holder: keep_out(inv, w); break;
    case verdict::wait_for_procedure:
      TROUPE_ASSERT(phase_ == phase::stopping || holder() != nullptr, "a wake, and the last commit, hold the actor");
      defer_behind(phase_ == phase::stopping ? *side_->passing->procedure : *holder(), inv, w);
      break;
    case verdict::wait_for_successor: defer(w); break;
    default: refuse_as(inv, why);
  }
  return true;
}

void cell::refuse_as(invocation& inv, verdict why) noexcept {
  switch (why) {
    case verdict::refuse_given_up:
      return refuse(inv, errc::aborted, name() + ": the call was given up before it began");
    case verdict::refuse_earlier_life: return refuse(inv, errc::aborted, name() + " did not wake");
    case verdict::refuse_earlier_actor: return core().refuse(inv, inv.via->why_closed());
    case verdict::refuse_runtime_stops: return refuse(inv, errc::runtime_stopped, core().interrupted(name()));
    case verdict::refuse_own_wake:
      return refuse(inv, errc::starting, name() + " was called by its own on_create or on_wake");
    case verdict::refuse_end: return refuse(inv, errc::destroying, name());
    case verdict::refuse_late_task: return refuse(inv, errc::aborted, name() + " has shut down");
    case verdict::run:
    case verdict::wait_for_holder:
    case verdict::wait_for_procedure:
    case verdict::wait_for_successor:
    case verdict::wake: break;
  }
  TROUPE_ASSERT(false, "only a refusal refuses");
}

// An invocation has come to an actor that is asleep.
bool cell::wake_for(invocation& inv, work& w) noexcept {
  try {
    inv.created_actor = inv.origin != nullptr && lifecycle::wake_at_once(*this, *inv.origin);
  } catch (...) {
    core().refuse(inv, std::current_exception());
    return true;
  }
  if (inv.created_actor) return run_admitted(inv);
  lifecycle::begin_wake(*this);
  defer_behind(*holder(), inv, w);
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
