#include "directory.hpp"

#include <utility>

#include "../core/planted.hpp"
#include "side.hpp"

namespace troupe::inline v0 {
namespace detail {
namespace {

// The shard comes from the high bits, the bucket from the low ones.
constexpr std::size_t mix(std::size_t h) noexcept {
  h ^= h >> 32;
  h *= 0x9E3779B97F4A7C15ULL;
  return h ^ h >> 29;
}

}  // namespace

std::size_t directory::hash(const definition& type, const troupe::key& key) noexcept {
  return mix(std::hash<troupe::key>{}(key) + type.ordinal);
}

template <cell* cell::*Next, class Hash>
void directory::grow(shard& s, Hash hash_of) {
  if (s.count < s.buckets.size()) return;
  std::vector<cell*> bigger(s.buckets.empty() ? 16 : s.buckets.size() * 2);
  for (cell* c : s.buckets) {
    while (c != nullptr) {
      cell* const next = c->*Next;
      auto& bucket = bigger[hash_of(*c) & (bigger.size() - 1)];
      c->*Next = bucket;
      bucket = c;
      c = next;
    }
  }
  s.buckets = std::move(bigger);
}

cell& directory::at(runtime_core& core, const definition& type, const troupe::key& key) {
  const auto h = hash(type, key);
  auto& s = by_key_[h >> 58];
  const std::lock_guard lock{s.mutex};
  grow<&cell::next_by_key_>(s, [](const cell& c) { return hash(c.type_, c.key_); });
  auto& bucket = s.buckets[h & (s.buckets.size() - 1)];
  for (cell* c = bucket; c != nullptr; c = c->next_by_key_) {
    if (is_planted(planted::double_activation) && c->phase_ == cell::phase::waking) continue;
    if (&c->type_ == &type && c->key_ == key) {
      c->retain();
      return *c;
    }
  }
  auto* const made = new cell{core, type, key};
  made->retain();
  made->next_by_key_ = bucket;
  bucket = made;
  ++s.count;
  count_.fetch_add(1, std::memory_order_relaxed);
  return *made;
}

cell* directory::find(const actor_id& id) noexcept {
  const auto h = mix(std::hash<actor_id>{}(id));
  auto& s = by_id_[h >> 58];
  const std::lock_guard lock{s.mutex};
  if (s.buckets.empty()) return nullptr;
  for (cell* c = s.buckets[h & (s.buckets.size() - 1)]; c != nullptr; c = c->next_by_id_) {
    if (c->id_ != id) continue;
    // A cell whose last reference is just being given back is as good as gone.
    auto count = c->references_.load(std::memory_order_relaxed);
    while (count != 0 && !c->references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) {
    }
    return count == 0 ? nullptr : c;
  }
  return nullptr;
}

void directory::set_id(cell& c, const actor_id& id) {
  const auto h = mix(std::hash<actor_id>{}(id));
  auto& s = by_id_[h >> 58];
  const std::lock_guard lock{s.mutex};
  c.id_ = id;
  grow<&cell::next_by_id_>(s, [](const cell& each) { return mix(std::hash<actor_id>{}(each.id_)); });
  auto& bucket = s.buckets[h & (s.buckets.size() - 1)];
  c.next_by_id_ = bucket;
  bucket = &c;
  ++s.count;
}

void directory::clear_id(cell& c) noexcept {
  remove_id(c);
  c.id_ = {};
}

void directory::remove_id(cell& c) noexcept {
  if (!c.id_) return;
  const auto h = mix(std::hash<actor_id>{}(c.id_));
  auto& s = by_id_[h >> 58];
  const std::lock_guard lock{s.mutex};
  cell** link = &s.buckets[h & (s.buckets.size() - 1)];
  while (*link != &c) link = &(*link)->next_by_id_;
  *link = c.next_by_id_;
  --s.count;
}

void directory::release(cell& c) noexcept {
  auto count = c.references_.load(std::memory_order_relaxed);
  while (count > 1) {
    if (c.references_.compare_exchange_weak(count, count - 1, std::memory_order_acq_rel)) return;
  }
  // It may be the last one: only under the shard's lock can nobody find the cell meanwhile.
  const auto h = hash(c.type_, c.key_);
  auto& s = by_key_[h >> 58];
  {
    const std::lock_guard lock{s.mutex};
    if (c.references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    cell** link = &s.buckets[h & (s.buckets.size() - 1)];
    while (*link != &c) link = &(*link)->next_by_key_;
    *link = c.next_by_key_;
    --s.count;
  }
  remove_id(c);
  count_.fetch_sub(1, std::memory_order_relaxed);
  delete &c;
}

std::vector<cell*> directory::all() {
  std::vector<cell*> cells;
  for (auto& s : by_key_) {
    const std::lock_guard lock{s.mutex};
    for (cell* c : s.buckets) {
      for (; c != nullptr; c = c->next_by_key_) {
        c->retain();
        cells.push_back(c);
      }
    }
  }
  return cells;
}

cell* directory::any(std::uint64_t random) noexcept {
  for (std::size_t n = 0; n < by_key_.size(); ++n) {
    auto& s = by_key_[(random + n) % by_key_.size()];
    const std::lock_guard lock{s.mutex};
    for (std::size_t b = 0; b < s.buckets.size(); ++b) {
      cell* const c = s.buckets[(random / by_key_.size() + b) % s.buckets.size()];
      if (c == nullptr) continue;
      c->retain();
      return c;
    }
  }
  return nullptr;
}

}  // namespace detail
}  // namespace troupe::inline v0
