// SPDX-License-Identifier: Apache-2.0
#include "waiting_senders.hpp"

#include <utility>

#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "cell_extension.hpp"
#include "core.hpp"
#include "deadlock.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

sent_message* waiting_senders::find(std::uint64_t message) const noexcept {
  const auto found = waiting_.find(message);
  return found == waiting_.end() ? nullptr : found->second;
}

// An exclusive action that waits for it keeps its consumers out. The message stays in the queue.
void waiting_senders::add(sent_message& sender) {
  cell& owner = contents_.owner;
  if (const invocation* const h = owner.holder(); h != nullptr && sender.caller) {
    const auto how = describe_wait_for_itself(sender, *h);
    if (!how.empty() && !is_planted(planted::deadlock_missed)) throw error(errc::deadlock, how);
  }
  sender.put_off = true;
  sender.waits_among = this;
  waiting_.emplace(sender.message, &sender);
  owner.retain();
}

void waiting_senders::answer(std::uint64_t message, std::optional<bytes> result,
                             const std::exception_ptr& failure) noexcept {
  const auto found = waiting_.find(message);
  if (found == waiting_.end()) return;
  sent_message& sender = *found->second;
  waiting_.erase(found);
  sender.result = std::move(result);
  sender.failure = failure;
  contents_.this_turn().send<&waiting_senders::leave>(sender);
}

void waiting_senders::leave(sent_message& sender, const turn& now) noexcept {
  waiting_senders& all = *sender.waits_among;
  if (now.unsaved() && all.contents_.table.find(sender.message) != nullptr) {
    all.waiting_.emplace(sender.message, &sender);  // the message has not been handled after all
    return;
  }
  cell& owner = all.contents_.owner;
  sender.dependency = now.depends_on;
  owner.core().deliver(sender);
  owner.release();
}

void waiting_senders::refuse_all(const std::exception_ptr& why) noexcept {
  cell& owner = contents_.owner;
  for (const auto& [message, sender] : std::exchange(waiting_, {})) {
    owner.core().refuse(*sender, why);
    owner.release();
  }
}

void waiting_senders::drop_abandoned() noexcept {
  std::erase_if(waiting_, [&](const auto& each) {
    if (!each.second->abandoned()) return false;
    each.second->release();
    contents_.owner.release();
    return true;
  });
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
