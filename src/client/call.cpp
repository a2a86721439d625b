// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/call.hpp>

#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "../runtime/blocked.hpp"
#include "../runtime/commit_ledger.hpp"
#include "../runtime/core.hpp"
#include "departure.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Actions that run within one another's frames: A awaits B, which awaits C, ... Beyond this they queue.
constexpr unsigned depth_max = 16;

// A caller that finds an actor asleep wakes it on its own thread, but does not stay to serve others.
constexpr int caller_drain_budget = 8;

}  // namespace

// --- a coroutine on its caller's thread -----------------------------------------------------------------------------

// A coroutine action in its first turn, on its caller's thread. As long as it waits for nothing it needs no invocation,
// and is gone when it ends. When it first waits, or somebody else may look at what runs in the actor, it becomes an
// invocation, as if it had been one from the start.
class call_core::inline_turn final : public turn, public fiber {
 public:
  /// Runs a call in a cell that is held.
  static void run_in(call_core& call, cell& c, thread_state& thread, epoch_number depends_on) noexcept;

  inline_turn(call_core& c, cell& where, thread_state& thread) noexcept
      : turn{where, nullptr, c.changes_, thread, true},
        fiber{&where.core().exec()},
        caller{std::exchange(thread.here, this)},
        call_{c} {}

  fiber& promote() noexcept override {
    if (inv != nullptr) return *inv;
    inv = call_.make(*home());  // the arguments are in the coroutine by now
    call_.wait_for(*inv, where, outer, caller, depends_on);
    inv->started = true;
    if (body) keep_body();
    thread.here = inv;
    return *inv;
  }

  void run() {
    body = call_.begin_body(*where->live());
    if (inv != nullptr) keep_body();  // what makes the coroutine is none itself
    drive_on(thread, body);
    if (inv == nullptr) call_.end_body(*where->live(), body);
  }

  // Nothing waits in it.
  void resume_later(work&) noexcept override {}

  fiber* const caller;

 private:
  void keep_body() noexcept {
    call_.keep_body(*where->live(), body, *inv);
    where->live()->enlist(*inv);
  }

  call_core& call_;
  std::coroutine_handle<> body;
};

// Ends the hold. Then the value or failure is here, or there is an answer to wait for. Inlined into its two callers, of
// which one has no dependency.
[[gnu::always_inline]] inline void call_core::inline_turn::run_in(call_core& call, cell& c, thread_state& thread,
                                                                  epoch_number depends_on) noexcept {
  inline_turn t{call, c, thread};
  t.open();
  t.via = call.target().via().get();
  if (depends_on != 0) t.depend_on(depends_on);
  ++thread.depth;
  try {
    t.run();
  } catch (...) {
    t.failed = true;
    (t.inv != nullptr ? t.inv->failure : call.failure_) = std::current_exception();
    t.inv != nullptr ? t.settle() : note_failure(c, call.failure_);
  }
  if (t.inv == nullptr) {
    call.stage_ = stage::ran;
    call.dependency_ = t.end();
    if (t.close()) [[unlikely]]
      look_at_mark(c, thread, nullptr, call.action_name());
    if (t.has_failed() && !call.failure_) call.failure_ = t.failure();
  } else if (t.held) {
    t.end_of_invocation();
  }
  --thread.depth;
  thread.here = t.caller;
  if (t.held) c.unlock();
}

void call_core::run_coroutine(cell& c, thread_state& thread, epoch_number depends_on) noexcept {
  inline_turn::run_in(*this, c, thread, depends_on);
}

bool call_core::run_coroutine_here(thread_state& thread) noexcept {
  // It may come to waiting: a thread that must not is refused before the action has begun.
  const bool may_wait = thread.here != nullptr || (!target().empty() && !must_not_block(home()));
  cell* const c = may_wait && thread.depth < depth_max ? hold(changes_) : nullptr;
  if (c == nullptr) return false;
  inline_turn::run_in(*this, *c, thread, 0);
  return stage_ == stage::ran && settled(*c, thread);
}

// --- call_core ------------------------------------------------------------------------------------------------------

call_core::call_core(call_core&& other) noexcept
    : stage_{other.stage_},
      elsewhere_{other.elsewhere_},
      inline_mode_{other.inline_mode_},
      changes_{other.changes_},
      owned_{std::move(other.owned_)},
      handle_{owned_ ? &*owned_ : other.handle_} {
  other.stage_ = stage::done;
}

executor& call_core::home() const noexcept { return target().where().transport->exec(); }

// Those that do not run on their caller's thread have nothing to add to these.
void call_core::run_plain(cell&, thread_state&, epoch_number) noexcept {}
std::coroutine_handle<> call_core::begin_body(activation&) { return nullptr; }
void call_core::end_body(activation&, std::coroutine_handle<>) {}
void call_core::keep_body(activation&, std::coroutine_handle<>, invocation&) {}
errc call_core::when_late() const noexcept { return errc::action_timed_out; }
std::string_view call_core::action_name() const noexcept { return {}; }

void call_core::refuse_again() const {
  throw error(errc::invalid_operation,
              target().where().name() + ": this call was awaited before, or moved from; make another one");
}

// Waits in a coroutine. False if it may go on at once.
bool call_core::suspend(std::coroutine_handle<> h) {
  auto& thread = this_thread();
  turn* const mine = thread.in_turn;
  if (stage_ <= stage::leaving) {
    if (mine != nullptr) mine->pause();
    if (mine != nullptr && mine->unsaved()) [[unlikely]] {
      fail(mine->failure());
    } else {
      launch(thread);
    }
  } else {
    begin_once();
    if (stage_ == stage::ran && dependency_ == 0) {
      const yielding_scope behind;  // it has had its share of the thread
      waiting_.emplace(target()).yield(h);
      return true;
    }
    if (stage_ == stage::ran) wait_for_gate();
  }
  const bool over = stage_ != stage::waiting || waiting_->has_answer();
  if (!over) return waiting_->suspend(h, mine);
  if (mine == nullptr || mine->resume()) return false;
  if (!waiting_) waiting_.emplace(target());
  waiting_->yield(h);
  return true;
}

bool call_core::suspend_on(invocation& sent, std::coroutine_handle<> h) {
  const auto& thread = this_thread();
  return wait_for(sent, nullptr, thread.in_turn, thread.here, 0).suspend(h, nullptr);
}

// Waits on a plain thread.
void call_core::block() {
  static_cast<void>(target().where());
  if (this_thread().mark.of_unknown_thread()) [[unlikely]]
    make_known(this_thread());
  if (must_not_block(home())) {
    if (is_planted(planted::refused_get_runs) && stage_ == stage::fresh) launch(this_thread());
    throw error(errc::invalid_operation,
                "get() would block a thread that others need; inside a coroutine or an actor, co_await the call");
  }
  if (const auto* const local = target().where().transport->local(); local != nullptr) local->require_own_process();
  begin_once();
  if (stage_ == stage::ran && dependency_ != 0) wait_for_gate();
  if (stage_ <= stage::leaving) launch(this_thread());
  if (stage_ == stage::waiting && !waiting_->has_answer()) waiting_->block();
}

bool call_core::settle_slowly(cell& c, thread_state& thread) noexcept {
  if (thread.mark.state() != 0) [[unlikely]]
    look_at_mark(c, thread, nullptr, action_name());
  stage_ = stage::ran;
  if (!c.lets_out(dependency_)) return false;
  dependency_ = 0;
  const bool has_share_left = (read_shared(thread.inline_calls) & inline_calls_max) != 0;
  return has_share_left || thread.here == nullptr || thread.here->home() == nullptr;
}

// A call that was given up before it began never runs.
void call_core::require_wanted(const thread_state& thread) const {
  target().require_open(when_late());
  if (!thread.is_cancelled()) return;
  throw error(errc::aborted, fmt::format("{}: the coroutine that calls was cancelled before the call began",
                                         target().where().name()));
}

// In a cell that is held and open to the call, as an invocation.
void call_core::start_in(cell& c, thread_state& thread, epoch_number depends_on) {
  invocation* inv = nullptr;
  try {
    inv = make(home());
  } catch (...) {
    c.unlock();
    throw;
  }
  wait_for(*inv, &c, thread.in_turn, thread.here, depends_on);
  if (run_turn(c, *inv, nullptr)) c.unlock();
}

// The same, as its action runs best. Inlined, since every call between actors comes here.
[[gnu::always_inline]] inline void call_core::launch_in(cell& c, thread_state& thread, epoch_number depends_on) {
  switch (inline_mode_) {
    case inline_mode::function:
      run_plain(c, thread, depends_on);
      stage_ = stage::ran;
      if (thread.mark.state() != 0) [[unlikely]]
        look_at_mark(c, thread, nullptr, action_name());
      c.unlock();
      break;
    case inline_mode::coroutine: run_coroutine(c, thread, depends_on); break;
    case inline_mode::never: start_in(c, thread, depends_on);
  }
  if (stage_ != stage::ran || (thread.in_turn != nullptr && dependency_ == 0)) return;
  const bool leaves = thread.in_turn == nullptr || crosses_cuts(thread.in_turn, *target().where().transport);
  if (leaves && !c.lets_out(dependency_)) wait_for_gate();
}

// Makes the call, other than on a host's thread with the cell at hand.
void call_core::launch(thread_state& thread) {
  const turn* const mine = thread.in_turn;
  auto depends_on = mine != nullptr ? mine->depends_on : 0;
  try {
    if (target().is_guarded() || thread.is_cancelled()) [[unlikely]] {
      require_wanted(thread);
      if (target().where().transport->observes_turns()) return route(target().find(), thread, depends_on);
    }
    cell* const c = target().find();
    if (depends_on != 0 && crosses_cuts(mine, *target().where().transport)) [[unlikely]] {
      if (!may_depart(*mine, depends_on)) return route(c, thread, depends_on);
      depends_on = 0;
    }
    const bool may_run_here = !elsewhere_ && thread.depth < depth_max;
    if (c == nullptr || !may_run_here || c->refuses_changes()) return route(c, thread, depends_on);
    const bool may_block = thread.here == nullptr;  // else there is something else to do meanwhile
    // A look-up has to know whether it has created the actor; a call by name may be refused before anything runs.
    const bool may_wake_here = inline_mode_ != inline_mode::never;
    const auto wakes = [&] { return may_wake_here && c->try_wake(target().where()); };
    if (!c->try_lock() && !wakes() && !(may_block && c->lock_briefly())) {
      return route(c, thread, depends_on);
    }
    if (!target().means(*c)) {
      c->unlock();
      throw error(errc::not_found, fmt::format("{} {}", c->type().name, target().where().id.str()));
    }
    launch_in(*c, thread, depends_on);
  } catch (...) {
    fail(std::current_exception());
  }
}

// Through the mailbox; by way of the transport where there is no cell.
void call_core::route(cell* c, thread_state& thread, epoch_number depends_on) {
  invocation& inv = *make(home());
  if (c != nullptr) count_in(*c, inv);
  wait_for(inv, c, thread.in_turn, thread.here, depends_on);
  const bool waits = depends_on != 0 && crosses_cuts(thread.in_turn, *target().where().transport);
  if (c == nullptr || waits) [[unlikely]]
    return send_away(inv, thread.in_turn, &target());
  if (!c->enqueue(inv)) return;
  if (elsewhere_ || thread.depth >= depth_max || thread.in_turn != nullptr) {
    c->post();
  } else {
    c->drain(caller_drain_budget);
  }
}

call_wait& call_core::wait_for(invocation& inv, cell* c, const turn* mine, const fiber* from,
                               epoch_number depends_on) noexcept {
  stage_ = stage::waiting;
  auto& w = waiting_.emplace(target());
  w.expect(inv, c, mine, from, depends_on);
  return w;
}

// An action that has run here leaves with its reply only when that is durable.
void call_core::wait_for_gate() {
  const auto* const local = target().where().transport->local();
  TROUPE_ASSERT(local != nullptr, "an action that has run on its caller's thread is one of this process");
  local->require_own_process();
  stage_ = stage::waiting;
  waiting_.emplace(target()).expect_gate(dependency_);
}

void call_core::conclude() {
  if (waiting_) {
    auto failure = waiting_->conclude();
    if (failure) failure_ = std::move(failure);
  }
  stage_ = stage::done;
  if (turn* const t = this_thread().in_turn; t != nullptr) {
    const auto dependency = record() != nullptr ? record()->dependency : dependency_;
    if (dependency != 0 && !crosses_cuts(t, *target().where().transport)) t->depend_on(dependency);
  }
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
