// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>

#include <troupe/actor/invocation.hpp>
#include <troupe/client/handle_core.hpp>
#include <troupe/core/timer.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class blocked_thread;

/// The waiting side of a call, whatever its type: made when there is something to wait for, since most calls are over
/// before that. Lives in the call, and so in the caller's frame.
class call_wait final : public wait, private reply_waiter {
 public:
  explicit call_wait(const handle_core& target) noexcept : target_{target} {}
  ~call_wait();

  /// Waits for the answer to an invocation, which the waiting call and the actor share from now on. The invocation gets
  /// the caller's chain, dependency and connection. `mine` is the turn that makes the call, null outside of actors;
  /// `from` is the fiber that makes it.
  void expect(invocation& inv, cell* c, const turn* mine, const fiber* from, epoch_number depends_on) noexcept;
  /// Waits until an epoch is durable.
  void expect_gate(epoch_number e);

  /// What was sent; null for an action that has run on its caller's thread.
  [[nodiscard]] invocation* record() const noexcept { return invocation_; }
  [[nodiscard]] bool has_answer() const noexcept { return reply_->has_answer(); }

  /// Suspends `h`, which `mine` was a turn of, if any, until the answer is there, or the time-out or the stop token
  /// comes first. False if it may go on at once.
  [[nodiscard]] bool suspend(std::coroutine_handle<> h, turn* mine);
  /// Suspends `h` only to let others have the thread, or the actor.
  void yield(std::coroutine_handle<> h) noexcept;
  /// The same as `suspend`, for a plain thread.
  void block();
  /// Ends the waiting. Returns what the call has failed with; throws if it has not been answered.
  [[nodiscard]] std::exception_ptr conclude();

 private:
  struct alarm final : timer {
    explicit alarm(call_wait& w) noexcept : timer{&alarm::ring}, owner{w} {}
    static void ring(timer& t) noexcept { static_cast<alarm&>(t).owner.give_up(ending::timed_out); }
    call_wait& owner;
  };
  struct on_stop {
    call_wait* owner;
    void operator()() const noexcept { owner->give_up(ending::stopped); }
  };
  enum class ending : std::uint8_t { none, timed_out, stopped, interrupted };

  void answered() noexcept override { event(); }
  void interrupt() noexcept override { give_up(ending::interrupted); }
  [[nodiscard]] std::string describe() const override;
  void give_up(ending why) noexcept;
  void event() noexcept;
  [[nodiscard]] bool begin_waiting();
  [[noreturn]] void throw_ending();
  [[noreturn]] void throw_lost() const;
  [[nodiscard]] std::string subject() const;
  [[nodiscard]] executor& home() const noexcept;

  const handle_core& target_;
  reply* reply_ = nullptr;
  invocation* invocation_ = nullptr;  ///< the same, or null
  alarm alarm_{*this};
  std::optional<std::stop_callback<on_stop>> stop_watch_;
  blocked_thread* blocked_ = nullptr;
  std::atomic<std::uint8_t> outstanding_{2};  ///< the event, and our being ready for it
  ending ending_ = ending::none;
  bool timed_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
