// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/call_wait.hpp>

#include <memory>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "../runtime/blocked.hpp"
#include "../runtime/commit_ledger.hpp"
#include "../runtime/core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

call_wait::~call_wait() {
  if (reply_ != nullptr) reply_->release();
}

executor& call_wait::home() const noexcept { return target_.where().transport->exec(); }

namespace {

// Only what waits for the answer, and for nothing else that may come first.
[[gnu::noinline]] void note_caller(invocation& inv, invocation& caller, const fiber* from) noexcept {
  if (from == nullptr || from->waits() || from->may_be_overtaken()) return;
  inv.caller = counted_ptr<invocation>{caller};
  inv.beside = from->whole() != nullptr;
}

}  // namespace

void call_wait::expect(invocation& inv, cell* c, const turn* mine, const fiber* from,
                       epoch_number depends_on) noexcept {
  inv.retain();
  reply_ = invocation_ = &inv;
  inv.target = c;
  if (inv.origin == nullptr) {
    target_.where().retain();
    inv.origin = &target_.where();
  }
  if (!inv.via) inv.via = target_.via();
  inv.dependency = depends_on;
  const bool leaves = (mine == nullptr || crosses_runtimes(mine, *target_.where().transport)) &&
                      !(is_planted(planted::line_reply_ungated) && inv.via);
  inv.goes_to = leaves ? invocation::destination::outside : invocation::destination::actor;
  if (is_planted(planted::line_exclusive_shared) && inv.via) inv.exclusive = false;
  if (mine != nullptr && mine->inv != nullptr && mine->inv->link) {
    inv.link = mine->inv->link;
    note_caller(inv, *mine->inv, from);
  }
  if (inv.exclusive) inv.link = std::make_shared<call_chain>(std::move(inv.link));
}

void call_wait::expect_gate(epoch_number e) {
  reply_ = new gate_reply;
  reply_->retain();
  reply_->at_gate.store(true, std::memory_order_relaxed);
  reply_->opened = &reply::pass_gate;
  auto& commits = target_.where().transport->local()->commits();
  commits.when_durable(e - (is_planted(planted::ack_before_commit) ? 1 : 0), *reply_);
}

bool call_wait::suspend(std::coroutine_handle<> h, turn* mine) {
  if (!begin(h, &home()) && reply_->abandon()) {
    ending_ = ending::interrupted;
    wake();
    return true;
  }
  if (begin_waiting()) return true;
  if (mine == nullptr || mine->resume()) return false;
  wake();
  return true;
}

void call_wait::yield(std::coroutine_handle<> h) noexcept {
  static_cast<void>(begin(h, target_.empty() ? nullptr : &home()));
  wake();
}

void call_wait::block() {
  blocked_thread blocked{home()};
  blocked_ = &blocked;
  if (begin_waiting()) blocked.wait();
}

// Waits for the reply, the time-out or the stop token, whichever comes first. False if it is there already.
bool call_wait::begin_waiting() {
  const auto limit = target_.wait_limit();
  const bool forgets = is_planted(planted::send_without_limit) && invocation_ != nullptr &&
                       invocation_->kind == invocation::purpose::enqueue;
  timed_ = limit != troupe::never && !forgets;
  if (timed_) home().arm(alarm_, moment_after(home().now(), limit));
  const bool watches = target_.stop().stop_possible() && !is_planted(planted::stop_token_ignored);
  if (watches) stop_watch_.emplace(target_.stop(), on_stop{this});
  if (!reply_->attach(*this) && !reply_->abandoned()) event();
  return outstanding_.fetch_sub(1, std::memory_order_acq_rel) != 1;
}

void call_wait::give_up(ending why) noexcept {
  if (reply_ == nullptr || !reply_->abandon()) return;
  ending_ = why;
  event();
}

void call_wait::event() noexcept {
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (blocked_ != nullptr) {
    blocked_->notify();
  } else {
    wake();
  }
}

std::exception_ptr call_wait::conclude() {
  end();
  if (timed_) home().cancel(alarm_);
  stop_watch_.reset();
  if (ending_ != ending::none) throw_ending();
  if (reply_ != nullptr && reply_->lost) throw_lost();
  // Taken, not shared: the actor's side, which may be the last to leave, has no exception to free.
  return reply_ != nullptr ? std::exchange(reply_->failure, nullptr) : nullptr;
}

// The action and its actor, and the action that kept the call out, if any: for people.
std::string call_wait::subject() const {
  const address& to = target_.where();
  if (invocation_ == nullptr) return to.name();
  const auto called = fmt::format("{} in {}", invocation_->what(), to.name());
  const auto* const by = invocation_->kept_out_by.load(std::memory_order_relaxed);
  return by != nullptr ? fmt::format("{}, while {} held the actor", called, *by) : called;
}

std::string call_wait::describe() const {
  if (reply_ != nullptr && reply_->at_gate.load(std::memory_order_acquire)) return "the commit of " + subject();
  return subject();
}

void call_wait::throw_ending() {
  if (invocation_ != nullptr) invocation_->request_stop();
  const auto what = subject();
  // The action has run: however the waiting ended, its effects may become durable.
  const bool told = ending_ == ending::timed_out || !is_planted(planted::gate_given_up_quietly);
  if (told && reply_->at_gate.load(std::memory_order_acquire)) {
    throw error(errc::store_unavailable, target_.where().transport->interrupted(what));
  }
  switch (ending_) {
    case ending::timed_out:
      throw error(invocation_ != nullptr ? invocation_->when_late : errc::action_timed_out, what);
    case ending::stopped: throw error(errc::aborted, what + ": the call's stop token was triggered");
    default:
      throw error(errc::aborted, target_.where().transport->interrupted(what + ": the caller is being shut down"));
  }
}

void call_wait::throw_lost() const {
  auto& core = *target_.where().transport->local();
  const std::string& killed = core.killed_by();
  throw error(errc::store_unavailable,
              fmt::format("{}: {}", subject(), killed.empty() ? core.commits().why_lost() : killed));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
