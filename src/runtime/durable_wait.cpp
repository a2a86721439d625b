// SPDX-License-Identifier: Apache-2.0
#include "durable_wait.hpp"

#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "commit_ledger.hpp"
#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

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
    return !both_.arrive();
  }
  turn& t = *this_thread().in_turn;
  t.save_now();
  t.send<&departure::leave>(departure_);
  return true;
}

void durable_wait::event() noexcept {
  if (both_.arrive()) wake();
}

void durable_wait::departure::leave(departure& d, const turn& now) noexcept {
  durable_wait& owner = d.owner;
  if (now.unsaved()) owner.unsaved_ = now.failure();
  owner.depart(now.depends_on);
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

}  // namespace detail
}  // namespace v0
}  // namespace troupe
