// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <string_view>

#include <troupe/actor/coroutine_invocation.hpp>
#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class cell;

/// A procedure as something that the actor runs, before all that waits.
class procedure : public coroutine_invocation {
 public:
  std::coroutine_handle<> begin(activation*) final;
  void finish() final;

 protected:
  /// It keeps others out while it waits, or not.
  procedure(cell& c, bool keeps_out);
  virtual task<> steps() = 0;

 private:
  bool keeps_out_;
};

/// A background task of keep_awake and wait_until.
class background final : public coroutine_invocation {
 public:
  background(executor& home, task<> body, bool keeps_awake);
  std::coroutine_handle<> begin(activation*) override { return body(); }
  [[nodiscard]] std::string_view what() const noexcept override { return blocks_sleep ? "keep_awake" : "wait_until"; }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
