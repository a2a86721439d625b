// SPDX-License-Identifier: Apache-2.0
#include "lifecycle.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "alarms.hpp"
#include "cell_extension.hpp"
#include "connecting.hpp"
#include "core.hpp"
#include "directory.hpp"
#include "due_times.hpp"
#include "durable_wait.hpp"
#include "id_source.hpp"
#include "loader.hpp"
#include "migration.hpp"
#include "observing.hpp"
#include "parked_wait.hpp"
#include "procedure.hpp"
#include "run_loop.hpp"
#include "subscription_hub.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// When a relaxed actor wakes again for what it has handled in vain. That may come to nothing again.
constexpr std::chrono::seconds pause_after_loss{1};

// When an actor wakes, at the earliest, for what a wake that failed has left behind.
constexpr std::chrono::minutes pause_after_failure{1};

// The names of the procedures in errors of calls that they keep out.
constexpr std::string_view wake_name = "its wake";
constexpr std::string_view stop_name = "its end";

}  // namespace

// --- beginning ------------------------------------------------------------------------------------------------------

bool lifecycle::wake_at_once(cell& c, const address& wanted) {
  if (!c.kind().wakes_at_once || !wanted.creates()) return false;
  create(c, wanted);
  static_cast<void>(end_wake(c, nullptr));
  return true;
}

class lifecycle::waking : public procedure {
 public:
  explicit waking(cell& c) : procedure{c, true} {}
  task<> steps() override { return wake(*target, nullptr, nullptr); }
  [[nodiscard]] std::string_view what() const noexcept final { return "wake"; }
  [[nodiscard]] const std::string_view* constant_name() const noexcept final { return &wake_name; }
};

// It begins when the store has answered.
class lifecycle::stored_waking final : public waking, public load_request {
 public:
  explicit stored_waking(cell& c) : waking{c} {
    const definition& type = c.type();
    name = type.name;
    key = c.key().canonical();
    with_messages = type.loads_messages;
    with_parts = type.collections;
    done = [](load_request& r) noexcept {
      auto& self = static_cast<stored_waking&>(r);
      self.target->push(self);
    };
  }
  task<> steps() override {
    return wake(*target, found ? &*found : nullptr, std::move(load_request::failure));
  }
};

class lifecycle::stopping final : public procedure {
 public:
  explicit stopping(cell& c) : procedure{c, false} {}
  task<> steps() override { return stop(*target); }
  [[nodiscard]] std::string_view what() const noexcept override { return "stop"; }
  [[nodiscard]] const std::string_view* constant_name() const noexcept override { return &stop_name; }
};

void lifecycle::begin_wake(cell& c) noexcept {
  if (c.type().options.durability == durability::ephemeral) {
    auto& p = *new waking{c};
    c.enter(cell::phase::waking, &p);
    c.put_first(p);
  } else {
    auto& p = *new stored_waking{c};
    c.enter(cell::phase::waking, &p);
    c.core().loads().add(p);
  }
}

void lifecycle::begin_stop(cell& c) noexcept {
  auto* const p = new stopping{c};
  c.enter(cell::phase::stopping, c.holder());
  c.extension().transition_now().procedure = p;
  c.put_first(*p);
}

void lifecycle::sleep_now(cell& c) noexcept {
  if (c.phase_ == cell::phase::awake) begin_stop(c);
}

bool lifecycle::is_awake(const cell& c) noexcept { return c.phase_ == cell::phase::awake; }
bool lifecycle::is_asleep(const cell& c) noexcept { return c.phase_ == cell::phase::asleep; }

void lifecycle::stop_now(cell& c) noexcept {
  if (c.phase_ == cell::phase::awake) begin_stop(c);
  if (c.phase_ != cell::phase::asleep) return;
  close_all(c, why_it_ends(c, false));
  if (c.extension_ && c.extension_->parts) c.extension_->parts->unload(unload_reason::runtime_stops);
}

void lifecycle::cut_short(cell& c) noexcept {
  if (!c.extension_ || !c.extension_->underway) return;
  c.extension_->underway->deadline_at = c.core().exec().now();
  overdue(c);
}

// --- waking ---------------------------------------------------------------------------------------------------------

// `failure`: of the store.
task<> lifecycle::wake(cell& c, actor_record* record, std::exception_ptr failure) noexcept {
  task<> rest;
  try {
    if (!failure) rest = activate(c, record);
  } catch (...) {
    failure = std::current_exception();
  }
  return rest ? end_wake_after(c, std::move(rest)) : end_wake(c, failure);
}

task<> lifecycle::end_wake_after(cell& c, task<> rest) {
  std::exception_ptr failure;
  try {
    co_await std::move(rest);
  } catch (...) {
    failure = std::current_exception();
  }
  auto end = end_wake(c, failure);
  if (end) {
    co_await std::move(end);
  }
}

task<> lifecycle::end_wake(cell& c, const std::exception_ptr& failure) {
  if (failure) refuse_deferred(c, failure);
  if (failure || !c.live_) return flush(c);
  if (c.extension_) c.extension_->underway.reset();
  c.quick_writes_ = c.type().options.durability == durability::ephemeral && !c.type().has_on_state_change;
  c.enter(cell::phase::awake, nullptr);
  if (c.extension_) c.extension_->since = c.core().exec().now();
  type_runtime_of(c).rounds.actor_woke(c);
  tell(c.core(), [&](observer& o) { o.actor_woke(seen(c)); });
  if (alarms::concern(c.type())) c.core().wake_ups().clear(c.type(), c.key());
  run_loop::begin_life(c);
  if (c.extension_ && c.extension_->parts) c.extension_->parts->woken();
  if (c.core().stopping()) begin_stop(c);
  c.readmit();
  return {};
}

// From what the store has, or anew.
task<> lifecycle::activate(cell& c, actor_record* record) {
  const definition& type = c.type();
  if (record != nullptr) {
    restore(c, *record);
  } else {
    refuse_absent(c);
    const auto& waiting = c.extension_->deferred;
    if (waiting.empty()) return {};  // it does not exist, and nobody wants it to
    auto& creator = *static_cast<invocation*>(waiting.front()->context);
    create(c, *creator.origin);
    creator.created_actor = true;
  }
  if (type.has_on_create && !c.extension_->recorder.initialised()) {
    task<> hook;
    try {
      hook = c.live_->on_create(c.extension_->recorder.input());
    } catch (...) {
      c.dependency_ = c.extension_->recorder.record_destroy(c.dependency_);
      throw;
    }
    if (hook) return initialise(c, std::move(hook));
  }
  return run_on_wake(c);
}

// The calls in front that need the actor to exist find that it does not.
void lifecycle::refuse_absent(cell& c) {
  auto& waiting = c.extension_->deferred;
  while (!waiting.empty()) {
    auto& inv = *static_cast<invocation*>(waiting.front()->context);
    if (inv.origin->creates()) return;
    waiting.pop_front();
    const bool by_id = inv.origin->how == address::intent::by_id;
    const auto named = by_id ? c.type().name + " " + inv.origin->id.str() : c.name();
    c.core().refuse(inv, std::make_exception_ptr(error(errc::not_found, named)));
  }
}

void lifecycle::create(cell& c, const address& wanted) {
  auto& core = c.core();
  const definition& type = c.type();
  if (wanted.given) check_input(wanted.given->input, type, c.key());
  if (c.refuses_changes()) {
    throw error(errc::store_refuses_changes, c.name());
  }
  if (cell_extension::concerns(type)) static_cast<void>(c.extension());
  if (c.extension_) c.extension_->begin_life(nullptr);
  c.make_live();
  if (wanted.given) c.live_->label(wanted.given->labels);
  if (c.known_id()) core.cells().clear_id(c);
  if (!c.extension_) return;
  auto& extension = *c.extension_;
  if (wanted.given && wanted.given->input) extension.recorder.set_input(*wanted.given->input);
  if (extension.parts) load_parts(c, stored_rows{});
  if (type.options.durability == durability::ephemeral) return;
  core.cells().set_id(c, core.ids().actor());
  auto creation = std::make_unique<write_set::creation>();
  auto& row = *creation;
  row.name = type.name;
  row.key = c.key().canonical();
  if (const bytes* const input = extension.recorder.input(); input != nullptr) row.input = *input;
  row.labels = &c.live_->labels();
  row.created_at = core.exec().clock().wall();
  extension.recorder.set_creation(std::move(creation));
}

void lifecycle::restore(cell& c, actor_record& record) {
  const definition& type = c.type();
  if (record.version > type.version) {
    throw error(errc::newer_state, fmt::format("{} is of version {}, the program's is {}", c.name(), record.version,
                                               type.version));
  }
  if (!record.initialised) check_input(record.input, type, c.key());
  if (!c.is(record.id)) {
    if (c.known_id()) c.core().cells().clear_id(c);
    c.core().cells().set_id(c, record.id);
  }
  c.extension().begin_life(&record);
  c.make_live();
  c.live_->label(record.labels);
  if (record.initialised) read_state(c, record);
  if (c.extension_->parts) load_parts(c, stored_rows{record});
}

// As for state that cannot be read.
void lifecycle::load_parts(cell& c, const stored_rows& stored) {
  try {
    c.extension_->parts->load(stored);
  } catch (...) {
    c.live_.reset();
    throw;
  }
}

// State that cannot be read stays in the store as it is: there is no live copy that would be written in its place.
void lifecycle::read_state(cell& c, const actor_record& record) {
  try {
    const migrated_state state{c.type(), record};
    state.read([&](bytes_view current) { c.live_->decode(current); });
  } catch (...) {
    c.live_.reset();
    throw;
  }
}

// An actor whose on_create throws has never been. One whose process dies meanwhile is created again, with its input.
task<> lifecycle::initialise(cell& c, task<> hook) {
  std::exception_ptr failure;
  try {
    co_await bounded(c, "on_create", std::move(hook), c.type().options.on_create_timeout);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    c.dependency_ = c.extension_->recorder.record_destroy(c.dependency_);
    std::rethrow_exception(failure);
  }
  auto rest = run_on_wake(c);
  if (rest) {
    co_await std::move(rest);
  }
}

task<> lifecycle::run_on_wake(cell& c) {
  if (c.extension_) c.extension_->recorder.set_initialised();
  auto hook = c.live_->on_wake();
  return hook ? bounded(c, "on_wake", std::move(hook), c.type().options.on_wake_timeout) : std::move(hook);
}

// --- while it is awake ----------------------------------------------------------------------------------------------

void lifecycle::signalled(cell& c, std::uint8_t wanted) noexcept {
  if ((wanted & pending_signals::freeze) != 0) c.extension_->recorder.freeze_asked();
  if ((wanted & pending_signals::end) != 0) end_requested(c);
  if ((wanted & pending_signals::overdue) != 0) overdue(c);
  if ((wanted & pending_signals::save) != 0) save(c);
}

// The actor asked for it in an earlier turn.
void lifecycle::end_requested(cell& c) noexcept {
  const auto& extension = *c.extension_;
  if (c.phase_ == cell::phase::awake && (extension.destroy_requested || extension.sleep_requested)) begin_stop(c);
}

void lifecycle::save(cell& c) noexcept {
  if (!c.live_) return;
  c.extension_->recorder.forget_save();
  turn t{c, nullptr, true, this_thread()};
  t.open();
  t.save_now();
  t.end();
  if (t.close()) [[unlikely]]
    look_at_mark(c, t.thread, nullptr, "save");
}

// --- stopping -------------------------------------------------------------------------------------------------------

task<> lifecycle::stop(cell& c) noexcept {
  auto& extension = c.extension();
  auto& now = extension.transition_now();
  run_loop::end_life(c);
  abort_parked(c);  // first, so that one that watches the actor's own token ends for the same reason
  c.live_->request_stop();
  for (invocation* inv = c.live_->running; inv != nullptr; inv = inv->following) inv->request_stop();
  const bool destroying = extension.destroy_requested;
  now.deadline_at = c.core().exec().now();
  extension.since = now.deadline_at;
  task<> rest;
  if (c.core().killed()) {
    overdue(c);
  } else {
    now.deadline_at = moment_after(now.deadline_at, c.type().options.sleep_grace_period);
    rest = run_shutdown_hooks(c, destroying);
  }
  const bool quiet = c.live_->running_count == 0 && extension.destroy_requested == destroying;
  return rest || !quiet ? end_stop_after(c, std::move(rest), destroying) : end_stop(c, destroying);
}

task<> lifecycle::end_stop_after(cell& c, task<> rest, bool destroying) {
  auto& extension = *c.extension_;
  auto& now = *extension.underway;
  auto& exec = c.core().exec();
  if (!c.core().killed()) exec.arm(now.deadline, now.deadline_at);
  if (rest) {
    co_await std::move(rest);
  }
  co_await until_quiet(c);
  if (!destroying && extension.destroy_requested && !c.core().killed()) {
    destroying = true;
    auto again = run_shutdown_hooks(c, true);
    if (again) {
      co_await std::move(again);
    }
    co_await until_quiet(c);
  }
  exec.cancel(now.deadline);
  auto end = end_stop(c, destroying);
  if (end) {
    co_await std::move(end);
  }
}

task<> lifecycle::end_stop(cell& c, bool destroying) {
  c.enter(cell::phase::finalising, static_cast<invocation*>(this_thread().here));
  if (destroying) c.dependency_ = std::max(c.dependency_, c.extension_->recorder.record_destroy(c.dependency_));
  type_runtime_of(c).rounds.actor_sleeps();
  return flush(c);
}

task<> lifecycle::run_shutdown_hooks(cell& c, bool destroying) {
  auto why = c.hub() != nullptr ? why_connections_end(c) : nullptr;
  return why ? part_connections(c, std::move(why), destroying) : shutdown_hook(c, destroying);
}

// Their on_disconnects have the grace period, too.
task<> lifecycle::part_connections(cell& c, std::exception_ptr why, bool destroying) {
  auto all = disconnect_all(c, std::move(why));
  co_await bounded(c, "on_disconnect", std::move(all), troupe::never);
  auto hook = shutdown_hook(c, destroying);
  if (hook) {
    co_await std::move(hook);
  }
}

// Between the end of the last and our turn, a background task that was on its way may have begun.
task<> lifecycle::until_quiet(cell& c) {
  while (c.live_->running_count != 0) {
    co_await quiet_wait(c);
  }
}

task<> lifecycle::shutdown_hook(cell& c, bool destroying) {
  const char* const name = destroying ? "on_destroy" : "on_sleep";
  try {
    auto hook = destroying ? c.live_->on_destroy() : c.live_->on_sleep();
    if (hook) return end_shutdown_hook(c, name, std::move(hook));
  } catch (...) {
    c.core().report(std::current_exception(), fmt::format("{} of {}", name, c.name()));
  }
  return {};
}

task<> lifecycle::end_shutdown_hook(cell& c, const char* name, task<> hook) {
  std::exception_ptr failure;
  try {
    co_await bounded(c, name, std::move(hook), troupe::never);  // bounded by the grace period
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) c.core().report(failure, fmt::format("{} of {}", name, c.name()));
}

// Waits until everything is durable, and ends the live copy.
task<> lifecycle::flush(cell& c) {
  if (c.live_ && c.type().options.durability != durability::ephemeral) return flush_durable(c);
  deactivate(c);
  return {};
}

task<> lifecycle::flush_durable(cell& c) {
  c.extension_->recorder.forget_save();
  std::exception_ptr failure;
  try {
    co_await durable_wait(c.core());
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) c.core().report(failure, fmt::format("putting {} to sleep", c.name()));
  deactivate(c);
}

void lifecycle::deactivate(cell& c) {
  const bool destroyed = c.extension_ && c.extension_->recorder.destroyed();
  const bool gone = destroyed || c.type().options.durability == durability::ephemeral;
  if (c.phase_ == cell::phase::finalising) {
    tell(c.core(), [&](observer& o) {
      o.actor_slept(seen(c), destroyed ? observer::ending::destroyed : observer::ending::slept);
    });
  }
  if (gone && c.known_id()) c.core().cells().clear_id(c);
  c.live_.reset();
  c.quick_writes_ = false;
  if (c.extension_) {
    auto& extension = *c.extension_;
    if (extension.hub && (gone || c.core().stopping())) close_all(c, why_it_ends(c, gone));
    if (gone) extension.hub = {};
    if (!gone && alarms::concern(c.type()) && extension.parts && extension.parts->is_loaded()) set_wake_up(c);
    const bool stops = extension.parts && c.core().stopping();
    const auto why = destroyed ? unload_reason::destroyed
                     : stops   ? unload_reason::runtime_stops
                               : unload_reason::slept;
    const bool is_needless = extension.end_life(why);
    c.readmit();  // after that, which puts aside what goes to the successor
    if (is_needless) c.drop_extension();
  }
  c.enter(cell::phase::asleep, nullptr);
}

void lifecycle::set_wake_up(cell& c) {
  const auto& extension = *c.extension_;
  auto& core = c.core();
  // A wake that failed is tried again by its caller, with a back-off. Its turns may have left something that is due
  // later, of which no caller knows.
  const bool failed = c.phase_ == cell::phase::waking;
  const auto earliest = failed ? core.exec().now() + pause_after_failure : time_point::min();
  auto first = extension.parts->next_due();
  // The store still has what was handled in vain.
  if (extension.recorder.lost_rows()) {
    const auto again = core.exec().now() + pause_after_loss;
    first = first ? std::min(*first, again) : again;
  }
  if (first && !is_planted(planted::message_forgotten)) {
    core.wake_ups().set(c.type(), c.key(), std::max(*first, earliest));
  }
  const auto row = extension.parts->next_due_row();
  if (!row) return;
  if (failed && core.delays().moment_of(*row) < earliest) return core.wake_ups().set(c.type(), c.key(), earliest);
  core.wake_ups().set_row(c.type(), c.key(), *row);
}

void lifecycle::refuse_deferred(cell& c, const std::exception_ptr& why) noexcept {
  if (!c.extension_) return;
  while (work* w = c.extension_->deferred.pop_front()) c.core().refuse(*static_cast<invocation*>(w->context), why);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
