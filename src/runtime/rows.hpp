// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/actor/queues.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/tags.hpp>
#include <troupe/store/store.hpp>

#include "outbox_message.hpp"
#include "part_changes.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The collection of an actor's receipts, which no part has: see `message_receipts`. The last of all, so that it is the
/// last that is asked for.
inline constexpr std::uint32_t receipts_collection = UINT32_MAX;
/// The key of a receipt there.
[[nodiscard]] bytes receipt_key(std::uint64_t message);

/// A message of one of an actor's queues, as it is from now on.
struct message_row {
  std::string_view queue;
  bool dead = false;
  bool fresh = false;  ///< the store has no row of it yet
  std::uint32_t attempts = 0;
  wall_time created_at{};
  wall_time due_at{};
  message_body body;
};

/// The changes of an actor's turns beside its state: the messages in its queues, the rows of its other parts, its tags,
/// and messages on their way to and from it.
class row_changes {
 public:
  /// Who is committed in the same request.
  enum class company : std::uint8_t { all_actors, alone };

  [[nodiscard]] bool empty() const noexcept {
    return messages_.empty() && removed_.empty() && sent_.empty() && arrived_.empty() && !parts_ && !labels_;
  }
  /// Roughly what it will take in a commit. Each turn asks, and an epoch may have many rows, so it is kept.
  [[nodiscard]] std::size_t size() const noexcept {
    return (removed_.size() + arrived_.size()) * sizeof(std::uint64_t) + messages_bytes_ + sent_bytes_ +
           (parts_ ? parts_->size() : 0) + labels_bytes_;
  }

  void put(std::uint64_t id, message_row row);
  void remove(std::uint64_t id) { removed_.push_back(id); }
  /// Of parts whose rows are no messages.
  [[nodiscard]] part_changes& parts() {
    if (!parts_) parts_ = std::make_unique<part_changes>();
    return *parts_;
  }
  /// The actor's tags from now on.
  void set_labels(std::shared_ptr<const tags> labels);
  void send(counted_ptr<outbox_message> p);
  void arrive(counted_ptr<outbox_message> p) { arrived_.push_back(std::move(p)); }
  /// Of an actor that is committed alone: the message that the receipt is for can come no more.
  void drop_receipt(std::uint64_t message);

  /// Takes over what happened later; `later` is good for nothing then. Messages that came and went leave no trace.
  void merge(row_changes&& later);
  /// Takes out what can be stored without the state that it belongs to: what was sent, and what came and still waits.
  /// The changes that are left concern rows that the store has; they are undone.
  [[nodiscard]] row_changes take_independent();
  /// Whether there are changes of the actor's own messages and parts.
  [[nodiscard]] bool has_own() const noexcept { return !messages_.empty() || !removed_.empty() || parts_; }
  [[nodiscard]] const std::vector<counted_ptr<outbox_message>>& arrived() const noexcept { return arrived_; }
  /// Only what others depend on: the actor's own rows are gone with it.
  void drop_own() noexcept;

  /// Notes for those that have arrived that they have. Returns the newest epoch that one was sent in.
  /// Alone, all are kept, for their receipts, and the epochs are those of others: the result is 0.
  [[nodiscard]] epoch_number claim_arrived(company who);
  /// Whether there is anything for the queues of others.
  [[nodiscard]] bool sends() const noexcept { return !sent_.empty(); }
  /// What was sent, by number.
  [[nodiscard]] std::vector<std::uint64_t> sent_ids() const;
  /// The same, for a receiver that the store does not know: `forget(id)` for those that the store has.
  template <class Forget>
  void forget_arrived(Forget&& forget) {
    for (const auto& p : arrived_) {
      if (p->claim() != outbox_message::never) forget(p->id);
    }
    arrived_.clear();
  }
  /// From now on they belong to this epoch.
  void place(epoch_number e);

  /// Fills in the write-set, but for what begins and ends its way in the epoch. The views are into this object. Alone,
  /// the actor has a receipt for each message that has arrived, and the sender's row stays: see `receipt_office`.
  void show(write_set& w, epoch_number e, company who);
  /// Whether it has anything to show about messages on their way.
  [[nodiscard]] bool concerns_others(epoch_number e) const noexcept;

 private:
  [[nodiscard]] bool is_counted_right() const noexcept;

  std::map<std::uint64_t, message_row> messages_;
  std::size_t messages_bytes_ = 0;
  std::size_t sent_bytes_ = 0;
  std::vector<std::uint64_t> removed_;
  std::vector<counted_ptr<outbox_message>> sent_;
  std::vector<counted_ptr<outbox_message>> arrived_;
  std::unique_ptr<part_changes> parts_;  ///< null: there are none
  std::shared_ptr<const tags> labels_;   ///< null: they are as before
  std::size_t labels_bytes_ = 0;

  std::vector<write_set::message> shown_messages_;
  std::vector<write_set::sent_message> shown_sent_;
  std::vector<std::uint64_t> shown_arrived_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
