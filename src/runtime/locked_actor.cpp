// SPDX-License-Identifier: Apache-2.0
#include <troupe/runtime/locked_actor.hpp>

#include <cstddef>
#include <new>
#include <utility>

#include <troupe/core/assert.hpp>

#include "../core/planted.hpp"
#include "commit_ledger.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// A locked actor is the first base of its cell, so both have one address.
locked_actor::locked_actor(served_type& kind) noexcept : work{kind.handlers.run} {
  context = &kind;
  if (kind.id_at != 0) new (reinterpret_cast<std::byte*>(this) + kind.id_at) actor_id;
}

const actor_id& locked_actor::known_id() const noexcept {
  static const actor_id none;
  if (const auto at = kind().id_at; at != 0) {
    return *std::launder(reinterpret_cast<const actor_id*>(reinterpret_cast<const std::byte*>(this) + at));
  }
  return live_ != nullptr ? live_->known_id() : none;
}

void locked_actor::set_id(const actor_id& id) {
  if (const auto at = kind().id_at; at != 0) {
    *std::launder(reinterpret_cast<actor_id*>(reinterpret_cast<std::byte*>(this) + at)) = id;
  } else {
    live_->set_id(id);
  }
}

bool locked_actor::lets_out_apart(epoch_number dependency) const noexcept {
  return kind().commits.apart->is_durable(dependency) || is_planted(planted::own_commit_not_awaited);
}

void locked_actor::make_live(cell& mine) {
  TROUPE_ASSERT(live_ == nullptr, "an actor has one live copy");
  const definition& d = type();
  const auto at = kind().live_at;
  const auto alignment = std::align_val_t{d.live_alignment};
  void* const where = at != 0 ? reinterpret_cast<std::byte*>(this) + at : ::operator new(d.live_bytes, alignment);
  try {
    live_ = d.activate(mine, where);
  } catch (...) {
    if (at == 0) ::operator delete(where, alignment);
    throw;
  }
}

// The address of an activation is that of what it was made as: it is the first base of that.
void locked_actor::end_live() noexcept {
  activation* const ending = std::exchange(live_, nullptr);
  if (ending == nullptr) return;
  ending->~activation();
  if (kind().live_at == 0) ::operator delete(ending, std::align_val_t{type().live_alignment});
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
