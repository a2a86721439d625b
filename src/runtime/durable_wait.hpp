// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <string>

#include <troupe/actor/invocation.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/latch2.hpp>
#include <troupe/core/work.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class runtime_core;

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
  // The message that leaves at the end of the turn, when the epoch is known.
  struct departure final : work {
    explicit departure(durable_wait& w) noexcept : owner{w} {}
    static void leave(departure& d, const turn& now) noexcept;
    durable_wait& owner;
  };

  void depart(epoch_number e) noexcept;
  void answered() noexcept override { event(); }
  void interrupt() noexcept override;
  [[nodiscard]] std::string describe() const override { return "a commit"; }
  void event() noexcept;

  runtime_core& core_;
  latch2 both_;  ///< the event, and the arrival at the gate
  std::optional<epoch_number> epoch_;
  reply* reply_ = nullptr;
  departure departure_{*this};
  std::exception_ptr unsaved_;  ///< the state could not be encoded
  bool aborted_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
