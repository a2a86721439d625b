// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/listener_wait.hpp>

#include <mutex>
#include <utility>

#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

bool listener_wait::done() const noexcept {
  const listener& l = listener_;
  if (l.of->closed()) return true;
  switch (l.now) {
    case listener::state::asking: return false;
    case listener::state::active: return until_ == until::settled || !l.waiting.empty();
    case listener::state::ended: return true;
  }
  return true;
}

bool listener_wait::await_suspend(std::coroutine_handle<> h) {
  connection_core& c = *listener_.of;
  const bool live = begin(h, c.home);
  const std::unique_lock here{c.listeners.lock};
  if (!live) aborted_ = true;
  if (aborted_ || done()) return false;
  if (listener_.waiter != nullptr) {
    occupied_ = true;
    return false;
  }
  listener_.waiter = this;
  return true;
}

event_record* listener_wait::await_resume() {
  end();
  // A loser of when_any that is woken all the same leaves the event to the next one who asks.
  const fiber* const self = this_thread().here;
  connection_core& c = *listener_.of;
  if (aborted_ || (self != nullptr && self->cancelled())) {
    throw error(errc::aborted, c.address->transport->interrupted(actor_name(c) + ": waiting for an event"));
  }
  if (occupied_) {
    throw error(errc::invalid_operation, actor_name(c) + ": two coroutines wait on one event stream");
  }
  counted_ptr<event_record> heard;
  {
    const std::lock_guard here{c.listeners.lock};
    delivery* const d = until_ == until::heard ? c.listeners.take(listener_) : nullptr;
    if (d != nullptr) {
      heard = std::move(d->what);
      delivery_list::free(d);
    }
  }
  if (heard) {
    depend_on(c, heard->dependency);
    heard->retain();
    return heard.get();
  }
  if (listener_.failure) std::rethrow_exception(listener_.failure);
  if (!c.closed()) return nullptr;
  depend_on(c, c.listeners.end_dependency());
  if (c.listeners.reason()) c.throw_closed();
  return nullptr;
}

void listener_wait::interrupt() noexcept {
  const std::lock_guard here{listener_.of->listeners.lock};
  if (listener_.waiter != this) return;  // it is being woken
  listener_.waiter = nullptr;
  aborted_ = true;
  wake();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
