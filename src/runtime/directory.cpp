// SPDX-License-Identifier: Apache-2.0
#include "directory.hpp"

#include <functional>
#include <utility>

#include "../core/planted.hpp"
#include "core.hpp"
#include "id_source.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// The shard comes from the highest bits, the bucket from the lowest ones.
constexpr std::uint32_t mix(std::size_t h) noexcept {
  h ^= h >> 32;
  h *= 0x9E3779B97F4A7C15ULL;
  return static_cast<std::uint32_t>(h >> 32);
}

std::uint32_t hash_of(const actor_id& id) noexcept { return mix(std::hash<actor_id>{}(id)); }

}  // namespace

std::uint32_t directory::hash_of(const definition& type, const troupe::key& key) noexcept {
  return mix(std::hash<troupe::key>{}(key) + type.ordinal);
}

void directory::fetch(const definition& type, std::uint32_t hash) const noexcept {
  kinds_[type.ordinal]->by_key[shard_of(hash)].cells.fetch(hash);
}

void directory::serve(runtime_core& core, const cell_handlers& to,
                      std::span<const std::shared_ptr<const definition>> definitions, const commit_state& commits) {
  kinds_.reserve(definitions.size());
  for (const auto& d : definitions) kinds_.push_back(std::make_unique<type_runtime>(core, to, *d, commits));
}

cell& directory::at(const definition& type, const troupe::key& key, std::uint32_t hash) {
  type_runtime& k = *kinds_[type.ordinal];
  auto& s = k.by_key[shard_of(hash)];
  const std::lock_guard lock{s.mutex};
  cell* const known = s.cells.find(hash, [&](const cell& c) {
    c.fetch();
    return c.key() == key && !(is_planted(planted::double_activation) && c.current_phase() == cell::phase::waking);
  });
  if (known != nullptr) {
    known->retain();
    return *known;
  }
  s.cells.make_room();
  const auto block = k.blocks.take(k.cell_bytes);
  try {
    cell& made = *new (block.memory) cell{k, key, block.number};
    s.cells.insert(hash, made);
    return made;
  } catch (...) {
    k.blocks.give_back(block, k.cell_bytes);
    throw;
  }
}

cell* directory::find(const actor_id& id) noexcept {
  const auto h = detail::hash_of(id);
  auto& s = by_id_[shard_of(h)];
  const std::lock_guard lock{s.mutex};
  cell* const c = s.cells.find(h, [&](const cell& each) { return each.is(id); });
  return c != nullptr && c->try_retain() ? c : nullptr;
}

void directory::set_id(cell& c, const actor_id& id) {
  const auto h = detail::hash_of(id);
  auto& s = by_id_[shard_of(h)];
  const std::lock_guard lock{s.mutex};
  s.cells.make_room();
  c.set_id(id);
  s.cells.insert(h, c);
}

const actor_id& directory::id_of(cell& c) {
  if (!c.known_id() && c.live() != nullptr) set_id(c, c.core().ids().actor());
  return c.known_id();
}

void directory::clear_id(cell& c) noexcept {
  remove_id(c);
  c.set_id({});
}

void directory::remove_id(cell& c) noexcept {
  const auto h = detail::hash_of(c.known_id());
  auto& s = by_id_[shard_of(h)];
  const std::lock_guard lock{s.mutex};
  s.cells.erase(h, c);
}

void directory::release(cell& c) noexcept {
  if (c.core().forked()) return;  // its lock may be held by a thread that is not here
  // It may be the last one: only under the shard's lock can nobody find the cell meanwhile.
  const auto h = hash_of(c.type(), c.key());
  type_runtime& k = type_runtime_of(c);
  auto& s = k.by_key[shard_of(h)];
  {
    const std::lock_guard lock{s.mutex};
    if (!c.release_under_lock()) return;
    s.cells.erase(h, c);
  }
  if (c.known_id()) remove_id(c);
  const cell_blocks::block block{&c, c.place()};
  c.~cell();
  k.blocks.give_back(block, k.cell_bytes);
}

std::vector<cell*> directory::all() {
  std::vector<cell*> cells;
  for (const auto& k : kinds_) {
    for (auto& s : k->by_key) {
      const std::lock_guard lock{s.mutex};
      s.cells.for_each([&](cell& c) {
        c.retain();
        cells.push_back(&c);
      });
    }
  }
  return cells;
}

std::string directory::not_asleep() {
  constexpr int named_most = 8;
  std::string names;
  int named = 0;
  for (cell* c : all()) {
    if (!c->is_dormant() && named < named_most) {
      names += named++ == 0 ? ": " : ", ";
      names += c->name();
    }
    c->release();
  }
  return names;
}

std::size_t directory::size() const {
  std::size_t sum = 0;
  for (const auto& k : kinds_) {
    for (auto& s : k->by_key) {
      const std::lock_guard lock{s.mutex};
      sum += s.cells.size();
    }
  }
  return sum;
}

std::size_t directory::awake() const noexcept {
  std::size_t sum = 0;
  for (const auto& k : kinds_) sum += k->rounds.awake();
  return sum;
}

void directory::stop() noexcept {
  for (const auto& k : kinds_) k->rounds.stop();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
