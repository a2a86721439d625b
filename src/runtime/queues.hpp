// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <troupe/actor/queues.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/store/store.hpp>

#include "cell_messages.hpp"
#include "due_times.hpp"
#include "part_list.hpp"
#include "rows.hpp"
#include "sent_message.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class consumers;

/// What an awake actor has in its queues: all of it in memory. Each message is ready, delayed, or held by a consumer.
/// The cell's holder's.
///
/// Every change is noted as of before the turn, so that the turn can be recorded, or undone, at its end.
class cell_queues final : public actor_part {
 public:
  static std::unique_ptr<actor_part> make(cell& owner);
  explicit cell_queues(cell& c);
  ~cell_queues() override;

  // --- the part ---

  void load(const stored_rows& stored) override;
  void woken() override;
  /// Senders that wait for answers go on waiting while the actor sleeps; else they get none.
  void unload(unload_reason why) noexcept override;
  /// That of the first message that is not a dead letter, among those that a handler takes or that the actor's `run`
  /// waited for.
  [[nodiscard]] std::optional<time_point> next_due() const noexcept override;
  void record(row_changes& into) override;
  void roll_back() noexcept override;
  void discard() noexcept override;
  /// The messages that it holds have been handled, or were not because it failed. True if that was a failed attempt at
  /// one.
  bool invocation_ended(const invocation& inv, const std::exception_ptr& failure) noexcept override;
  void plain_action_ended(bool failed) noexcept override;
  void branch_ended(const fiber& branch, const fiber& whole, bool cancelled) noexcept override;
  [[nodiscard]] std::string describe_held(const invocation& inv) const override;

  // --- consumers: in turns of the actor ---

  [[nodiscard]] bool has_any(subqueue_list subqueues) const noexcept;
  [[nodiscard]] std::optional<receipt> take(subqueue_list subqueues);
  /// All that the running fiber, or plain action, holds has been handled.
  void acknowledge_held();
  void complete(const receipt& r, std::optional<bytes> result);
  void give_back(const receipt& r, std::optional<std::chrono::nanoseconds> delay);
  /// Whether the message is still in the hands of the consumer that has the receipt.
  [[nodiscard]] bool is_held(const receipt& r) const noexcept;
  /// An attempt at a message could not be committed, or the actor shuts down meanwhile. If it is still held, it can be
  /// taken again, after the usual back-off.
  void call_off(const receipt& r);
  /// A message that cannot be decoded becomes a dead letter. One that is a dead letter already stays, for
  /// `dead_letters` alone.
  void make_dead_letter(const receipt& r, const std::exception_ptr& why);
  /// Messages of a queue that can be taken now.
  [[nodiscard]] std::size_t ready(std::uint32_t queue) const noexcept {
    return subqueues_[queue * subqueues_per_queue].ready.size();
  }
  /// Null if no queue has a handler.
  [[nodiscard]] consumers* handlers() noexcept { return handlers_.get(); }
  [[nodiscard]] std::size_t size(std::uint32_t subqueue) const noexcept { return subqueues_[subqueue].count; }
  /// Whether who runs may no longer wait, because the actor shuts down.
  [[nodiscard]] bool is_leaving() const noexcept;

  // --- dead letters: in turns of the actor ---

  [[nodiscard]] std::vector<dead_letter> dead_letters(std::uint32_t queue) const;
  /// False if there is no such dead letter.
  [[nodiscard]] bool remove_dead(std::uint32_t queue, std::uint64_t id);
  /// The same. Throws `queue.full`.
  [[nodiscard]] bool requeue_dead(std::uint32_t queue, std::uint64_t id);

  // --- arrivals: in turns of the actor ---

  /// Whether there is a place for one more from outside.
  [[nodiscard]] bool is_full(std::uint32_t queue) const noexcept;
  [[noreturn]] void throw_full(std::uint32_t queue) const;
  /// Whether nothing but this one takes messages of the queue at present: it holds one itself, no handler is free, and
  /// nothing else runs in the actor.
  [[nodiscard]] bool is_only_consumer(std::uint32_t queue, const invocation& inv) const noexcept;
  [[nodiscard]] bool others_wait(std::uint32_t queue) const noexcept { return !backpressure_[queue].waiting.empty(); }
  std::uint64_t add(std::uint32_t queue, message_body body, time_point due);
  /// It runs again when there is a place; in front of the others, if it had one before.
  void wait_for_capacity(sent_message& inv, bool in_front);
  /// One that had a place has come in.
  void give_up_place(std::uint32_t queue) noexcept { --backpressure_[queue].admitted; }
  void wait_for_answer(sent_message& inv);

  cell_alarm due;  ///< a message is due, or a consumer's time is over

 private:
  struct queued {
    std::uint64_t id = 0;
    std::uint32_t subqueue = 0;
    std::uint32_t attempts = 0;    ///< that have begun
    std::uint32_t cuts = 0;        ///< of those, the ones that do not count: the process died meanwhile
    wall_time created_at{};
    wall_time due_at{};            ///< for the row: `created_at` if it was not delayed
    time_point due = at_once;      ///< the same on the executor's clock
    message_body body;
    bool unreadable = false;       ///< of a newer version, or a dead letter that cannot be decoded: handed to nobody
    bool touched = false;          ///< in this turn
    std::exception_ptr why;        ///< the last attempt failed, if that was in this life
    std::optional<time_point> at;  ///< while it is in `timed_`: when it is due, or when its consumer's time is over
    std::uint64_t lease = 0;       ///< 0: nobody holds it
    const fiber* by = nullptr;     ///< the fiber that holds it; null for a plain action
    invocation* of = nullptr;
    call_chain::pointer chain;     ///< of the sender that waits for the answer, while a consumer holds it
    counted_ptr<invocation> served;  ///< that sender
    std::size_t held_at = 0;       ///< its place in `held_`

    [[nodiscard]] bool dead() const noexcept { return subqueue % subqueues_per_queue == 1; }
    [[nodiscard]] std::uint32_t queue() const noexcept { return subqueue / subqueues_per_queue; }
    [[nodiscard]] std::uint32_t failures() const noexcept { return attempts - cuts; }
  };
  struct undo_entry {
    std::uint64_t id;
    std::optional<queued> before;  ///< nothing: it is new
  };
  struct subqueue_state {
    std::map<std::uint64_t, queued*> ready;
    std::size_t count = 0;
  };
  struct capacity {
    std::deque<sent_message*> waiting;
    std::size_t admitted = 0;  ///< places kept for those that are on their way in from it
  };

  static void ring(cell& c) noexcept;
  void refuse_waiters(const std::exception_ptr& why) noexcept;
  void look_at_clock();
  [[nodiscard]] const queue_entry& entry_of(const queued& m) const noexcept;
  void log_undo(queued& m) { log_undo(m, this_turn()); }
  void log_undo(queued& m, turn& now);
  void make_ready(queued& m);
  void set_time(queued& m, time_point at);
  void postpone(queued& m, time_point due);
  void clear_time(queued& m) noexcept;
  void arm() noexcept;
  void hold(queued& m);
  void join_sender(queued& m, invocation& consumer);
  void let_go(queued& m) noexcept;
  void acknowledge(queued& m, std::optional<bytes> result);
  void fail_attempt(queued& m, std::optional<std::chrono::nanoseconds> delay, const std::exception_ptr& why);
  void hand_back(queued& m);
  void restore_attempts(queued& m, std::uint32_t stored) const noexcept;
  [[nodiscard]] bool is_used_up(const queued& m) const noexcept {
    return m.failures() >= entry_of(m).options.attempts_max;
  }
  void show(const queued& m, message_row& row) const;
  void take_back(undo_entry& t) noexcept;
  void change_subqueue(queued& m, std::uint32_t subqueue) noexcept;
  void check_version(queued& m) noexcept;
  void report_newer(std::uint32_t queue, std::size_t count) noexcept;
  void die(queued& m);
  void drop_oldest_dead(std::uint32_t queue);
  [[nodiscard]] queued* find_dead(std::uint32_t queue, std::uint64_t id) noexcept;
  [[nodiscard]] std::string describe(const queued& m) const;
  enum class handling : std::uint8_t { done, failed, cut };
  std::size_t settle_held(const invocation* inv, handling how, const std::exception_ptr& why) noexcept;
  void admit_waiters(std::uint32_t queue) noexcept;
  void refuse_waiting(bool destroyed) noexcept;
  void answer(std::uint64_t id, std::optional<bytes> result, const std::exception_ptr& failure) noexcept;
  [[nodiscard]] queued& held_message(const receipt& r);
  void forget(queued& m) noexcept;
  void take_out(queued& m) noexcept;
  void note_and_forget(queued& m);
  [[nodiscard]] turn& this_turn() const;

  static constexpr std::uint32_t attempts_limit = 0xff'ffff;  ///< they are counted up to here

  std::map<std::uint64_t, queued> all_;
  std::vector<subqueue_state> subqueues_;
  std::vector<capacity> backpressure_;
  std::set<std::pair<time_point, std::uint64_t>> timed_;
  std::unique_ptr<consumers> handlers_;
  std::vector<queued*> held_;
  std::vector<undo_entry> undo_log_;
  /// By message; each with a reference to it and to the cell.
  std::unordered_map<std::uint64_t, sent_message*> waiters_;
  std::uint64_t leases_ = 0;
  std::optional<time_point> armed_at_;
};

/// Those of an actor whose definition has queues, and which was awake before.
[[nodiscard]] inline cell_queues& queues_of(const cell& c) noexcept { return c.parts().get<cell_queues>(); }

/// The bit that parked waits of a subqueue look at; subqueues may share one.
[[nodiscard]] constexpr std::uint64_t subqueue_bit(std::uint32_t subqueue) noexcept {
  return std::uint64_t{1} << subqueue % 64;
}

/// Throws `queue.message_too_large`.
void check_size(const definition& type, const queue_entry& entry, std::size_t size);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
