// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/connection_core.hpp>

#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <troupe/actor/listener_wait.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "cell_extension.hpp"
#include "connecting.hpp"
#include "core.hpp"
#include "subscription_hub.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Handlers of one connection that run before others have their turn.
constexpr int call_budget = 64;

// on_disconnect, for a connection that the other end has closed. It wakes the actor for it.
class parting final : public invocation {
 public:
  parting(executor& home, cell& c, connection_core& from) : invocation{home} {
    target = &c;
    kind = purpose::connection;
    writes = true;
    posted = true;
    via = counted_ptr<connection_core>{from};
    from.address->retain();
    origin = from.address;
  }
  ~parting() override {
    if (body_) body_.destroy();
  }
  std::coroutine_handle<> begin(activation*) override {
    body_ = part(*target, via).release();
    adopt(body_.promise());
    return body_;
  }
  void finish() override { body_.promise().take(); }
  [[nodiscard]] std::string_view what() const noexcept override { return "on_disconnect"; }

 private:
  std::coroutine_handle<promise<void>> body_;
};

}  // namespace

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

// --- the actor's end ------------------------------------------------------------------------------------------------

void connection_core::departed(work& w) noexcept {
  counted_ptr<connection_core>::adopt(&static_cast<note&>(w).of)->leave();
}

void connection_core::leave() noexcept {
  if (!hub->remove(*this) || !greeted_) return;
  if (actor->type().has_on_disconnect) actor->push(*new parting{*home, *actor, *this});
}

void connection_core::end_opening(work& w) noexcept {
  auto& self = static_cast<note&>(w).of;
  self.hub->end_opening(self);
}

connection_core::connection_core() noexcept : work{&connection_core::call_some} {}

connection_core::~connection_core() {
  far.reset();  // while its transport is there
  if (owner != nullptr) owner->release();
  if (actor != nullptr) actor->release();
  if (address != nullptr) address->release();
}

void depend_on(const connection_core& c, epoch_number dependency) noexcept {
  turn* const t = this_thread().in_turn;
  if (t != nullptr && !crosses_runtimes(t, *c.address->transport)) t->depend_on(dependency);
}

void leave_with_turn(turn& t, event_record& e, subscription_hub& to) noexcept {
  e.to = counted_ptr<subscription_hub>{to};
  e.run = [](work& w) noexcept {
    auto& leaving = static_cast<event_record&>(w);
    const turn& now = *this_thread().in_turn;
    now.unsaved() ? leaving.release() : leaving.to->publish(leaving, now.depends_on);
  };
  t.send(e);
}

// Before the actor has let it in, there is nobody yet to send to, or to part with.
turn& connection_core::actors_turn(const char* operation) const {
  turn& mine = own_turn(*actor, operation);
  if (hub) return mine;
  throw error(errc::invalid_operation,
              fmt::format("{}: {} before on_connect; to refuse a connection, throw", actor->name(), operation));
}

bool connection_core::in_actors_turn() const noexcept { return is_own_turn(this_thread().in_turn, *actor); }

void connection_core::open_fully() noexcept {
  greeted_ = true;
  this_thread().in_turn->send(opened_);
}

void connection_core::send(event_record* e) {
  turn* mine = nullptr;
  try {
    mine = &actors_turn("send");
  } catch (...) {
    e->release();
    throw;
  }
  e->only = counted_ptr<connection_core>{*this};
  leave_with_turn(*mine, *e, *hub);
}

void connection_core::disconnect(std::exception_ptr why) {
  turn& mine = actors_turn("disconnect");
  // As an event of its own kind: the other end learns of it behind what was sent before it.
  struct ending final : work {
    ending(connection_core& c, std::exception_ptr w) : work{&ending::leave}, of{c}, why{std::move(w)} {}
    static void leave(work& w) noexcept {
      const std::unique_ptr<ending> self{static_cast<ending*>(&w)};
      self->of->leave();
      self->of->hub->disconnect(*self->of, self->why, this_thread().in_turn->depends_on);
    }
    counted_ptr<connection_core> of;
    std::exception_ptr why;
  };
  mine.send(*new ending{*this, std::move(why)});
}

// --- the other end --------------------------------------------------------------------------------------------------

std::exception_ptr connection_core::reason() const noexcept {
  const std::lock_guard here{lock_};
  return reason_;
}

std::exception_ptr why_closed(const connection_core& c) {
  auto why = c.reason();
  return why ? why : std::make_exception_ptr(error(errc::connection_closed, actor_name(c)));
}

void connection_core::throw_closed() const { std::rethrow_exception(why_closed(*this)); }

std::string actor_name(const connection_core& c) {
  return c.actor != nullptr ? c.actor->name() : c.address != nullptr ? c.address->name() : std::string{};
}

void connection_core::close(std::exception_ptr why, bool by_client) noexcept {
  if (far) {
    if (far_end::close_here(*this, std::move(why), by_client)) far->close();
    return;
  }
  if (hub) {
    if (!hub->close(*this, std::move(why), by_client)) return;
  } else {
    delivery_list dropped;
    const std::lock_guard here{lock_};
    static_cast<void>(end(std::move(why), by_client, 0, dropped));
    return;  // the actor has never seen it
  }
  retain();
  actor->push(departed_);
}

// With the lock held, and the hub's.
bool connection_core::end(std::exception_ptr why, bool by_client, epoch_number dependency,
                          delivery_list& dropped) noexcept {
  if (closed_.load(std::memory_order_relaxed)) return false;
  reason_ = std::move(why);
  end_dependency_ = dependency;
  closed_.store(true, std::memory_order_release);
  const auto all = [](const delivery&) { return true; };
  if (by_client) waiting_ -= static_cast<std::uint32_t>(inbox_.move_if(dropped, all));
  early_.move_if(dropped, all);
  for (listener* l = listeners_; l != nullptr; l = l->next_here) {
    if (l->is == listener::kind::end && l->now == listener::state::active) {
      auto* const d = new (allocate_block(sizeof(delivery))) delivery;
      d->to = counted_ptr<listener>{*l};
      enqueue(d);
    }
    tell(*l);
  }
  return true;
}

counted_ptr<listener> connection_core::listen(std::uint32_t event, listener::kind kind,
                                              std::unique_ptr<event_callback> call) {
  auto l = counted_ptr<listener>::adopt(new listener{*this, event, kind, std::move(call)});
  {
    const std::lock_guard here{lock_};
    if (!closed()) {
      l->retain();
      l->next_here = listeners_;
      if (listeners_ != nullptr) listeners_->previous_here = l.get();
      listeners_ = l.get();
      if (kind == listener::kind::end) l->now = listener::state::active;
      return l;
    }
  }
  throw_closed();
}

void connection_core::unlisten(listener& l) noexcept {
  far ? far->unsubscribe(l) : hub->unsubscribe(l);
  bool linked = false;
  delivery_list dropped;  // freed without the lock: the values are the user's
  {
    const std::lock_guard here{lock_};
    linked = l.previous_here != nullptr || listeners_ == &l;
    if (linked) {
      (l.previous_here == nullptr ? listeners_ : l.previous_here->next_here) = l.next_here;
      if (l.next_here != nullptr) l.next_here->previous_here = l.previous_here;
      l.previous_here = l.next_here = nullptr;
    }
    const auto count = inbox_.move_if(dropped, [&](const delivery& d) { return d.to.get() == &l; }) +
                       l.waiting.move_if(dropped, [](const delivery&) { return true; });
    waiting_ -= static_cast<std::uint32_t>(count);
    l.now = listener::state::ended;
    tell(l);
  }
  wait_for_call(l);
  if (linked) l.release();
}

void connection_core::deny(listener& l, std::exception_ptr why) noexcept {
  const std::lock_guard here{lock_};
  if (l.now != listener::state::asking) return;
  l.now = listener::state::ended;
  l.failure = std::move(why);
  tell(l);
}

// A handler that runs on another thread ends first, as with std::stop_callback.
void connection_core::wait_for_call(const listener& l) noexcept {
  for (;;) {
    std::uint32_t ended = 0;
    {
      const std::lock_guard here{lock_};
      if (calling_ != &l || calling_thread_ == &this_thread()) return;
      ended = calls_ended_.load(std::memory_order_relaxed);
    }
    calls_ended_.wait(ended);
  }
}

// --- hearing --------------------------------------------------------------------------------------------------------
// With the lock held, but for call_next and call_some.

// True if it has more to hear than it may, and is to be closed.
bool connection_core::offer(listener& l, event_record& e, std::uint32_t limit) noexcept {
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

void connection_core::take_early(listener& l, delivery_list& dropped) noexcept {
  early_.move_if(dropped, [&](const delivery& d) {
    if (d.what->event != l.event) return false;
    static_cast<void>(offer(l, *d.what, UINT32_MAX));
    return true;
  });
}

void connection_core::enqueue(delivery* d) noexcept {
  inbox_.push_back(d);
  if (std::exchange(calls_under_way_, true)) return;
  if (owner != nullptr) {
    owner->push(*new event_delivery{*home, *this});
  } else {
    retain();
    far ? address->transport->enter_busy() : actor->core().enter_busy();
    post_batch::post(*home, *this);
  }
}

// The listener may have what is awaited: something, or an end.
void connection_core::tell(listener& l) noexcept {
  if (l.waiter != nullptr && l.waiter->done()) std::exchange(l.waiter, nullptr)->notify();
}

// Calls the handler that is next. False if there is none.
bool connection_core::call_next() noexcept {
  delivery* d = nullptr;
  {
    const std::lock_guard here{lock_};
    d = inbox_.pop_front();
    if (d == nullptr) return calls_under_way_ = false;
    if (d->what) --waiting_;
    calling_ = d->to.get();
    calling_thread_ = &this_thread();
  }
  depend_on(*this, d->what ? d->what->dependency : end_dependency_);
  try {
    (*d->to->call)(d->what.get());
  } catch (...) {
    address->transport->report(std::current_exception(), "a handler of " + actor_name(*this));
  }
  {
    const std::lock_guard here{lock_};
    calling_ = nullptr;
    calls_ended_.fetch_add(1, std::memory_order_relaxed);
  }
  calls_ended_.notify_all();
  delivery_list::free(d);
  return true;
}

void connection_core::call_some(work& w) noexcept {
  auto& self = static_cast<connection_core&>(w);
  for (int i = 0; i < call_budget; ++i) {
    if (self.call_next()) continue;
    self.far ? self.address->transport->leave_busy() : self.actor->core().leave_busy();  // the connection keeps it
    return self.release();
  }
  self.home->post_behind(self);
}

event_delivery::event_delivery(executor& home, connection_core& c) noexcept : invocation{home} {
  target = c.owner;
  from_ = counted_ptr<connection_core>{c};
  kind = purpose::background;
  life = c.owner_life;
  quiet = true;
  writes = true;
  posted = true;
}

std::coroutine_handle<> event_delivery::begin(activation*) {
  for (int i = 0; i < call_budget; ++i) {
    if (!from_->call_next()) return nullptr;
  }
  from_->owner->push(*new event_delivery{*from_->home, *from_});
  return nullptr;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
