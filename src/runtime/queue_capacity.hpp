// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <troupe/core/work.hpp>

#include "queue_contents.hpp"
#include "sent_message.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// How many messages the queues of one actor have a place for, and the messages that wait for one. The cell's holder's.
class queue_capacity {
 public:
  explicit queue_capacity(queue_contents& contents)
      : contents_{contents}, queues_(contents.owner.type().queues.size()) {}

  /// Whether there is no place for one more from outside.
  [[nodiscard]] bool is_full(std::uint32_t queue) const noexcept;
  /// Throws `queue.full`.
  [[noreturn]] void throw_full(std::uint32_t queue) const;
  [[nodiscard]] bool others_wait(std::uint32_t queue) const noexcept { return !queues_[queue].waiting.empty(); }

  /// The message comes again when there is a place; in front of the others, if it had one before.
  void wait(sent_message& message, bool in_front);
  /// A message that had a place has come in.
  void give_up_place(std::uint32_t queue) noexcept { --queues_[queue].admitted; }
  /// Messages that wait get the places that have become free.
  void admit(std::uint32_t queue) noexcept {
    if (others_wait(queue)) admit_waiting(queue);
  }
  /// The actor is not awake any more: messages that wait are tried again later. If the actor is gone for good, they go
  /// to its successor: behind the messages that had a place already and were on their way in, before all that have
  /// come since.
  void end_life(bool destroyed) noexcept;

 private:
  void admit_waiting(std::uint32_t queue) noexcept;

  struct queue_state {
    work_list waiting;         ///< messages, `sent_message`
    std::size_t admitted = 0;  ///< places kept for those that are on their way in from it
  };

  queue_contents& contents_;
  std::vector<queue_state> queues_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
