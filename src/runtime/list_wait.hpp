// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <exception>
#include <string>

#include <troupe/core/fiber.hpp>
#include <troupe/core/latch2.hpp>
#include <troupe/store/store.hpp>

#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

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
    return !both_.arrive();  // else it was answered on the spot
  }
  void await_resume() {
    end();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  void interrupt() noexcept override {}
  [[nodiscard]] std::string describe() const override { return "a list from the store"; }
  void event() noexcept {
    if (both_.arrive()) wake();
  }

  runtime_core& core_;
  latch2 both_;  ///< the answer, and the suspension
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
