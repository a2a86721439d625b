// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <utility>

#include <troupe/actor/connection_core.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The part of a handle that does not depend on the actor's type: the address, the cell once it is known, and the
/// options of calls. One that was moved from has no cell, so a call over it leaves the fast path and reaches the check
/// in where() or find().
class handle_core {
 public:
  handle_core() noexcept = default;
  explicit handle_core(const address& a) noexcept;  // takes over the reference
  handle_core(const handle_core& other) noexcept;
  handle_core(handle_core&& other) noexcept
      : address_{std::exchange(other.address_, nullptr)},
        cell_{other.known()},
        hash_{other.hash_},
        by_id_{other.by_id_},
        guarded_{other.guarded_},
        time_limit_{other.time_limit_},
        stop_{std::move(other.stop_)},
        via_{std::move(other.via_)} {
    other.cell_.store(nullptr, std::memory_order_relaxed);  // nobody else uses what is moved from
  }
  handle_core& operator=(handle_core other) noexcept;
  ~handle_core() {
    if (address_ != nullptr) release();
  }

  /// Throws `actor.invalid_operation` if this was moved from.
  [[nodiscard]] const address& where() const {
    if (address_ == nullptr) [[unlikely]]
      refuse_empty();
    return *address_;
  }
  [[nodiscard]] bool empty() const noexcept { return address_ == nullptr; }

  /// The cell, if it was found before.
  [[nodiscard]] cell* known() const noexcept { return cell_.load(std::memory_order_acquire); }
  /// The cell; null for an id that is not in memory, and for an actor of another process. Throws `runtime.stopped`.
  [[nodiscard]] cell* find() const {
    cell* const c = known();
    if (c == nullptr || c->kind().stopping.load(std::memory_order_acquire)) [[unlikely]]
      return look_up();
    return c;
  }
  /// The address, once a cell was found.
  [[nodiscard]] const address& found() const noexcept {
    TROUPE_ASSERT(address_ != nullptr, "a handle without an address has no cell");
    return *address_;
  }
  /// Whether a held cell is the one that is meant: the handle of an id means no successor under the same key.
  [[nodiscard]] bool means(const cell& c) const noexcept { return !by_id_ || c.is(address_->id); }

  /// Whether a call with this handle has to look at more than its cell: `is_open` before it takes the cell's lock, and
  /// `means` with the lock held.
  [[nodiscard]] bool is_guarded() const noexcept { return guarded_; }
  /// Whether a call may begin now: its stop token is not triggered, its time-out is not over from the start, and its
  /// connection is not closed.
  [[nodiscard]] bool is_open() const noexcept { return !guarded_ || guard_is_open(); }
  /// The cell, held, if a call may begin in it at once; else null.
  [[nodiscard]] cell* hold(bool changes) const noexcept;
  /// Throws the reason if it may not: `actor.aborted`, `when_late`, or why the connection is closed.
  void require_open(errc when_late = errc::action_timed_out) const {
    if (!is_open()) refuse(when_late);
  }

  /// The time-out of calls. `of_definition`: the definition's.
  [[nodiscard]] std::chrono::nanoseconds time_limit() const noexcept { return time_limit_; }
  static constexpr auto of_definition = std::chrono::nanoseconds::min();
  /// How long a call waits: that, or the time-out of the definition.
  [[nodiscard]] std::chrono::nanoseconds wait_limit() const {
    return time_limit_ == of_definition ? where().type->options.action_timeout : time_limit_;
  }
  [[nodiscard]] const std::stop_token& stop() const noexcept { return stop_; }
  /// The connection that calls go over; null: none.
  [[nodiscard]] const counted_ptr<connection_core>& via() const noexcept { return via_; }

  void set_time_limit(std::chrono::nanoseconds limit) noexcept;
  void set_stop(std::stop_token token) noexcept;
  void set_via(counted_ptr<connection_core> connection) noexcept;

 private:
  [[noreturn]] static void refuse_empty();
  [[nodiscard]] cell* look_up() const;
  [[noreturn]] void refuse(errc when_late) const;
  [[nodiscard]] bool guard_is_open() const noexcept;
  void release() noexcept;
  void update_guard() noexcept;

  const address* address_ = nullptr;  ///< null: of nothing, or moved from; then there is no cell either
  mutable std::atomic<cell*> cell_{nullptr};
  std::uint32_t hash_ = 0;  ///< of type and key
  bool by_id_ = false;      ///< of the address, which a call has no other reason to look at
  bool guarded_ = false;    ///< see `is_guarded`; of all that follows and of `by_id_`
  std::chrono::nanoseconds time_limit_ = of_definition;
  std::stop_token stop_;
  counted_ptr<connection_core> via_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
