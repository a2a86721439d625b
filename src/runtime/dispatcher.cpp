// SPDX-License-Identifier: Apache-2.0
#include "dispatcher.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "admission.hpp"
#include "cell_extension.hpp"
#include "cell_messages.hpp"
#include "core.hpp"
#include "deadlock.hpp"
#include "queue_delivery.hpp"
#include "wait_graph.hpp"
#include "waking.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

namespace {

using phase = lifecycle::phase;

// The procedure that stops an actor, while it does.
invocation& stop_of(const cell& c) noexcept { return *c.known_extension()->underway->stop(); }

}  // namespace

// The cell that is kept now goes to the worker that runs us.
void dispatcher::run(work& posted) noexcept { run_messages(static_cast<cell&>(posted), drain_budget); }

void dispatcher::run_messages(cell& c, int budget) noexcept {
  auto& thread = this_thread();
  for (work* w = c.next_message(); w != nullptr; w = c.next_message()) {
    if (thread.kept != nullptr) [[unlikely]]
      offer_kept(thread);
    if (budget-- == 0) {
      c.put_first(*w);
      c.calls().show();
      const yielding_scope behind;
      return c.post();
    }
    if (auto* const inv = static_cast<invocation*>(w->context); inv == nullptr) {
      w->run(*w);  // in a turn without an invocation, or one of the runtime's own
    } else if (!dispatch(c, *inv, *w)) {
      return;
    }
  }
}

void dispatcher::defer(cell& c, work& w) noexcept { c.extension().deferred.push_back(w); }

void dispatcher::keep_out(cell& c, invocation& inv, work& w) noexcept {
  const invocation* const by = c.holder();
  inv.kept_out_by.store(by != nullptr ? by->constant_name() : nullptr, std::memory_order_relaxed);
  if (by != nullptr && wait_graph::concerns(inv) && c.current_phase() <= phase::awake) [[unlikely]]
    return keep_out_of_chain(c, inv, w);
  defer(c, w);
}

// Something that keeps others out of its own actor may wait for this one.
void dispatcher::keep_out_of_chain(cell& c, invocation& inv, work& w) noexcept {
  c.extension().in_wait_graph = true;
  const wait_graph::actors all{
      .name = &name_of,
      .retain = [](cell& one) noexcept { one.retain(); },
      .look_again =
          [](cell& one) noexcept {
            send_command(one, [](cell& here) noexcept { here.readmit(); });
            one.release();
          },
  };
  const auto cycle = c.core().waits().put_aside(inv, *c.holder(), all);
  if (cycle.empty()) return defer(c, w);
  if (inv.must_arrive) defer(c, static_cast<queue_delivery&>(inv).go_on_unanswered(c.core().exec()));
  refuse(c, inv, errc::deadlock, cycle);
}

bool dispatcher::descends(const invocation& inv, const invocation& from) noexcept {
  return inv.link && from.link && inv.link->descends_from(*from.link);
}

// The invocation waits for what keeps it out. The hooks of a procedure may lead back to an actor that the invocation
// keeps locked: they are let in there, or both would wait for their time-outs.
void dispatcher::defer_behind(cell& c, invocation& keeps_out, invocation& inv, work& w) noexcept {
  if (inv.link && keeps_out.kind == invocation::purpose::lifecycle && !is_planted(planted::wake_without_chain)) {
    if (!keeps_out.link) keeps_out.link = std::make_shared<call_chain>(nullptr);
    keeps_out.link->join(inv.link);
  }
  keep_out(c, inv, w);
}

void dispatcher::refuse(cell& c, invocation& inv, errc why, std::string_view detail) noexcept {
  c.core().refuse(inv, std::make_exception_ptr(error(why, detail)));
}

// Facts are looked up only where they can matter.
[[gnu::always_inline]] inline verdict dispatcher::admit(const cell& c, const invocation& inv) noexcept {
  using purpose = invocation::purpose;
  const invocation* const keeps_out = c.holder();
  invocation_facts i;
  i.kind = inv.kind;
  i.started = inv.started;
  i.is_kept_out = keeps_out != nullptr && inv.kind != purpose::lifecycle && !descends(inv, *keeps_out) &&
                  !(is_planted(planted::background_intrudes) && inv.kind == purpose::background);
  if (i.started || i.kind == purpose::lifecycle) return detail::admit({}, i);
  i.given_up = (inv.abandoned() || inv.given_up.stop_requested()) && !is_planted(planted::given_up_call_runs);
  i.must_arrive = inv.must_arrive;
  i.posted = inv.posted;
  i.from_actor = inv.goes_to == invocation::destination::actor;
  i.of_earlier_life = inv.kind == purpose::background && (c.live() == nullptr || inv.life != c.live()->known_life());
  i.of_earlier_actor = inv.via && inv.via->hub && inv.via->hub.get() != hub_of(c);
  actor_facts a;
  a.phase = c.current_phase();
  if (a.phase == phase::asleep) a.runtime_stops = c.core().stopping();
  a.ends_for_good = c.life().destroy_requested() &&
                    !(is_planted(planted::destroyed_takes_more) && a.phase == phase::awake);
  a.falls_asleep = c.life().sleep_requested();
  a.is_ephemeral = inv.kind == purpose::enqueue && c.type().options.durability == durability::ephemeral;
  if (a.phase == phase::stopping) {
    a.is_quiet = c.live()->running_count == 0;
    a.is_interrupted = c.live()->interrupted;
    i.descends_from_stop = !i.is_kept_out && descends(inv, stop_of(c));
  }
  return detail::admit(a, i);
}

// Its first turn, in an actor that is in memory by now, so that it is known which one it is.
[[gnu::always_inline]] inline bool dispatcher::run_admitted(cell& c, invocation& inv) noexcept {
  using purpose = invocation::purpose;
  if (inv.origin != nullptr && inv.origin->how == address::intent::by_id && !c.is(inv.origin->id)) {
    refuse(c, inv, errc::not_found, fmt::format("{} {}", c.type().name, inv.origin->id.str()));
    return true;
  }
  const bool changes = inv.kind == purpose::action ? inv.writes : inv.kind == purpose::enqueue && !inv.must_arrive;
  if (changes && c.refuses_changes()) {
    refuse(c, inv, errc::store_refuses_changes, c.name());
    return true;
  }
  return run_turn(c, inv, nullptr);
}

// Runs a message of an invocation, or puts it aside. False if the cell is no longer held.
bool dispatcher::dispatch(cell& c, invocation& inv, work& w) noexcept {
  TROUPE_ASSERT(!c.life().is_open() || c.holder() == nullptr, "an open actor has nothing that keeps others out");
  const bool is_procedure = inv.kind == invocation::purpose::lifecycle;
  const verdict why = admit(c, inv);
  switch (why) {
    case verdict::run:
      return inv.started || is_procedure ? run_turn(c, inv, inv.started ? &w : nullptr) : run_admitted(c, inv);
    case verdict::wake: return wake_for(c, inv, w);
    case verdict::wait_for_holder: keep_out(c, inv, w); break;
    case verdict::wait_for_procedure:
      TROUPE_ASSERT(c.current_phase() == phase::stopping || c.holder() != nullptr,
                    "a wake, and the last commit, hold the actor");
      defer_behind(c, c.current_phase() == phase::stopping ? stop_of(c) : *c.holder(), inv, w);
      break;
    case verdict::wait_for_successor: defer(c, w); break;
    default: refuse_as(c, inv, why);
  }
  return true;
}

void dispatcher::refuse_as(cell& c, invocation& inv, verdict why) noexcept {
  switch (why) {
    case verdict::refuse_given_up:
      return refuse(c, inv, errc::aborted, c.name() + ": the call was given up before it began");
    case verdict::refuse_earlier_life: return refuse(c, inv, errc::aborted, c.name() + " did not wake");
    case verdict::refuse_earlier_actor: return c.core().refuse(inv, why_closed(*inv.via));
    case verdict::refuse_runtime_stops: return refuse(c, inv, errc::runtime_stopped, c.core().interrupted(c.name()));
    case verdict::refuse_own_wake:
      return refuse(c, inv, errc::starting, c.name() + " was called by its own on_create or on_wake");
    case verdict::refuse_end: return refuse(c, inv, errc::destroying, c.name());
    case verdict::refuse_late_task: return refuse(c, inv, errc::aborted, c.name() + " has shut down");
    case verdict::run:
    case verdict::wait_for_holder:
    case verdict::wait_for_procedure:
    case verdict::wait_for_successor:
    case verdict::wake: break;
  }
  TROUPE_ASSERT(false, "only a refusal refuses");
}

// An invocation has come to an actor that is asleep.
bool dispatcher::wake_for(cell& c, invocation& inv, work& w) noexcept {
  try {
    inv.created_actor = inv.origin != nullptr && detail::wake_at_once(c, *inv.origin);
  } catch (...) {
    c.core().refuse(inv, std::current_exception());
    return true;
  }
  if (inv.created_actor) return run_admitted(c, inv);
  begin_wake(c);
  defer_behind(c, *c.holder(), inv, w);
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
