#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <utility>

#include <troupe/actor/connection_core.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe::inline v0 {
namespace detail {

/// What is the same in handles of all types: the address, the cell once it is known, and the options of calls.
class handle_core {
 public:
  handle_core() noexcept = default;
  explicit handle_core(const address& a) noexcept;  // takes over the reference
  handle_core(const handle_core& other) noexcept;
  handle_core(handle_core&& other) noexcept
      : time_limit{other.time_limit},
        stop{std::move(other.stop)},
        via{std::move(other.via)},
        address_{std::exchange(other.address_, nullptr)},
        cell_{other.known()},
        hash_{other.hash_},
        by_id_{other.by_id_} {
    other.cell_.store(nullptr, std::memory_order_relaxed);  // nobody else uses what is moved from
  }
  handle_core& operator=(handle_core other) noexcept;
  ~handle_core() {
    if (address_ != nullptr) release();
  }

  [[nodiscard]] const address& where() const noexcept { return *address_; }
  [[nodiscard]] bool empty() const noexcept { return address_ == nullptr; }

  /// The cell, if it was found before.
  [[nodiscard]] cell* known() const noexcept { return cell_.load(std::memory_order_acquire); }
  /// The cell; null for an id that is not in memory. Throws `runtime.stopped`.
  [[nodiscard]] cell* find() const;
  /// Whether a held cell is the one that is meant: the handle of an id means no successor under the same key.
  [[nodiscard]] bool means(const cell& c) const noexcept { return !by_id_ || c.is(address_->id); }

  [[nodiscard]] bool is_closed() const noexcept { return via && via->closed(); }

  std::chrono::nanoseconds time_limit{0};  ///< 0: the definition's
  std::stop_token stop;
  counted_ptr<connection_core> via;        ///< the connection that calls go over; null: none

 private:
  [[nodiscard]] cell* look_up() const;
  void release() noexcept;

  const address* address_ = nullptr;  ///< null: of nothing, or moved from; then there is no cell either
  mutable std::atomic<cell*> cell_{nullptr};
  std::uint32_t hash_ = 0;  ///< of type and key
  bool by_id_ = false;      ///< of the address, which a call has no other reason to look at
};

}  // namespace detail
}  // namespace troupe::inline v0
