// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/connection_core.hpp>

#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

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

void publish_at_end(event_record& leaving, const turn& now) noexcept {
  now.unsaved() ? leaving.release() : leaving.to->publish(leaving, now.depends_on);
}

}  // namespace

// --- the actor's end ------------------------------------------------------------------------------------------------

void connection_core::departed(work& w) noexcept {
  counted_ptr<connection_core>::adopt(&static_cast<note&>(w).of)->leave();
}

void connection_core::leave() noexcept {
  if (!hub->remove(*this) || !stage.greeted()) return;
  if (actor->type().has_on_disconnect) actor->push(*new parting{*home, *actor, *this});
}

void connection_core::end_opening(note& n, const turn&) noexcept { n.of.hub->end_opening(n.of); }

connection_core::connection_core() noexcept : work{&connection_core::call_some} {}

connection_core::~connection_core() {
  far.reset();  // while its transport is there
  if (owner != nullptr) owner->release();
  if (actor != nullptr) actor->release();
  if (address != nullptr) address->release();
}

void depend_on(const connection_core& c, epoch_number dependency) noexcept {
  turn* const t = this_thread().in_turn;
  if (t != nullptr && !crosses_cuts(t, *c.address->transport)) t->depend_on(dependency);
}

void leave_with_turn(turn& t, event_record& e, subscription_hub& to) noexcept {
  e.to = counted_ptr<subscription_hub>{to};
  t.send<&publish_at_end>(e);
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
  stage.greet();
  if (!stage.removed()) this_thread().in_turn->send<&connection_core::end_opening>(opened_);
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

// As an event of its own kind: the other end learns of it behind what was sent before it.
struct connection_core::ending final : work {
  ending(connection_core& c, std::exception_ptr w) : of{c}, why{std::move(w)} {}
  static void leave(ending& e, const turn& now) noexcept {
    const std::unique_ptr<ending> self{&e};
    self->of->leave();
    self->of->hub->disconnect(*self->of, self->why, now.depends_on);
  }
  counted_ptr<connection_core> of;
  std::exception_ptr why;
};

void connection_core::disconnect(std::exception_ptr why) {
  turn& mine = actors_turn("disconnect");
  mine.send<&ending::leave>(*new ending{*this, std::move(why)});
}

// --- the other end --------------------------------------------------------------------------------------------------

std::exception_ptr why_closed(const connection_core& c) {
  auto why = c.listeners.reason();
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
    const std::lock_guard here{listeners.lock};
    static_cast<void>(listeners.end(std::move(why), by_client, 0, dropped));
    return;  // the actor has never seen it
  }
  retain();
  actor->push(departed_);
}

counted_ptr<listener> connection_core::listen(std::uint32_t event, listener::kind kind,
                                              std::unique_ptr<event_callback> call) {
  auto l = listeners.add(*this, event, kind, std::move(call));
  if (!l) throw_closed();
  return l;
}

void connection_core::unlisten(listener& l) noexcept {
  far ? far->unsubscribe(l) : hub->unsubscribe(l);
  listeners.remove(l);
}

// --- calls of handlers ----------------------------------------------------------------------------------------------

void connection_core::start_calls() noexcept {
  if (owner != nullptr) {
    owner->push(*new event_delivery{*home, *this});
  } else {
    retain();
    far ? address->transport->enter_busy() : actor->core().enter_busy();
    post_batch::post(*home, *this);
  }
}

void connection_core::call_some(work& w) noexcept {
  auto& self = static_cast<connection_core&>(w);
  for (int i = 0; i < call_budget; ++i) {
    if (self.listeners.call_next()) continue;
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
    if (!from_->listeners.call_next()) return nullptr;
  }
  from_->owner->push(*new event_delivery{*from_->home, *from_});
  return nullptr;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
