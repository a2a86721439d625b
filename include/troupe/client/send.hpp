// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <troupe/actor/queues.hpp>
#include <troupe/client/call.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class queue_delivery;

/// The common part of sends: a message on its way to a queue of an actor.
class send_core : public call_core {
 protected:
  /// Throws `queue.message_too_large`.
  send_core(const handle_core& to, std::uint32_t queue, bytes body, std::chrono::nanoseconds delay, bool waits);
  /// By name, with JSON text or CBOR. Throws `queue.not_declared` and `actor.invalid_request` too.
  send_core(const handle_core& to, std::string_view queue, std::string_view json, std::chrono::nanoseconds delay,
            bool waits);
  send_core(const handle_core& to, std::string_view queue, bytes_view cbor, std::chrono::nanoseconds delay,
            bool waits);
  send_core(send_core&&) noexcept = default;
  ~send_core() = default;

  /// In an actor's turn, makes the message part of the turn: then there is nothing to wait for.
  [[nodiscard]] bool leaves_with_turn();
  /// Waits for the answer, in an actor's turn or elsewhere.
  bool suspend_for_answer(std::coroutine_handle<> h);
  [[nodiscard]] const std::optional<bytes>& answer() const;

 private:
  invocation* make(executor& home) override;
  [[nodiscard]] errc when_late() const noexcept override;
  [[nodiscard]] queue_delivery* make_outbox_message(turn& sender);

  std::uint32_t queue_ = 0;
  message_body body_;
  std::chrono::nanoseconds delay_;
  bool waits_;
};

}  // namespace detail

/// A message that is being sent, as `handle::send` makes it. It is awaited once, or waited for with `get()`; until then
/// nothing happens.
///
/// Outside of actors it ends when the message is in the queue, durably if the actor is `committed`. Errors: those of
/// calls; `queue.full`; `auth.forbidden` if the actor's `can_publish` denies it.
///
/// In an actor it is a part of the turn: the message leaves when the turn has ended, is on its way durably with the
/// turn's other effects, and arrives exactly once. So it waits for nothing, fails in nothing, and `get()` may be used
/// where nothing can be awaited. If the queue is full, the message waits for its place; if there is no such actor, the
/// runtime's error handler hears of it.
class [[nodiscard("a message is not sent until this is awaited")]] send_call final : public detail::send_core {
 public:
  template <class Body>
  send_call(const detail::handle_core& to, std::uint32_t queue, Body&& body, delayed by)
      : send_core{to, queue, std::forward<Body>(body), by.duration, false} {}
  template <class Body>
  send_call(const detail::handle_core& to, std::string_view queue, const Body& body, delayed by)
      : send_core{to, queue, body, by.duration, false} {}
  send_call(send_call&&) noexcept = default;

  [[nodiscard]] bool await_ready() { return leaves_with_turn(); }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  void await_resume() {
    if (stage_ != stage::done) conclude();
  }
  void get() {
    if (!leaves_with_turn()) block();
    await_resume();
  }
};

/// A message whose answer is waited for, as `handle::send_and_wait` makes it. Yields the value that the consumer
/// completed the message with, as an optional, empty if it did so without one; nothing for a queue without a result.
/// Errors, besides those of `send_call`: `queue.timed_out`, after which the message is still handled;
/// `queue.dead_letter` if its attempts are used up.
template <class Queue>
class [[nodiscard("a message is not sent until this is awaited")]] send_and_wait_call final
    : public detail::send_core {
 public:
  using result_type = typename Queue::result_type;

  send_and_wait_call(const detail::handle_core& to, std::uint32_t queue, bytes body, delayed by)
      : send_core{to, queue, std::move(body), by.duration, true} {}
  send_and_wait_call(send_and_wait_call&&) noexcept = default;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend_for_answer(h); }
  auto await_resume() {
    conclude();
    if constexpr (!std::is_void_v<result_type>) {
      std::optional<result_type> value;
      if (answer()) value.emplace(decode<result_type>(*answer()));
      return value;
    }
  }
  auto get() {
    block();
    return await_resume();
  }
};

}  // namespace v0
}  // namespace troupe
