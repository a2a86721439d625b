// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include <troupe/actor/queues.hpp>
#include <troupe/core/clock.hpp>

#include "actor_part.hpp"
#include "dead_letters.hpp"
#include "message_leases.hpp"
#include "message_receipts.hpp"
#include "part_list.hpp"
#include "queue_capacity.hpp"
#include "queue_changes.hpp"
#include "queue_contents.hpp"
#include "waiting_senders.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The queues of an awake actor, all of them in memory, as a part of the actor. The members are the ways to one table
/// of messages. The cell's holder's.
class cell_queues final : public actor_part {
 public:
  static std::unique_ptr<actor_part> make(cell& owner);
  explicit cell_queues(cell& c);

  void load(const stored_rows& stored) override;
  void woken() override;
  /// Senders that wait for answers go on waiting while the actor sleeps, unless changes are lost; else they get none.
  void unload(unload_reason why) noexcept override;
  /// That of the first message that is not a dead letter, among those that a handler takes or that the actor's `run`
  /// waited for.
  [[nodiscard]] std::optional<time_point> next_due() const noexcept override;
  void record(row_changes& into) override {
    contents.changes.record(into);
    if (receipts) receipts->keep_turn();
  }
  void roll_back() noexcept override;
  void discard() noexcept override { contents.changes.discard(); }
  /// The messages that it holds have been handled, or were not because it failed. True if that was a failed attempt at
  /// one.
  bool invocation_ended(const invocation& inv, const std::exception_ptr& failure) noexcept override;
  void plain_action_ended(bool failed) noexcept override;
  void branch_ended(const fiber& branch, const fiber& whole, bool cancelled) noexcept override;
  [[nodiscard]] std::string describe_held(const invocation& inv) const override;

  /// Messages of a queue that can be taken now.
  [[nodiscard]] std::size_t ready(std::uint32_t queue) const noexcept {
    return contents.table.ready(queue * subqueues_per_queue);
  }
  /// Whether the running code may no longer wait, because the actor shuts down.
  [[nodiscard]] bool is_leaving() const noexcept;

  /// Whether a message of another actor has been here. Only with `receipts`.
  [[nodiscard]] bool has_receipt(std::uint64_t message) const noexcept { return receipts && receipts->has(message); }

  queue_contents contents;
  const std::unique_ptr<message_receipts> receipts;  ///< null: senders are committed together with this actor
  waiting_senders senders;
  queue_capacity capacity;
  dead_letters dead;
  message_leases leases;

 private:
  static void ring(cell& c) noexcept;
  void look_at_clock();
  void end_delay(queued_message& m);
  void undo(queue_changes::entry& change);
};

/// Those of an actor whose definition has queues, and which was awake before.
[[nodiscard]] inline cell_queues& queues_of(const cell& c) noexcept { return c.parts().get<cell_queues>(); }

/// Throws `queue.message_too_large`.
void check_size(const definition& type, const queue_entry& entry, std::size_t size);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
