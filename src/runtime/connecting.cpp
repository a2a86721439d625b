// SPDX-License-Identifier: Apache-2.0
#include "connecting.hpp"

#include <chrono>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <troupe/core/delay.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/when.hpp>
#include <troupe/runtime/turn.hpp>

#include "cell_extension.hpp"
#include "core.hpp"
#include "late_hook.hpp"
#include "subscription_hub.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Awaits a hook for as long as it may take. A plain hook has run already, and left no task.
task<> within(cell& c, const char* hook, task<> body) {
  if (!body) co_return;
  const auto limit = c.type().options.on_connect_timeout;
  if (limit == troupe::never) {
    co_await std::move(body);
    co_return;
  }
  auto both = when_any(std::move(body), delay{limit});
  const auto first = co_await std::move(both);
  if (first.index() != 0) throw late_hook(c, hook, limit);
}

}  // namespace

std::exception_ptr why_connections_end(const cell& c) {
  if (c.current_phase() == cell::phase::awake) return nullptr;
  if (c.life().destroy_requested()) return why_it_ends(c, true);
  if (c.core().stopping()) return why_it_ends(c, false);
  return c.type().options.durability == durability::ephemeral ? why_it_ends(c, true) : nullptr;
}

task<bool> granted_in_time(cell& c, task<bool> pending) {
  const auto limit = c.type().options.on_connect_timeout;
  if (limit == troupe::never) {
    const bool granted = co_await std::move(pending);
    co_return granted;
  }
  auto both = when_any(std::move(pending), delay{limit});
  const auto first = co_await std::move(both);
  if (first.index() != 0) throw late_hook(c, "can_subscribe", limit);
  co_return std::get<0>(first);
}

task<> open_connection(cell& c, connection_core& from) {
  activation& live = *c.live();
  auto before = live.on_before_connect(from);
  co_await within(c, "on_before_connect", std::move(before));
  auto creating = live.create_connection_state(from);
  co_await within(c, "create_connection_state", std::move(creating));
  if (const auto ends = why_connections_end(c)) std::rethrow_exception(ends);
  auto& hub = c.extension().hub;
  if (!hub) hub = counted_ptr<subscription_hub>::adopt(new subscription_hub{c});
  subscription_hub& all = *hub;
  from.hub = counted_ptr<subscription_hub>{all};
  all.add(from);
  std::exception_ptr failure;
  try {
    auto greeting = live.on_connect(from);
    co_await within(c, "on_connect", std::move(greeting));
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) {
    from.open_fully();
    // It has ended meanwhile, and on_disconnect has waited for this.
    if (from.stage.removed()) {
      counted_ptr<connection_core> gone{from};
      co_await part(c, std::move(gone));
    }
    co_return;
  }
  all.remove(from);
  from.close(failure, false);
  std::rethrow_exception(failure);
}

task<> part(cell& c, counted_ptr<connection_core> from) {
  std::exception_ptr failure;
  try {
    auto hook = c.live()->on_disconnect(*from);
    co_await within(c, "on_disconnect", std::move(hook));
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) c.core().report(failure, fmt::format("on_disconnect of {}", c.name()));
}

task<> disconnect_all(cell& c, std::exception_ptr why) {
  subscription_hub* const all = hub_of(c);
  auto& inv = *this_thread().in_turn->inv;
  while (all != nullptr && all->first() != nullptr) {
    counted_ptr<connection_core> each{*all->first()};
    all->remove(*each);
    each->disconnect(why);
    if (!each->stage.greeted()) continue;
    inv.via = each;
    co_await part(c, std::move(each));
    inv.via = {};
  }
}

void close_all(cell& c, const std::exception_ptr& why) noexcept {
  subscription_hub* const all = hub_of(c);
  while (all != nullptr && all->first() != nullptr) {
    const counted_ptr<connection_core> each{*all->first()};
    all->remove(*each);
    all->disconnect(*each, why, 0);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
