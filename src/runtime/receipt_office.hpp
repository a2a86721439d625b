// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <unordered_set>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Knows which messages between actors may come to their receivers again, where a sender and a receiver are not
/// committed together. Then the receiver commits a receipt with the message, and keeps it for as long:
///
///     the sender's commit has the message ─► it leaves ─► the receiver's commit has it, with a receipt
///                                                                      │
///             the receipt may go ◄─ the store has forgotten the message ◄─ `commit_ledger::forget`
///
/// All members may be called from any thread.
class receipt_office {
 public:
  /// The message is stored as on its way, and arrives, or may.
  void expect(std::uint64_t message) {
    const std::lock_guard lock{mutex_};
    on_their_way_.insert(message);
  }
  /// The store has forgotten them: none comes again.
  void forgotten(std::span<const std::uint64_t> messages) noexcept {
    const std::lock_guard lock{mutex_};
    for (const std::uint64_t each : messages) on_their_way_.erase(each);
  }
  /// All messages that earlier processes left on their way are known from now on.
  void end_recovery() noexcept {
    const std::lock_guard lock{mutex_};
    recovered_ = true;
  }
  /// The receiver ends, and its receipt with it: a copy of the message that is still on its way has no effect.
  void settle(std::uint64_t message) {
    const std::lock_guard lock{mutex_};
    settled_.insert(message);
  }
  [[nodiscard]] bool is_settled(std::uint64_t message) const noexcept {
    const std::lock_guard lock{mutex_};
    return settled_.contains(message);
  }
  /// Whether the message that a receipt is for can come no more.
  [[nodiscard]] bool may_go(std::uint64_t receipt) const noexcept {
    const std::lock_guard lock{mutex_};
    return recovered_ && !on_their_way_.contains(receipt);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::uint64_t> on_their_way_;
  std::unordered_set<std::uint64_t> settled_;  ///< few: repeats that come after the end of their receiver
  bool recovered_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
