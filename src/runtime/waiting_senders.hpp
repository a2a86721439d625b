// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <unordered_map>

#include <troupe/core/bytes.hpp>

#include "queue_contents.hpp"
#include "sent_message.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The senders that wait for the answers to messages of one actor. They wait while the actor sleeps, too. Each holds a
/// reference to its invocation, and one to the cell. The cell's holder's.
class waiting_senders {
 public:
  explicit waiting_senders(queue_contents& contents) noexcept : contents_{contents} {}

  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
  /// The sender of a message; null if it does not wait.
  [[nodiscard]] sent_message* find(std::uint64_t message) const noexcept;
  /// Throws if the sender would wait for itself.
  void add(sent_message& sender);
  /// If the sender waits, the answer leaves with the turn.
  void answer(std::uint64_t message, std::optional<bytes> result, const std::exception_ptr& failure) noexcept;
  /// None of them gets an answer any more.
  void refuse_all(const std::exception_ptr& why) noexcept;
  /// Senders that have given up. The actor is about to sleep, so this drops no last reference to the cell.
  void drop_abandoned() noexcept;

 private:
  static void leave(sent_message& sender, const turn& now) noexcept;

  queue_contents& contents_;
  std::unordered_map<std::uint64_t, sent_message*> waiting_;  ///< by message
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
