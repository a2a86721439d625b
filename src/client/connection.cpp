// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/connection.hpp>

#include <utility>

#include <fmt/format.h>

#include <troupe/actor/define.hpp>
#include <troupe/actor/transport.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/error.hpp>

#include "../runtime/cell_extension.hpp"
#include "../runtime/connecting.hpp"
#include "../runtime/core.hpp"
#include "../runtime/id_source.hpp"
#include "../runtime/subscription_hub.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

class typed_opening final : public opening {
 public:
  typed_opening(executor& home, connection_core& c) : opening{home} {
    kind = purpose::connection;
    writes = true;
    via = counted_ptr<connection_core>{c};
  }
  ~typed_opening() override {
    if (body_) body_.destroy();
    if (!taken) via->close(nullptr, true);
  }

  std::coroutine_handle<> begin(activation*) override {
    target->retain();
    via->actor = target;
    body_ = open_connection(*target, *via).release();
    adopt(body_.promise());
    return body_;
  }
  void finish() override { body_.promise().take(); }
  [[nodiscard]] std::string_view what() const noexcept override { return "connect"; }
  [[nodiscard]] request as_request() const override {
    const definition& type = *origin->type;
    if (type.takes_params && type.encode_params == nullptr) refuse_params_without_codec(type);
    request asked;
    asked.asks = request::verb::connect;
    if (type.takes_params) {
      buffer params;
      type.encode_params(*via, params);
      asked.body.assign(params.view().begin(), params.view().end());
    }
    return asked;
  }

 private:
  std::coroutine_handle<promise<void>> body_;
};

// Asks the actor whether a listener may listen.
class subscribing final : public invocation {
 public:
  subscribing(executor& home, connection_core& c, listener& l) : invocation{home}, listener_{l} {
    target = c.actor;
    kind = purpose::connection;
    writes = true;
    posted = quiet = true;
    via = counted_ptr<connection_core>{c};
    c.address->retain();
    origin = c.address;
  }
  ~subscribing() override {
    if (body_) body_.destroy();
    if (granted_) return;
    auto why = failure;
    if (!why) {
      why = std::make_exception_ptr(
          error(errc::forbidden, fmt::format("subscribing to event \"{}\" of {}", name(), target->name())));
    }
    via->listeners.deny(*listener_, std::move(why));
  }

  std::coroutine_handle<> begin(activation* live) override {
    permission asked = live->can_subscribe(name());
    if (asked.pending) {
      body_ = granted_in_time(*target, std::move(asked.pending)).release();
      adopt(body_.promise());
      return body_;
    }
    if (asked.granted) grant();
    return nullptr;
  }
  void finish() override {
    if (body_.promise().take()) grant();
  }
  [[nodiscard]] std::string_view what() const noexcept override { return "can_subscribe"; }

 private:
  [[nodiscard]] const std::string& name() const { return target->type().events[listener_->event].name; }
  void grant() noexcept {
    granted_ = true;
    via->hub->subscribe(*listener_);
  }

  counted_ptr<listener> listener_;
  std::coroutine_handle<promise<bool>> body_;
  bool granted_ = false;
};

}  // namespace

void take_connection(invocation* opened) noexcept {
  TROUPE_ASSERT(opened != nullptr);
  static_cast<opening*>(opened)->taken = true;
}

void note_owner(connection_core& c) {
  const turn* const t = this_thread().in_turn;
  if (t == nullptr || c.owner != nullptr) return;
  TROUPE_ASSERT(t->held, "an actor connects in its turn");
  c.owner_life = t->where->live()->life();
  t->where->retain();
  c.owner = t->where;
}

opening* make_opening(executor& home, const handle_core& to, connection_core& c) {
  const address& where = to.where();
  if (auto* const local = where.transport->local(); local != nullptr) c.id = local->ids().actor();
  where.retain();
  c.address = &where;
  c.home = &home;
  return new typed_opening{home, c};
}

counted_ptr<listener> listen(connection_core& to, std::uint32_t event, listener::kind kind,
                             std::unique_ptr<event_callback> call) {
  auto l = to.listen(event, kind, std::move(call));
  if (to.far) {
    to.far->subscribe(*l);
  } else if (to.actor->type().has_can_subscribe) {
    to.actor->push(*new subscribing{*to.home, to, *l});
  } else if (!to.hub->subscribe(*l)) {
    to.unlisten(*l);  // closed between the two
    to.throw_closed();
  }
  return l;
}

void refuse_moved_connection() {
  throw error(errc::invalid_operation, "this connection was moved from; use the other one");
}

}  // namespace detail

void subscription::refuse_empty() {
  throw error(errc::invalid_operation, "this subscription, or event stream, was reset or moved from");
}

task<> subscription::settle(detail::counted_ptr<detail::listener> l) {
  if (!l) refuse_empty();
  detail::listener_wait wait{*l, detail::listener_wait::until::settled};
  static_cast<void>(co_await wait);
}

}  // namespace v0
}  // namespace troupe
