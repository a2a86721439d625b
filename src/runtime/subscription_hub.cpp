// SPDX-License-Identifier: Apache-2.0
#include "subscription_hub.hpp"

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "commit_ledger.hpp"
#include "core.hpp"
#include "observing.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// The end of a connection, on its way behind the events.
struct close_record final : event_record {
  static constexpr std::uint32_t mark = UINT32_MAX;  // no event's place
  close_record(connection_core& c, std::exception_ptr w) noexcept : event_record{mark}, why{std::move(w)} {
    only = counted_ptr<connection_core>{c};
  }
  std::exception_ptr why;
};

}  // namespace

subscription_hub::subscription_hub(cell& c)
    : work{[](work& w) noexcept { static_cast<subscription_hub&>(w).pass_on(); }},
      core_{c.core()},
      type_{c.type()},
      events_(c.type().events.size()) {
  opened = [](gate_node& n, bool durable) noexcept {
    auto& self = static_cast<subscription_hub&>(n);
    if (!durable) self.lost_ = true;  // what cannot become durable never leaves
    self.core_.exec().post(self);
  };
}

// --- who is there ---------------------------------------------------------------------------------------------------

void subscription_hub::add(connection_core& c) noexcept {
  c.retain();
  c.stage.add();
  connections_.push_back(c);
  ++size_;
  ++opening_;
  tell(core_, [&](observer& o) { o.connection_opened(seen(*c.actor), size_); });
}

void subscription_hub::end_opening(connection_core& c) noexcept {
  if (!c.stage.opening()) return;  // it has ended meanwhile
  c.stage.open();
  --opening_;
}

bool subscription_hub::remove(connection_core& c) noexcept {
  if (!c.stage.listed()) return false;
  if (c.stage.opening()) --opening_;
  c.stage.remove();
  connections_.remove(c);
  --size_;
  tell(core_, [&](observer& o) { o.connection_closed(seen(*c.actor), size_); });
  c.release();
  return true;
}

// --- who listens ----------------------------------------------------------------------------------------------------

bool subscription_hub::subscribe(listener& l) noexcept {
  delivery_list dropped;
  const std::lock_guard lock{mutex_};
  connection_core& c = *l.of;
  const std::lock_guard here{c.listeners.lock};
  if (!c.listeners.admit(l)) return false;
  l.since = sent_;
  event_state& event = events_[l.event];
  event.listeners.push_back(l);
  event.count.fetch_add(1, std::memory_order_relaxed);
  c.listeners.take_early(l, dropped);
  if (l.spent) unlist(l);
  return true;
}

void subscription_hub::unlist(listener& l) noexcept {
  if (!listener_list::has(l)) return;
  event_state& event = events_[l.event];
  event.listeners.remove(l);
  event.count.fetch_sub(1, std::memory_order_relaxed);
}

void subscription_hub::unsubscribe(listener& l) noexcept {
  const std::lock_guard lock{mutex_};
  {
    const std::lock_guard here{l.of->listeners.lock};
    l.now = listener::state::ended;  // so a permission that arrives now lists it no more
  }
  unlist(l);
}

bool subscription_hub::close(connection_core& c, std::exception_ptr why, bool by_client) noexcept {
  delivery_list dropped;
  const std::lock_guard lock{mutex_};
  return end(c, std::move(why), by_client, 0, dropped);
}

bool subscription_hub::end(connection_core& c, std::exception_ptr why, bool by_client, epoch_number dependency,
                   delivery_list& dropped) noexcept {
  const std::lock_guard here{c.listeners.lock};
  if (!c.listeners.end(std::move(why), by_client, dependency, dropped)) return false;
  for (listener* l = c.listeners.all().first(); l != nullptr; l = connection_listeners::list::next(*l)) unlist(*l);
  return true;
}

// --- events ---------------------------------------------------------------------------------------------------------

void subscription_hub::publish(event_record& e, epoch_number dependency) noexcept {
  const auto sent = counted_ptr<event_record>::adopt(&e);
  const post_batch together{core_.exec()};
  lagging_list lagging;
  {
    const std::lock_guard lock{mutex_};
    e.number = ++sent_;
    e.dependency = dependency;
    if (opening_ != 0) keep_for_opening(e);
    const bool leaves = may_leave(dependency);
    distribute(e, true, leaves, lagging);
    if (!leaves && (!e.only || !is_near(*e.only))) hold(e);
  }
  close_lagging(lagging);
}

void subscription_hub::disconnect(connection_core& c, std::exception_ptr why, epoch_number dependency) noexcept {
  const post_batch together{core_.exec()};
  delivery_list dropped;
  const std::lock_guard lock{mutex_};
  if (is_near(c) || may_leave(dependency)) {
    static_cast<void>(end(c, std::move(why), false, dependency, dropped));
    return;
  }
  auto* const last = new close_record{c, std::move(why)};
  last->dependency = dependency;
  hold(*last);
  last->release();
}

bool subscription_hub::is_near(const connection_core& c) const noexcept {
  return c.owner != nullptr && &c.owner->core() == core_.in_one_cut();
}

bool subscription_hub::may_leave(epoch_number dependency) const noexcept {
  return (held_.empty() || is_planted(planted::event_reordered)) &&
         (type_.options.durability != durability::committed || core_.commits().is_durable(dependency) ||
          is_planted(planted::event_before_commit));
}

void subscription_hub::hold(event_record& e) noexcept {
  e.retain();
  const bool first = held_.empty();
  held_.push_back(e);
  if (first) wait_for_commit(e.dependency);
}

// A client cannot listen before connect() has returned; so what is sent to it until then waits for its first listener.
void subscription_hub::keep_for_opening(event_record& e) noexcept {
  for (connection_core* c = first(); c != nullptr; c = behind(*c)) {
    if (!c->stage.opening() || (e.only && e.only.get() != c)) continue;
    const std::lock_guard here{c->listeners.lock};
    c->listeners.keep_early(e);
  }
}

void subscription_hub::distribute(event_record& e, bool to_actors, bool to_host, lagging_list& lagging) noexcept {
  const auto limit = type_.options.connection_events_max;
  const auto offer = [&](listener& l) {
    if (e.number > l.since && l.of->listeners.offer(l, e, limit)) lagging.push_back(l.of);
    if (l.spent) unlist(l);
  };
  if (e.only) {
    if (!(is_near(*e.only) ? to_actors : to_host)) return;
    const auto& of = e.only->listeners;
    const std::lock_guard here{of.lock};
    for (listener* l = of.all().first(); l != nullptr; l = connection_listeners::list::next(*l)) {
      if (listener_list::has(*l) && l->event == e.event) offer(*l);
    }
    return;
  }
  for (listener *l = events_[e.event].listeners.first(), *following = nullptr; l != nullptr; l = following) {
    following = listener_list::next(*l);
    if (!(is_near(*l->of) ? to_actors : to_host)) continue;
    const std::lock_guard here{l->of->listeners.lock};
    offer(*l);
  }
}

void subscription_hub::close_lagging(const lagging_list& lagging) noexcept {
  for (const auto& c : lagging) {
    const cell& actor = *c->actor;
    const auto most = actor.type().options.connection_events_max;
    const auto detail = fmt::format("{}: more than {} waited (options::connection_events_max)", actor.name(), most);
    c->close(std::make_exception_ptr(error(errc::connection_lagging, detail)), false);
  }
}

// With the lock held. A connection that waits keeps the runtime from ending, and this from going.
void subscription_hub::wait_for_commit(epoch_number e) noexcept {
  retain();
  core_.enter_busy();
  core_.commits().when_durable(e, *this);
}

// Sends what has become durable, to the host's connections. On the executor. An event that never becomes
// durable is not sent, but the ends of connections are.
void subscription_hub::pass_on() noexcept {
  auto& core = core_;
  {
    const post_batch together{core.exec()};
    lagging_list lagging;
    delivery_list dropped;
    work_list left;
    {
      const std::lock_guard lock{mutex_};
      while (work* const w = held_.front()) {
        auto& e = static_cast<event_record&>(*w);
        if (!lost_ && !core.commits().is_durable(e.dependency)) break;
        held_.pop_front();
        left.push_back(e);
        if (e.event == close_record::mark) {
          auto& last = static_cast<close_record&>(e);
          static_cast<void>(end(*e.only, std::move(last.why), false, e.dependency, dropped));
        } else if (!lost_) {
          distribute(e, false, true, lagging);
        }
      }
      if (!held_.empty()) wait_for_commit(static_cast<event_record*>(held_.front())->dependency);
    }
    close_lagging(lagging);
    while (work* const w = left.pop_front()) static_cast<event_record&>(*w).release();
    release();
  }
  core.leave_busy();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
