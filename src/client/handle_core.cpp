#include <troupe/client/handle_core.hpp>

#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../runtime/core.hpp"

namespace troupe::inline v0 {
namespace detail {

// Whoever makes a handle is about to use it: until then memory may bring what leads to the cell.
handle_core::handle_core(const address& a) noexcept : address_{&a}, by_id_{a.how == address::intent::by_id} {
  if (by_id_) return;
  hash_ = directory::hash_of(*a.type, a.key);
  a.core->cells().fetch(*a.type, hash_);
}

handle_core::handle_core(const handle_core& other) noexcept
    : time_limit{other.time_limit},
      stop{other.stop},
      via{other.via},
      address_{other.address_},
      hash_{other.hash_},
      by_id_{other.by_id_} {
  if (address_ != nullptr) address_->retain();
  if (cell* const c = other.known(); c != nullptr) {
    c->retain();
    cell_.store(c, std::memory_order_relaxed);
  }
}

handle_core& handle_core::operator=(handle_core other) noexcept {
  std::swap(time_limit, other.time_limit);
  std::swap(stop, other.stop);
  std::swap(via, other.via);
  std::swap(address_, other.address_);
  std::swap(hash_, other.hash_);
  std::swap(by_id_, other.by_id_);
  other.cell_.store(cell_.exchange(other.known(), std::memory_order_acq_rel), std::memory_order_relaxed);
  return *this;
}

void handle_core::release() noexcept {
  if (cell* const c = known(); c != nullptr) c->release();
  address_->release();
}

cell* handle_core::find() const {
  address_->core->require_running();
  cell* const c = known();
  return c != nullptr ? c : look_up();
}

cell* handle_core::look_up() const {
  auto& core = *address_->core;
  cell* found = nullptr;
  if (by_id_) {
    found = core.cells().find(address_->id);
    if (found != nullptr && &found->type() != address_->type) {
      found->release();
      throw error(errc::not_found, fmt::format("{} {}", address_->type->name, address_->id.str()));
    }
    if (found == nullptr) return nullptr;
  } else {
    found = &core.cells().at(*address_->type, address_->key, hash_);
  }
  cell* expected = nullptr;
  if (!cell_.compare_exchange_strong(expected, found, std::memory_order_acq_rel)) found->release();
  return known();
}

}  // namespace detail
}  // namespace troupe::inline v0
