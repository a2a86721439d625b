// SPDX-License-Identifier: Apache-2.0
// How a turn's changes find their epoch. The rules are in docs/invariants.md; a random model of them is
// tests/model/epoch_cut.py.

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "../codec/edited_json.hpp"
#include "../core/planted.hpp"
#include "../core/text_of.hpp"
#include "committer.hpp"
#include "core.hpp"
#include "migration.hpp"
#include "outbox.hpp"
#include "part_list.hpp"
#include "state_recorder.hpp"

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
  registered_ = 0;
  destroyed_ = false;
  exists_ = stored_initialised_ = record != nullptr;
  stored_.reset();
  newest_ = nullptr;
  newest_bytes_ = 0;
  stored_version_ = owner_.type().version;
  if (record == nullptr) {
    initialised_ = false;
    return;
  }
  initialised_ = stored_initialised_ = record->initialised;
  stored_version_ = record->version;
  stored_.assign(record->state);
  newest_ = &stored_;
  newest_bytes_ = stored_.size();
  if (record->input) set_input(*record->input);
}

void state_recorder::end_life() noexcept {
  for (auto& m : images_) m.reset();
  if (saving_) forget_save();
  rows_.reset();
  if (unsaved_rows_) send_again();
  unsaved_rows_.reset();
  stored_.reset();
  seen_.reset();
  newest_ = nullptr;
  creation_.reset();
  input_.reset();
}

// What had arrived, and has not with the state that is lost.
void state_recorder::send_again() noexcept {
  for (const auto& p : unsaved_rows_->arrived()) owner_.core().outbox().send_again(p);
}

// --- the state ------------------------------------------------------------------------------------------------------

// Whether the state, as it is now, is another than what will be stored anyway.
bool state_recorder::differs(bytes_view state) const noexcept {
  return newest_ == nullptr || !equal(state, newest_->view()) || initialised_ != stored_initialised_ ||
         stored_version_ != owner_.type().version;
}

// One that cannot be encoded cannot be compared, and nothing of it is to be stored now.
bool state_recorder::looks_different() {
  bytes_view state;
  try {
    state = encoded(*owner_.live(), seen_ ? seen_->size() : 0);
  } catch (...) {
    return true;
  }
  if (!seen_) seen_ = std::make_unique<buffer>();
  if (equal(state, seen_->view())) return false;
  seen_->assign(state);
  return true;
}

// --- rows -----------------------------------------------------------------------------------------------------------

row_changes& state_recorder::changes() {
  if (!rows_) rows_ = std::make_unique<row_changes>();
  return *rows_;
}

bool state_recorder::has_rows() const noexcept { return rows_ || (parts_ && parts_->changed()); }

// What the turn changed, with what a relaxed actor's turns have changed since its last save.
std::unique_ptr<row_changes> state_recorder::take_rows() {
  if (parts_ && parts_->changed()) parts_->record(changes());
  if (!unsaved_rows_) return std::move(rows_);
  if (rows_) unsaved_rows_->merge(std::move(*rows_));
  rows_.reset();
  return std::move(unsaved_rows_);
}

void state_recorder::undo_rows() noexcept {
  if (is_planted(planted::rows_of_failed_turn_kept)) return;
  rows_.reset();
  if (parts_) parts_->roll_back();
}

// Whether changes of earlier turns are not encoded yet: then the newest encoding is not the state that this turn began
// with.
bool state_recorder::is_behind() const noexcept {
  return registered_ != 0 && images_[newest_image_] && !images_[newest_image_]->encoded;
}

// The turn's changes cannot be stored, so they must not be seen either: others would act on them, and that would be an
// effect without a cause. A relaxed actor keeps them, and was never a part of the cut.
bool state_recorder::undo_state() noexcept {
  const definition& type = owner_.type();
  const bool is_known = newest_ != nullptr && !newest_->empty() && initialised_ && !is_behind();
  if (type.options.durability != durability::committed || !is_known) return true;
  try {
    if (stored_version_ < type.version && type.migrate != nullptr) {
      owner_.live()->restore(migrate_encoded(newest_->view(), *type.migrate, stored_version_));
    } else {
      owner_.live()->restore(newest_->view());
    }
  } catch (...) {
    // It sleeps, and wakes with its stored state.
    owner_.core().report(std::current_exception(),
                        owner_.name() + ": the turn cannot be undone; the actor is put to sleep");
    return false;
  }
  return true;
}

// Of an actor that is not stored, only what it has received from others concerns the store.
void state_recorder::forget_rows() {
  if (parts_) parts_->discard();
  if (!rows_) return;
  rows_->forget_arrived([this](std::uint64_t id) { owner_.core().commits().forget(id); });
  rows_.reset();
}

// --- recording ------------------------------------------------------------------------------------------------------

epoch_number state_recorder::record(const ended_turn& t, std::exception_ptr& failure) {
  const auto kind = owner_.type().options.durability;
  const bool watched = owner_.type().has_on_state_change && initialised_ && t.writes;
  if (kind != durability::committed && watched) {
    const bool first = !seen_ || seen_->empty();
    if (looks_different() && !first) tell_of_change(t, failure);
  }
  if (kind == durability::ephemeral) {
    forget_rows();
    return t.dependency;
  }
  // A relaxed actor's creation does not wait for the interval: it is stamped like any other change.
  if (kind == durability::relaxed && exists_ && initialised_ == stored_initialised_ && !t.saves) {
    schedule_save();
    unsaved_rows_ = take_rows();
    return t.dependency;
  }
  forget_save();
  const bool is_small = newest_bytes_ <= eager_bytes_max;
  const bool eager = is_small || t.of_procedure || t.saves || watched || !exists_ || encodes_eagerly(t);
  bool changed = t.writes || !exists_;
  bytes_view state;
  if (changed && eager) {
    if (initialised_) state = encoded(*owner_.live(), newest_bytes_);
    if (state.size() > owner_.type().options.state_bytes_max) [[unlikely]]
      require_fewer_bytes(state.size());
    changed = differs(state) || !exists_;
  }
  if (is_planted(planted::sleep_loses_change) && kind == durability::relaxed &&
      owner_.current_phase() == cell::phase::finalising) {
    changed = !exists_;
  }
  const auto moved = take_rows();
  if (!changed && !moved) return t.dependency;
  auto dependency = t.dependency;
  if (moved) {
    dependency = std::max(dependency, moved->claim_arrived());
    // The state is as it was when the older image was begun, but for what belongs to it: see `depend_on`.
    freeze_before(dependency);
  }
  const epoch_number e = place(dependency, [&](image& m) {
    if (moved) add_rows(m, std::move(*moved));
    if (!changed) return;
    if (m.what == write_set::action::keep) m.what = write_set::action::update;
    m.initialised = stored_initialised_ = initialised_;
    m.version = stored_version_ = owner_.type().version;
    m.encoded = eager;
    if (!eager) return;
    m.state.assign(state);
    count_state(m);
  });
  if (kind == durability::committed && watched && changed) tell_of_change(t, failure);
  return e;
}

// A state is encoded at the end of the turn where that is cheap, and where it can fail: the turn can be undone then,
// later it could not. Of a large state whose encoding cannot fail, only the size is looked at, and only by the first
// turn of an epoch: the state that a later one began with is encoded nowhere, so that it could not be undone.
bool state_recorder::encodes_eagerly(const ended_turn& t) const {
  const definition& type = owner_.type();
  const auto limit = type.options.state_bytes_max;
  const bool may_fail = !type.always_encodes && !is_planted(planted::unencodable_put_off);
  if (may_fail || newest_bytes_ > limit / 2) return true;
  return t.writes && !is_behind() && owner_.live()->encoded_bytes_bound() > limit;
}

// A state that is too large already may become smaller, in steps.
void state_recorder::require_fewer_bytes(std::size_t bytes) const {
  const auto limit = owner_.type().options.state_bytes_max;
  if (bytes <= newest_bytes_ && newest_ != nullptr) return;
  if (is_behind() && owner_.type().options.durability == durability::committed) return;  // see `encodes_eagerly`
  throw error(errc::state_too_large, fmt::format("{} would have {} bytes of state, {} are allowed "
                                                 "(options::state_bytes_max)",
                                                 owner_.name(), bytes, limit));
}

void state_recorder::add_rows(image& m, row_changes&& moved) {
  if (!m.rows) m.rows = std::make_unique<row_changes>();
  const auto before = m.rows->size();
  moved.place(m.epoch);
  m.rows->merge(std::move(moved));
  count(m, static_cast<std::ptrdiff_t>(m.rows->size()) - static_cast<std::ptrdiff_t>(before));
}

void state_recorder::count(image& m, std::ptrdiff_t bytes) noexcept {
  m.counted += bytes;
  owner_.core().commits().add_backlog(bytes);
}

// The image has the newest state.
void state_recorder::count_state(image& m) noexcept {
  count(m, static_cast<std::ptrdiff_t>(m.state.size()) - static_cast<std::ptrdiff_t>(m.state_counted));
  m.state_counted = m.state.size();
  newest_ = &m.state;
  newest_bytes_ = m.state.size();
  stored_.reset();
}

// What it throws is the turn's failure; the change stays, and has its place already.
void state_recorder::tell_of_change(const ended_turn& t, std::exception_ptr& failure) noexcept {
  // The initial state, or the restored one: of the wake that has ended with this turn, or goes on.
  const auto now = owner_.current_phase();
  if (now == cell::phase::waking || (t.of_procedure && now == cell::phase::awake)) return;
  try {
    owner_.live()->on_state_change();
  } catch (...) {
    failure = std::current_exception();
    owner_.core().report(failure, owner_.type().name + ".on_state_change");
  }
}

epoch_number state_recorder::record_without_state(epoch_number dependency) {
  if (!unsaved_rows_ || !exists_) return dependency;
  auto moved = unsaved_rows_->take_independent();
  if (moved.empty()) return dependency;
  dependency = std::max(dependency, moved.claim_arrived());
  freeze_before(dependency);
  return place(dependency, [&](image& m) { add_rows(m, std::move(moved)); });
}

epoch_number state_recorder::record_destroy(epoch_number dependency) {
  destroyed_ = true;
  const auto moved = take_rows();
  if (!exists_ || is_planted(planted::destroyed_comes_back)) return dependency;
  exists_ = false;
  if (moved) dependency = std::max(dependency, moved->claim_arrived());
  return place(dependency, [&](image& m) {
    m.nothing = m.what == write_set::action::create;
    m.what = write_set::action::destroy;
    m.encoded = true;
    if (moved) add_rows(m, std::move(*moved));
    if (m.rows) m.rows->drop_own();
  });
}

// The newest again, if its epoch is durable: then the committer has let go of it. Else the other: what that was for is
// durable, or the newest one's epoch could not have been opened.
std::uint8_t state_recorder::next_image() {
  const auto& now = images_[newest_image_];
  const bool is_free = !now || owner_.core().commits().is_durable(now->epoch);
  const auto next = static_cast<std::uint8_t>(is_free ? newest_image_ : newest_image_ ^ 1);
  if (!images_[next]) images_[next] = std::make_unique<image>(owner_);
  return next;
}

// Puts changes into the actor's image of the open epoch, or of the one that is closing, if it can still be changed and
// is not older than what the changes depend on.
template <class Fill>
epoch_number state_recorder::place(epoch_number dependency, Fill&& fill) {
  if (registered_ != 0 && registered_ >= dependency) {
    image& m = *images_[newest_image_];
    switch (m.stage.begin_change()) {
      case image_stage::found::changeable:
        fill(m);
        m.stage.end_change();
        return registered_;
      case image_stage::found::awaited:
        fill(m);
        if (!m.encoded) encode_now(m);
        answer(m);
        return registered_;
      case image_stage::found::taken: break;
    }
  }
  const auto what = exists_ ? write_set::action::keep : write_set::action::create;
  if (!destroyed_) exists_ = true;
  const auto next = next_image();
  image& m = *images_[next];
  registered_ = owner_.core().commits().add([&](epoch_number e) -> image& {
    m.epoch = e;
    m.id = owner_.known_id();
    m.version = stored_version_;
    m.what = what;
    m.nothing = false;
    m.initialised = stored_initialised_;
    m.encoded = true;
    m.counted = 0;
    m.state_counted = 0;  // it may still have an older state, see `newest_`
    m.rows.reset();
    m.created = std::move(creation_);
    fill(m);
    if (destroyed_) {
      m.what = write_set::action::destroy;
      m.nothing = false;
    }
    m.stage.begin();
    return m;
  });
  newest_image_ = next;
  return registered_;
}

void state_recorder::encode_now(image& m) noexcept {
  TROUPE_ASSERT(owner_.type().always_encodes || is_planted(planted::unencodable_put_off),
                "an encoding that can fail is made at the end of the turn");
  auto& core = owner_.core();
  try {
    m.state.clear();
    if (m.initialised) owner_.live()->encode(m.state);
    const auto most = core.stored().value_bytes_max();
    if (m.state.size() > most) {
      throw error(errc::state_too_large, fmt::format("{} has {} bytes of state, and the store takes {}", owner_.name(),
                                                     m.state.size(), most));
    }
  } catch (...) {
    // Replies may depend on this epoch, and it cannot be written as it was: the promise is broken, so nothing is
    // promised any more. Only missing memory leads here, and a state that one turn has made too large for the store
    // after another turn of the same epoch.
    const auto failure = std::current_exception();
    core.report(failure, owner_.name() + ": the state cannot be stored, the runtime stops");
    core.commits().abandon(fmt::format("the state of {} cannot be stored: {}", owner_.name(), text_of(failure)));
  }
  m.encoded = true;
  count_state(m);
}

void state_recorder::answer(image& m) noexcept {
  TROUPE_ASSERT(m.encoded, "the committer gets encoded states");
  m.stage.answer();
  owner_.core().commits().arrived();
}

void state_recorder::freeze_before(epoch_number epoch) noexcept {
  if (registered_ == 0 || registered_ >= epoch || is_planted(planted::freeze_forgotten)) return;
  image& m = *images_[newest_image_];
  if (m.encoded) return;
  switch (m.stage.begin_change()) {
    case image_stage::found::changeable:
      encode_now(m);
      m.stage.end_change();
      return;
    case image_stage::found::awaited: return freeze_asked();
    case image_stage::found::taken: return;
  }
}

void state_recorder::freeze_asked() noexcept {
  for (const auto& m : images_) {
    if (!m || !m->stage.is_awaited()) continue;
    encode_now(*m);
    answer(*m);
  }
}

void state_recorder::schedule_save() {
  if (saving_) return;
  saving_ = std::make_unique<signal_timer>(signals_, pending_signals::save);
  owner_.set_quick_writes(!owner_.type().has_on_state_change);
  auto& exec = owner_.core().exec();
  if (is_planted(planted::save_skipped)) return;
  exec.arm(*saving_, moment_after(exec.now(), owner_.type().options.save_interval));
}

void state_recorder::forget_save() noexcept {
  if (!saving_) return;
  owner_.core().exec().cancel(*saving_);
  saving_.reset();
  owner_.set_quick_writes(false);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
