// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/consumer.hpp>

#include <array>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "consumers.hpp"
#include "core.hpp"
#include "durable_wait.hpp"
#include "queues.hpp"
#include "retry.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

consumer::consumer(executor& home, std::uint32_t queue, bool may_write) noexcept
    : coroutine_invocation{home}, queue_{queue} {
  kind = purpose::background;
  writes = may_write;
  posted = true;
  quiet = true;  // failures are reported here, with the message
}

// It begins once for each message, always in a turn of its own.
std::coroutine_handle<> consumer::begin(activation* a) {
  TROUPE_ASSERT(!body(), "a consumer handles one message at a time");
  ended = false;
  may_go_on_ = true;
  previous = nullptr;
  auto& queues = queues_of(*target);
  const std::array<std::uint32_t, 1> subqueues{queue_ * subqueues_per_queue};
  std::optional<receipt> next;
  if (target->current_phase() == cell::phase::awake) next = queues.leases.take(subqueues);
  if (!next) {
    go_on();
    return nullptr;
  }
  const bool commits_first = target->type().queues[queue_].options.attempt_first &&
                             target->type().options.durability != durability::ephemeral;
  if (commits_first) {
    return own(handle_when_durable(this, a, std::move(*next)));
  }
  return own(handle_next(*a, std::move(*next)));
}

// The coroutine of the handler, or null: then the message has come to its end.
std::coroutine_handle<promise<void>> consumer::handle_next(activation& a, receipt r) {
  try {
    open(r);
  } catch (...) {
    settles_parts = false;
    queues_of(*target).leases.make_dead_letter(r, std::current_exception());
    go_on();
    return nullptr;
  }
  std::exception_ptr failure;
  try {
    auto rest = handle(a);
    if (rest) return rest.release();
  } catch (...) {
    failure = std::current_exception();
  }
  end_message(failure);
  return nullptr;
}

task<> consumer::handle_when_durable(consumer* self, activation* a, receipt r) {
  cell& c = *self->target;
  std::exception_ptr failure;
  try {
    durable_wait attempt{c.core()};
    co_await attempt;
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure || c.current_phase() != cell::phase::awake) {
    queues_of(c).leases.call_off(r);
    self->may_go_on_ = false;
    co_return;
  }
  if (!queues_of(c).leases.is_held(r)) co_return;  // it took so long that another has it
  bool readable = true;
  try {
    self->open(r);
  } catch (...) {
    queues_of(c).leases.make_dead_letter(r, std::current_exception());
    readable = false;
  }
  if (!readable) co_return;
  auto rest = self->handle(*a);
  if (rest) {
    co_await std::move(rest);
  }
}

void consumer::finish() {
  const auto failure = body().promise().failure();
  destroy_body();
  end_message(failure);
}

// A failure of the handler is that of this attempt at this message, and of nothing else.
void consumer::end_message(const std::exception_ptr& failure) noexcept {
  cell& c = *target;
  auto& queues = queues_of(c);
  settles_parts = false;
  const bool cut = failure && c.current_phase() != cell::phase::awake && is_one_of(failure, errc::aborted);
  if (failure && !cut) {
    note_failure(c, failure);
    c.core().report(failure, fmt::format("{} of {}{}", what(), c.name(), queues.describe_held(*this)));
  }
  queues.invocation_ended(*this, failure);
  close();
  go_on();
}

// Takes its place behind all that waits, or ends.
void consumer::go_on() noexcept {
  cell& c = *target;
  const bool goes_on = has_place_ && may_go_on_ && c.current_phase() == cell::phase::awake;
  if (!goes_on || queues_of(c).ready(queue_) == 0) return leave();
  put_off = true;
  started = false;
  c.push(*this);
}

void consumer::leave() noexcept {
  put_off = false;
  if (has_place_) queues_of(*target).contents.handlers->left(queue_);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
