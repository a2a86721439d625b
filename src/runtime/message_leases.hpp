// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include <troupe/actor/invocation.hpp>
#include <troupe/actor/queues.hpp>
#include <troupe/core/bytes.hpp>

#include "dead_letters.hpp"
#include "queue_capacity.hpp"
#include "queue_contents.hpp"
#include "waiting_senders.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The messages that consumers of one actor hold, and the ways in which a consumer ends that. The cell's holder's, in
/// turns of the actor.
class message_leases {
 public:
  message_leases(queue_contents& contents, waiting_senders& senders, queue_capacity& capacity,
                 dead_letters& dead) noexcept
      : contents_{contents}, senders_{senders}, capacity_{capacity}, dead_{dead} {}

  /// The oldest message of these subqueues that is ready goes to the running fiber, or plain action.
  [[nodiscard]] std::optional<receipt> take(subqueue_list subqueues);
  /// Whether the message is still in the hands of the consumer that has the receipt.
  [[nodiscard]] bool is_held(const receipt& r) noexcept;

  // Errors of those that take a receipt: `queue.already_completed`, `queue.lease_lost`.

  void complete(const receipt& r, std::optional<bytes> result);
  /// All that the running fiber, or plain action, holds has been handled.
  void complete_held();
  void give_back(const receipt& r, std::optional<std::chrono::nanoseconds> delay);
  /// An attempt at a message could not be committed, or the actor shuts down meanwhile. If it is still held, it can be
  /// taken again, after the usual back-off.
  void call_off(const receipt& r);
  /// A message that cannot be decoded becomes a dead letter. One that is a dead letter already stays, for
  /// `dead_letters` alone.
  void make_dead_letter(const receipt& r, const std::exception_ptr& why);
  /// The time of the consumer that holds the message is over.
  void expire(queued_message& m);

  /// How a consumer has ended.
  enum class ending : std::uint8_t { done, failed, cut };
  /// The messages that an invocation, or with null a plain action, holds have been handled, or were not. Returns how
  /// many attempts have failed. Those at dead letters do not count.
  std::size_t settle(const invocation* inv, ending how, const std::exception_ptr& why) noexcept;
  /// See `actor_part`.
  void branch_ended(const fiber& branch, const fiber& whole, bool cancelled) noexcept;
  /// The actor is not awake any more.
  void end_life() noexcept;

  /// Whether nothing but this invocation takes messages of the queue at present: it holds one itself, no handler is
  /// free, and nothing else runs in the actor.
  [[nodiscard]] bool is_only_consumer(std::uint32_t queue, const invocation& inv) const noexcept;
  /// See `actor_part`.
  [[nodiscard]] std::string describe_held(const invocation& inv) const;

 private:
  void hold(queued_message& m);
  void join_sender(queued_message& m, invocation& consumer);
  void acknowledge(queued_message& m, std::optional<bytes> result);
  void fail_attempt(queued_message& m, std::optional<std::chrono::nanoseconds> delay, const std::exception_ptr& why);
  void hand_back(queued_message& m);
  [[nodiscard]] queued_message& held_message(const receipt& r);

  queue_contents& contents_;
  waiting_senders& senders_;
  queue_capacity& capacity_;
  dead_letters& dead_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
