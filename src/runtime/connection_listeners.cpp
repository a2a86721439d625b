// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/connection_listeners.hpp>

#include <mutex>
#include <utility>

#include <troupe/actor/address.hpp>
#include <troupe/actor/connection_core.hpp>
#include <troupe/actor/listener_wait.hpp>
#include <troupe/actor/transport.hpp>

#include "subscription_hub.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// --- deliveries -----------------------------------------------------------------------------------------------------

delivery* delivery_list::make(event_record& what, listener* to) {
  auto* const d = new (allocate_block(sizeof(delivery))) delivery;
  d->what = counted_ptr<event_record>{what};
  if (to != nullptr) d->to = counted_ptr<listener>{*to};
  return d;
}

void delivery_list::free(delivery* d) noexcept {
  d->~delivery();
  release_block(d, sizeof(delivery));
}

event_record::event_record(std::uint32_t e) noexcept : event{e} {}

event_record::~event_record() {
  if (const buffer* const made = encoded_.load(std::memory_order_relaxed); made != nullptr) [[unlikely]]
    delete made;
}

// The mark stands for an encoding in the making: the values are the user's, so no lock is held while they are encoded.
bytes_view event_record::encoded(void (*encode)(const event_record& e, buffer& out)) const {
  static const buffer in_the_making;
  for (;;) {
    const buffer* made = encoded_.load(std::memory_order_acquire);
    if (made == &in_the_making) {
      encoded_.wait(made, std::memory_order_acquire);
      continue;
    }
    if (made != nullptr) return made->view();
    if (encoded_.compare_exchange_strong(made, &in_the_making, std::memory_order_acq_rel)) break;
  }
  std::unique_ptr<buffer> values;
  try {
    values = std::make_unique<buffer>();
    encode(*this, *values);
  } catch (...) {
    encoded_.store(nullptr, std::memory_order_release);
    encoded_.notify_all();
    throw;
  }
  const buffer* const made = values.release();
  encoded_.store(made, std::memory_order_release);
  encoded_.notify_all();
  return made->view();
}

listener::listener(connection_core& c, std::uint32_t e, kind k, std::unique_ptr<event_callback> f)
    : of{c}, event{e}, is{k}, call{std::move(f)} {}

listener::~listener() = default;

// --- listeners ------------------------------------------------------------------------------------------------------

std::exception_ptr connection_listeners::reason() const noexcept {
  const std::lock_guard here{lock};
  return reason_;
}

counted_ptr<listener> connection_listeners::add(connection_core& of, std::uint32_t event, listener::kind kind,
                                                std::unique_ptr<event_callback> call) {
  auto l = counted_ptr<listener>::adopt(new listener{of, event, kind, std::move(call)});
  const std::lock_guard here{lock};
  if (closed()) return {};
  l->retain();
  all_.push_front(*l);
  if (kind == listener::kind::end) l->now = listener::state::active;
  return l;
}

void connection_listeners::remove(listener& l) noexcept {
  bool linked = false;
  delivery_list dropped;  // freed without the lock: the values are the user's
  {
    const std::lock_guard here{lock};
    linked = list::has(l);
    if (linked) all_.remove(l);
    const auto count = inbox_.move_if(dropped, [&](const delivery& d) { return d.to.get() == &l; }) +
                       l.waiting.move_if(dropped, [](const delivery&) { return true; });
    waiting_ -= static_cast<std::uint32_t>(count);
    l.now = listener::state::ended;
    tell(l);
  }
  wait_for_call(l);
  if (linked) l.release();
}

bool connection_listeners::admit(listener& l) noexcept {
  if (closed() || l.now != listener::state::asking) return false;
  l.now = listener::state::active;
  tell(l);
  return true;
}

void connection_listeners::deny(listener& l, std::exception_ptr why) noexcept {
  const std::lock_guard here{lock};
  if (l.now != listener::state::asking) return;
  l.now = listener::state::ended;
  l.failure = std::move(why);
  tell(l);
}

// A handler that runs on another thread ends first, as with std::stop_callback.
void connection_listeners::wait_for_call(const listener& l) noexcept {
  for (;;) {
    std::uint32_t ended = 0;
    {
      const std::lock_guard here{lock};
      if (calling_ != &l || calling_thread_ == &this_thread()) return;
      ended = calls_ended_.load(std::memory_order_relaxed);
    }
    calls_ended_.wait(ended);
  }
}

// --- hearing --------------------------------------------------------------------------------------------------------

bool connection_listeners::offer(listener& l, event_record& e, std::uint32_t limit) noexcept {
  if (closed() || lagging_ || l.now != listener::state::active || l.spent) return false;
  if (waiting_ >= limit) return lagging_ = true;
  l.spent = l.is == listener::kind::once || l.is == listener::kind::next;
  ++waiting_;
  auto* const d = delivery_list::make(e, &l);
  if (l.is == listener::kind::handler || l.is == listener::kind::once) {
    enqueue(d);
  } else {
    d->to = {};
    l.waiting.push_back(d);
    tell(l);
  }
  return false;
}

void connection_listeners::keep_early(event_record& e) {
  if (!closed()) early_.push_back(delivery_list::make(e, nullptr));
}

void connection_listeners::take_early(listener& l, delivery_list& dropped) noexcept {
  early_.move_if(dropped, [&](const delivery& d) {
    if (d.what->event != l.event) return false;
    static_cast<void>(offer(l, *d.what, UINT32_MAX));
    return true;
  });
}

bool connection_listeners::end(std::exception_ptr why, bool by_client, epoch_number dependency,
                               delivery_list& dropped) noexcept {
  if (closed_.load(std::memory_order_relaxed)) return false;
  reason_ = std::move(why);
  end_dependency_ = dependency;
  closed_.store(true, std::memory_order_release);
  const auto all = [](const delivery&) { return true; };
  if (by_client) waiting_ -= static_cast<std::uint32_t>(inbox_.move_if(dropped, all));
  early_.move_if(dropped, all);
  for (listener* l = all_.first(); l != nullptr; l = list::next(*l)) {
    if (l->is == listener::kind::end && l->now == listener::state::active) {
      auto* const d = new (allocate_block(sizeof(delivery))) delivery;
      d->to = counted_ptr<listener>{*l};
      enqueue(d);
    }
    tell(*l);
  }
  return true;
}

delivery* connection_listeners::take(listener& l) noexcept {
  delivery* const d = l.waiting.pop_front();
  if (d != nullptr) --waiting_;
  return d;
}

void connection_listeners::enqueue(delivery* d) noexcept {
  inbox_.push_back(d);
  if (!std::exchange(calls_under_way_, true)) d->to->of->start_calls();
}

// The listener may have what is awaited: something, or an end.
void connection_listeners::tell(listener& l) noexcept {
  if (l.waiter != nullptr && l.waiter->done()) std::exchange(l.waiter, nullptr)->notify();
}

bool connection_listeners::call_next() noexcept {
  delivery* d = nullptr;
  {
    const std::lock_guard here{lock};
    d = inbox_.pop_front();
    if (d == nullptr) return calls_under_way_ = false;
    if (d->what) --waiting_;
    calling_ = d->to.get();
    calling_thread_ = &this_thread();
  }
  const connection_core& of = *d->to->of;
  depend_on(of, d->what ? d->what->dependency : end_dependency_);
  try {
    (*d->to->call)(d->what.get());
  } catch (...) {
    of.address->transport->report(std::current_exception(), "a handler of " + actor_name(of));
  }
  {
    const std::lock_guard here{lock};
    calling_ = nullptr;
    calls_ended_.fetch_add(1, std::memory_order_relaxed);
  }
  calls_ended_.notify_all();
  delivery_list::free(d);
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
