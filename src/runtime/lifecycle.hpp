#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include <troupe/core/error.hpp>

#include "core.hpp"
#include "side.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// How actors come and go: the procedures that wake them and put them to sleep, which run in the actor's own turns.
/// Order and time-outs of the hooks follow docs/lifecycle.md. All members belong to the cell's holder.
///
/// A step that gives a task has done all that needs no waiting, like a hook that is a plain function: what it gives is
/// the rest, and empty if there is none. So most actors come and go without a coroutine.
class lifecycle {
 public:
  /// Wakes an actor that is asleep and that this address creates, if there is nothing to wait for and none of its code
  /// to run. False if it is not that simple.
  static bool wake_at_once(cell& c, const address& wanted);
  /// Starts to wake an actor that is asleep. Calls wait meanwhile.
  static void begin_wake(cell& c) noexcept;
  /// Starts to put an awake actor to sleep, or to destroy it if that was requested.
  static void begin_stop(cell& c) noexcept;
  /// Somebody wants an actor to sleep that is awake.
  static void sleep_now(cell& c) noexcept;
  [[nodiscard]] static bool is_awake(const cell& c) noexcept;
  [[nodiscard]] static bool is_asleep(const cell& c) noexcept;
  /// The runtime shuts down.
  static void stop_now(cell& c) noexcept;
  /// The grace period is over, whatever the clock says.
  static void cut_short(cell& c) noexcept;
  /// Why connections and waits for answers end with their actor, or with the runtime.
  [[nodiscard]] static std::exception_ptr why_it_ends(const cell& c, bool destroyed);
  /// Why connections end with what the actor is doing; null while they may stay.
  [[nodiscard]] static std::exception_ptr why_connections_end(const cell& c);

  // What the alarms of a cell ring for.
  static void end_requested(cell& c) noexcept;
  static void overdue(cell& c) noexcept;
  static void save(cell& c) noexcept;

 private:
  class waking;
  class stored_waking;
  class stopping;
  [[nodiscard]] static task<> wake(cell& c, actor_record* record, std::exception_ptr failure) noexcept;
  static task<> end_wake_after(cell& c, task<> rest);
  [[nodiscard]] static task<> end_wake(cell& c, const std::exception_ptr& failure);
  [[nodiscard]] static task<> bring_up(cell& c, actor_record* record);
  static void create(cell& c, const address& wanted);
  static void restore(cell& c, actor_record& record);
  static void read_state(cell& c, const actor_record& record);
  static void load_parts(cell& c, const stored_rows& stored);
  static task<> initialise(cell& c, task<> hook);
  [[nodiscard]] static task<> run_on_wake(cell& c);
  static task<> bounded(cell& c, const char* hook, task<> body, std::chrono::nanoseconds limit);
  [[nodiscard]] static error timed_out(const cell& c);
  [[nodiscard]] static task<> stop(cell& c) noexcept;
  static task<> end_stop_after(cell& c, task<> rest, bool destroying);
  [[nodiscard]] static task<> end_stop(cell& c, bool destroying);
  [[nodiscard]] static task<> take_leave(cell& c, bool destroying);
  static task<> part_connections(cell& c, std::exception_ptr why, bool destroying);
  static task<> until_quiet(cell& c);
  [[nodiscard]] static task<> shutdown_hook(cell& c, bool destroying);
  static task<> end_shutdown_hook(cell& c, const char* name, task<> hook);
  [[nodiscard]] static task<> put_down(cell& c);
  static task<> put_down_durable(cell& c);
  static void lay_down(cell& c);
  static void set_wake_up(cell& c);
  static void refuse_deferred(cell& c, const std::exception_ptr& why) noexcept;
  static void refuse_absent(cell& c);
};

/// A procedure as something that the actor runs, before all that waits.
class procedure : public invocation {
 public:
  ~procedure() override;
  std::coroutine_handle<> begin(activation*) final;
  void finish() final;

 protected:
  /// It keeps others out while it waits, or not.
  procedure(cell& c, bool keeps_out);
  virtual task<> steps() = 0;

 private:
  bool keeps_out_;
  std::coroutine_handle<promise<void>> body_;
};

/// A background task of keep_awake and wait_until.
class background final : public invocation {
 public:
  background(executor& home, task<> body, bool keeps_awake);
  ~background() override;
  std::coroutine_handle<> begin(activation*) override { return body_; }
  void finish() override;
  [[nodiscard]] std::string_view what() const noexcept override { return blocks_sleep ? "keep_awake" : "wait_until"; }

 private:
  std::coroutine_handle<promise<void>> body_;
};

/// Waits until an epoch is durable; without one, ends the turn and waits for all that the actor has done.
/// Throws `store.unavailable`, `actor.aborted`, or why the state cannot be encoded.
class durable_wait final : public wait, private reply_waiter {
 public:
  explicit durable_wait(runtime_core& core) noexcept : core_{core} {}
  durable_wait(runtime_core& core, epoch_number e) noexcept : core_{core}, epoch_{e} {}
  ~durable_wait();
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h);
  void await_resume();

 private:
  // What is sent at the end of the turn, when the epoch is known.
  struct departure final : work {
    explicit departure(durable_wait& w) noexcept : work{&departure::leave}, owner{w} {}
    static void leave(work& w) noexcept;
    durable_wait& owner;
  };

  void depart(epoch_number e) noexcept;
  void answered() noexcept override { event(); }
  void interrupt() noexcept override;
  [[nodiscard]] std::string describe() const override { return "a commit"; }
  void event() noexcept;

  runtime_core& core_;
  std::atomic<int> outstanding_{2};  // the event, and our being at the gate
  std::optional<epoch_number> epoch_;
  reply* reply_ = nullptr;
  departure departure_{*this};
  std::exception_ptr unsaved_;  ///< the state could not be encoded
  bool aborted_ = false;
};

/// Asks the store for a list; to be filled in and awaited.
class list_wait final : public wait, public list_request {
 public:
  explicit list_wait(runtime_core& core) noexcept : core_{core} {
    done = [](list_request& r) noexcept { static_cast<list_wait&>(r).event(); };
  }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) {
    static_cast<void>(begin(h, &core_.exec()));
    core_.stored().list(*this);
    return outstanding_.fetch_sub(1, std::memory_order_acq_rel) != 1;  // else it was answered on the spot
  }
  void await_resume() {
    end();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  void interrupt() noexcept override {}
  [[nodiscard]] std::string describe() const override { return "a list from the store"; }
  void event() noexcept {
    if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
  }

  runtime_core& core_;
  std::atomic<int> outstanding_{2};  // the answer, and our being suspended
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
