// SPDX-License-Identifier: Apache-2.0
// How changes find their epoch. The rules are in docs/invariants.md; a random model of them is
// tests/model/epoch_cut.py.

#include "state_images.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include <troupe/actor/activation.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/cell.hpp>

#include "../core/planted.hpp"
#include "../core/text_of.hpp"
#include "commit_ledger.hpp"
#include "core.hpp"
#include "outbox.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

namespace {

row_changes::company company_of(const cell& c) noexcept {
  return c.core().in_one_cut() != nullptr ? row_changes::company::all_actors : row_changes::company::alone;
}

}  // namespace

void state_images::begin_life(const actor_record* record) {
  epoch_ = 0;
  destroyed_ = false;
  exists_ = record != nullptr;
  initialised_ = record != nullptr && record->initialised;
  version_ = record != nullptr ? record->version : owner.type().version;
  loaded_.reset();
  newest_ = nullptr;
  newest_bytes_ = 0;
  if (record == nullptr) return;
  loaded_.assign(record->state);
  newest_ = &loaded_;
  newest_bytes_ = loaded_.size();
}

void state_images::give_up_lost() noexcept {
  auto& core = owner.core();
  for (const auto& m : images_) {
    if (!m || m->epoch == 0 || core.commits().is_durable(m->epoch)) continue;
    core.commits().add_backlog(-std::exchange(m->counted, 0));
    if (!m->rows) continue;
    for (const auto& p : m->rows->arrived()) core.outbox().send_again(p);
  }
}

void state_images::end_life() noexcept {
  for (auto& m : images_) m.reset();
  loaded_.reset();
  newest_ = nullptr;
  creation_.reset();
}

epoch_number state_images::put(epoch_number dependency, const change& c) {
  if (c.rows != nullptr) {
    dependency = std::max(dependency, c.rows->claim_arrived(company_of(owner)));
    // The state is as it was when the older image was begun, but for what belongs to it: see `depend_on`.
    freeze_before(dependency);
  }
  return place(dependency, [&](image& m) {
    if (c.rows != nullptr) add_rows(m, std::move(*c.rows));
    if (!c.has_state) return;
    if (m.what == write_set::action::keep) m.what = write_set::action::update;
    m.initialised = initialised_ = c.initialised;
    m.version = version_ = owner.type().version;
    m.encoded = c.is_encoded;
    if (!c.is_encoded) return;
    m.state.assign(c.state);
    count_state(m);
  });
}

epoch_number state_images::put_end(epoch_number dependency, row_changes* rows) {
  destroyed_ = true;
  if (!exists_ || is_planted(planted::destroyed_comes_back)) return dependency;
  exists_ = false;
  if (rows != nullptr) dependency = std::max(dependency, rows->claim_arrived(company_of(owner)));
  return place(dependency, [&](image& m) {
    m.nothing = m.what == write_set::action::create;
    m.what = write_set::action::destroy;
    m.encoded = true;
    if (rows != nullptr) add_rows(m, std::move(*rows));
    if (m.rows) m.rows->drop_own();
  });
}

void state_images::add_rows(image& m, row_changes&& moved) {
  if (!m.rows) m.rows = std::make_unique<row_changes>();
  const auto before = m.rows->size();
  moved.place(m.epoch);
  m.rows->merge(std::move(moved));
  count(m, static_cast<std::ptrdiff_t>(m.rows->size()) - static_cast<std::ptrdiff_t>(before));
}

void state_images::count(image& m, std::ptrdiff_t bytes) noexcept {
  m.counted += bytes;
  owner.core().commits().add_backlog(bytes);
}

// The image has the newest state.
void state_images::count_state(image& m) noexcept {
  count(m, static_cast<std::ptrdiff_t>(m.state.size()) - static_cast<std::ptrdiff_t>(m.state_counted));
  m.state_counted = m.state.size();
  newest_ = &m.state;
  newest_bytes_ = m.state.size();
  loaded_.reset();
}

// The newest again, if its epoch is durable: then the committer has let go of it. Else the other: what that was for is
// durable, or the newest one's epoch could not have been opened.
std::uint8_t state_images::next_image() {
  const auto& now = images_[newest_image_];
  const bool is_free = !now || owner.core().commits().is_durable(now->epoch);
  const auto next = static_cast<std::uint8_t>(is_free ? newest_image_ : newest_image_ ^ 1);
  if (!images_[next]) images_[next] = std::make_unique<image>(owner);
  return next;
}

// Puts changes into the actor's image of the open epoch, or of the one that is closing, if it can still be changed and
// is not older than what the changes depend on.
template <class Fill>
epoch_number state_images::place(epoch_number dependency, Fill&& fill) {
  if (epoch_ != 0 && epoch_ >= dependency) {
    image& m = *images_[newest_image_];
    switch (m.stage.begin_change()) {
      case image_stage::found::changeable:
        fill(m);
        m.stage.end_change();
        return epoch_;
      case image_stage::found::awaited:
        fill(m);
        if (!m.encoded) encode_now(m);
        answer(m);
        return epoch_;
      case image_stage::found::taken: break;
    }
  }
  const auto what = exists_ ? write_set::action::keep : write_set::action::create;
  if (!destroyed_) exists_ = true;
  const auto next = next_image();
  image& m = *images_[next];
  epoch_ = owner.core().commits().add(owner, [&](epoch_number e) -> image& {
    m.epoch = e;
    m.id = owner.known_id();
    m.version = version_;
    m.what = what;
    m.nothing = false;
    m.initialised = initialised_;
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
  return epoch_;
}

void state_images::encode_now(image& m) noexcept {
  TROUPE_ASSERT(owner.type().always_encodes || is_planted(planted::unencodable_put_off),
                "an encoding that can fail is made at the end of the turn");
  auto& core = owner.core();
  try {
    m.state.clear();
    if (m.initialised) owner.live()->encode(m.state);
    const auto most = core.stored().value_bytes_max();
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

void state_images::answer(image& m) noexcept {
  TROUPE_ASSERT(m.encoded, "the committer gets encoded states");
  m.stage.answer();
  owner.core().commits().arrived(m);
}

void state_images::freeze_older() noexcept {
  if (is_planted(planted::freeze_forgotten)) return;
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

void state_images::freeze_asked() noexcept {
  for (const auto& m : images_) {
    if (!m || !m->stage.is_awaited()) continue;
    encode_now(*m);
    answer(*m);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
