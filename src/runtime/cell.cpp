#include <troupe/runtime/cell.hpp>

#include <cstddef>
#include <new>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "audience.hpp"
#include "core.hpp"
#include "lifecycle.hpp"
#include "observing.hpp"
#include "side.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// A batch this long leaves other actors waiting for some ten microseconds.
constexpr int drain_budget = 128;

}  // namespace

cell::cell(served_type& kind, const troupe::key& key, std::uint8_t place)
    : work{&cell::run_posted}, place_{place}, key_{key} {
  context = &kind;
  if (kind.id_at != 0) new (reinterpret_cast<std::byte*>(this) + kind.id_at) actor_id;
}

cell::~cell() = default;

void refuse_turn(const cell& c, std::string_view operation) {
  throw error(errc::invalid_operation,
              fmt::format("{}: {} may be used only by the actor's own code, in its turns", c.name(), operation));
}

void cell::release() noexcept { core().cells().release(*this); }

audience* cell::heard_by() const noexcept { return side_ ? side_->heard_by.get() : nullptr; }

audience& cell::open_audience() {
  auto& open = side().heard_by;
  if (!open) open.reset(new audience{*this});
  return *open;
}

void cell::make_side() { side_ = std::make_unique<cell_side>(*this); }

const actor_id& cell::id() {
  if (!known_id() && live_) core().cells().set_id(*this, core().ids().actor());
  return known_id();
}

const actor_id& cell::known_id() const noexcept {
  static const actor_id none;
  if (const auto at = kind().id_at; at != 0) {
    return *std::launder(reinterpret_cast<const actor_id*>(reinterpret_cast<const std::byte*>(this) + at));
  }
  return live_ ? live_->known_id() : none;
}

void cell::set_id(const actor_id& id) {
  if (const auto at = kind().id_at; at != 0) {
    *std::launder(reinterpret_cast<actor_id*>(reinterpret_cast<std::byte*>(this) + at)) = id;
  } else {
    live_->set_id(id);
  }
}

void cell::make_live() {
  const definition& d = type();
  const auto at = kind().live_at;
  const auto alignment = std::align_val_t{d.live_alignment};
  void* const where = at != 0 ? reinterpret_cast<std::byte*>(this) + at : ::operator new(d.live_bytes, alignment);
  try {
    live_.reset(d.activate(*this, where));
  } catch (...) {
    if (at == 0) ::operator delete(where, alignment);
    throw;
  }
}

// It is the first base of what it is made as.
void cell::end_live::operator()(activation* a) const noexcept {
  const cell& owner = a->owner();
  a->~activation();
  if (owner.kind().live_at == 0) ::operator delete(a, std::align_val_t{owner.type().live_alignment});
}

// What a call will touch, together: the cell with its key, and the beginning of a live copy that follows.
void cell::fetch() const noexcept {
  constexpr std::size_t line_bytes = 64;
  const auto* const lines = reinterpret_cast<const std::byte*>(this);
  for (std::size_t at = 0; at <= sizeof(cell) + sizeof(activation); at += line_bytes) __builtin_prefetch(lines + at);
}

part_list& cell::parts() const noexcept { return *side_->parts; }
row_changes& cell::changes() { return side_->recorder.changes(); }

// --- the mailbox ----------------------------------------------------------------------------------------------------

// A dormant cell lives only through its handles and the calls that are on their way to it. From its lock until it is
// dormant again it has a reference of its own, and counts as busy.
bool cell::lock_dormant() noexcept {
  retain();
  core().enter_busy();
  if (mailbox_.lock_dormant()) return true;
  references_.fetch_sub(1, std::memory_order_relaxed);  // not the last: the caller has one, or its call is counted in
  core().leave_busy();
  return false;
}

bool cell::try_wake(const address& wanted) {
  if (!kind().wakes_at_once || !wanted.creates() || !mailbox_.is_dormant() || !lock_dormant()) return false;
  try {
    if (lifecycle::wake_at_once(*this, wanted) && open_) return true;  // else the runtime shuts down
  } catch (...) {
    let_go();
    throw;
  }
  let_go();
  return false;
}

bool cell::enqueue(work& w) noexcept {
  const auto found = mailbox_.enqueue(w);
  if (found == mailbox::outcome::queued) return false;
  if (found == mailbox::outcome::dormant) return enqueue_dormant(w);
  incoming_.push_back(w);
  return true;
}

// Out of line, so that the others save no registers for its sake.
[[gnu::noinline]] bool cell::enqueue_dormant(work& w) noexcept {
  if (!lock_dormant()) return enqueue(w);
  incoming_.push_back(w);
  return true;
}

void cell::push(work& w) noexcept {
  if (enqueue(w)) post();
}

// Who has held the cell all along, or has woken it, runs it itself when nobody else would any more.
void cell::post() noexcept {
  if (core().comes_late()) [[unlikely]]
    return drain(drain_budget);
  post_batch::post(core().exec(), *this);
}

void cell::hand_over() noexcept {
  if (!incoming_.empty() || (!rest() && !is_planted(planted::lost_wake_up))) post();
}

// Leaves the cell if nothing waits. True if it is no longer held; then it may be gone.
bool cell::rest() noexcept {
  using unlocked = mailbox::unlocked;
  const auto to = phase_ == phase::asleep ? unlocked::dormant : open_ ? unlocked::idle : unlocked::closed;
  if (!mailbox_.unlock(to)) return false;
  if (to == unlocked::dormant) {
    auto& here = core();
    release();
    here.leave_busy();
  }
  return true;
}

// Takes over what has come to the mailbox, in the order of arrival. False if nothing has, and the cell has been left.
bool cell::receive_more() noexcept {
  show_begun();
  if (rest()) return false;
  mailbox_.receive(incoming_);
  return true;
}

// What a turn has made ready may be kept until it is known whether the thread has more to do here: if not, that comes
// next without having been seen by others, who could only take it away.
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

// The thread has something else to do first, so whoever is free may take it. Out of line, so that nobody saves
// registers for its sake.
[[gnu::noinline]] void cell::offer_kept(thread_state& thread) noexcept {
  auto& kept = *static_cast<cell*>(std::exchange(thread.kept, nullptr));
  kept.core().exec().offer(kept);
}

// What is kept now, the worker that runs us looks at.
void cell::run_posted(work& w) noexcept { static_cast<cell&>(w).run_messages(drain_budget); }

void cell::drain(int budget) noexcept {
  run_messages(budget);
  if (auto& thread = this_thread(); thread.kept != nullptr) offer_kept(thread);
}

void cell::run_messages(int budget) noexcept {
  auto& thread = this_thread();
  for (; !incoming_.empty() || receive_more(); --budget) {
    if (thread.kept != nullptr) [[unlikely]]
      offer_kept(thread);
    if (budget == 0) {
      show_begun();
      const giving_way behind;
      return post();
    }
    work& w = *incoming_.pop_front();
    if (auto* const inv = static_cast<invocation*>(w.context); inv == nullptr) {
      w.run(w);  // in a turn without an invocation, or one of the runtime's own
    } else if (!dispatch(*inv, w)) {
      return;
    }
  }
}

void cell::count_in(invocation& inv) {
  try {
    count_in();
  } catch (...) {
    inv.release();
    throw;
  }
  inv.counted = true;
}

// Out of line, as all that follows from a failure.
[[gnu::cold]] void cell::note_failure(const std::exception_ptr& why) noexcept {
  if (live_) side().last_failure = why;
}

void cell::withdraw() noexcept {
  retain();
  count_out();
  release();
}

void cell::refuse_call() {
  if (!is_planted(planted::overloaded_call_counted)) count_out();
  const error why{errc::overloaded, fmt::format("{} calls wait for {} already (options::mailbox_calls_max)",
                                                type().options.mailbox_calls_max, name())};
  tell(core(), [&](observer& o) { o.call_refused({type().name, &key(), {}}, "call", std::make_exception_ptr(why)); });
  throw why;
}

// --- turns ----------------------------------------------------------------------------------------------------------

// Runs the first turn of an invocation, or a further one. False if the cell is no longer held: then the invocation
// awaits another actor, and neither may be touched.
[[gnu::always_inline]] inline bool cell::run_turn_itself(invocation& inv, work* continuation) noexcept {
  if (std::exchange(inv.counted, false)) count_begun();
  inv.kept_out_by.store(nullptr, std::memory_order_relaxed);
  show_begun();  // the turn may end without coming back to the mailbox
  auto& thread = this_thread();
  fiber* const outer = std::exchange(thread.here, &inv);
  ++thread.depth;
  turn t{*this, &inv, inv.writes, thread};
  t.open();
  t.learn(inv.dependency);
  if (continuation == nullptr) {
    run_first(inv, t);
  } else {
    continuation->run(*continuation);
  }
  if (t.held) end_turn(inv, t);
  --thread.depth;
  thread.here = outer;
  return t.held;
}

bool cell::run_turn(invocation& inv, work* continuation) noexcept {
  if (kind().observes_turns) [[unlikely]]
    return run_observed_turn(inv, continuation);
  return run_turn_itself(inv, continuation);
}

// A turn that waits gives the actor up, and may be the last to need it, and its invocation.
bool cell::run_observed_turn(invocation& inv, work* continuation) noexcept {
  const counted_ptr<cell> here{*this};
  const counted_ptr<invocation> running{inv};
  const auto& clock = core().exec().clock();
  const auto which = seen(*this);
  const auto begun = clock.now();
  const bool held = run_turn_itself(inv, continuation);
  const auto took = clock.now() - begun;
  tell(core(), [&](observer& o) { o.turn_ended(which, inv.what(), took); });
  return held;
}

void cell::run_first(invocation& inv, turn& t) noexcept {
  inv.started = true;
  std::coroutine_handle<> body;
  try {
    body = inv.begin(live_.get());
  } catch (...) {
    inv.failure = std::current_exception();
  }
  if (!body) return settle(inv, t);
  const bool shares = is_planted(planted::exclusive_forgotten) ||
                      (is_planted(planted::posted_exclusive_shared) && inv.posted);
  if (inv.exclusive && !shares) {
    inv.held_before = holder();
    enter(phase_, &inv);
  }
  if (inv.kind != invocation::purpose::lifecycle) enlist(inv);
  drive_on(t.thread, body);
}

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
  after_turn();
}

void cell::settle(invocation& inv, turn& t) noexcept {
  if (inv.ended && inv.kind != invocation::purpose::lifecycle) {
    if (inv.following != nullptr) inv.following->previous = inv.previous;
    (inv.previous == nullptr ? live_->running : inv.previous->following) = inv.following;
    --live_->running_count;
    if (inv.blocks_sleep) --live_->keep_awake_count;
  }
  if (std::exchange(inv.settles_parts, false)) side_->parts->invocation_ended(inv, inv.failure);
  if (holder() == &inv) {
    // An exclusive action may run within another one of its chain, which has no turn until it has ended.
    enter(phase_, is_planted(planted::inner_hold_opens) ? nullptr : inv.held_before);
    readmit();
  }
  TROUPE_ASSERT(side_ == nullptr || side_->holder == nullptr || side_->holder->held_before != &inv);
  t.settled = true;
}

// Wakes the procedure that waits for the actor to be quiet.
void cell::go_on_with_procedure() noexcept {
  if (!side_->passing || side_->passing->quiet == nullptr || !live_ || live_->running_count != 0) return;
  std::exchange(side_->passing->quiet, nullptr)->wake();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
