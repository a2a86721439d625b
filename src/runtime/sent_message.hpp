// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include <troupe/actor/coroutine_invocation.hpp>
#include <troupe/actor/queues.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/core/counted_ptr.hpp>

#include "outbox_message.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class waiting_senders;

/// An invocation that brings a message to a queue, as far as the queue and `outbox` know it. `queue_delivery` is the
/// one there is.
class sent_message : public coroutine_invocation {
 public:
  const std::uint32_t queue;
  std::uint32_t failures = 0;  ///< of attempts to bring it
  const message_body body;
  const time_point due;
  counted_ptr<class outbox_message> outbox_message;  ///< null: the sender is none of the runtime's actors
  bool answer_later = false;
  bool admitted = false;         ///< it waited for capacity, and has a place now
  std::optional<bytes> result;   ///< the answer
  std::uint64_t message = 0;     ///< the id of what it became
  waiting_senders* waits_among = nullptr;  ///< once it has waited for its answer

 protected:
  sent_message(executor& home, std::uint32_t q, message_body b, time_point at,
               counted_ptr<class outbox_message> p) noexcept
      : coroutine_invocation{home}, queue{q}, body{std::move(b)}, due{at}, outbox_message{std::move(p)} {
    kind = purpose::enqueue;
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
