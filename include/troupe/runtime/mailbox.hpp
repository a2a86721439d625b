// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include <troupe/core/assert.hpp>
#include <troupe/core/work.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The lock of an actor, and the messages that came while it was locked, in one word (after Treiber's stack, 1986). It
/// knows no actor.
///
/// | word          | state  | meaning                                                        |
/// |---------------|--------|----------------------------------------------------------------|
/// | 0             | idle   | unlocked, and any call may lock it                             |
/// | 1             | locked | locked; no message has come since the holder last looked       |
/// | an address    | locked | locked; the newest message, which links to the one before it   |
/// | 2             | closed | unlocked; only a message may lock it, and has to be dispatched |
/// | 3             | dormant| unlocked; the actor is not in memory                           |
///
/// | from          | to      | by                          |
/// |---------------|---------|-----------------------------|
/// | idle          | locked  | `try_lock`, `enqueue`       |
/// | closed        | locked  | `enqueue`                   |
/// | dormant       | locked  | `lock_dormant`              |
/// | locked        | address | `enqueue`                   |
/// | address       | address | `enqueue`                   |
/// | address       | locked  | `receive`, by the holder    |
/// | locked        | idle    | `unlock_idle`, `unlock`     |
/// | locked        | closed, dormant | `unlock`            |
///
/// A thread that locks it sees all that earlier holders wrote. All members may be called from any thread, except for
/// those of the holder, which is the thread that has locked it.
class mailbox {
 public:
  enum class unlocked : std::uintptr_t { idle = 0, closed = 2, dormant = 3 };
  enum class outcome : std::uint8_t {
    queued,   ///< the holder will receive it
    locked,   ///< nobody had locked it: the calling thread is the holder now, and has the message
    dormant,  ///< nothing was done: see `lock_dormant`
  };

  mailbox() noexcept = default;
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;

  /// Locks an idle one.
  [[nodiscard]] bool try_lock() noexcept {
    std::uintptr_t expected = idle;
    return word_.load(std::memory_order_relaxed) == idle &&
           word_.compare_exchange_strong(expected, locked, std::memory_order_acquire, std::memory_order_relaxed);
  }

  /// The same, if need be after a moment: most turns take less time than a thread takes to fall asleep and to be woken.
  /// Not past a message that waits.
  [[nodiscard]] bool lock_briefly() noexcept;

  [[nodiscard]] bool is_dormant() const noexcept { return word_.load(std::memory_order_relaxed) == dormant; }

  /// Locks a dormant one.
  [[nodiscard]] bool lock_dormant() noexcept {
    std::uintptr_t expected = dormant;
    return word_.compare_exchange_strong(expected, locked, std::memory_order_acquire, std::memory_order_relaxed);
  }

  /// Adds a message, which must stay alive until it is received, or locks the mailbox.
  [[nodiscard]] outcome enqueue(work& w) noexcept;

  // --- the holder -------------------------------------------------------------------------------------------------

  /// Unlocks it, unless messages have come.
  [[nodiscard]] bool unlock_idle() noexcept {
    TROUPE_ASSERT(is_locked(), "only the holder unlocks a mailbox");
    std::uintptr_t expected = locked;
    return word_.compare_exchange_strong(expected, idle, std::memory_order_release, std::memory_order_relaxed);
  }
  [[nodiscard]] bool unlock(unlocked to) noexcept {
    TROUPE_ASSERT(is_locked(), "only the holder unlocks a mailbox");
    std::uintptr_t expected = locked;
    return word_.compare_exchange_strong(expected, static_cast<std::uintptr_t>(to), std::memory_order_acq_rel,
                                         std::memory_order_relaxed);
  }

  /// Takes all messages that have come, in the order of their arrival, in front of what is in the list.
  void receive(work_list& into) noexcept;

 private:
  static constexpr auto idle = static_cast<std::uintptr_t>(unlocked::idle);
  static constexpr std::uintptr_t locked = 1;
  static constexpr auto closed = static_cast<std::uintptr_t>(unlocked::closed);
  static constexpr auto dormant = static_cast<std::uintptr_t>(unlocked::dormant);

  [[nodiscard]] bool is_locked() const noexcept {
    const auto now = word_.load(std::memory_order_relaxed);
    return now != idle && now != closed && now != dormant;
  }

  std::atomic<std::uintptr_t> word_{dormant};
};

inline mailbox::outcome mailbox::enqueue(work& w) noexcept {
  auto before = word_.load(std::memory_order_relaxed);
  for (;;) {
    if (before == dormant) return outcome::dormant;
    if (before == idle || before == closed) {
      if (word_.compare_exchange_weak(before, locked, std::memory_order_acquire, std::memory_order_relaxed)) {
        return outcome::locked;
      }
      continue;
    }
    w.next = before == locked ? nullptr : reinterpret_cast<work*>(before);
    if (word_.compare_exchange_weak(before, reinterpret_cast<std::uintptr_t>(&w), std::memory_order_release,
                                    std::memory_order_relaxed)) {
      return outcome::queued;
    }
  }
}

/// The calls that wait in a mailbox: those that were counted in, less those that have begun. Any thread counts calls in
/// and out; the holder counts those that begin. The holder shows that number to the senders now and then, so that it
/// does not take the line from them with each call.
class call_count {
 public:
  /// Counts one in. Returns how many waited before it: less than nothing, if the thread was away for so long that later
  /// calls have begun.
  [[nodiscard]] std::int32_t add() noexcept {
    const auto before = counted_in_.fetch_add(1, std::memory_order_relaxed);
    return static_cast<std::int32_t>(before - shown_.load(std::memory_order_relaxed));
  }
  /// Counts one out that will not begin.
  void remove() noexcept { counted_in_.fetch_sub(1, std::memory_order_release); }
  /// Whether all that were counted in have begun, or were counted out. A thread that gets true sees all that the
  /// threads that counted wrote before.
  [[nodiscard]] bool is_zero() const noexcept {
    return counted_in_.load(std::memory_order_acquire) == begun_.load(std::memory_order_acquire);
  }

  // --- the holder -------------------------------------------------------------------------------------------------

  /// One that was counted in begins.
  void begin() noexcept {
    constexpr std::uint32_t shown_every = 32;
    const auto now = begun_.load(std::memory_order_relaxed) + 1;
    begun_.store(now, std::memory_order_release);
    if (now % shown_every == 0) show();
  }
  /// From now on senders see how many have begun.
  void show() noexcept { shown_.store(begun_.load(std::memory_order_relaxed), std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t waiting() const noexcept {
    return counted_in_.load(std::memory_order_relaxed) - begun_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> counted_in_{0};
  std::atomic<std::uint32_t> shown_{0};
  std::atomic<std::uint32_t> begun_{0};  ///< written by the holder alone
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
