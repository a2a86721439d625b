#include <utility>

#include <troupe/core/error.hpp>

#include "lifecycle.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// --- waits ----------------------------------------------------------------------------------------------------------

bool quiet_wait::await_ready() const noexcept { return cell_.live()->running_count == 0; }

void quiet_wait::await_suspend(std::coroutine_handle<> h) noexcept {
  static_cast<void>(begin(h, &cell_.core().exec()));
  cell_.known_side()->passing->quiet = this;
}

void reply::pass_gate(gate_node& n, bool durable) noexcept {
  auto& r = static_cast<reply&>(n);
  if (!durable) r.lost = true;
  r.answer();
  r.release();
}

durable_wait::~durable_wait() {
  if (reply_ != nullptr) reply_->release();
}

bool durable_wait::await_suspend(std::coroutine_handle<> h) {
  reply_ = new gate_reply;
  static_cast<void>(reply_->attach(*this));
  if (!begin(h, &core_.exec()) && reply_->abandon()) {
    aborted_ = true;
    return false;
  }
  if (epoch_) {
    depart(*epoch_);
    return outstanding_.fetch_sub(1, std::memory_order_acq_rel) != 1;
  }
  turn& t = *this_thread().in_turn;
  t.save_now();
  t.send(departure_);
  return true;
}

void durable_wait::event() noexcept {
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
}

void durable_wait::departure::leave(work& w) noexcept {
  const turn& now = *this_thread().in_turn;
  auto& owner = static_cast<departure&>(w).owner;
  if (now.unsaved()) owner.unsaved_ = now.failure();
  owner.depart(now.learned);
  owner.event();
}

void durable_wait::depart(epoch_number e) noexcept {
  reply_->retain();
  reply_->opened = &reply::pass_gate;
  core_.commits().when_durable(e, *reply_);
}

void durable_wait::interrupt() noexcept {
  if (!reply_->abandon()) return;
  aborted_ = true;
  event();
}

void durable_wait::await_resume() {
  end();
  if (aborted_) throw error(errc::aborted, core_.interrupted("waiting for a commit"));
  if (reply_->lost) throw error(errc::store_unavailable, core_.interrupted("waiting for a commit"));
  if (unsaved_) std::rethrow_exception(unsaved_);
}

// --- what runs ------------------------------------------------------------------------------------------------------

procedure::procedure(cell& c, bool keeps_out) : invocation{c.core().exec()}, keeps_out_{keeps_out} {
  target = &c;
  kind = purpose::lifecycle;
  writes = true;
  posted = true;
}

procedure::~procedure() {
  if (body_) body_.destroy();
}

std::coroutine_handle<> procedure::begin(activation*) {
  auto rest = steps();
  if (!rest) return nullptr;
  if (!link) link = std::make_shared<chain_link>(nullptr);
  if (keeps_out_) target->set_holder(this);
  body_ = rest.release();
  adopt(body_.promise());
  return body_;
}

// Calls that its hooks have made, and that go on, are kept out from now on by the actions that waited for it.
void procedure::finish() {
  link->part_from_all();
  body_.promise().take();
}

background::background(executor& home, task<> body, bool keeps_awake) : invocation{home}, body_{body.release()} {
  adopt(body_.promise());
  kind = purpose::background;
  writes = true;
  posted = true;
  blocks_sleep = keeps_awake;
}
background::~background() { body_.destroy(); }
void background::finish() { body_.promise().take(); }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
