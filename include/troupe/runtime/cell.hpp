// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>

#include <troupe/actor/address.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/work.hpp>
#include <troupe/runtime/locked_actor.hpp>
#include <troupe/runtime/mailbox.hpp>
#include <troupe/runtime/served_type.hpp>

namespace troupe {
inline namespace v0 {

struct observed_actor;

namespace detail {

class part_list;
struct cell_extension;
struct turn;

/// So many messages run in a row, before other actors get the thread: some ten microseconds.
inline constexpr int drain_budget = 128;

/// The slot in memory of one (definition, key), while a handle to it exists or the actor is awake: its references, the
/// messages that wait, and the extension that only some actors need. The actor with its lock is `locked_actor`.
///
/// The actor's live copy follows it, if that is not large: a call that finds its actor by key waits for memory once,
/// not once for the cell, once for the key and once for the actor.
///
/// 1. From the lock of a dormant cell until it is dormant again it has a reference of its own, and counts as busy.
/// 2. A call that is counted in is a reference, too, until it begins or is counted out.
/// 3. Messages run in the order of their arrival, except for those that `readmit` takes back and those put first.
/// 4. The life is kept out while there is a `holder()`, and only then.
class cell final : public locked_actor {
 public:
  /// With one reference, its maker's.
  cell(served_type& kind, const troupe::key& key, std::uint8_t place);
  cell(const cell&) = delete;
  cell& operator=(const cell&) = delete;
  ~cell();

  // --- any thread -------------------------------------------------------------------------------------------------

  /// Wakes an actor that is asleep and that this address creates, and takes the cell, if that is done at once.
  [[nodiscard]] bool try_wake(const address& wanted);

  /// Adds to the mailbox. True if nobody held the cell: the caller does now, and owes a drain() or a post().
  [[nodiscard]] bool enqueue(work& w) noexcept;

  /// Adds to the mailbox, and sees to it that the executor comes to it.
  void push(work& w) noexcept;
  /// The same for what leaves `from` at its end.
  void push(work& w, const turn& from) noexcept;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  /// False if the last reference is just being given back: then the cell is as good as gone.
  [[nodiscard]] bool try_retain() noexcept;
  void release() noexcept;
  /// Under the lock under which new references are given: gives back one. True if the cell is forgotten: there is no
  /// other reference, and no call is on its way here. Such a call was counted in under a reference that has been given
  /// back before, so it is seen. If it has ended since, it ended under a reference that was taken before that end and
  /// cannot be given back before the lock is released: a thread that sees the end sees that reference, too.
  [[nodiscard]] bool release_under_lock() noexcept {
    return references_.fetch_sub(1, std::memory_order_acq_rel) == 1 && calls_.is_zero() &&
           references_.load(std::memory_order_relaxed) == 0;
  }

  /// Counts a call in, or throws `actor.overloaded`. From any thread that has a reference.
  void count_in() {
    if (calls_.add() >= std::int64_t{type().options.mailbox_calls_max}) refuse_call();
  }
  /// Counts one out that will not begin, without another reference than that call.
  void withdraw() noexcept;
  /// The calls that wait. A thread that counts one out has a reference besides.
  [[nodiscard]] call_count& calls() noexcept { return calls_; }

  [[nodiscard]] const troupe::key& key() const noexcept { return key_; }
  [[nodiscard]] std::string name() const { return name_of(type(), key_); }
  /// Of its block, see `cell_blocks`.
  [[nodiscard]] std::uint8_t place() const noexcept { return place_; }
  /// Fetches the lines that a call will touch.
  void fetch() const noexcept;

  // --- the holder -------------------------------------------------------------------------------------------------

  /// Leaves the held cell, with its messages, to the executor.
  void post() noexcept;

  /// Ends the hold. What has queued behind it goes to the executor.
  void unlock() noexcept {
    if (life_.is_open() && incoming_.empty() && mailbox_.unlock_idle()) return;
    unlock_to_executor();
  }

  /// The same after `try_lock` and a single turn without an invocation: the cell is as open as it was, and new messages
  /// can only be in the mailbox.
  void unlock_unchanged() noexcept {
    if (!mailbox_.unlock_idle()) unlock_to_executor();
  }

  /// Runs what is in the mailbox, at most `budget` messages, and ends the hold.
  void drain(int budget) noexcept;
  /// Takes the next message. Null: there is none, and the hold has ended.
  [[nodiscard]] work* next_message() noexcept {
    return !incoming_.empty() || receive_more() ? incoming_.pop_front() : nullptr;
  }
  /// The next message, before all others.
  void put_first(work& w) noexcept { incoming_.push_front(w); }
  /// The deferred messages are to be dispatched again, before all others.
  void readmit() noexcept;

  /// The part that only some actors need; it is made if there is none.
  [[nodiscard]] cell_extension& extension() {
    if (extension_ == nullptr) [[unlikely]]
      make_extension();
    return *extension_;
  }
  /// The same; null if there is none.
  [[nodiscard]] cell_extension* known_extension() const noexcept { return extension_; }
  void drop_extension() noexcept;

  /// The exclusive action or lifecycle procedure that keeps others out; null if there is none.
  [[nodiscard]] invocation* holder() const noexcept;
  /// From now on `holder` keeps others out; null: nothing does.
  void set_holder(invocation* holder) noexcept;

  /// Only if the definition has parts, and the actor was awake before.
  [[nodiscard]] part_list& parts() const noexcept;

 private:
  [[nodiscard]] bool lock_dormant() noexcept;
  bool enqueue_dormant(work& w) noexcept;
  void unlock_to_executor() noexcept;
  [[nodiscard]] bool try_unlock() noexcept;
  [[nodiscard]] bool receive_more() noexcept;
  [[noreturn]] void refuse_call();
  void make_extension();

  const std::uint8_t place_;  // in the first line with the actor, where there is room
  std::atomic<std::uint32_t> references_{1};
  call_count calls_;

  const troupe::key key_;
  work_list incoming_;                   ///< received from the mailbox, in the order of arrival
  cell_extension* extension_ = nullptr;  ///< owned; null until it is needed
};

/// Counts in an invocation that has just been made. If it does not fit it is gone, and `actor.overloaded` is thrown.
void count_in(cell& c, invocation& inv);

/// An action, a hook or a task of the actor has failed: `status()` tells of it. By the holder.
void note_failure(cell& c, const std::exception_ptr& why) noexcept;

/// The thread has something else to do before the cell that it keeps: a free worker may take it.
void offer_kept(thread_state& thread) noexcept;

/// The actor, for an observer. By the holder of the cell.
[[nodiscard]] observed_actor seen(const cell& c) noexcept;

/// Why connections and waits for answers end with their actor, or with the runtime.
[[nodiscard]] std::exception_ptr why_it_ends(const cell& c, bool destroyed);
/// The same for one whose changes are lost: see `commit_ledger::has_lost`.
[[nodiscard]] std::exception_ptr why_it_is_lost(const cell& c);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
