// SPDX-License-Identifier: Apache-2.0
#include "message_leases.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>

#include <troupe/actor/activation.hpp>
#include <troupe/actor/consumer.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>

#include "../core/planted.hpp"
#include "consumers.hpp"
#include "core.hpp"
#include "retry.hpp"
#include "wait_graph.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

using nanoseconds = std::chrono::nanoseconds;

bool is_want_of_memory(const std::exception_ptr& failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

std::optional<receipt> message_leases::take(subqueue_list subqueues) {
  queued_message* const first = contents_.table.first_ready(subqueues);
  if (first == nullptr) return std::nullopt;
  hold(*first);
  receipt r;
  r.from = this;
  r.id = first->id;
  r.lease = first->lease;
  r.subqueue = first->subqueue;
  r.attempts = first->attempts;
  r.created_at = first->created_at;
  r.body = first->body;
  return r;
}

void message_leases::hold(queued_message& m) {
  turn& now = contents_.this_turn();
  invocation* const inv = now.require_invocation();
  contents_.changes.note(m, now);
  contents_.table.hold(m);
  if (!m.dead() && m.attempts < attempts_limit) ++m.attempts;
  m.of = inv;
  m.by = inv != nullptr ? this_thread().here : nullptr;
  if (inv != nullptr) {
    inv->settles_parts = true;
    if (!senders_.empty()) join_sender(m, *inv);
  }
  const auto limit = contents_.entry_of(m).options.visibility_timeout;
  if (limit < delay_max) contents_.limit(m, contents_.owner.core().exec().now() + limit);
}

// A sender that waits for the answer waits for the consumer: calls that the consumer makes meanwhile descend from the
// sender's chain.
void message_leases::join_sender(queued_message& m, invocation& consumer) {
  sent_message* const sender = senders_.find(m.id);
  if (sender == nullptr || !sender->link || is_planted(planted::wake_without_chain)) return;
  m.chain = sender->link;
  if (!consumer.link) consumer.link = std::make_shared<call_chain>(nullptr);
  consumer.link->join(m.chain);
  contents_.owner.core().waits().serve(consumer, *sender);
  m.served = counted_ptr<invocation>{*sender};
}

bool message_leases::is_held(const receipt& r) noexcept {
  const queued_message* const m = contents_.table.find(r.id);
  return m != nullptr && m->lease == r.lease;
}

queued_message& message_leases::held_message(const receipt& r) {
  static_cast<void>(contents_.this_turn());
  const cell& owner = contents_.owner;
  const auto& queue = owner.type().queues[r.subqueue / subqueues_per_queue].name;
  const auto describe = [&] { return fmt::format("message {} of {}, queue \"{}\"", r.id, owner.name(), queue); };
  queued_message* const m = contents_.table.find(r.id);
  if (m == nullptr) throw error(errc::queue_already_completed, describe());
  if (m->lease != r.lease) throw error(errc::queue_lease_lost, describe());
  return *m;
}

// --- the ways in which it ends --------------------------------------------------------------------------------------

void message_leases::complete(const receipt& r, std::optional<bytes> result) {
  acknowledge(held_message(r), std::move(result));
}

void message_leases::complete_held() {
  const turn& t = contents_.this_turn();
  // A part of a fiber asks for the whole as well.
  const auto is_mine = [&](const queued_message& m) {
    if (m.of != t.inv || t.inv == nullptr) return m.of == t.inv;
    const fiber* f = this_thread().here;
    while (f != nullptr && f != m.by) f = f->whole();
    return f != nullptr;
  };
  for (std::size_t i = 0; i < contents_.table.held().size();) {
    queued_message& m = *contents_.table.held()[i];
    if (is_mine(m)) {
      acknowledge(m, std::nullopt);  // another takes its place
    } else {
      ++i;
    }
  }
}

void message_leases::give_back(const receipt& r, std::optional<nanoseconds> delay) {
  if (is_planted(planted::retry_acknowledges)) return acknowledge(held_message(r), std::nullopt);
  fail_attempt(held_message(r), delay, nullptr);
}

void message_leases::call_off(const receipt& r) {
  if (!is_held(r)) return;
  queued_message& m = *contents_.table.find(r.id);
  hand_back(m);
  const cell& owner = contents_.owner;
  if (owner.current_phase() != cell::phase::awake) return;
  const auto& options = contents_.entry_of(m).options;
  const auto wait = std::max<nanoseconds>(options.retry_min, std::chrono::milliseconds{1});
  contents_.delay(m, owner.core().exec().now() + wait);
}

void message_leases::make_dead_letter(const receipt& r, const std::exception_ptr& why) {
  queued_message& m = held_message(r);
  if (is_want_of_memory(why)) return fail_attempt(m, std::nullopt, why);
  contents_.note(m);
  contents_.let_go(m);
  m.unreadable = true;
  m.why = why;
  if (m.dead()) return;
  --m.attempts;  // no consumer has tried it
  dead_.add(m);
}

void message_leases::expire(queued_message& m) {
  contents_.note(m);
  if (contents_.handlers && m.of != nullptr) contents_.handlers->lease_lost(m.queue(), *m.of);
  contents_.let_go(m);
  !m.dead() && contents_.is_used_up(m) ? dead_.add(m) : contents_.make_ready(m);
}

void message_leases::acknowledge(queued_message& m, std::optional<bytes> result) {
  const auto id = m.id;
  const auto queue = m.queue();
  contents_.note_and_forget(m);
  if (!senders_.empty()) senders_.answer(id, std::move(result), nullptr);
  capacity_.admit(queue);
}

void message_leases::fail_attempt(queued_message& m, std::optional<nanoseconds> delay, const std::exception_ptr& why) {
  contents_.note(m);
  contents_.let_go(m);
  m.why = why;
  const auto& options = contents_.entry_of(m).options;
  if (!m.dead() && contents_.is_used_up(m)) return dead_.add(m);
  const auto usual = backoff(options.retry_min, options.retry_max, m.failures());
  const auto wait = std::clamp(delay.value_or(usual), nanoseconds{0}, delay_max);
  contents_.postpone(m, due_after(contents_.owner.core().exec(), wait));
}

void message_leases::hand_back(queued_message& m) {
  contents_.note(m);
  contents_.let_go(m);
  if (!m.dead()) --m.attempts;
  contents_.make_ready(m);
}

// --- consumers that end ---------------------------------------------------------------------------------------------

std::size_t message_leases::settle(const invocation* inv, ending how, const std::exception_ptr& why) noexcept {
  std::size_t failed = 0;
  for (std::size_t i = 0; i < contents_.table.held().size();) {
    queued_message& m = *contents_.table.held()[i];  // if it is let go, another takes its place
    if (m.of != inv) {
      ++i;
      continue;
    }
    switch (how) {
      case ending::done: acknowledge(m, std::nullopt); break;
      case ending::failed:
        failed += m.dead() ? 0 : 1;
        fail_attempt(m, std::nullopt, why);
        break;
      case ending::cut: hand_back(m); break;
    }
  }
  return failed;
}

void message_leases::branch_ended(const fiber& branch, const fiber& whole, bool cancelled) noexcept {
  for (std::size_t i = 0; i < contents_.table.held().size();) {
    queued_message& m = *contents_.table.held()[i];
    if (m.by == &branch && cancelled) {
      hand_back(m);
      continue;
    }
    if (m.by == &branch) m.by = &whole;
    ++i;
  }
}

void message_leases::end_life() noexcept {
  for (const queued_message* const m : contents_.table.held()) {
    if (m->served) contents_.owner.core().waits().end_serving(*m->of, *m->served);
  }
}

bool message_leases::is_only_consumer(std::uint32_t queue, const invocation& inv) const noexcept {
  const cell& owner = contents_.owner;
  const auto& entry = owner.type().queues[queue];
  const bool is_handler = dynamic_cast<const consumer*>(&inv) != nullptr;
  if (entry.consume != nullptr && (!is_handler || entry.options.concurrency != 1)) return false;
  const auto holds = [&](const queued_message* m) { return m->of == &inv && m->queue() == queue && !m->dead(); };
  return owner.live()->running_count == 1 && std::ranges::any_of(contents_.table.held(), holds);
}

std::string message_leases::describe_held(const invocation& inv) const {
  const queued_message* first = nullptr;
  std::size_t count = 0;
  for (const queued_message* const m : contents_.table.held()) {
    if (m->of != &inv) continue;
    if (first == nullptr) first = m;
    ++count;
  }
  if (first == nullptr) return {};
  if (count > 1) return fmt::format(", {} messages", count);
  return fmt::format(", message {} of queue \"{}\"", first->id, contents_.entry_of(*first).name);
}

// --- for troupe::message --------------------------------------------------------------------------------------------

void complete(const receipt& r, std::optional<bytes> result) { r.from->complete(r, std::move(result)); }

void give_back(const receipt& r, std::optional<nanoseconds> delay) { r.from->give_back(r, delay); }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
