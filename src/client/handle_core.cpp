// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/handle_core.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "../runtime/core.hpp"
#include "../runtime/directory.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// Whoever makes a handle is about to use it: until then memory may bring what leads to the cell.
handle_core::handle_core(const address& a) noexcept
    : address_{&a}, by_id_{a.how == address::intent::by_id}, guarded_{by_id_ || a.transport->guards_calls()} {
  runtime_core* const local = a.transport->local();
  if (guarded_ && (by_id_ || local == nullptr)) return;
  hash_ = directory::hash_of(*a.type, a.key);
  local->cells().fetch(*a.type, hash_);
}

handle_core::handle_core(const handle_core& other) noexcept
    : address_{other.address_},
      hash_{other.hash_},
      by_id_{other.by_id_},
      guarded_{other.guarded_},
      time_limit_{other.time_limit_},
      stop_{other.stop_},
      via_{other.via_} {
  if (address_ != nullptr) address_->retain();
  if (cell* const c = other.known(); c != nullptr) {
    c->retain();
    cell_.store(c, std::memory_order_relaxed);
  }
}

handle_core& handle_core::operator=(handle_core other) noexcept {
  std::swap(address_, other.address_);
  std::swap(hash_, other.hash_);
  std::swap(by_id_, other.by_id_);
  std::swap(guarded_, other.guarded_);
  std::swap(time_limit_, other.time_limit_);
  std::swap(stop_, other.stop_);
  std::swap(via_, other.via_);
  other.cell_.store(cell_.exchange(other.known(), std::memory_order_acq_rel), std::memory_order_relaxed);
  return *this;
}

void handle_core::release() noexcept {
  if (cell* const c = known(); c != nullptr) c->release();
  address_->release();
}

void handle_core::set_time_limit(std::chrono::nanoseconds limit) noexcept {
  // A negative time is over from the start, as none at all is.
  time_limit_ = std::max(limit, std::chrono::nanoseconds{0});
  update_guard();
}

void handle_core::set_stop(std::stop_token token) noexcept {
  stop_ = std::move(token);
  update_guard();
}

void handle_core::set_via(counted_ptr<connection_core> connection) noexcept {
  via_ = std::move(connection);
  update_guard();
}

void handle_core::update_guard() noexcept {
  guarded_ = by_id_ || via_ || stop_.stop_possible() || time_limit_ == time_limit_.zero() ||
             (address_ != nullptr && address_->transport->guards_calls());
}

bool handle_core::guard_is_open() const noexcept {
  if (via_ && via_->closed()) return false;
  return is_planted(planted::stopped_call_runs) || (!stop_.stop_requested() && time_limit_ != time_limit_.zero());
}

cell* handle_core::hold(bool changes) const noexcept {
  cell* const c = known();
  if (c == nullptr || c->kind().observes_turns || !guard_is_open() || !c->try_lock()) return nullptr;
  if (means(*c) && !(changes && c->refuses_changes())) return c;
  c->unlock();
  return nullptr;
}

void handle_core::refuse(errc when_late) const {
  const auto name = where().name();
  if (via_ && via_->closed()) via_->throw_closed();
  if (stop_.stop_requested()) {
    throw error(errc::aborted, fmt::format("{}: the stop token was triggered before the call began", name));
  }
  throw error(when_late, fmt::format("{}: the time-out was over before the call began", name));
}

void handle_core::refuse_empty() {
  throw error(errc::invalid_operation, "this handle, or the call made with it, was moved from; use the other one");
}

cell* handle_core::look_up() const {
  runtime_core* const local = where().transport->local();
  if (local == nullptr) {
    address_->transport->require_running();
    return nullptr;
  }
  local->require_running();
  cell* found = nullptr;
  if (by_id_) {
    found = local->cells().find(address_->id);
    if (found != nullptr && &found->type() != address_->type) {
      found->release();
      throw error(errc::not_found, fmt::format("{} {}", address_->type->name, address_->id.str()));
    }
    if (found == nullptr) return nullptr;
  } else {
    found = &local->cells().at(*address_->type, address_->key, hash_);
  }
  cell* others = nullptr;
  if (cell_.compare_exchange_strong(others, found, std::memory_order_acq_rel)) [[likely]]
    return found;
  found->release();
  return others;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
