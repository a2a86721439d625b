// SPDX-License-Identifier: Apache-2.0
#include "stopping.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "alarms.hpp"
#include "cell_extension.hpp"
#include "commit_ledger.hpp"
#include "connecting.hpp"
#include "core.hpp"
#include "directory.hpp"
#include "due_times.hpp"
#include "durable_wait.hpp"
#include "hook_limits.hpp"
#include "observing.hpp"
#include "parked_wait.hpp"
#include "procedure.hpp"
#include "queues.hpp"
#include "run_loop.hpp"
#include "subscription_hub.hpp"
#include "transition.hpp"
#include "type_runtime.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

using phase = lifecycle::phase;

// When an actor wakes again for messages that it has handled in vain. That may come to nothing again.
constexpr std::chrono::seconds pause_after_loss{1};

// When an actor wakes, at the earliest, for the rows that a failed wake has left behind.
constexpr std::chrono::minutes pause_after_failure{1};

// The name of the procedure in errors of calls that it keeps out.
constexpr std::string_view stop_name = "its end";

// Whether a message that has arrived at the actor may come again.
bool asks_for_receipts(const cell& c) noexcept {
  if (c.type().queues.empty() || c.core().commits().receipts() == nullptr) return false;
  const auto& receipts = queues_of(c).receipts;
  return receipts && receipts->are_asked_for();
}

// A step that gives a task has done all that needs no waiting: the task is the rest, and empty if there is none. So
// most actors stop without a coroutine.
class stopping final : public procedure {
 public:
  explicit stopping(cell& c) : procedure{c, false} {}
  task<> steps() noexcept override;
  [[nodiscard]] std::string_view what() const noexcept override { return "stop"; }
  [[nodiscard]] const std::string_view* constant_name() const noexcept override { return &stop_name; }

 private:
  [[nodiscard]] task<> run_shutdown_hooks();
  task<> part_connections(std::exception_ptr why);
  [[nodiscard]] task<> run_last_hook();
  task<> end_last_hook(const char* name, task<> hook);
  task<> until_quiet();
  task<> finish_after(task<> rest);
  [[nodiscard]] task<> finalise();
  void destroy();
  task<> end_after_receipts();

  [[nodiscard]] cell_extension& extension() const noexcept { return *target->known_extension(); }
  [[nodiscard]] transition& underway() const noexcept { return *extension().underway; }

  bool destroying_ = false;
};

task<> stopping::steps() noexcept {
  cell& c = *target;
  transition& now = c.extension().transition_now();
  run_loop::end_life(c);
  abort_parked(c);  // first, so that one that watches the actor's own token ends for the same reason
  activation& live = *c.live();
  live.request_stop();
  for (invocation* inv = live.running; inv != nullptr; inv = inv->following) inv->request_stop();
  destroying_ = c.life().destroy_requested();
  const auto begun = c.core().exec().now();
  now.set_deadline(begun);
  extension().since = begun;
  task<> rest;
  if (c.core().killed() || c.core().commits().has_lost(c)) {
    deadline_has_come(c);
  } else {
    now.set_deadline(moment_after(begun, c.type().options.sleep_grace_period));
    rest = run_shutdown_hooks();
  }
  const bool quiet = live.running_count == 0 && c.life().destroy_requested() == destroying_;
  return rest || !quiet ? finish_after(std::move(rest)) : finalise();
}

task<> stopping::finish_after(task<> rest) {
  cell& c = *target;
  if (!c.core().killed()) underway().arm();
  if (rest) {
    co_await std::move(rest);
  }
  co_await until_quiet();
  if (!destroying_ && c.life().destroy_requested() && !c.core().killed()) {
    destroying_ = true;
    auto again = run_shutdown_hooks();
    if (again) {
      co_await std::move(again);
    }
    co_await until_quiet();
  }
  underway().disarm();
  auto end = finalise();
  if (end) {
    co_await std::move(end);
  }
}

task<> stopping::finalise() {
  cell& c = *target;
  c.life().enter(phase::finalising);
  c.set_holder(this);
  type_runtime_of(c).rounds.actor_sleeps();
  if (destroying_ && asks_for_receipts(c) && !c.core().killed()) return end_after_receipts();
  if (destroying_) destroy();
  return flush(c);
}

void stopping::destroy() {
  cell& c = *target;
  c.set_dependency(std::max(c.dependency(), extension().recorder.record_destroy(c.dependency())));
}

// A message that came again would find a successor, which knows nothing of it.
task<> stopping::end_after_receipts() {
  cell& c = *target;
  std::exception_ptr failure;
  try {
    co_await durable_wait(c.core());
    co_await durable_wait(c.core(), c.core().commits().newest_forgotten());
    // What still has a repeat on its way: the receipts go with the actor, so the store forgets the messages first.
    if (asks_for_receipts(c)) {
      for (const std::uint64_t each : queues_of(c).receipts->settle()) c.core().commits().forget(each);
      co_await durable_wait(c.core(), c.core().commits().newest_forgotten());
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) c.core().report(failure, fmt::format("the end of {}", c.name()));
  destroy();
  auto rest = flush(c);
  if (rest) {
    co_await std::move(rest);
  }
}

task<> stopping::run_shutdown_hooks() {
  auto why = hub_of(*target) != nullptr ? why_connections_end(*target) : nullptr;
  return why ? part_connections(std::move(why)) : run_last_hook();
}

// Their on_disconnects have the grace period, too.
task<> stopping::part_connections(std::exception_ptr why) {
  auto all = disconnect_all(*target, std::move(why));
  co_await underway().run_hook("on_disconnect", std::move(all), troupe::never);
  auto hook = run_last_hook();
  if (hook) {
    co_await std::move(hook);
  }
}

// Between the end of the last and our turn, a background task that was on its way may have begun.
task<> stopping::until_quiet() {
  while (target->live()->running_count != 0) {
    co_await quiet_wait(*target, underway());
  }
}

task<> stopping::run_last_hook() {
  cell& c = *target;
  const char* const name = destroying_ ? "on_destroy" : "on_sleep";
  try {
    auto hook = destroying_ ? c.live()->on_destroy() : c.live()->on_sleep();
    if (hook) return end_last_hook(name, std::move(hook));
  } catch (...) {
    c.core().report(std::current_exception(), fmt::format("{} of {}", name, c.name()));
  }
  return {};
}

task<> stopping::end_last_hook(const char* name, task<> hook) {
  std::exception_ptr failure;
  try {
    co_await underway().run_hook(name, std::move(hook), troupe::never);  // bounded by the grace period
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) target->core().report(failure, fmt::format("{} of {}", name, target->name()));
}

void set_wake_up(cell& c) {
  const auto& extension = *c.known_extension();
  auto& core = c.core();
  // A wake that failed is tried again by its caller, with a back-off. Its turns may have left something that is due
  // later, of which no caller knows.
  const bool failed = c.current_phase() == phase::waking;
  const auto earliest = failed ? core.exec().now() + pause_after_failure : time_point::min();
  auto first = extension.parts->next_due();
  // The store still has the messages that were handled in vain.
  if (extension.recorder.lost_rows()) {
    const auto again = core.exec().now() + pause_after_loss;
    first = first ? std::min(*first, again) : again;
  }
  if (first && !is_planted(planted::message_forgotten)) {
    core.wake_ups().set(c.type(), c.key(), std::max(*first, earliest));
  }
  const auto row = extension.parts->next_due_row();
  if (!row) return;
  if (failed && core.delays().moment_of(*row) < earliest) return core.wake_ups().set(c.type(), c.key(), earliest);
  core.wake_ups().set_row(c.type(), c.key(), *row);
}

// Of an actor that does not end, since the runtime has been killed, or whose end may not be stored.
std::exception_ptr why_not_ended(const cell& c, bool gone, bool lost, const std::exception_ptr& failure) {
  if (failure || gone) return failure;
  if (lost) return why_it_is_lost(c);
  return std::make_exception_ptr(error(errc::runtime_stopped, c.core().interrupted(c.name())));
}

// What the store has is not known, and may be due.
void end_lost(cell& c) {
  c.known_extension()->recorder.give_up_lost();
  if (alarms::concern(c.type())) {
    c.core().wake_ups().set(c.type(), c.key(), c.core().exec().now() + pause_after_loss);
  }
}

/// `failure`: of the last commit.
void deactivate(cell& c, const std::exception_ptr& failure) {
  TROUPE_ASSERT(c.known_extension() != nullptr, "an actor that was woken by a procedure, or stops, has an extension");
  auto& extension = *c.known_extension();
  const bool lost = c.core().commits().has_lost(c);
  const bool destroyed = extension.recorder.destroyed() && !lost;
  const bool gone = destroyed || c.type().options.durability == durability::ephemeral;
  if (c.current_phase() == phase::finalising) {
    tell(c.core(), [&](observer& o) {
      o.actor_slept(seen(c), destroyed ? observer::ending::destroyed : observer::ending::slept);
    });
  }
  if (gone && c.known_id()) c.core().cells().clear_id(c);
  c.end_live();
  c.set_quick_writes(false);
  if (extension.hub && (gone || lost || c.core().stopping())) {
    close_all(c, lost ? why_it_is_lost(c) : why_it_ends(c, gone));
  }
  if (gone || lost) extension.hub = {};
  if (lost) {
    end_lost(c);
  } else if (!gone && alarms::concern(c.type()) && extension.parts && extension.parts->is_loaded()) set_wake_up(c);
  const bool stops = extension.parts && c.core().stopping();
  const auto why = destroyed ? unload_reason::destroyed
                   : stops   ? unload_reason::runtime_stops
                   : lost    ? unload_reason::lost
                             : unload_reason::slept;
  const bool is_needless = extension.end_life(why);
  c.readmit();  // after end_life, which puts aside the messages for the successor
  c.set_holder(nullptr);
  const auto not_ended = extension.end_waiters.empty() ? nullptr : why_not_ended(c, gone, lost, failure);
  if (lost) c.core().commits().has_ended(c);
  c.life().enter(phase::asleep);
  extension.answer_end(not_ended);
  if (is_needless) c.drop_extension();
}

task<> flush_durable(cell& c) {
  c.known_extension()->recorder.forget_save();
  std::exception_ptr failure;
  try {
    co_await durable_wait(c.core());
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) c.core().report(failure, fmt::format("putting {} to sleep", c.name()));
  deactivate(c, failure);
}

}  // namespace

task<> flush(cell& c) {
  if (c.live() != nullptr && c.type().options.durability != durability::ephemeral) return flush_durable(c);
  deactivate(c, nullptr);
  return {};
}

void begin_stop(cell& c) noexcept {
  auto* const p = new stopping{c};
  c.life().enter(phase::stopping);
  c.extension().transition_now().set_stop(*p);
  c.put_first(*p);
}

void sleep_now(cell& c) noexcept {
  if (c.current_phase() == phase::awake) begin_stop(c);
}

void stop_now(cell& c) noexcept {
  sleep_now(c);
  if (c.current_phase() != phase::asleep) return;
  close_all(c, why_it_ends(c, false));
  if (auto* const extension = c.known_extension(); extension != nullptr && extension->parts) {
    extension->parts->unload(unload_reason::runtime_stops);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
