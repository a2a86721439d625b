// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/actor/activation.hpp>
#include <troupe/actor/address.hpp>
#include <troupe/actor/definition.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/work.hpp>
#include <troupe/runtime/mailbox.hpp>

namespace troupe {
inline namespace v0 {

struct observed_actor;

namespace detail {

class subscription_hub;
class cell;
class part_list;
class row_changes;
class runtime_core;
struct cell_extension;
struct turn;

/// What every call looks at of the commits.
struct commit_state {
  std::atomic<epoch_number> durable{0};  ///< all up to this epoch is
  std::atomic<bool> refusing{false};     ///< the store does not keep up: no more changes
};

/// The ways from a cell, and from the units below `lifecycle`, to the units that are built on them. There is one table
/// for all cells of a program: `runtime_assembly` has it.
struct cell_handlers {
  /// The executor has come to a cell, as `work`, that was posted locked.
  void (*run)(work& posted) noexcept;
  /// Runs at most `budget` messages of a locked cell, then unlocks it or posts it.
  void (*run_messages)(cell& c, int budget) noexcept;
  /// Wakes the actor of a locked cell, if that is simple: see `lifecycle::wake_at_once`.
  bool (*wake_at_once)(cell& c, const address& wanted);
  /// By the holder: some of the signals of `pending_signals` have come.
  void (*signalled)(cell& c, std::uint8_t wanted) noexcept;
  /// From the committer: the holder is to encode the image of the actor that has been asked for.
  void (*image_awaited)(cell& c) noexcept;
  /// By the holder: the actor has done nothing for `options::sleep_after`.
  void (*idle)(cell& c) noexcept;
  /// One reference is given back, and was maybe the last.
  void (*release)(cell& c) noexcept;
  /// Ends the extension of a cell.
  void (*end_extension)(cell_extension& extension) noexcept;
};

/// A definition in a runtime: what all of its cells share.
struct served_type {
  runtime_core& core;
  const cell_handlers& handlers;
  const definition& type;
  const commit_state& commits;
  const std::atomic<bool>& stopping;  ///< the runtime shuts down: calls are refused
  /// Its actors are not stored, and have nothing to say about their coming: see `cell::try_wake`.
  bool wakes_at_once;
  bool observes_turns;  ///< see `observer::wants_turns`
  /// In the block of a cell of its actors, whose size that is: where the live copy has room. 0: it has a block of its
  /// own.
  std::uint32_t live_at;
  /// There, too: where the id of a stored actor stands, which has one as long as it exists. 0: that of another is the
  /// live copy's.
  std::uint32_t id_at;
  std::uint32_t cell_bytes;
};

/// So many messages run in a row, before other actors get the thread: some ten microseconds.
inline constexpr int drain_budget = 128;

/// The slot in memory of one (definition, key), while a handle to it exists or the actor is awake. The thread that has
/// locked its mailbox is its holder and runs its turns. Unless noted, members belong to the holder.
///
/// The actor's live copy follows it, if that is not large: a call that finds its actor by key waits for memory once,
/// not once for the cell, once for the key and once for the actor.
class cell final : public work {
 public:
  /// | from       | to         | by                                                              |
  /// |------------|------------|-----------------------------------------------------------------|
  /// | asleep     | waking     | `lifecycle::begin_wake`                                         |
  /// | asleep     | awake      | `lifecycle::wake_at_once`: nothing to load, no hook             |
  /// | waking     | awake      | `lifecycle::end_wake`                                           |
  /// | waking     | asleep     | `lifecycle::deactivate`: the wake has failed, or there is no actor |
  /// | awake      | stopping   | `lifecycle::begin_stop`                                         |
  /// | stopping   | finalising | `lifecycle::end_stop`                                           |
  /// | finalising | asleep     | `lifecycle::deactivate`                                           |
  enum class phase : std::uint8_t {
    asleep,      ///< not in memory; whether it exists is in the store
    waking,      ///< loading, on_create, on_wake
    awake,
    stopping,    ///< on_sleep or on_destroy, and what still runs
    finalising,  ///< the last commit
  };
  /// Whether the table has this transition, or there is none.
  [[nodiscard]] static constexpr bool may_follow(phase from, phase to) noexcept {
    switch (from) {
      case phase::asleep: return to == phase::asleep || to == phase::waking || to == phase::awake;
      case phase::waking: return to == phase::waking || to == phase::awake || to == phase::asleep;
      case phase::awake: return to == phase::awake || to == phase::stopping;
      case phase::stopping: return to == phase::stopping || to == phase::finalising;
      case phase::finalising: return to == phase::finalising || to == phase::asleep;
    }
    return false;
  }

  /// With one reference, its maker's.
  cell(served_type& kind, const troupe::key& key, std::uint8_t place);
  cell(const cell&) = delete;
  cell& operator=(const cell&) = delete;
  ~cell();

  // --- any thread -------------------------------------------------------------------------------------------------

  /// Takes the cell if the actor is awake, idle and open to all; then nothing is in `incoming_`.
  [[nodiscard]] bool try_lock() noexcept { return mailbox_.try_lock(); }
  /// See `mailbox::lock_briefly`.
  [[nodiscard]] bool lock_briefly() noexcept { return mailbox_.lock_briefly(); }

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

  [[nodiscard]] served_type& kind() const noexcept { return *static_cast<served_type*>(context); }
  [[nodiscard]] runtime_core& core() const noexcept { return kind().core; }
  [[nodiscard]] const definition& type() const noexcept { return kind().type; }
  [[nodiscard]] const troupe::key& key() const noexcept { return key_; }
  [[nodiscard]] std::string name() const { return name_of(type(), key_); }
  /// Whether the actor is asleep and nothing is on its way to it.
  [[nodiscard]] bool is_dormant() const noexcept { return mailbox_.is_dormant(); }
  /// Of its block, see `cell_blocks`.
  [[nodiscard]] std::uint8_t place() const noexcept { return place_; }
  /// Fetches the lines that a call will touch.
  void fetch() const noexcept;

  // --- the holder -------------------------------------------------------------------------------------------------

  /// Leaves the held cell, with its messages, to the executor.
  void post() noexcept;

  /// Ends the hold. What has queued behind it goes to the executor.
  void unlock() noexcept {
    if (open_ && incoming_.empty() && mailbox_.unlock_idle()) return;
    unlock_to_executor();
  }

  /// The same after `try_lock` and a single turn without an invocation: the cell is as open as it was, and new messages
  /// can only be in the mailbox.
  void unlock_unchanged() noexcept {
    if (!mailbox_.unlock_idle()) unlock_to_executor();
  }

  /// Runs what is in the mailbox, at most `budget` messages, and ends the hold.
  void drain(int budget) noexcept;

  // Its invocations, in turns: src/runtime/turn.cpp.

  /// Runs the first turn of `inv`, which the cell is open to. False if the cell is no longer held.
  bool start(invocation& inv) noexcept;

  /// The coroutine of `inv` has begun: from now on the actor keeps it among those that run.
  void enlist(invocation& inv) noexcept;
  /// The invocation is over: out of the lists. Its answer leaves at the end of the turn.
  void settle(invocation& inv, turn& t) noexcept;
  /// Ends a turn of `inv` that has not been paused, and answers if the invocation is over.
  void end_turn(invocation& inv, turn& t) noexcept;

  /// An action, a hook or a task of the actor has failed: `status()` tells of it.
  void note_failure(const std::exception_ptr& why) noexcept;

  /// The next message, before all others.
  void put_first(work& w) noexcept { incoming_.push_front(w); }

  /// Counts a call in, or throws `actor.overloaded`. From any thread that has a reference. What is counted in is a
  /// reference itself, until it begins or is counted out: see `release_under_lock`.
  void count_in() {
    if (calls_.add() >= std::int64_t{type().options.mailbox_calls_max}) refuse_call();
  }
  /// The same for an invocation that has just been made, which is gone if it does not fit.
  void count_in(invocation& inv);
  /// Of one that will not begin. From any thread that has a reference besides.
  void count_out() noexcept { calls_.remove(); }
  /// The same from one who has no reference but this call's.
  void withdraw() noexcept;
  /// A call that was counted in begins.
  void count_begun() noexcept { calls_.begin(); }
  /// See `call_count::show`.
  void show_begun() noexcept { calls_.show(); }
  [[nodiscard]] std::uint32_t calls_waiting() const noexcept { return calls_.waiting(); }

  /// Whether a plain action may run now.
  [[nodiscard]] bool open_to(bool writes) const noexcept { return open_ && !(writes && refuses_changes()); }

  /// Whether changes are refused because the store does not keep up.
  [[nodiscard]] bool refuses_changes() const noexcept {
    return kind().commits.refusing.load(std::memory_order_relaxed);
  }

  /// Whether a reply that depends on `dependency` may leave the actors now.
  [[nodiscard]] bool lets_out(epoch_number dependency) const noexcept {
    return dependency <= kind().commits.durable.load(std::memory_order_acquire) ||
           type().options.durability != durability::committed;
  }

  [[nodiscard]] phase current_phase() const noexcept { return phase_; }
  [[nodiscard]] activation* live() const noexcept { return live_.get(); }
  /// The part that only some actors need; it is made if there is none.
  [[nodiscard]] cell_extension& extension() {
    if (extension_ == nullptr) [[unlikely]]
      make_extension();
    return *extension_;
  }
  /// The same; null if there is none.
  [[nodiscard]] cell_extension* known_extension() const noexcept { return extension_; }
  /// The exclusive action or lifecycle procedure that keeps others out; null if there is none.
  [[nodiscard]] invocation* holder() const noexcept;
  /// From now on `holder` keeps others out; null: nothing does. It also takes in whether the actor is about to end.
  void set_holder(invocation* holder) noexcept { enter(phase_, holder); }

  // The activity of the actor, for `idle_rounds`.

  /// Something beside a turn is activity of the actor.
  void count_activity() noexcept { ++turns_; }
  /// The turn that is about to end is none.
  void uncount_turn() noexcept { --turns_; }
  /// Whether there has been activity since this was last asked.
  [[nodiscard]] bool was_active() noexcept { return std::exchange(turns_, 0) != 0; }
  /// The round in which there last was activity.
  [[nodiscard]] std::uint8_t active_round() const noexcept { return active_round_; }
  void set_active_round(std::uint8_t round) noexcept { active_round_ = round; }

  /// Whether a change of the state needs nothing more at the end of its turn.
  void set_quick_writes(bool on) noexcept { quick_writes_ = on; }
  /// Whether the actor is in memory, and its last commit is ahead.
  [[nodiscard]] bool takes_turns() const noexcept { return live_ && phase_ != phase::finalising; }
  /// Nil while the actor is not known to exist. That of an actor that is never stored is made when it is asked for.
  [[nodiscard]] const actor_id& id();
  [[nodiscard]] const actor_id& known_id() const noexcept;
  [[nodiscard]] bool is(const actor_id& wanted) const noexcept { return known_id() == wanted; }
  /// By the directory, which finds it by id.
  void set_id(const actor_id& id);

  /// Who is connected; null if nobody ever was.
  [[nodiscard]] subscription_hub* hub() const noexcept;

  /// Only if the definition has parts, and the actor was awake before.
  [[nodiscard]] part_list& parts() const noexcept;
  /// What the turn that runs changes beside the state.
  [[nodiscard]] row_changes& changes();

 private:
  friend class dispatcher;
  friend class lifecycle;
  friend struct turn;

  [[nodiscard]] bool lock_dormant() noexcept;
  bool enqueue_dormant(work& w) noexcept;
  static void offer_kept(thread_state& thread) noexcept;
  void unlock_to_executor() noexcept;
  [[noreturn]] void refuse_call();
  [[nodiscard]] bool receive_more() noexcept;
  [[nodiscard]] bool try_unlock() noexcept;
  void readmit() noexcept;
  void enter(phase p, invocation* holder) noexcept;
  void make_extension();
  void drop_extension() noexcept;
  void make_live();

  struct end_live {
    void operator()(activation* a) const noexcept;
  };

  // What a call touches comes first. `work::context` is the kind.
  mailbox mailbox_;
  std::unique_ptr<activation, end_live> live_;
  epoch_number dependency_ = 0;  ///< of the actor's state: what it can depend on
  std::uint32_t turns_ = 0;      ///< since it was last looked at, see `idle_rounds`
  phase phase_ = phase::asleep;
  bool open_ : 1 = false;          ///< awake, and no exclusive action holds it
  bool quick_writes_ : 1 = false;  ///< a change needs nothing more: ephemeral, or relaxed with a save on its way
  std::uint8_t active_round_ = 0;  ///< in which it had last done something
  const std::uint8_t place_;       ///< of its block, see `cell_blocks`
  std::atomic<std::uint32_t> references_{1};
  call_count calls_;

  const troupe::key key_;
  work_list incoming_;              ///< received from the mailbox, in the order of arrival
  cell_extension* extension_ = nullptr;  ///< owned; null until it is needed
};

/// The actor, for an observer. By the holder of the cell.
[[nodiscard]] observed_actor seen(const cell& c) noexcept;

/// Why connections and waits for answers end with their actor, or with the runtime.
[[nodiscard]] std::exception_ptr why_it_ends(const cell& c, bool destroyed);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
