// SPDX-License-Identifier: Apache-2.0
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include <troupe/actor/connection_core.hpp>
#include <troupe/actor/transport.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

void connection_core::far_end::open(connection_core& c, const actor_id& id, std::unique_ptr<far_end> far) noexcept {
  TROUPE_ASSERT(!c.far && c.actor == nullptr && !c.hub, "a connection opens once, here or elsewhere");
  TROUPE_ASSERT(c.address != nullptr && c.home != nullptr, "a connection knows its address before it opens");
  c.id = id;
  c.far = std::move(far);
}

void connection_core::far_end::admit(listener& l) noexcept {
  connection_core& c = *l.of;
  const std::lock_guard here{c.listeners.lock};
  c.listeners.admit(l);  // unless it has heard something, or has gone
}

void connection_core::far_end::hear(listener& l, event_record& e) noexcept {
  connection_core& c = *l.of;
  TROUPE_ASSERT(c.far != nullptr && l.event == e.event, "a transport brings a listener its own event");
  const auto limit = c.address->type->options.connection_events_max;
  bool lags = false;
  bool is_spent = false;
  {
    const std::lock_guard here{c.listeners.lock};
    c.listeners.admit(l);
    lags = c.listeners.offer(l, e, limit);
    is_spent = l.spent;
  }
  if (is_spent) c.far->unsubscribe(l);
  if (!lags) return;
  const auto detail = fmt::format("{}: more than {} waited (options::connection_events_max)", actor_name(c), limit);
  c.close(std::make_exception_ptr(error(errc::connection_lagging, detail)), false);
}

void connection_core::far_end::end(connection_core& c, std::exception_ptr why) noexcept {
  static_cast<void>(close_here(c, std::move(why), false));
}

bool connection_core::far_end::close_here(connection_core& c, std::exception_ptr why, bool by_client) noexcept {
  delivery_list dropped;  // freed without the lock: the values are the user's
  const std::lock_guard here{c.listeners.lock};
  return c.listeners.end(std::move(why), by_client, 0, dropped);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
