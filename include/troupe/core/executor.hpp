// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include <troupe/core/clock.hpp>
#include <troupe/core/timer.hpp>
#include <troupe/core/work.hpp>

namespace troupe {
inline namespace v0 {

/// Runs work, keeps time. The whole library above this floor gets its threads and timers from here, so that a thread
/// pool, a host's own loop and a simulation are one and the same to it.
class executor {
 public:
  explicit executor(std::shared_ptr<const troupe::clock> c) : clock_{std::move(c)} {}
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;
  virtual ~executor() = default;

  /// Runs `w` soon, on one of the executor's threads. From any thread.
  virtual void post(work& w) noexcept = 0;

  /// Runs all of these soon; cheaper than one by one.
  virtual void post(work_list&& list) noexcept = 0;

  /// Runs `w` behind what waits on the calling thread already: it has had its share of that.
  virtual void post_behind(work& w) noexcept { post(w); }

  /// Runs `w` soon, on a thread that has nothing else to do, if there is one: the calling one goes on with something
  /// else first, and means to come to `w` later, or to take it back.
  virtual void offer(work& w) noexcept { post(w); }

  /// Takes back what the calling thread has offered. False if that has been taken up already, or cannot be found any
  /// more: then it runs. Only as long as `w` exists and may still have to run, or has been taken back.
  virtual bool take_back(work& w) noexcept {
    static_cast<void>(w);
    return false;
  }

  /// Runs `w` soon where it may block on I/O: one lane, in the order of posting. From any thread.
  virtual void post_blocking(work& w) noexcept = 0;

  /// Whether the calling thread is one that this executor runs work on. Such a thread must not wait for other work.
  [[nodiscard]] virtual bool on_worker() const noexcept = 0;

  /// For an executor that is pumped by its host: runs what is ready or waits until something is, for at most `limit`,
  /// and returns true. An executor with threads of its own returns false at once.
  virtual bool help(std::chrono::nanoseconds limit) noexcept = 0;

  /// Whether nothing will ever be ready again unless somebody posts it: known only where no other thread posts, and no
  /// time passes by itself.
  [[nodiscard]] virtual bool exhausted() const noexcept { return false; }

  /// Ends the executor's threads, after the work that is already posted. Called once, from a thread of the host.
  virtual void stop() noexcept = 0;

  /// Fires `t` at or after `at`, see `timer`.
  virtual void arm(timer& t, time_point at) noexcept = 0;
  bool cancel(timer& t) noexcept { return timers_.cancel(t); }

  [[nodiscard]] const troupe::clock& clock() const noexcept { return *clock_; }
  [[nodiscard]] time_point now() const noexcept { return clock_->now(); }

 protected:
  timer_queue timers_;

 private:
  std::shared_ptr<const troupe::clock> clock_;
};

/// Worker threads that steal work from one another, and one thread for blocking I/O.
///
/// What a worker posts it comes to next, the newest first, and now and then to the oldest: so work stays near its data,
/// and a tree of work takes the memory of its depth, not that of its breadth (Blumofe and Leiserson, 1999). It wakes
/// another worker only when work waits behind its own, so that a chain of calls stays on one core.
class thread_pool final : public executor {
 public:
  /// `threads` workers; 0 means as many as can run at once: the machine's cores, within the process's affinity mask and
  /// the CPU quota of its control group. Idle workers take no processor time. Throws `std::system_error` if the system
  /// has no more threads to give.
  explicit thread_pool(unsigned threads = 0);
  ~thread_pool() override;

  void post(work& w) noexcept override;
  void post(work_list&& list) noexcept override;
  void post_behind(work& w) noexcept override;
  void offer(work& w) noexcept override;
  bool take_back(work& w) noexcept override;
  void post_blocking(work& w) noexcept override;
  [[nodiscard]] bool on_worker() const noexcept override;
  bool help(std::chrono::nanoseconds) noexcept override { return false; }
  void stop() noexcept override;
  void arm(timer& t, time_point at) noexcept override;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Runs nothing by itself: the host pumps it from its own loop, on one thread at a time. For game loops, GUIs,
/// single-threaded servers and tests. Blocking I/O is done on a thread of its own, or, if `io_thread` is false, within
/// the pumping: when nothing else is ready, or has waited for long.
class manual_executor final : public executor {
 public:
  struct options {
    bool io_thread = true;
  };

  manual_executor();
  explicit manual_executor(std::shared_ptr<const troupe::clock> c);
  manual_executor(std::shared_ptr<const troupe::clock> c, options o);
  ~manual_executor() override;

  /// Runs what is ready and the timers that are due, but nothing that becomes ready meanwhile twice over: at most
  /// `most` pieces of work. Returns how many it ran. Not re-entrant: a call from within work does nothing.
  std::size_t poll(std::size_t most = 65'536);

  /// Runs what is ready, and waits for more, until `limit` has passed. Returns how many pieces of work it ran.
  std::size_t poll_for(std::chrono::nanoseconds limit);

  /// The moment of the next timer, or `time_point::max()`.
  [[nodiscard]] time_point next_deadline() const noexcept;

  /// Whether blocking work is under way or posted.
  [[nodiscard]] bool blocking() const noexcept;

  void post(work& w) noexcept override;
  void post(work_list&& list) noexcept override;
  void post_behind(work& w) noexcept override;
  void post_blocking(work& w) noexcept override;
  [[nodiscard]] bool on_worker() const noexcept override;
  bool help(std::chrono::nanoseconds limit) noexcept override;
  void stop() noexcept override;
  void arm(timer& t, time_point at) noexcept override;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace v0
}  // namespace troupe
