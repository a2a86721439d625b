// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <string>
#include <cstdint>

#include <troupe/actor/connection_core.hpp>
#include <troupe/core/fiber.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Waits on a listener. One at a time.
class listener_wait final : public wait {
 public:
  enum class until : std::uint8_t {
    settled,  ///< can_subscribe has answered
    heard,    ///< there is an event, or there will be none
  };
  listener_wait(listener& l, until u) noexcept : listener_{l}, until_{u} {}
  listener_wait(const listener_wait&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h);
  /// Throws `auth.forbidden` or whatever denied it; why the connection was closed; `actor.aborted`.
  /// Returns the event, with a reference; null when there is none.
  [[nodiscard]] event_record* await_resume();

  // From the connection, with its lock held.
  /// Whether what it waits for is there, or never will be.
  [[nodiscard]] bool done() const noexcept;
  void notify() noexcept { wake(); }

 private:
  void interrupt() noexcept override;
  [[nodiscard]] std::string describe() const override { return "an event"; }

  listener& listener_;
  until until_;
  bool aborted_ = false;
  bool occupied_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
