#include "run_loop.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <troupe/core/error.hpp>

#include "queues.hpp"
#include "retry.hpp"

namespace troupe::inline v0 {
namespace detail {

run_loop::run_loop(cell& c) : invocation{c.core().exec()} {
  target = &c;
  life = c.live_->life();
  kind = purpose::background;
  writes = true;
  posted = true;
}

run_loop::~run_loop() {
  if (body_) body_.destroy();
}

void run_loop::begin_life(cell& c) {
  if (!c.type().has_run || c.core().stopping()) return;
  auto& side = c.side();
  side.awaited = ~std::uint64_t{0};
  if (auto* const again = side.restart.get(); again != nullptr) again->backoff = again->backoff.zero();
  start(c);
}

void run_loop::end_life(cell& c) noexcept {
  auto* const again = c.side_->restart.get();
  if (again == nullptr) return;
  c.core().exec().cancel(again->ring);
  again->at.reset();
}

bool run_loop::lets_sleep(const cell& c) noexcept {
  const invocation* const running = c.side_ ? c.side_->run_loop : nullptr;
  return running != nullptr && !running->blocks_sleep;
}

// In front of what has arrived meanwhile, so that it cannot come after an order to shut down.
void run_loop::start(cell& c) { c.incoming_.push_front(*new run_loop{c}); }

std::coroutine_handle<> run_loop::begin(activation* a) {
  if (target->phase_ != cell::phase::awake) return nullptr;
  begun_ = home()->now();
  try {
    body_ = a->run().release();
  } catch (...) {
    failed(std::current_exception());
  }
  if (!body_) return nullptr;
  adopt(body_.promise());
  target->side_->run_loop = this;
  return body_;
}

void run_loop::finish() {
  target->side_->run_loop = nullptr;
  const auto& failure = body_.promise().failure();
  // Here, since as an invocation it does not fail.
  if (std::exchange(holds_messages, false)) target->queues().consumer_ended(*this, failure);
  if (failure) failed(failure);
}

void run_loop::failed(const std::exception_ptr& failure) {
  cell& c = *target;
  const bool leaving = c.phase_ != cell::phase::awake;
  if (leaving && is_one_of(failure, errc::aborted)) return;  // this is how it is meant to end
  c.core().report(failure, "run of " + c.name());
  const auto& options = c.type().options;
  if (leaving || options.run_restart_min == troupe::never) return;
  auto& side = *c.side_;
  if (!side.restart) side.restart = std::make_unique<run_restart>(c, &run_loop::restart);
  auto& again = *side.restart;
  const auto now = home()->now();
  const auto longest = options.run_restart_max;
  const bool anew = again.backoff == again.backoff.zero() || now - begun_ >= longest;
  again.backoff = anew ? std::min(options.run_restart_min, longest)
                       : again.backoff > longest / 2 ? longest : again.backoff * 2;
  again.at = now + again.backoff;
  home()->arm(again.ring, *again.at);
}

void run_loop::restart(cell& c) noexcept {
  auto& again = *c.side_->restart;
  if (!again.at || c.core().exec().now() < *again.at) return;  // of an earlier life
  again.at.reset();
  start(c);
}

}  // namespace detail
}  // namespace troupe::inline v0
