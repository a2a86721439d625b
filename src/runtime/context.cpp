// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/context.hpp>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "cell_extension.hpp"
#include "core.hpp"
#include "directory.hpp"
#include "durable_wait.hpp"
#include "parked_wait.hpp"
#include "procedure.hpp"
#include "subscription_hub.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

const actor_id& context_base::id() const { return activation_.owner().core().cells().id_of(activation_.owner()); }
const troupe::key& context_base::key() const noexcept { return activation_.owner().key(); }
std::string_view context_base::name() const noexcept { return activation_.owner().type().name; }
const tags& context_base::tags() const noexcept { return activation_.labels(); }
const client& context_base::client() const noexcept { return activation_.owner().core().client(); }
time_point context_base::now() const noexcept { return activation_.owner().core().exec().now(); }
wall_time context_base::wall() const noexcept { return activation_.owner().core().exec().clock().wall(); }

void* context_base::service_of(const std::string_view& tag) const noexcept {
  void* const found = activation_.owner().core().services().find(tag);
  TROUPE_ASSERT(found != nullptr, "a runtime starts with all services that its actors need");
  return found;
}

void context_base::require_turn(const char* operation) const {
  static_cast<void>(own_turn(activation_.owner(), operation));
}

std::stop_token context_base::stop_token() const {
  invocation* const inv = own_turn(activation_.owner(), "stop_token").require_invocation();
  return inv != nullptr ? inv->stop_token() : activation_.stop_token();
}

namespace {

void require_started(const cell& c, cell::phase p, const char* operation) {
  if (p != cell::phase::waking) return;
  throw error(errc::starting, fmt::format("{} cannot {} in on_create or on_wake", c.name(), operation));
}

void start_background(activation& a, task<> body, bool keeps_awake) {
  const char* const operation = keeps_awake ? "keep_awake" : "wait_until";
  static_cast<void>(own_turn(a.owner(), operation));
  body.require_runnable(operation);
  auto* const inv = new background{a.owner().core().exec(), std::move(body), keeps_awake};
  inv->target = &a.owner();
  inv->life = a.life();
  a.owner().push(*inv);  // behind the turn that runs
}

}  // namespace

void context_base::set_tags(troupe::tags now) {
  cell& c = activation_.owner();
  turn& mine = own_turn(c, "set_tags");
  check_tags(now);
  if (now == activation_.labels()) return;
  if (c.type().options.durability == durability::ephemeral) {
    activation_.label(std::make_shared<const troupe::tags>(std::move(now)));
    return;
  }
  static_cast<void>(mine.effects());
  c.extension().recorder.set_labels(std::move(now));
}

void context_base::sleep() {
  cell& c = activation_.owner();
  static_cast<void>(own_turn(c, "sleep"));
  require_started(c, c.current_phase(), "sleep");
  if (c.current_phase() != cell::phase::awake) throw error(errc::stopping, c.name());
  auto& signals = c.extension().signals;
  c.life().request_sleep();
  signals.raise(pending_signals::end);
}

void context_base::destroy() {
  cell& c = activation_.owner();
  static_cast<void>(own_turn(c, "destroy"));
  require_started(c, c.current_phase(), "be destroyed");
  if (c.life().destroy_requested()) throw error(errc::destroying, c.name());
  auto& signals = c.extension().signals;
  c.life().request_destroy();
  signals.raise(pending_signals::end);
}

void context_base::keep_awake(task<> body) {
  start_background(activation_, std::move(body), true);
}
void context_base::wait_until(task<> body) {
  start_background(activation_, std::move(body), false);
}

task<> context_base::delay(std::chrono::nanoseconds duration) {
  cell& c = activation_.owner();
  const auto now = c.core().exec().now();
  parked_wait over{c};
  if (duration < time_point::max() - now) over.until(now + duration);
  const auto how = co_await over;
  if (how == parked_wait::ending::aborted) {
    throw error(errc::aborted, c.core().interrupted(c.name() + ": delay"));
  }
}

task<> context_base::save() {
  cell& c = activation_.owner();
  static_cast<void>(own_turn(c, "save"));
  if (c.type().options.durability == durability::ephemeral) co_return;
  co_await durable_wait(c.core());
}

void context_base::log(std::string_view message) const {
  const cell& c = activation_.owner();
  c.core().log(log_level::info, fmt::format("{}: {}", c.name(), message));
}

connection_core* context_base::caller() const {
  const turn& t = own_turn(activation_.owner(), "connection");
  return t.inv != nullptr ? t.inv->via.get() : t.via;
}

void context_base::for_each_connection(void (*f)(void* to, connection_core& c), void* to) const {
  require_turn("connections");
  const subscription_hub* const all = hub_of(activation_.owner());
  if (all == nullptr) return;
  for (auto* c = all->first(); c != nullptr; c = subscription_hub::behind(*c)) f(to, *c);
}

// A broadcast that nobody hears costs next to nothing, so in some builds only one that somebody hears is checked.
bool context_base::has_subscribers(std::uint32_t event) const noexcept {
  const subscription_hub* const all = hub_of(activation_.owner());
  const bool heard = all != nullptr && all->has_subscribers(event);
  TROUPE_ASSERT(heard || is_own_turn(this_thread().in_turn, activation_.owner()),
                "broadcast may be used only by the actor's own code, in its turns");
  return heard;
}

void context_base::send_to_all(event_record* e) {
  cell& c = activation_.owner();
  turn* const mine = this_thread().in_turn;
  if (!is_own_turn(mine, c)) [[unlikely]] {
    e->release();
    refuse_turn(c, "broadcast");
  }
  leave_with_turn(*mine, *e, *hub_of(c));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
