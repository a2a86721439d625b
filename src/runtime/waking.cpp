// SPDX-License-Identifier: Apache-2.0
#include "waking.hpp"

#include <exception>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/error.hpp>
#include <troupe/core/task.hpp>
#include <troupe/store/store.hpp>

#include "actor_part.hpp"
#include "alarms.hpp"
#include "cell_extension.hpp"
#include "commit_ledger.hpp"
#include "core.hpp"
#include "directory.hpp"
#include "id_source.hpp"
#include "loader.hpp"
#include "migration.hpp"
#include "observing.hpp"
#include "procedure.hpp"
#include "rows.hpp"
#include "run_loop.hpp"
#include "stopping.hpp"
#include "transition.hpp"
#include "type_runtime.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

using phase = lifecycle::phase;

// The name of the procedure in errors of calls that it keeps out.
constexpr std::string_view wake_name = "its wake";

// --- the live copy --------------------------------------------------------------------------------------------------

// State that cannot be read stays in the store as it is: there is no live copy that would be written in its place.
void read_state(cell& c, const actor_record& record) {
  try {
    const migrated_state state{c.type(), record};
    state.read([&](bytes_view current) { c.live()->decode(current); });
  } catch (...) {
    c.end_live();
    throw;
  }
}

// As for state that cannot be read.
void load_parts(cell& c, const stored_rows& stored) {
  try {
    c.parts().load(stored);
  } catch (...) {
    c.end_live();
    throw;
  }
}

void create(cell& c, const address& wanted) {
  auto& core = c.core();
  const definition& type = c.type();
  if (wanted.given) check_input(wanted.given->input, type, c.key());
  if (c.refuses_changes()) {
    throw error(errc::store_refuses_changes, c.name());
  }
  if (cell_extension::concerns(type)) static_cast<void>(c.extension());
  cell_extension* const extension = c.known_extension();
  if (extension != nullptr) extension->begin_life(nullptr);
  c.make_live(c);
  std::shared_ptr<const tags> labels;
  if (wanted.given && !wanted.given->labels.empty()) {
    labels = std::make_shared<const tags>(wanted.given->labels);
    c.live()->label(labels);
  }
  if (c.known_id()) core.cells().clear_id(c);
  if (extension == nullptr) return;
  if (wanted.given && wanted.given->input) extension->recorder.set_input(*wanted.given->input);
  if (extension->parts) load_parts(c, stored_rows{});
  if (type.options.durability == durability::ephemeral) return;
  core.cells().set_id(c, core.ids().actor());
  auto creation = std::make_unique<creation_row>();
  auto& row = *creation;
  row.name = type.name;
  row.key = c.key().canonical();
  if (const bytes* const input = extension->recorder.input(); input != nullptr) row.input = *input;
  row.labels = labels.get();
  row.kept_labels = std::move(labels);
  row.created_at = core.exec().clock().wall();
  extension->recorder.set_creation(std::move(creation));
}

void restore(cell& c, actor_record& record) {
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
  c.make_live(c);
  if (!record.labels.empty()) c.live()->label(std::make_shared<const tags>(std::move(record.labels)));
  if (record.initialised) read_state(c, record);
  if (c.extension().parts) load_parts(c, stored_rows{record});
}

// Calls may begin.
void open(cell& c) {
  cell_extension* const extension = c.known_extension();
  if (extension != nullptr) extension->underway.reset();
  c.set_quick_writes(c.type().options.durability == durability::ephemeral && !c.type().has_on_state_change);
  c.set_holder(nullptr);
  c.life().enter(phase::awake);
  if (extension != nullptr) extension->since = c.core().exec().now();
  type_runtime_of(c).rounds.actor_woke(c);
  tell(c.core(), [&](observer& o) { o.actor_woke(seen(c)); });
  if (alarms::concern(c.type())) c.core().wake_ups().clear(c.type(), c.key());
  run_loop::begin_life(c);
  if (extension != nullptr && extension->parts) extension->parts->woken();
  const bool is_lost = c.kind().commits.apart != nullptr && c.core().commits().has_lost(c);
  if (is_lost || c.core().stopping()) begin_stop(c);
  c.readmit();
}

// --- the procedure --------------------------------------------------------------------------------------------------

// A step that gives a task has done all that needs no waiting: the task is the rest, and empty if there is none. So
// most actors wake without a coroutine.
class waking : public procedure {
 public:
  explicit waking(cell& c) : procedure{c, true} {}
  task<> steps() override { return run(nullptr, nullptr); }
  [[nodiscard]] std::string_view what() const noexcept final { return "wake"; }
  [[nodiscard]] const std::string_view* constant_name() const noexcept final { return &wake_name; }

 protected:
  /// With the store's record, if the store has the actor, or with its failure.
  [[nodiscard]] task<> run(actor_record* record, std::exception_ptr failure) noexcept;

 private:
  task<> end_after(task<> rest);
  [[nodiscard]] task<> end(const std::exception_ptr& failure);
  [[nodiscard]] task<> activate(actor_record* record);
  [[nodiscard]] bool create_for_caller();
  void refuse_absent();
  task<> initialise(task<> hook);
  [[nodiscard]] task<> run_on_wake();

  [[nodiscard]] cell_extension& extension() const noexcept { return *target->known_extension(); }
};

// It begins when the store has answered.
class stored_waking final : public waking, public load_request {
 public:
  explicit stored_waking(cell& c) : waking{c} {
    const definition& type = c.type();
    name = type.name;
    key = c.key().canonical();
    with_messages = type.loads_messages;
    with_parts = type.collections;
    if (type.loads_messages && c.core().commits().receipts() != nullptr) {
      with_receipts_ = type.collections;
      with_receipts_.push_back(receipts_collection);
      with_parts = with_receipts_;
    }
    done = [](load_request& r) noexcept {
      auto& self = static_cast<stored_waking&>(r);
      self.target->push(self);
    };
  }
  task<> steps() override { return run(found ? &*found : nullptr, std::move(load_request::failure)); }

 private:
  std::vector<std::uint32_t> with_receipts_;
};

task<> waking::run(actor_record* record, std::exception_ptr failure) noexcept {
  task<> rest;
  try {
    if (!failure) rest = activate(record);
  } catch (...) {
    failure = std::current_exception();
  }
  return rest ? end_after(std::move(rest)) : end(failure);
}

task<> waking::end_after(task<> rest) {
  std::exception_ptr failure;
  try {
    co_await std::move(rest);
  } catch (...) {
    failure = std::current_exception();
  }
  auto last = end(failure);
  if (last) {
    co_await std::move(last);
  }
}

task<> waking::end(const std::exception_ptr& failure) {
  if (failure) extension().refuse_deferred(failure);
  if (failure || target->live() == nullptr) return flush(*target);
  open(*target);
  return {};
}

// From the store's record, or anew.
task<> waking::activate(actor_record* record) {
  cell& c = *target;
  if (record != nullptr) {
    restore(c, *record);
  } else if (!create_for_caller()) {
    return {};
  }
  if (c.type().has_on_create && !extension().recorder.initialised()) {
    task<> hook;
    try {
      hook = c.live()->on_create(extension().recorder.input());
    } catch (...) {
      c.set_dependency(extension().recorder.record_destroy(c.dependency()));
      throw;
    }
    if (hook) return initialise(std::move(hook));
  }
  return run_on_wake();
}

// False if it does not exist, and no call wants it to.
bool waking::create_for_caller() {
  refuse_absent();
  const auto& waiting = extension().deferred;
  if (waiting.empty()) return false;
  auto& creator = *static_cast<invocation*>(waiting.front()->context);
  create(*target, *creator.origin);
  creator.created_actor = true;
  return true;
}

// The calls in front that need the actor to exist find that it does not.
void waking::refuse_absent() {
  cell& c = *target;
  auto& waiting = extension().deferred;
  while (!waiting.empty()) {
    auto& inv = *static_cast<invocation*>(waiting.front()->context);
    if (inv.origin->creates()) return;
    waiting.pop_front();
    const bool by_id = inv.origin->how == address::intent::by_id;
    const auto named = by_id ? c.type().name + " " + inv.origin->id.str() : c.name();
    c.core().refuse(inv, std::make_exception_ptr(error(errc::not_found, named)));
  }
}

// An actor whose on_create throws has never been. One whose process dies meanwhile is created again, with its input.
task<> waking::initialise(task<> hook) {
  cell& c = *target;
  std::exception_ptr failure;
  try {
    co_await extension().transition_now().run_hook("on_create", std::move(hook), c.type().options.on_create_timeout);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    c.set_dependency(extension().recorder.record_destroy(c.dependency()));
    std::rethrow_exception(failure);
  }
  auto rest = run_on_wake();
  if (rest) {
    co_await std::move(rest);
  }
}

task<> waking::run_on_wake() {
  extension().recorder.set_initialised();
  auto hook = target->live()->on_wake();
  if (!hook) return hook;
  return extension().transition_now().run_hook("on_wake", std::move(hook), target->type().options.on_wake_timeout);
}

}  // namespace

bool wake_at_once(cell& c, const address& wanted) {
  if (!c.kind().wakes_at_once || !wanted.creates()) return false;
  create(c, wanted);
  open(c);
  return true;
}

void begin_wake(cell& c) noexcept {
  const bool stored = c.type().options.durability != durability::ephemeral;
  if (stored) {
    auto& p = *new stored_waking{c};
    c.life().enter(phase::waking);
    c.set_holder(&p);
    c.core().loads().add(p);
  } else {
    auto& p = *new waking{c};
    c.life().enter(phase::waking);
    c.set_holder(&p);
    c.put_first(p);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
