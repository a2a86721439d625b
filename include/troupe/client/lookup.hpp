// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <troupe/client/call.hpp>
#include <troupe/runtime/status.hpp>

/// \file
/// The calls that need no action type: by name, for the id, for the status.

namespace troupe {
inline namespace v0 {

/// A call by wire name, with bytes or text; see `handle::call`. Awaited once, or waited for with `get()`.
/// Result is `std::string` for JSON, `bytes` for CBOR.
template <class Result>
class [[nodiscard("a call does nothing until it is awaited")]] named_call final
    : public detail::call_core,
      public detail::awaited_value<Result> {
 public:
  named_call(const detail::handle_core& h, std::string_view action, std::string_view json_arguments);
  named_call(const detail::handle_core& h, std::string_view action, bytes_view cbor_arguments);
  named_call(named_call&&) noexcept = default;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  Result await_resume();
  Result get() {
    block();
    return await_resume();
  }

 private:
  detail::invocation* make(executor& home) override;

  std::string action_;
  bytes arguments_;
};

extern template class named_call<std::string>;
extern template class named_call<bytes>;

/// Finds, or creates, an actor and yields its id. Awaited once, or waited for with `get()`.
class [[nodiscard("a call does nothing until it is awaited")]] lookup_call final
    : public detail::call_core,
      public detail::awaited_value<actor_id> {
 public:
  explicit lookup_call(const detail::handle_core& h) noexcept : call_core{detail::handle_core{h}} {}
  lookup_call(lookup_call&&) noexcept = default;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  actor_id await_resume();
  actor_id get() {
    block();
    return await_resume();
  }

 private:
  detail::invocation* make(executor& home) override;
};

/// Asks for an actor's status. Awaited once, or waited for with `get()`.
class [[nodiscard("a call does nothing until it is awaited")]] status_call final
    : public detail::call_core,
      public detail::awaited_value<actor_status> {
 public:
  explicit status_call(const detail::handle_core& h) noexcept : call_core{detail::handle_core{h}} {}
  status_call(status_call&&) noexcept = default;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  actor_status await_resume();
  actor_status get() {
    block();
    return await_resume();
  }

 private:
  detail::invocation* make(executor& home) override;
};

}  // namespace v0
}  // namespace troupe
