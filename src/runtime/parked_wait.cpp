// SPDX-License-Identifier: Apache-2.0
#include "parked_wait.hpp"

#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "cell_extension.hpp"
#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// Whatever ends it only puts the continuation into the mailbox of an actor that is held: nobody resumes it before this
// turn is over.
bool parked_wait::await_suspend(std::coroutine_handle<> h) {
  auto& thread = this_thread();
  turn* const t = thread.in_turn;
  if (t == nullptr || t->where != &cell_ || t->require_invocation() == nullptr || thread.here == nullptr) {
    throw error(errc::invalid_operation, cell_.name() + ": only the actor's own code can wait here");
  }
  const bool leaving = cell_.current_phase() == cell::phase::stopping && t->inv->kind != invocation::purpose::lifecycle;
  if (!begin(h, nullptr) || leaving) {
    finish(ending::aborted);  // in a turn of its own: a loop that heeds nothing must not keep its thread for ever
    return true;
  }
  link();
  if (lets_sleep_ && thread.here == cell_.known_extension()->run.running) release_actor();
  if (until_) cell_.core().exec().arm(timer_, *until_);
  if (token_.stop_possible()) on_stop_.emplace(token_, stopper{this});
  return true;
}

parked_wait::ending parked_wait::await_resume() noexcept {
  unlink();
  keep_actor();
  if (until_) cell_.core().exec().cancel(timer_);
  on_stop_.reset();
  end();
  return how_.load(std::memory_order_relaxed);
}

void parked_wait::finish(ending how) noexcept {
  auto expected = ending::none;
  if (how_.compare_exchange_strong(expected, how, std::memory_order_acq_rel, std::memory_order_relaxed)) wake();
}

void parked_wait::link() noexcept {
  auto& first = cell_.extension().run.parked;
  next_ = first;
  place_ = &first;
  if (next_ != nullptr) next_->place_ = &next_;
  first = this;
}

void parked_wait::unlink() noexcept {
  if (place_ == nullptr) return;
  *place_ = next_;
  if (next_ != nullptr) next_->place_ = place_;
  place_ = nullptr;
}

void parked_wait::release_actor() noexcept {
  let_go_ = cell_.known_extension()->run.running;
  let_go_->blocks_sleep = false;
  --cell_.live()->keep_awake_count;
}

void parked_wait::keep_actor() noexcept {
  invocation* const inv = std::exchange(let_go_, nullptr);
  if (inv == nullptr) return;
  inv->blocks_sleep = true;
  ++cell_.live()->keep_awake_count;
}

void wake_parked(cell& c, std::uint64_t mask) noexcept {
  for (parked_wait* w = c.known_extension()->run.parked; w != nullptr;) {
    parked_wait* const next = w->next_;
    if ((w->mask_ & mask) != 0) {
      w->unlink();
      w->keep_actor();  // from now on, not only when its turn comes
      w->finish(parked_wait::ending::woken);
    }
    w = next;
  }
}

void abort_parked(cell& c) noexcept {
  while (parked_wait* const w = c.known_extension()->run.parked) {
    w->unlink();
    if (w->let_go_ != nullptr)
      c.known_extension()->run.awaited = w->mask_;  // other messages would wake it to no purpose
    w->finish(parked_wait::ending::aborted);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
