// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <troupe/core/executor.hpp>
#include <troupe/core/work.hpp>

/// \file
/// How coroutines are resumed. A fiber is one line of execution: a host's coroutine with all the tasks it awaits, or
/// one invocation of an action. Only one thing of a fiber runs at a time, so it is suspended at one place at most: its
/// wait.
///
/// Nothing here resumes within a resume. Whoever runs a coroutine calls `drive`; an `await_suspend` that wants another
/// coroutine to run stores it in `thread_state::next` and returns, and `drive` goes on with it. This is symmetric
/// transfer by hand: it keeps the stack flat at -O0 and under sanitizers too, where g++ makes no tail call
/// (docs/compilers.md), and costs no queue.

namespace troupe {
inline namespace v0 {
namespace detail {

class blocking_threads;
class wait;

/// A short critical section among few threads; see `fiber::cancel`.
class spin_flag {
 public:
  void lock() noexcept {
    while (held_.exchange(true, std::memory_order_acquire)) pause();
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  static void pause() noexcept;
  std::atomic<bool> held_{false};
};

class fiber {
 public:
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  /// Continues the fiber, later, where it belongs: on its executor, or in its actor's mailbox. From any thread; `w`
  /// runs the continuation.
  virtual void resume_later(work& w) noexcept = 0;

  /// The fiber to wait as: this one, or, if this one lives no longer than its first stretch, the one that goes on.
  [[nodiscard]] virtual fiber& promote() noexcept { return *this; }

  /// The fiber that this one is a part of, and that waits for it; null for a whole one.
  [[nodiscard]] virtual const fiber* whole() const noexcept { return nullptr; }

  /// The whole one that this one is, or is a part of.
  [[nodiscard]] virtual fiber& root() noexcept { return *this; }

  /// Whether its parts run one at a time, each continuation in a turn; else they may run beside one another.
  [[nodiscard]] virtual bool takes_turns() const noexcept { return false; }

  /// Whether its whole may go on before it has ended: it is a branch of `when_any`, or part of one.
  [[nodiscard]] virtual bool may_be_overtaken() const noexcept { return false; }

  /// The threads that run its blocking functions; null: the thread that drives it. For whole ones.
  [[nodiscard]] virtual blocking_threads* blocking() noexcept { return nullptr; }

  /// A fiber within this one has ended, and `whole` goes on with what it has done. Called where both belong.
  virtual void part_ended(const fiber& part, const fiber& whole) noexcept {
    static_cast<void>(part);
    static_cast<void>(whole);
  }

  /// Where its timers run; null for a fiber that only a blocked thread drives.
  [[nodiscard]] executor* home() const noexcept { return home_; }

  /// Interrupts the present wait and all later ones: they end with `actor.aborted`. From any thread.
  void cancel() noexcept;
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  /// Notes what it waits for, until end_wait(). False if it is cancelled already: then nobody interrupts the wait.
  [[nodiscard]] bool begin_wait(wait& w) noexcept;
  void end_wait() noexcept;
  /// Whether it is suspended already. Where it runs: then a coroutine of another library runs on its behalf.
  [[nodiscard]] bool waits() const noexcept { return current_ != nullptr; }
  /// For people: what it waits for; empty if it does not. Where nothing resumes it meanwhile.
  [[nodiscard]] std::string describe_wait();

 protected:
  // No friends: for them, and so for g++, a destructor that is not virtual would be within reach.
  explicit fiber(executor* home) noexcept : home_{home} {}
  ~fiber() = default;

 private:
  executor* home_;
  wait* current_ = nullptr;
  spin_flag lock_;
  std::atomic<bool> cancelled_{false};
};

struct turn;
class post_batch;

/// So many calls a task may make in a row without giving others the thread.
inline constexpr unsigned inline_calls_max = 127;

#if defined(__SANITIZE_THREAD__)
#define TROUPE_SEEN_BY_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TROUPE_SEEN_BY_THREAD_SANITIZER 1
#endif
#endif

/// Reads and writes a word that another thread writes or reads at the same time, now and then, with no order to other
/// memory: for what every call does. Volatile, since g++ takes even a relaxed atomic access for one to all memory, and
/// keeps everything there: a call takes a fifth more instructions.
template <class T>
[[nodiscard, gnu::always_inline]] inline T read_shared(const T& word) noexcept {
#ifdef TROUPE_SEEN_BY_THREAD_SANITIZER
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
#else
  return static_cast<const volatile T&>(word);
#endif
}
template <class T>
[[gnu::always_inline]] inline void write_shared(T& word, T value) noexcept {
#ifdef TROUPE_SEEN_BY_THREAD_SANITIZER
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
#else
  static_cast<volatile T&>(word) = value;
#endif
}

/// Since when, at the latest, a thread has been in the turn that it is in. No turn reads a clock: it is marked by
/// `turn_watch`, which looks at all threads from time to time, and by a clock that is moved within it. Most turns look
/// for a mark when they end. A plain action that runs at once on its caller's thread has no time for that: a mark
/// makes the count of its thread's calls full, so that the call looks round as if it had to give way.
class turn_mark {
 public:
  struct beginning {
    const clock* by = nullptr;  ///< null: the machine's
    time_point since{};
    bool told = false;  ///< somebody has reported that it goes on
  };

  /// Not 0: there is a mark, or nobody looks at this thread yet.
  [[nodiscard]] std::uintptr_t state() const noexcept { return read_shared(state_); }
  [[nodiscard]] bool of_unknown_thread() const noexcept { return (state() & unknown) != 0; }

  /// The thread: its turn ends, or has ended. Waits for one who looks at the turn just now. `calls` is the thread's
  /// count, here and below.
  [[nodiscard]] std::optional<beginning> take(unsigned& calls) noexcept;
  /// The thread: time is about to pass by this clock.
  void note(const clock& c, unsigned& calls) noexcept;
  /// The thread: it is in the list of those that are looked at, or it ends, and never will be.
  void become_known() noexcept { __atomic_fetch_and(&state_, ~unknown, __ATOMIC_RELAXED); }

  /// One who looks. The lock keeps a turn that has been marked from ending.
  std::unique_lock<spin_flag> lock() noexcept { return std::unique_lock{lock_}; }
  /// With the lock: the thread is in no turn.
  void forget() noexcept;
  /// With the lock: the thread is in a turn. Returns the mark that was there before by the machine's clock, if any.
  [[nodiscard]] std::optional<beginning> look(time_point now, unsigned& calls) noexcept;
  void has_been_told() noexcept { beginning_.told = true; }

 private:
  static constexpr std::uintptr_t unknown = 1;
  static constexpr std::uintptr_t marked = 2;

  void set(beginning b, unsigned& calls) noexcept;

  std::uintptr_t state_ = unknown;
  spin_flag lock_;
  beginning beginning_;
  unsigned calls_ = 0;  ///< the thread's count, when it was marked
};

/// A pointer that its own thread writes and reads. Others may look at it.
template <class T>
class own_pointer {
 public:
  own_pointer() noexcept = default;
  own_pointer(const own_pointer& other) noexcept : p_{other.p_} {}
  own_pointer& operator=(const own_pointer& other) noexcept { return *this = other.p_; }
  own_pointer& operator=(T* p) noexcept {
    write_shared(p_, p);
    return *this;
  }
  operator T*() const noexcept { return p_; }
  T* operator->() const noexcept { return p_; }
  [[nodiscard]] T* seen_by_others() const noexcept { return __atomic_load_n(&p_, __ATOMIC_ACQUIRE); }

 private:
  T* p_ = nullptr;
};

/// The work that a thread does for troupe; none when it is made.
struct thread_activity {
  std::coroutine_handle<> next;  ///< what `drive` resumes next
  fiber* here = nullptr;         ///< the fiber that runs; null in plain host code
  own_pointer<turn> in_turn;     ///< the actor turn that runs; null outside actors
  own_pointer<turn> open_turn;   ///< the turn that others may look into while the thread has a mark
  post_batch* batch = nullptr;   ///< what is posted is gathered there
  const executor* works_for = nullptr;  ///< the executor whose work the thread runs; null in plain host code
  executor* worker_of = nullptr;  ///< whose worker this is: it runs what is `kept` when the present work is over
  executor* keeps_for = nullptr;  ///< what is made ready for this one now may be kept
  work* kept = nullptr;           ///< made ready and not posted, so that nobody else sees it: see `cell::push`
  unsigned depth = 0;            ///< of calls that run within one another's frames
  bool yields = false;        ///< what is posted goes behind what waits
};

/// The work that the calling thread does for troupe, and since when.
struct thread_state : thread_activity {
  turn_mark mark;
  unsigned inline_calls = 0;  ///< since the last yield, see `inline_calls_max`

  /// Counts a call that has run on its caller's thread. False if it is to look round.
  [[nodiscard]] bool count_call() noexcept {
    const unsigned now = read_shared(inline_calls) + 1;
    write_shared(inline_calls, now);
    return (now & inline_calls_max) != 0;
  }

  /// Whether the thread runs plain host code: it may wait for other threads.
  [[nodiscard]] bool may_block() const noexcept {
    return here == nullptr && in_turn == nullptr && works_for == nullptr;
  }
  /// The same, and nothing has to be reported of the thread: in one comparison.
  [[nodiscard]] bool is_plain() const noexcept {
    turn* const t = in_turn;
    return (reinterpret_cast<std::uintptr_t>(here) | reinterpret_cast<std::uintptr_t>(t) |
            reinterpret_cast<std::uintptr_t>(works_for) | mark.state()) == 0;
  }
  /// Whether the coroutine that runs was cancelled: see `fiber::cancel`.
  [[nodiscard]] bool is_cancelled() const noexcept { return here != nullptr && here->cancelled(); }
};

/// Says that a thread runs an executor's work, as long as it lives. Executors hold one wherever they run work: a
/// blocking call in that work is refused before it begins, and not only when it comes to waiting.
class working {
 public:
  working(thread_state& thread, const executor& e) noexcept
      : thread_{thread}, outer_{std::exchange(thread.works_for, &e)} {}
  working(const working&) = delete;
  working& operator=(const working&) = delete;
  ~working() { thread_.works_for = outer_; }

 private:
  thread_state& thread_;
  const executor* outer_;
};

/// Out of line on purpose: a coroutine that changes threads must not reuse a thread-local address from before.
[[nodiscard]] thread_state& this_thread() noexcept;

/// From now on the calling thread is among those that `for_each_thread` shows, until it ends.
void make_known(thread_state& thread);

/// Shows the threads that are known, one after the other. None of them ends meanwhile.
void for_each_thread(void (*look)(thread_state& thread, void* context), void* context);

/// Gathers what this thread posts to an executor, and posts it as one list at its end: many waiters are resumed at once
/// at the price of one.
class post_batch {
 public:
  explicit post_batch(executor& to) noexcept : executor_{to}, outer_{std::exchange(this_thread().batch, this)} {}
  post_batch(const post_batch&) = delete;
  post_batch& operator=(const post_batch&) = delete;
  ~post_batch() {
    this_thread().batch = outer_;
    if (!gathered_.empty()) executor_.post(std::move(gathered_));
  }

  /// Posts `w`, now or with the thread's batch.
  static void post(executor& to, work& w) noexcept {
    const auto& thread = this_thread();
    post_batch* const b = thread.batch;
    if (b != nullptr && &b->executor_ == &to) {
      b->gathered_.push_back(w);
    } else if (thread.yields) {
      to.post_behind(w);
    } else {
      to.post(w);
    }
  }

 private:
  executor& executor_;
  post_batch* outer_;
  work_list gathered_;
};

/// What is posted while it exists goes behind what waits already: it has had its share of the thread.
class yielding_scope {
 public:
  yielding_scope() noexcept : thread_{this_thread()} { thread_.yields = true; }
  yielding_scope(const yielding_scope&) = delete;
  yielding_scope& operator=(const yielding_scope&) = delete;
  ~yielding_scope() { thread_.yields = false; }

 private:
  thread_state& thread_;
};

/// Runs `h`, and whatever it hands over to, until that suspends or ends.
void drive(std::coroutine_handle<> h) noexcept;

/// The same, but what runs may leave another fiber as `thread.here`: see `join`.
void drive_on(thread_state& thread, std::coroutine_handle<> h) noexcept;

/// Makes `f` the fiber that runs, and drives `h` on it.
void drive_as(fiber& f, std::coroutine_handle<> h) noexcept;

/// A suspension that may be cancelled: the base of every awaiter that really waits.
///
/// begin() when suspending, then exactly one of: the awaiter's own completion calls wake(), or cancel arrives first.
/// end() when resuming, in await_resume. An awaiter's completion and its interrupt() may race; it is the awaiter that
/// decides who wins, since it knows its source.
class wait : public work {
 public:
  using native_awaitable = void;  ///< see `task`
  wait() noexcept : work{&wait::resume} {}

  /// Called by fiber::cancel with the fiber's lock held: give up waiting, if the completion has not won yet.
  virtual void interrupt() noexcept = 0;

  /// For people: what is waited for. Called while the fiber is suspended here.
  [[nodiscard]] virtual std::string describe() const { return "something of another library"; }

 protected:
  ~wait() = default;

  /// Registers with the running fiber; returns false if that is cancelled already, so that nobody will interrupt.
  /// A coroutine that no fiber runs, one of another library, is resumed on `fallback`, or by wake() if there is none.
  [[nodiscard]] bool begin(std::coroutine_handle<> h, executor* fallback) noexcept;

  /// Unregisters. After this no interrupt() runs. Safe to call without begin().
  void end() noexcept;

  /// Resumes the coroutine on its fiber, later. From any thread, at most once per begin().
  void wake() noexcept;

  /// The same, here and next: from within a coroutine that is just suspending for good, where the fiber belongs.
  void continue_here() noexcept;

 private:
  static void resume(work& w) noexcept;

  std::coroutine_handle<> handle_;
  fiber* fiber_ = nullptr;
  executor* fallback_ = nullptr;
};

/// Memory for coroutine frames and call records: blocks of up to 1 KiB are recycled per thread.
[[nodiscard]] void* allocate_block(std::size_t size);
void release_block(void* block, std::size_t size) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
