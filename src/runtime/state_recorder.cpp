// SPDX-License-Identifier: Apache-2.0
#include "state_recorder.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../codec/edited_json.hpp"
#include "../core/planted.hpp"
#include "core.hpp"
#include "migration.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Up to this size a changed state is encoded at the end of its turn, in parallel on the threads that run actors, and
// compared, so that what did not change is not written. A larger one is encoded once an epoch, when that closes.
constexpr std::size_t eager_bytes_max = 4096;

bool equal(bytes_view a, bytes_view b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// The actor's state as it is now. It is the thread's, which keeps room for a small one, and good until the next. Memory
// for a large one is taken in one piece, of the size that it had before.
bytes_view encoded(const activation& live, std::size_t bytes_before) {
  thread_local buffer state;
  state.clear();
  const auto room = state.capacity();
  if (room > 2 * eager_bytes_max || room < bytes_before) [[unlikely]] {
    state.reset();
    static_cast<void>(state.grow(bytes_before));
    state.clear();
  }
  live.encode(state);
  return state.view();
}

}  // namespace

// --- life -----------------------------------------------------------------------------------------------------------

void state_recorder::begin_life(const actor_record* record) {
  images_.begin_life(record);
  initialised_ = images_.initialised();
  if (record != nullptr && record->input) set_input(*record->input);
}

void state_recorder::end_life() noexcept {
  images_.end_life();
  forget_save();
  rows_.end_life(owner());
  seen_.reset();
  input_.reset();
}

// --- the state ------------------------------------------------------------------------------------------------------

// Whether the state, as it is now, is another than what will be stored anyway.
bool state_recorder::differs(bytes_view state) const noexcept {
  return images_.newest() == nullptr || !equal(state, images_.newest()->view()) ||
         initialised_ != images_.initialised() || images_.version() != owner().type().version;
}

// One that cannot be encoded cannot be compared, and nothing of it is to be stored now.
bool state_recorder::looks_different() {
  bytes_view state;
  try {
    state = encoded(*owner().live(), seen_ ? seen_->size() : 0);
  } catch (...) {
    return true;
  }
  if (!seen_) seen_ = std::make_unique<buffer>();
  if (equal(state, seen_->view())) return false;
  seen_->assign(state);
  return true;
}

// The turn's changes cannot be stored, so they must not be seen either: others would act on them, and that would be an
// effect without a cause. A relaxed actor keeps them, and was never a part of the cut.
bool state_recorder::undo_state() noexcept {
  const definition& type = owner().type();
  const buffer* const newest = images_.newest();
  const bool is_known = newest != nullptr && !newest->empty() && initialised_ && !images_.is_behind();
  if (type.options.durability != durability::committed || !is_known) return true;
  try {
    if (images_.version() < type.version && type.migrate != nullptr) {
      owner().live()->restore(migrate_encoded(newest->view(), *type.migrate, images_.version()));
    } else {
      owner().live()->restore(newest->view());
    }
  } catch (...) {
    // It sleeps, and wakes with its stored state.
    owner().core().report(std::current_exception(),
                          owner().name() + ": the turn cannot be undone; the actor is put to sleep");
    return false;
  }
  return true;
}

// --- recording ------------------------------------------------------------------------------------------------------

epoch_number state_recorder::record(const ended_turn& t, std::exception_ptr& failure) {
  const definition& type = owner().type();
  const auto kind = type.options.durability;
  const bool watched = type.has_on_state_change && initialised_ && t.writes;
  if (kind != durability::committed && watched) {
    const bool first = !seen_ || seen_->empty();
    if (looks_different() && !first) tell_of_change(t, failure);
  }
  if (kind == durability::ephemeral) {
    rows_.forget(owner());
    return t.dependency;
  }
  // A relaxed actor's creation does not wait for the interval: it is stamped like any other change. Neither do messages
  // to an actor that is committed apart, which leave when they are durable.
  bool saves = t.saves;
  if (kind == durability::relaxed) saves = saves || (rows_.sends() && owner().core().in_one_cut() == nullptr);
  if (kind == durability::relaxed && images_.exists() && initialised_ == images_.initialised() && !saves) {
    schedule_save();
    rows_.put_off();
    return t.dependency;
  }
  forget_save();
  const bool is_small = images_.newest_bytes() <= eager_bytes_max;
  const bool eager = is_small || t.of_procedure || saves || watched || !images_.exists() || encodes_eagerly(t);
  bool changed = t.writes || saves || !images_.exists();
  bytes_view state;
  if (changed && eager) {
    if (initialised_) state = encoded(*owner().live(), images_.newest_bytes());
    if (state.size() > type.options.state_bytes_max) [[unlikely]]
      require_fewer_bytes(state.size());
    changed = differs(state) || !images_.exists();
  }
  if (is_planted(planted::sleep_loses_change) && kind == durability::relaxed &&
      owner().current_phase() == cell::phase::finalising) {
    changed = !images_.exists();
  }
  const auto moved = rows_.take();
  if (!changed && !moved) return t.dependency;
  const epoch_number e = images_.put(t.dependency, {.rows = moved.get(),
                                                    .has_state = changed,
                                                    .is_encoded = eager,
                                                    .initialised = initialised_,
                                                    .state = state});
  rows_.keep();
  if (kind != durability::committed || !watched || !changed) return e;
  tell_of_change(t, failure);
  return rows_.has_any() ? record_more(e) : e;
}

// What on_state_change has changed beside the state belongs to the turn, too.
epoch_number state_recorder::record_more(epoch_number turn_epoch) {
  const auto more = rows_.take();
  const epoch_number e = images_.put(turn_epoch, {.rows = more.get()});
  rows_.keep();
  return e;
}

// A state is encoded at the end of the turn where that is cheap, and where it can fail: the turn can be undone then,
// later it could not. Of a large state whose encoding cannot fail, only the size is looked at, and only by the first
// turn of an epoch: the state that a later one began with is encoded nowhere, so that it could not be undone.
bool state_recorder::encodes_eagerly(const ended_turn& t) const {
  const definition& type = owner().type();
  const auto limit = type.options.state_bytes_max;
  const bool may_fail = !type.always_encodes && !is_planted(planted::unencodable_put_off);
  if (may_fail || images_.newest_bytes() > limit / 2) return true;
  return t.writes && !images_.is_behind() && owner().live()->encoded_bytes_bound() > limit;
}

// A state that is too large already may become smaller, in steps.
void state_recorder::require_fewer_bytes(std::size_t bytes) const {
  const auto limit = owner().type().options.state_bytes_max;
  if (bytes <= images_.newest_bytes() && images_.newest() != nullptr) return;
  const bool is_committed = owner().type().options.durability == durability::committed;
  if (images_.is_behind() && is_committed) return;  // see `encodes_eagerly`
  throw error(errc::state_too_large, fmt::format("{} would have {} bytes of state, {} are allowed "
                                                 "(options::state_bytes_max)",
                                                 owner().name(), bytes, limit));
}

// An exception of the hook is the turn's failure; the change stays, and has its place already.
void state_recorder::tell_of_change(const ended_turn& t, std::exception_ptr& failure) noexcept {
  // The initial state, or the restored one: of the wake that has ended with this turn, or goes on.
  const auto now = owner().current_phase();
  if (now == cell::phase::waking || (t.of_procedure && now == cell::phase::awake)) return;
  try {
    owner().live()->on_state_change();
  } catch (...) {
    failure = std::current_exception();
    owner().core().report(failure, owner().type().name + ".on_state_change");
  }
}

epoch_number state_recorder::record_without_state(epoch_number dependency) {
  if (rows_.unsaved() == nullptr || !images_.exists()) return dependency;
  auto moved = rows_.unsaved()->take_independent();
  if (moved.empty()) return dependency;
  return images_.put(dependency, {.rows = &moved});
}

epoch_number state_recorder::record_destroy(epoch_number dependency) {
  const auto rows = rows_.take();
  return images_.put_end(dependency, rows.get());
}

void state_recorder::schedule_save() {
  if (saving_) return;
  saving_ = std::make_unique<signal_timer>(signals_, pending_signals::save);
  owner().set_quick_writes(!owner().type().has_on_state_change);
  auto& exec = owner().core().exec();
  if (is_planted(planted::save_skipped)) return;
  exec.arm(*saving_, moment_after(exec.now(), owner().type().options.save_interval));
}

void state_recorder::cancel_save() noexcept {
  owner().core().exec().cancel(*saving_);
  saving_.reset();
  owner().set_quick_writes(false);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
