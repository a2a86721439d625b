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
  if (!extension.underway || c.live() == nullptr || c.live()->running_count != 0) return;
  extension.underway->actor_is_quiet();
}

void after_turn(cell& c) noexcept {
  if (c.known_extension() != nullptr) go_on_with_procedure(c);
}

}  // namespace

void turn::depend_on(epoch_number dependency) noexcept {
  if (dependency <= depends_on || is_planted(planted::dependency_dropped)) return;
  depends_on = dependency;
  if (auto* const extension = where->known_extension(); extension != nullptr && writes) {
    extension->recorder.freeze_before(dependency);
  }
}

epoch_number turn::end_with_effects() noexcept {
  cell& c = *where;
  cell_extension* const extension = c.known_extension();
  epoch_number dependency = std::max(depends_on, c.dependency());
  if (inv == nullptr && extension != nullptr && extension->parts) extension->parts->plain_action_ended(failed);
  const bool destroyed = extension != nullptr && extension->recorder.destroyed();
  const bool saves = effects_ && effects_->save;
  const bool has_rows = extension != nullptr && extension->recorder.has_rows();
  const bool to_record = (writes && !c.quick_writes()) || saves || has_rows;
  if (to_record && c.live() != nullptr && !destroyed) {
    std::exception_ptr failure;
    try {
      const bool of_procedure = inv != nullptr && inv->kind == invocation::purpose::lifecycle;
      if (extension != nullptr)
        dependency = extension->recorder.record({dependency, writes || saves, saves, of_procedure}, failure);
    } catch (...) {
      failure = std::current_exception();
      effects().unsaved = true;
      effects().failure = failure;
      c.core().report(failure, c.name() + ": the state cannot be stored");
      auto& recorder = extension->recorder;
      recorder.undo_rows();
      if (writes && !recorder.undo_state()) {  // it wakes with its stored state
        c.life().request_sleep();
        extension->signals.raise(pending_signals::end);
      }
      if (c.current_phase() == lifecycle::phase::finalising) dependency = recorder.record_without_state(dependency);
    }
    if (failure) {
      effects().failure = failure;
      if (inv != nullptr) inv->unsaved = failure;
    }
  }
  if (writes || to_record) c.set_dependency(std::max(c.dependency(), dependency));
  if (inv != nullptr) inv->dependency = std::max(inv->dependency, dependency);
  return dependency;
}

// The messages of the turn leave when it is known what it can depend on.
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
  const epoch_number all = end();  // reads of the turn count, too
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
  if (!body) return t.settle();
  const bool shares = is_planted(planted::exclusive_forgotten) ||
                      (is_planted(planted::posted_exclusive_shared) && inv.posted);
  if (inv.exclusive && !shares) {
    inv.held_before = c.holder();
    c.set_holder(&inv);
  }
  if (inv.kind != invocation::purpose::lifecycle) c.live()->enlist(inv);
  drive_on(t.thread, body);
}

// Runs the first turn of an invocation, or a further one. False if the cell is no longer held: then the invocation
// awaits another actor, and neither may be touched.
[[gnu::always_inline]] inline bool run_itself(cell& c, invocation& inv, work* continuation) noexcept {
  if (std::exchange(inv.counted, false)) c.calls().begin();
  inv.kept_out_by.store(nullptr, std::memory_order_relaxed);
  c.calls().show();  // the turn may end without coming back to the mailbox
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
  if (t.held) t.end_of_invocation();
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

void turn::end_of_invocation() noexcept {
  invocation& mine = *inv;
  cell& c = *where;
  if (mine.ended) {
    try {
      mine.finish();
    } catch (...) {
      mine.failure = std::current_exception();
    }
    settle();
  }
  end();
  if (close()) [[unlikely]]
    look_at_mark(c, thread, inv, {});
  if (settled && !mine.put_off) {
    if (mine.unsaved && !mine.failure) mine.failure = mine.unsaved;
    if (mine.failure) [[unlikely]]
      note_failure(c, mine.failure);
    c.core().deliver(mine);
  }
  after_turn(c);
}

void turn::settle() noexcept {
  invocation& mine = *inv;
  cell& c = *where;
  if (mine.ended && mine.kind != invocation::purpose::lifecycle) c.live()->delist(mine);
  if (std::exchange(mine.settles_parts, false)) c.parts().invocation_ended(mine, mine.failure);
  if (c.holder() == &mine) {
    // An exclusive action may run within another one of its chain, which has no turn until it has ended.
    c.set_holder(is_planted(planted::inner_hold_opens) ? nullptr : mine.held_before);
    c.readmit();
  }
  TROUPE_ASSERT(c.holder() == nullptr || c.holder()->held_before != &mine);
  settled = true;
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
