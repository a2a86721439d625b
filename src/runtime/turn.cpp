// SPDX-License-Identifier: Apache-2.0
#include <troupe/runtime/turn.hpp>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "cell_extension.hpp"
#include "core.hpp"
#include "observing.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

namespace {

auto milliseconds_of(std::chrono::nanoseconds d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

// A thread that is no worker wakes one with each actor that it posts. A receiver that is as fast as the sender would be
// idle again for each message, so several messages are sent at the price of one wake.
void send_all(work_list& outbox, executor& exec, bool on_worker) noexcept {
  constexpr int messages_a_wake = 64;
  const work* const first = outbox.front();
  if (first->next == first || on_worker) {
    while (work* const w = outbox.pop_front()) w->run(*w);
    return;
  }
  while (!outbox.empty()) {
    const post_batch together{exec};
    for (int left = messages_a_wake; left != 0; --left) {
      work* const w = outbox.pop_front();
      if (w == nullptr) return;
      w->run(*w);
    }
  }
}

// Wakes the procedure that waits for the actor to be quiet.
void go_on_with_procedure(cell& c) noexcept {
  auto& extension = *c.known_extension();
  if (!extension.underway || extension.underway->quiet == nullptr || !c.live() || c.live()->running_count != 0) return;
  std::exchange(extension.underway->quiet, nullptr)->wake();
}

void after_turn(cell& c) noexcept {
  if (c.known_extension() != nullptr) go_on_with_procedure(c);
}

}  // namespace

void turn::depend_on(epoch_number dependency) noexcept {
  if (dependency <= depends_on || is_planted(planted::dependency_dropped)) return;
  depends_on = dependency;
  if (where->extension_ && writes) where->extension_->recorder.freeze_before(dependency);
}

epoch_number turn::end_with_effects() noexcept {
  cell& c = *where;
  epoch_number dependency = std::max(depends_on, c.dependency_);
  if (inv == nullptr && c.extension_ && c.extension_->parts) c.extension_->parts->plain_action_ended(failed);
  const bool destroyed = c.extension_ && c.extension_->recorder.destroyed();
  const bool saves = effects_ && effects_->save;
  const bool to_record = (writes && !c.quick_writes_) || saves || (c.extension_ && c.extension_->recorder.has_rows());
  if (to_record && c.live_ && !destroyed) {
    std::exception_ptr failure;
    try {
      const bool of_procedure = inv != nullptr && inv->kind == invocation::purpose::lifecycle;
      if (c.extension_)
        dependency = c.extension_->recorder.record({dependency, writes || saves, saves, of_procedure}, failure);
    } catch (...) {
      failure = std::current_exception();
      effects().unsaved = true;
      effects().failure = failure;
      c.core().report(failure, c.name() + ": the state cannot be stored");
      auto& recorder = c.extension_->recorder;
      recorder.undo_rows();
      if (writes && !recorder.undo_state()) {  // it wakes with its stored state
        c.extension_->sleep_requested = true;
        c.extension_->signals.raise(pending_signals::end);
      }
      if (c.phase_ == cell::phase::finalising) dependency = recorder.record_without_state(dependency);
    }
    if (failure) {
      effects().failure = failure;
      if (inv != nullptr) inv->unsaved = failure;
    }
  }
  if (writes || to_record) c.dependency_ = std::max(c.dependency_, dependency);
  if (inv != nullptr) inv->dependency = std::max(inv->dependency, dependency);
  return dependency;
}

// What the turn has sent leaves when it is known what it can depend on.
epoch_number turn::end_with_more(bool last) noexcept {
  depends_on = has_effects() ? end_with_effects() : end_plainly();
  if (outgoing_.empty()) return depends_on;
  executor& exec = where->core().exec();
  const bool on_worker = thread.worker_of == &exec;
  if (last && on_worker) thread.keeps_for = thread.worker_of;
  send_all(outgoing_, exec, on_worker);
  thread.keeps_for = nullptr;
  return depends_on;
}

void turn::pause() noexcept {
  static_cast<void>(require_invocation());  // others may run now, so the actor must know of it
  const epoch_number all = end();  // what the turn has only read, too
  if (!is_planted(planted::read_dependency_dropped)) depends_on = all;
  held = false;
  if (close()) [[unlikely]]
    look_at_mark(*where, thread, inv, {});
  after_turn(*where);
  where->unlock();
}

void look_at_mark(const cell& where, thread_state& thread, const invocation* inv, std::string_view action) noexcept {
  make_known(thread);
  const auto begun = thread.mark.take(thread.inline_calls);
  const auto limit = where.type().options.long_turn;
  if (!begun || limit == troupe::never) return;
  auto& core = where.core();
  const auto& clock = core.exec().clock();
  const bool is_ours = begun->by == nullptr ? clock.runs_by_itself() : begun->by == &clock;
  if (!is_ours) return;
  const auto taken = (begun->by == nullptr ? time_point{std::chrono::steady_clock::now()} : clock.now()) - begun->since;
  if (taken < limit) return;
  core.log(log_level::warning,
           fmt::format("{}: {} kept its thread for {} ms (options::long_turn is {} ms); co_await what it waits for, "
                       "and give long computations a thread of their own",
                       where.name(), inv != nullptr ? inv->what() : action, milliseconds_of(taken),
                       milliseconds_of(limit)));
}

bool turn::resume() noexcept {
  if (!where->try_lock()) return false;
  held = true;
  effects_.reset();
  open();
  return true;
}

void refuse_turn(const cell& c, std::string_view operation) {
  throw error(errc::invalid_operation,
              fmt::format("{}: {} may be used only by the actor's own code, in its turns", c.name(), operation));
}

// --- invocations in turns -------------------------------------------------------------------------------------------

namespace {

void run_first(cell& c, invocation& inv, turn& t) noexcept {
  inv.started = true;
  std::coroutine_handle<> body;
  try {
    body = inv.begin(c.live());
  } catch (...) {
    inv.failure = std::current_exception();
  }
  if (!body) return c.settle(inv, t);
  const bool shares = is_planted(planted::exclusive_forgotten) ||
                      (is_planted(planted::posted_exclusive_shared) && inv.posted);
  if (inv.exclusive && !shares) {
    inv.held_before = c.holder();
    c.set_holder(&inv);
  }
  if (inv.kind != invocation::purpose::lifecycle) c.enlist(inv);
  drive_on(t.thread, body);
}

// Runs the first turn of an invocation, or a further one. False if the cell is no longer held: then the invocation
// awaits another actor, and neither may be touched.
[[gnu::always_inline]] inline bool run_itself(cell& c, invocation& inv, work* continuation) noexcept {
  if (std::exchange(inv.counted, false)) c.count_begun();
  inv.kept_out_by.store(nullptr, std::memory_order_relaxed);
  c.show_begun();  // the turn may end without coming back to the mailbox
  auto& thread = this_thread();
  fiber* const outer = std::exchange(thread.here, &inv);
  ++thread.depth;
  turn t{c, &inv, inv.writes, thread};
  t.open();
  t.depend_on(inv.dependency);
  if (continuation == nullptr) {
    run_first(c, inv, t);
  } else {
    continuation->run(*continuation);
  }
  if (t.held) c.end_turn(inv, t);
  --thread.depth;
  thread.here = outer;
  return t.held;
}

// A turn that waits gives the actor up, and may be the last to need it, and its invocation.
bool run_observed(cell& c, invocation& inv, work* continuation) noexcept {
  const counted_ptr<cell> here{c};
  const counted_ptr<invocation> running{inv};
  const auto& clock = c.core().exec().clock();
  const auto which = seen(c);
  const auto begun = clock.now();
  const bool held = run_itself(c, inv, continuation);
  const auto took = clock.now() - begun;
  tell(c.core(), [&](observer& o) { o.turn_ended(which, inv.what(), took); });
  return held;
}

}  // namespace

bool run_turn(cell& c, invocation& inv, work* continuation) noexcept {
  if (c.kind().observes_turns) [[unlikely]]
    return run_observed(c, inv, continuation);
  return run_itself(c, inv, continuation);
}

bool cell::start(invocation& inv) noexcept { return run_turn(*this, inv, nullptr); }

void cell::enlist(invocation& inv) noexcept {
  inv.following = live_->running;
  if (inv.following != nullptr) inv.following->previous = &inv;
  live_->running = &inv;
  ++live_->running_count;
  if (inv.blocks_sleep) ++live_->keep_awake_count;
}

void cell::end_turn(invocation& inv, turn& t) noexcept {
  if (inv.ended) {
    try {
      inv.finish();
    } catch (...) {
      inv.failure = std::current_exception();
    }
    settle(inv, t);
  }
  t.end();
  if (t.close()) [[unlikely]]
    look_at_mark(*this, t.thread, &inv, {});
  if (t.settled && !inv.put_off) {
    if (inv.unsaved && !inv.failure) inv.failure = inv.unsaved;
    if (inv.failure) [[unlikely]]
      note_failure(inv.failure);
    core().deliver(inv);
  }
  after_turn(*this);
}

void cell::settle(invocation& inv, turn& t) noexcept {
  if (inv.ended && inv.kind != invocation::purpose::lifecycle) {
    if (inv.following != nullptr) inv.following->previous = inv.previous;
    (inv.previous == nullptr ? live_->running : inv.previous->following) = inv.following;
    --live_->running_count;
    if (inv.blocks_sleep) --live_->keep_awake_count;
  }
  if (std::exchange(inv.settles_parts, false)) extension_->parts->invocation_ended(inv, inv.failure);
  if (holder() == &inv) {
    // An exclusive action may run within another one of its chain, which has no turn until it has ended.
    enter(phase_, is_planted(planted::inner_hold_opens) ? nullptr : inv.held_before);
    readmit();
  }
  TROUPE_ASSERT(extension_ == nullptr || extension_->holder == nullptr || extension_->holder->held_before != &inv);
  t.settled = true;
}

// The last cell that a turn makes ready may be kept until the thread knows whether it has more to do here. If it has
// not, it runs that cell next, and no other worker has seen it.
void cell::push(work& w, const turn& from) noexcept {
  if (!enqueue(w)) return;
  auto& thread = from.thread;
  if (thread.keeps_for != &core().exec()) return post();
  if (thread.kept == nullptr) {
    thread.kept = this;
  } else {
    thread.keeps_for = nullptr;  // several: others may help
    offer_kept(thread);
    post();
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
