#include <troupe/actor/context.hpp>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../runtime/audience.hpp"
#include "../runtime/core.hpp"
#include "../runtime/lifecycle.hpp"
#include "../runtime/parked_wait.hpp"

namespace troupe::inline v0 {
namespace detail {

const actor_id& context_base::id() const { return activation_.owner().id(); }
const troupe::key& context_base::key() const noexcept { return activation_.owner().key(); }
std::string_view context_base::name() const noexcept { return activation_.owner().type().name; }
const tags& context_base::tags() const noexcept { return activation_.labels(); }
const client& context_base::client() const noexcept { return activation_.owner().core().client(); }
time_point context_base::now() const noexcept { return activation_.owner().core().exec().now(); }
wall_time context_base::wall() const noexcept { return activation_.owner().core().exec().clock().wall(); }

std::stop_token context_base::stop_token() const {
  turn* const t = this_thread().in_turn;
  invocation* const inv = t != nullptr ? t->require_invocation() : nullptr;
  return inv != nullptr ? inv->stop_token() : activation_.stop_token();
}

const tags& activation::labels() const noexcept {
  static const tags none;
  return more_ ? more_->labels : none;
}

const actor_id& activation::known_id() const noexcept {
  static const actor_id none;
  return more_ ? more_->id : none;
}

std::uint32_t activation::life() {
  auto& mine = more().life;
  while (mine == 0) mine = owner_.core().next_life();
  return mine;
}

std::stop_token activation::stop_token() {
  auto& source = more().stop;
  if (!source.stop_possible()) {
    source = std::stop_source{};
    if (stopping) source.request_stop();
  }
  return source.get_token();
}

namespace {

void require_started(const cell& c, cell::phase p, const char* operation) {
  if (p != cell::phase::waking) return;
  throw error(errc::starting, fmt::format("{} cannot {} in on_create or on_wake", c.name(), operation));
}

void start_background(activation& a, task<> body, bool keeps_awake) {
  auto* const inv = new background{a.owner().core().exec(), std::move(body), keeps_awake};
  inv->target = &a.owner();
  inv->life = a.life();
  a.owner().push(*inv);  // behind the turn that runs
}

}  // namespace

void context_base::sleep() {
  cell& c = activation_.owner();
  require_started(c, c.phase_, "sleep");
  if (c.phase_ != cell::phase::awake) throw error(errc::stopping, c.name());
  c.side().sleep_requested = true;
  c.side_->wants.add(cell_wants::end);
}

void context_base::destroy() {
  cell& c = activation_.owner();
  require_started(c, c.phase_, "be destroyed");
  auto& side = c.side();
  if (side.destroy_requested) throw error(errc::destroying, c.name());
  side.destroy_requested = true;
  c.enter(c.phase_, c.holder());
  side.wants.add(cell_wants::end);
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
  if (how == parked_wait::ending::aborted) throw error(errc::aborted, "delay");
}

task<> context_base::save() {
  cell& c = activation_.owner();
  if (c.type().options.durability == durability::ephemeral) co_return;
  co_await durable_wait(c.core());
}

void context_base::log(std::string_view message) const {
  const cell& c = activation_.owner();
  c.core().log(log_level::info, fmt::format("{}: {}", c.name(), message));
}

connection_core* context_base::caller() const noexcept {
  const turn* const t = this_thread().in_turn;
  if (t == nullptr) return nullptr;
  return t->inv != nullptr ? t->inv->via.get() : t->via;
}

void context_base::for_each_connection(void (*f)(void* to, connection_core& c), void* to) const {
  const audience* const all = activation_.owner().heard_by();
  if (all == nullptr) return;
  for (auto* c = all->first(); c != nullptr; c = audience::behind(*c)) f(to, *c);
}

bool context_base::hears(std::uint32_t event) const noexcept {
  const audience* const all = activation_.owner().heard_by();
  return all != nullptr && all->hears(event);
}

void context_base::send_to_all(event_record* e) { leave_with_turn(*e, *activation_.owner().heard_by()); }

}  // namespace detail
}  // namespace troupe::inline v0
