// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>

#include <troupe/actor/invocation.hpp>
#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// An invocation that owns the coroutine of a task: the frame ends with it.
class coroutine_invocation : public invocation {
 public:
  /// Throws the failure of the coroutine.
  void finish() override { body_.promise().take(); }

 protected:
  explicit coroutine_invocation(executor& home) noexcept : invocation{home} {}
  ~coroutine_invocation() override {
    if (body_) body_.destroy();
  }

  /// Takes the coroutine over. Returns it for `begin`: null if the task is empty.
  std::coroutine_handle<> own(task<> body) noexcept { return own(body.release()); }
  std::coroutine_handle<> own(std::coroutine_handle<promise<void>> body) noexcept {
    body_ = body;
    if (!body_) return nullptr;
    adopt(body_.promise());
    return body_;
  }
  [[nodiscard]] std::coroutine_handle<promise<void>> body() const noexcept { return body_; }
  /// Ends the frame, so that another coroutine can take its place.
  void destroy_body() noexcept {
    body_.destroy();
    body_ = nullptr;
  }

 private:
  std::coroutine_handle<promise<void>> body_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
