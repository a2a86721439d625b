// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <string_view>

#include <troupe/core/task.hpp>

#include "sent_message.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

struct turn;

/// Brings a message to a queue, in a turn of the actor that has it. With `answer_later` it is answered when the message
/// has been handled.
///
/// One that carries an outbox message is not lost: when it cannot run now, it runs later.
class queue_delivery final : public sent_message {
 public:
  /// For `outbox`: brings an outbox message.
  [[nodiscard]] static sent_message& bring(executor& home, counted_ptr<class outbox_message> p);

  queue_delivery(executor& home, std::uint32_t queue, message_body body, time_point due) noexcept;
  queue_delivery(executor& home, counted_ptr<class outbox_message> p) noexcept;

  std::coroutine_handle<> begin(activation* a) override;
  [[nodiscard]] std::string_view what() const noexcept override { return "send"; }
  [[nodiscard]] request as_request() const override;
  void take_answer(bytes_view answer) override;
  [[nodiscard]] bool outlives(const std::exception_ptr& refusal) noexcept override;

  /// Leaves when the turn has ended. Takes over the reference.
  void leave_with(turn& t) noexcept;

  /// The sender is told that there is a deadlock, but the message is on its way, durably. Returns the invocation that
  /// brings it there in place of this one, for no answer.
  [[nodiscard]] queue_delivery& go_on_unanswered(executor& home);

 private:
  static void leave(queue_delivery& leaving, const turn& now) noexcept;
  static task<> ask(queue_delivery* self, task<bool> pending);
  [[noreturn]] void refuse() const;
  void arrive();
  void arrive_again();
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
