// SPDX-License-Identifier: Apache-2.0
#include "assembly.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/runtime/turn.hpp>

#include "actor_committer.hpp"
#include "blocked.hpp"
#include "cell_extension.hpp"
#include "cell_messages.hpp"
#include "committer.hpp"
#include "dispatcher.hpp"
#include "hook_limits.hpp"
#include "queue_delivery.hpp"
#include "signal_handler.hpp"
#include "stopping.hpp"
#include "turn_watch.hpp"
#include "waking.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Work that was cut off has this long to end, and then work that came late: see `shutdown_overrun_max`.
constexpr std::chrono::nanoseconds cut_off_limit = shutdown_overrun_max / 2;

// A clock that shows no later time after this stands still.
constexpr std::chrono::milliseconds frozen_clock_limit{200};

constexpr cell_handlers cell_uses{
    .run = &dispatcher::run,
    .run_messages = &dispatcher::run_messages,
    .wake_at_once = &detail::wake_at_once,
    .signalled = &detail::signalled,
    .image_awaited = &cell_extension::image_awaited,
    .idle = &begin_stop,
    .release = [](cell& c) noexcept { c.core().cells().release(c); },
    .end_extension = [](cell_extension& extension) noexcept { delete &extension; },
};

// As the store's cut demands.
std::unique_ptr<commit_ledger> make_ledger(runtime_core& core, executor& exec, const runtime_options& options) {
  if (core.stored().traits().cut == commit_cut::per_actor) {
    return std::make_unique<actor_committer>(core, exec, options);
  }
  return std::make_unique<committer>(core, exec, options);
}

}  // namespace

runtime_assembly::runtime_assembly(const registry& served, runtime_options options)
    : runtime_core{served,
                   std::move(options),
                   {.loads = &loader_,
                    .cells = &directory_,
                    .wake_ups = &alarms_,
                    .outbox = &outbox_,
                    .delays = &delays_,
                    .ids = &ids_,
                    .waits = &waits_,
                    .blocking = &blocking_}},
      loader_{exec(), stored()},
      ledger_{make_ledger(*this, exec(), this->options())},
      ids_{exec().clock(), random(), stored().opening()},
      delays_{exec(), ids_},
      outbox_{*this, &queue_delivery::bring},
      blocking_{exec(), all_activity(), this->options().blocking_threads} {
  parts_.commits = ledger_.get();
  if (ledger_->seen_by_calls().apart != nullptr) cut_apart();
  directory_.serve(*this, cell_uses, definitions(), ledger_->seen_by_calls());
}

runtime_assembly::~runtime_assembly() { turn_watch::instance().leave(*this); }

void runtime_assembly::begin() {
  TROUPE_ASSERT(!stopping() && !has_ended(), "a runtime begins once");
  if (exec().clock().runs_by_itself() && least_long_turn() != troupe::never) {
    turn_watch::instance().join(*this);
    all_activity().tell_when_busy([]() noexcept { turn_watch::instance().look_soon(); });
  }
  alarms_.begin(definitions());
  if (std::ranges::any_of(definitions(), [](const auto& d) { return !d->queues.empty(); })) outbox_.begin();
}

bool runtime_assembly::needs_this_thread() noexcept {
  if (exec().on_worker() || this_thread().works_for == &exec() || reporter().is_reporting()) return true;
  for (const turn* t = this_thread().in_turn; t != nullptr; t = t->outer) {
    if (&t->where->core() == this) return true;
  }
  return false;
}

runtime_health runtime_assembly::health() const {
  runtime_health h;
  if (forked()) {
    h.store_ok = h.accepts_changes = false;
    h.store_error = "this process was forked from the one that runs the runtime";
    return h;
  }
  ledger_->report(h);
  h.awake = directory_.awake();
  h.held = directory_.size();
  h.errors = reporter().errors();
  return h;
}

// --- end ------------------------------------------------------------------------------------------------------------

void runtime_assembly::order_all(void (*run_command)(cell&) noexcept) noexcept {
  for (cell* c : directory_.all()) {
    detail::send_command(*c, run_command);
    c->release();
  }
}

bool runtime_assembly::wait_for(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
  return all_activity().wait_until(done, all_activity().limit_in(limit));
}

bool runtime_assembly::put_all_to_sleep() noexcept {
  activity& runs = all_activity();
  const auto all_asleep = [this] { return !is_busy(); };
  const auto begun = exec().now();
  const auto whole = options().shutdown_limit;
  const auto end = runs.limit_in(whole);
  const auto last_call = runs.limit_in(whole - whole / 4);
  order_all(&stop_now);
  const auto briefly = std::min<std::chrono::nanoseconds>(whole, frozen_clock_limit);
  bool asleep = runs.wait_until(all_asleep, runs.limit_in(briefly));
  // A manual clock that nobody moves: no grace period will ever end by itself.
  if (!asleep && exec().now() == begun) order_all(&cut_short);
  asleep = asleep || runs.wait_until(all_asleep, last_call);
  if (!asleep) order_all(&cut_short);
  asleep = asleep || runs.wait_until(all_asleep, end);
  return asleep && runs.wait_until([this] { return ledger_->is_idle(); }, end);
}

bool runtime_assembly::shutdown() noexcept {
  if (!stop()) return true;
  directory_.stop();
  alarms_.stop();
  outbox_.stop();
  const bool complete = put_all_to_sleep();
  if (!complete) {
    log(log_level::error,
        fmt::format("shutdown: some actors, spawned tasks, blocking functions or commits did not end within {} ms "
                    "(runtime_options::shutdown_limit); what they had not saved is lost{}{}",
                    std::chrono::ceil<std::chrono::milliseconds>(options().shutdown_limit).count(),
                    directory_.not_asleep(), blocking_.names_of_running()));
    ledger_->abandon("the runtime was shut down before the store had confirmed all changes");
    tasks_.cancel_all();
    wait_for([this] { return is_quiet(); }, cut_off_limit);
  }
  end();
  return complete;
}

void runtime_assembly::end() noexcept {
  TROUPE_ASSERT(stopping(), "a runtime ends when it has been told to stop");
  if (ended_) return;
  turn_watch::instance().leave(*this);
  // A thread that comes after this store sees it; one that came before is still counted as busy.
  all_activity().end_workers();
  wait_for([this] { return !is_busy(); }, cut_off_limit);
  // The lane runs in order: behind this, nothing of ours is on it.
  struct last_job final : work {
    explicit last_job(executor& e) noexcept : work{&last_job::run_it}, thread{e} {}
    static void run_it(work& w) noexcept { static_cast<last_job&>(w).thread.notify(); }
    blocked_thread thread;
  } last{exec()};
  exec().post_blocking(last);
  last.thread.wait();
  blocking_.end();
  close();
  waits_.clear();
  ended_.store(true, std::memory_order_release);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
