// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include <troupe/store/store.hpp>

#include "log_record.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The newest state of every actor whose row is older than the log: what a reader of rows must put in their place.
///
/// A reader's transaction and a look in here are not of one moment. So moments are counted, each of them a commit: who
/// looks here after his transaction learns whether that which he has read is of the time since `moment()` was asked, or
/// whether he must read again.
class log_tail {
 public:
  // --- any thread ---

  /// To be asked before the transaction begins.
  [[nodiscard]] std::uint64_t moment() const noexcept { return moment_.load(std::memory_order_acquire); }

  /// Gives a row, read in a transaction that began after `since`, the newest state. False if the two may not be of one
  /// moment: then it must be read again.
  [[nodiscard]] bool complete(actor_record& row, std::uint64_t since, bool with_state) const;

  // --- the committing thread ---

  struct update {
    std::uint64_t moment = not_yet;
    std::uint32_t version = 0;
    bool initialised = false;
    bytes state{};
  };

  /// Null if the actor's row is the newest.
  [[nodiscard]] const update* find(const actor_id& id) const noexcept;
  [[nodiscard]] std::vector<actor_id> ids() const;

  /// A transaction with these records, sorted by their ids, is about to be committed: it will be seen by readers before
  /// it has returned. They stay where they are until one of the next two, which cannot fail.
  void begin(std::span<const log_record> records);
  void succeeded() noexcept;
  void failed() noexcept;

 private:
  static constexpr std::uint64_t not_yet = UINT64_MAX;

  std::atomic<std::uint64_t> moment_{0};  ///< grows under the lock
  mutable std::mutex mutex_;
  std::unordered_map<actor_id, update> updates_;
  std::span<const log_record> committing_{};
  std::vector<update*> places_;  ///< of what is being committed
  std::vector<bytes> states_;    ///< the same; afterwards memory for the next ones
  std::uint64_t taken_out_ = 0;  ///< the last moment at which an actor's row became the newest
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
