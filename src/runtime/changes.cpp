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
#include "core.hpp"
#include "lifecycle.hpp"
#include "queues.hpp"
#include "side.hpp"

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

void cell_wants::deliver(work& w) noexcept {
  auto& self = static_cast<cell_wants&>(w);
  cell& c = self.owner_;
  const auto wanted = self.wanted_.exchange(0, std::memory_order_acq_rel);
  if ((wanted & freeze) != 0) c.side_->freeze_asked();
  if ((wanted & end) != 0) lifecycle::end_requested(c);
  if ((wanted & overdue) != 0) lifecycle::overdue(c);
  if ((wanted & save) != 0) lifecycle::save(c);
}

// Whether the state, as it is now, is another than what will be stored anyway.
bool cell_side::differs(bytes_view state) const noexcept {
  return newest == nullptr || !equal(state, newest->view()) || initialised != stored_initialised ||
         stored_version != owner.type().version;
}

// One that cannot be encoded cannot be compared, and nothing of it is to be stored now.
bool cell_side::looks_different() {
  bytes_view state;
  try {
    state = encoded(*owner.live_, seen ? seen->size() : 0);
  } catch (...) {
    return true;
  }
  if (!seen) seen = std::make_unique<buffer>();
  if (equal(state, seen->view())) return false;
  seen->assign(state);
  return true;
}

// --- rows -----------------------------------------------------------------------------------------------------------

row_changes& cell_side::changes() {
  if (!rows) rows = std::make_unique<row_changes>();
  return *rows;
}

bool cell_side::has_rows() const noexcept { return rows || (queues && queues->changed()); }

// What the turn changed, with what a relaxed actor's turns have changed since its last save.
std::unique_ptr<row_changes> cell_side::take_rows() {
  if (queues && queues->changed()) queues->record(changes());
  if (!unsaved_rows) return std::move(rows);
  if (rows) unsaved_rows->merge(std::move(*rows));
  rows.reset();
  return std::move(unsaved_rows);
}

void cell_side::undo_rows() noexcept {
  if (is_planted(planted::rows_of_failed_turn_kept)) return;
  rows.reset();
  if (queues) queues->undo();
}

// Whether changes of earlier turns are not encoded yet: then the newest encoding is not the state that this turn began
// with.
bool cell_side::is_behind() const noexcept {
  return registered != 0 && images[newest_image] && !images[newest_image]->encoded;
}

// The turn's changes cannot be stored, so they must not be seen either: others would act on them, and that would be an
// effect without a cause. A relaxed actor keeps them, and was never a part of the cut.
void cell_side::undo_state() noexcept {
  const definition& type = owner.type();
  const bool is_known = newest != nullptr && !newest->empty() && initialised && !is_behind();
  if (type.options.durability != durability::committed || !is_known) return;
  try {
    if (stored_version < type.version && type.migrate != nullptr) {
      owner.live_->restore(migrate_encoded(newest->view(), *type.migrate, stored_version));
    } else {
      owner.live_->restore(newest->view());
    }
  } catch (...) {
    // It sleeps, and wakes with its stored state.
    owner.core().report(std::current_exception(),
                        owner.name() + ": the turn cannot be undone; the actor is put to sleep");
    sleep_requested = true;
    wants.add(cell_wants::end);
  }
}

// Of an actor that is not stored, only what it has received from others concerns the store.
void cell_side::forget_rows() {
  if (queues) queues->forget_changes();
  if (!rows) return;
  rows->forget_arrived([this](std::uint64_t id) { owner.core().commits().forget(id); });
  rows.reset();
}

// --- recording ------------------------------------------------------------------------------------------------------

epoch_number cell_side::record(const ended_turn& t, std::exception_ptr& failure) {
  const auto kind = owner.type().options.durability;
  const bool watched = owner.type().has_on_state_change && initialised && t.writes;
  if (kind != durability::committed && watched) {
    const bool first = !seen || seen->empty();
    if (looks_different() && !first) tell_of_change(t, failure);
  }
  if (kind == durability::ephemeral) {
    forget_rows();
    return t.dependency;
  }
  // A relaxed actor's creation does not wait for the interval: it is stamped like any other change.
  if (kind == durability::relaxed && exists && initialised == stored_initialised && !t.saves) {
    schedule_save();
    unsaved_rows = take_rows();
    return t.dependency;
  }
  forget_save();
  const bool is_small = newest_bytes <= eager_bytes_max;
  const bool eager = is_small || t.of_procedure || t.saves || watched || !exists || encodes_eagerly(t);
  bool changed = t.writes || !exists;
  bytes_view state;
  if (changed && eager) {
    if (initialised) state = encoded(*owner.live_, newest_bytes);
    if (state.size() > owner.type().options.state_bytes_max) [[unlikely]]
      require_fewer_bytes(state.size());
    changed = differs(state) || !exists;
  }
  if (is_planted(planted::sleep_loses_change) && kind == durability::relaxed &&
      owner.phase_ == cell::phase::finalising) {
    changed = !exists;
  }
  const auto moved = take_rows();
  if (!changed && !moved) return t.dependency;
  auto dependency = t.dependency;
  if (moved) {
    dependency = std::max(dependency, moved->claim_arrived());
    // The state is as it was when the older image was begun, but for what belongs to it: see `learn`.
    freeze_before(dependency);
  }
  const epoch_number e = place(dependency, [&](image& m) {
    if (moved) add_rows(m, std::move(*moved));
    if (!changed) return;
    if (m.what == write_set::action::keep) m.what = write_set::action::update;
    m.initialised = stored_initialised = initialised;
    m.version = stored_version = owner.type().version;
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
bool cell_side::encodes_eagerly(const ended_turn& t) const {
  const definition& type = owner.type();
  const auto limit = type.options.state_bytes_max;
  const bool may_fail = !type.always_encodes && !is_planted(planted::unencodable_put_off);
  if (may_fail || newest_bytes > limit / 2) return true;
  return t.writes && !is_behind() && owner.live_->encoded_bytes_bound() > limit;
}

// A state that is too large already may become smaller, in steps.
void cell_side::require_fewer_bytes(std::size_t bytes) const {
  const auto limit = owner.type().options.state_bytes_max;
  if (bytes <= newest_bytes && newest != nullptr) return;
  if (is_behind() && owner.type().options.durability == durability::committed) return;  // see `encodes_eagerly`
  throw error(errc::state_too_large, fmt::format("{} would have {} bytes of state, {} are allowed "
                                                 "(options::state_bytes_max)",
                                                 owner.name(), bytes, limit));
}

void cell_side::add_rows(image& m, row_changes&& moved) {
  if (!m.rows) m.rows = std::make_unique<row_changes>();
  const auto before = m.rows->size();
  moved.place(m.epoch);
  m.rows->merge(std::move(moved));
  count(m, static_cast<std::ptrdiff_t>(m.rows->size()) - static_cast<std::ptrdiff_t>(before));
}

void cell_side::count(image& m, std::ptrdiff_t bytes) noexcept {
  m.counted += bytes;
  owner.core().commits().add_backlog(bytes);
}

// The image has the newest state.
void cell_side::count_state(image& m) noexcept {
  count(m, static_cast<std::ptrdiff_t>(m.state.size()) - static_cast<std::ptrdiff_t>(m.state_counted));
  m.state_counted = m.state.size();
  newest = &m.state;
  newest_bytes = m.state.size();
  stored.reset();
}

// What it throws is the turn's failure; the change stays, and has its place already.
void cell_side::tell_of_change(const ended_turn& t, std::exception_ptr& failure) noexcept {
  // The initial state, or the restored one: of the wake that has ended with this turn, or goes on.
  if (owner.phase_ == cell::phase::waking || (t.of_procedure && owner.phase_ == cell::phase::awake)) return;
  try {
    owner.live_->on_state_change();
  } catch (...) {
    failure = std::current_exception();
    owner.core().report(failure, owner.type().name + ".on_state_change");
  }
}

epoch_number cell_side::record_without_state(epoch_number dependency) {
  if (!unsaved_rows || !exists) return dependency;
  auto moved = unsaved_rows->take_independent();
  if (moved.empty()) return dependency;
  dependency = std::max(dependency, moved.claim_arrived());
  freeze_before(dependency);
  return place(dependency, [&](image& m) { add_rows(m, std::move(moved)); });
}

epoch_number cell_side::record_destroy(epoch_number dependency) {
  destroyed = true;
  const auto moved = take_rows();
  if (!exists || is_planted(planted::destroyed_comes_back)) return dependency;
  exists = false;
  if (moved) dependency = std::max(dependency, moved->claim_arrived());
  return place(dependency, [&](image& m) {
    m.nothing = m.what == write_set::action::create;
    m.what = write_set::action::destroy;
    m.encoded = true;
    if (moved) add_rows(m, std::move(*moved));
    if (m.rows) m.rows->drop_messages();
  });
}

// The newest again, if its epoch is durable: then the committer has let go of it. Else the other: what that was for is
// durable, or the newest one's epoch could not have been opened.
std::uint8_t cell_side::next_image() {
  const auto& now = images[newest_image];
  const bool is_free = !now || owner.core().commits().is_durable(now->epoch);
  const auto next = static_cast<std::uint8_t>(is_free ? newest_image : newest_image ^ 1);
  if (!images[next]) images[next] = std::make_unique<image>(owner);
  return next;
}

// Puts changes into the actor's image of the open epoch, or of the one that is closing, if it can still be changed and
// is not older than what the changes depend on.
template <class Fill>
epoch_number cell_side::place(epoch_number dependency, Fill&& fill) {
  if (registered != 0 && registered >= dependency) {
    image& m = *images[newest_image];
    for (auto stage = m.is.load(std::memory_order_acquire);;) {
      if (stage == image::stage::open) {
        if (!m.is.compare_exchange_weak(stage, image::stage::busy, std::memory_order_acquire)) continue;
        fill(m);
        m.is.store(image::stage::open, std::memory_order_release);
        return registered;
      }
      if (stage == image::stage::asked) {
        fill(m);
        if (!m.encoded) encode_now(m);
        m.is.store(image::stage::taken, std::memory_order_release);
        owner.core().commits().arrived();
        return registered;
      }
      if (stage != image::stage::busy) break;
      stage = m.is.load(std::memory_order_acquire);  // the committer looks at it, for a moment
    }
  }
  const auto what = exists ? write_set::action::keep : write_set::action::create;
  if (!destroyed) exists = true;
  const auto next = next_image();
  image& m = *images[next];
  registered = owner.core().commits().add([&](epoch_number e) -> image& {
    m.epoch = e;
    m.id = owner.known_id();
    m.version = stored_version;
    m.what = what;
    m.nothing = false;
    m.initialised = stored_initialised;
    m.encoded = true;
    m.counted = 0;
    m.state_counted = 0;  // it may still have an older state, see `newest`
    m.rows.reset();
    m.created = std::move(creation);
    fill(m);
    if (destroyed) {
      m.what = write_set::action::destroy;
      m.nothing = false;
    }
    m.is.store(image::stage::open, std::memory_order_release);
    return m;
  });
  newest_image = next;
  return registered;
}

void cell_side::encode_now(image& m) noexcept {
  TROUPE_ASSERT(owner.type().always_encodes || is_planted(planted::unencodable_put_off),
                "an encoding that can fail is made at the end of the turn");
  auto& core = owner.core();
  try {
    m.state.clear();
    if (m.initialised) owner.live_->encode(m.state);
    const auto most = core.commits().value_bytes_max();
    if (m.state.size() > most) {
      throw error(errc::state_too_large, fmt::format("{} has {} bytes of state, and the store takes {}", owner.name(),
                                                     m.state.size(), most));
    }
  } catch (...) {
    // Replies may depend on this epoch, and it cannot be written as it was: the promise is broken, so nothing is
    // promised any more. Only missing memory leads here, and a state that one turn has made too large for the store
    // after another turn of the same epoch.
    const auto failure = std::current_exception();
    core.report(failure, owner.name() + ": the state cannot be stored, the runtime stops");
    core.commits().abandon(fmt::format("the state of {} cannot be stored: {}", owner.name(), text_of(failure)));
  }
  m.encoded = true;
  count_state(m);
}

void cell_side::freeze_before(epoch_number epoch) noexcept {
  if (registered == 0 || registered >= epoch || is_planted(planted::freeze_forgotten)) return;
  image& m = *images[newest_image];
  if (m.encoded) return;
  for (auto stage = m.is.load(std::memory_order_acquire);;) {
    if (stage == image::stage::open) {
      if (!m.is.compare_exchange_weak(stage, image::stage::busy, std::memory_order_acquire)) continue;
      encode_now(m);
      m.is.store(image::stage::open, std::memory_order_release);
      return;
    }
    if (stage == image::stage::asked) return freeze_asked();
    if (stage != image::stage::busy) return;
    stage = m.is.load(std::memory_order_acquire);
  }
}

void cell_side::freeze_asked() noexcept {
  for (const auto& m : images) {
    if (!m || m->is.load(std::memory_order_acquire) != image::stage::asked) continue;
    encode_now(*m);
    m->is.store(image::stage::taken, std::memory_order_release);
    owner.core().commits().arrived();
  }
}

void cell_side::schedule_save() {
  if (saving) return;
  saving = std::make_unique<want_alarm>(wants, cell_wants::save);
  owner.quick_writes_ = !owner.type().has_on_state_change;
  auto& exec = owner.core().exec();
  if (is_planted(planted::save_skipped)) return;
  exec.arm(*saving, moment_after(exec.now(), owner.type().options.save_interval));
}

void cell_side::forget_save() noexcept {
  if (!saving) return;
  owner.core().exec().cancel(*saving);
  saving.reset();
  owner.quick_writes_ = false;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
