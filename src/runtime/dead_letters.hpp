// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <troupe/actor/dead_letter.hpp>

#include "queue_capacity.hpp"
#include "queue_contents.hpp"
#include "waiting_senders.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The dead letters of an actor's queues. The cell's holder's, in turns of the actor.
class dead_letters {
 public:
  dead_letters(queue_contents& contents, waiting_senders& senders, queue_capacity& capacity) noexcept
      : contents_{contents}, senders_{senders}, capacity_{capacity} {}

  /// A message becomes one: it is reported, and its sender is told. It is noted already, and no consumer holds it.
  void add(queued_message& m);

  [[nodiscard]] std::vector<dead_letter> list(std::uint32_t queue) const;
  /// False if there is no such dead letter.
  [[nodiscard]] bool remove(std::uint32_t queue, std::uint64_t id);
  /// The same. Throws `queue.full`.
  [[nodiscard]] bool requeue(std::uint32_t queue, std::uint64_t id);

 private:
  void drop_oldest(std::uint32_t queue);
  [[nodiscard]] queued_message* find(std::uint32_t queue, std::uint64_t id) noexcept;

  queue_contents& contents_;
  waiting_senders& senders_;
  queue_capacity& capacity_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
