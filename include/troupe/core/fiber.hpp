#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
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

namespace troupe::inline v0 {
namespace detail {

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
  [[nodiscard]] virtual fiber& lasting() noexcept { return *this; }

  /// The fiber that this one is a part of, and that waits for it; null for a whole one.
  [[nodiscard]] virtual const fiber* whole() const noexcept { return nullptr; }

  /// The whole one that this one is, or is a part of.
  [[nodiscard]] virtual fiber& root() noexcept { return *this; }

  /// Whether its parts run one at a time, each continuation in a turn; else they may run beside one another.
  [[nodiscard]] virtual bool takes_turns() const noexcept { return false; }

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

/// What the calling thread is doing for troupe.
struct thread_state {
  std::coroutine_handle<> next;  ///< what `drive` resumes next
  fiber* here = nullptr;         ///< the fiber that runs; null in plain host code
  turn* in_turn = nullptr;       ///< the actor turn that runs; null outside actors
  post_batch* batch = nullptr;   ///< what is posted is gathered there
  const executor* works_for = nullptr;  ///< the executor whose work the thread runs; null in plain host code
  executor* worker_of = nullptr;  ///< whose worker this is: it runs what is `kept` when the present work is over
  executor* keeps_for = nullptr;  ///< what is made ready for this one now may be kept
  work* kept = nullptr;           ///< made ready and not posted, so that nobody else sees it: see `cell::push`
  unsigned inline_calls = 0;     ///< since the last yield, see `inline_calls_max`
  unsigned depth = 0;            ///< of calls that run within one another's frames
  bool gives_way = false;        ///< what is posted goes behind what waits

  /// Whether the thread runs plain host code: it may wait for other threads.
  [[nodiscard]] bool is_plain() const noexcept {
    return here == nullptr && in_turn == nullptr && works_for == nullptr;
  }
  /// Whether the coroutine that runs was cancelled: see `fiber::cancel`.
  [[nodiscard]] bool is_cancelled() const noexcept { return here != nullptr && here->cancelled(); }
};

/// Out of line on purpose: a coroutine that changes threads must not reuse a thread-local address from before.
[[nodiscard]] thread_state& this_thread() noexcept;

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
    } else if (thread.gives_way) {
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
class giving_way {
 public:
  giving_way() noexcept : thread_{this_thread()} { thread_.gives_way = true; }
  giving_way(const giving_way&) = delete;
  giving_way& operator=(const giving_way&) = delete;
  ~giving_way() { thread_.gives_way = false; }

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
}  // namespace troupe::inline v0
