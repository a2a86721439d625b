// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>

#include <troupe/core/fiber.hpp>
#include <troupe/core/member_work.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A wait inside an actor that ends as soon as the actor begins to shut down. Set up, then awaited once, by the actor's
/// own code: it is suspended and resumed within the actor's turns. A hook that runs because of the shutdown is not
/// disturbed by it: its wait ends with the grace period, as all waits do.
class parked_wait final : public wait {
 public:
  /// What ended it: exactly one thing, whatever else happened meanwhile.
  enum class ending : std::uint8_t {
    none,       ///< it has not ended
    woken,      ///< by wake_parked
    timed_out,
    stopped,    ///< by its stop token
    aborted,    ///< the actor shuts down, or the task that waits was cancelled
  };

  /// With `lets_sleep`, the actor's run loop does not keep the actor awake while it waits here.
  explicit parked_wait(cell& c, bool lets_sleep = false) noexcept : cell_{c}, lets_sleep_{lets_sleep} {}
  parked_wait(const parked_wait&) = delete;
  parked_wait& operator=(const parked_wait&) = delete;

  /// What wake_parked must name to wake it: any of these bits.
  void listen(std::uint64_t mask) noexcept { mask_ = mask; }
  void until(time_point at) noexcept { until_ = at; }
  void watch(std::stop_token token) noexcept { token_ = std::move(token); }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  /// Throws `actor.invalid_operation` outside of the actor's turns.
  bool await_suspend(std::coroutine_handle<> h);
  [[nodiscard]] ending await_resume() noexcept;

 private:
  friend void wake_parked(cell& c, std::uint64_t mask) noexcept;
  friend void abort_parked(cell& c) noexcept;

  struct stopper {
    parked_wait* owner;
    void operator()() const noexcept { owner->finish(ending::stopped); }
  };

  void interrupt() noexcept override { finish(ending::aborted); }
  [[nodiscard]] std::string describe() const override { return mask_ != 0 ? "a message" : "a delay"; }
  void finish(ending how) noexcept;
  void time_out() noexcept { finish(ending::timed_out); }
  void link() noexcept;
  void unlink() noexcept;
  void release_actor() noexcept;
  void keep_actor() noexcept;

  cell& cell_;
  std::uint64_t mask_ = 0;
  std::optional<time_point> until_;
  std::stop_token token_;
  std::optional<std::stop_callback<stopper>> on_stop_;
  member_timer<&parked_wait::time_out> timer_{*this};
  parked_wait* next_ = nullptr;
  parked_wait** place_ = nullptr;  ///< in the list of the actor; null while it is not in it
  invocation* let_go_ = nullptr;   ///< the run loop, while it does not keep the actor awake
  std::atomic<ending> how_{ending::none};
  bool lets_sleep_;
};

/// Wakes all that listen to any of these bits; each then looks for itself, and maybe waits again. By the cell's holder.
void wake_parked(cell& c, std::uint64_t mask) noexcept;

/// The actor begins to shut down. By the cell's holder.
void abort_parked(cell& c) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
