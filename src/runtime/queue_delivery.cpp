// SPDX-License-Identifier: Apache-2.0
#include "queue_delivery.hpp"

#include <utility>

#include <fmt/format.h>

#include <troupe/actor/transport.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "cell_extension.hpp"
#include "core.hpp"
#include "due_times.hpp"
#include "outbox.hpp"
#include "queues.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

queue_delivery::queue_delivery(executor& home, std::uint32_t q, message_body b, time_point at) noexcept
    : sent_message{home, q, std::move(b), at, {}} {}

queue_delivery::queue_delivery(executor& home, counted_ptr<class outbox_message> p) noexcept
    : sent_message{home, p->queue, p->body, is_planted(planted::sent_delay_ignored) ? at_once : p->due, p} {
  must_arrive = outbox_message->id != 0;
  outbox_message->to->retain();
  origin = outbox_message->to.get();
}

sent_message& queue_delivery::bring(executor& home, counted_ptr<class outbox_message> p) {
  return *new queue_delivery{home, std::move(p)};
}

std::coroutine_handle<> queue_delivery::begin(activation* a) {
  const definition& type = target->type();
  if (queue >= type.queues.size()) throw error(errc::queue_not_declared, target->name());
  if (!outbox_message && type.has_can_publish) {
    auto may = a->can_publish(type.queues[queue].name);
    if (may.pending) return own(ask(this, std::move(may.pending)));
    if (!may.granted) refuse();
  }
  arrive();
  return nullptr;
}

bool queue_delivery::outlives(const std::exception_ptr& refusal) noexcept {
  return origin->transport->local()->outbox().keep(*this, refusal);
}

queue_delivery& queue_delivery::go_on_unanswered(executor& home) {
  auto& again = *new queue_delivery{home, outbox_message};
  again.target = target;
  again.dependency = dependency;
  again.posted = true;
  must_arrive = false;
  return again;
}

request queue_delivery::as_request() const {
  TROUPE_ASSERT(!outbox_message, "a message that is part of a turn stays in its runtime");
  request asked;
  asked.asks = request::verb::send;
  asked.name = origin->type->queues[queue].name;
  asked.body = *body;
  if (due != at_once) asked.delay = std::max(due - home()->now(), std::chrono::nanoseconds{0});
  asked.waits = answer_later;
  return asked;
}

void queue_delivery::take_answer(bytes_view answer) {
  if (!answer.empty()) result.emplace(answer.begin(), answer.end());
}

void queue_delivery::leave_with(turn& t) noexcept { t.send<&queue_delivery::leave>(*this); }

void queue_delivery::leave(queue_delivery& leaving, const turn& now) noexcept {
  auto& core = *leaving.origin->transport->local();
  leaving.dependency = now.depends_on;
  if (now.unsaved()) {
    leaving.must_arrive = false;
    return core.refuse(leaving, now.failure());
  }
  core.outbox().leave(leaving);
}

task<> queue_delivery::ask(queue_delivery* self, task<bool> pending) {
  const bool granted = co_await std::move(pending);
  if (!granted) self->refuse();
  self->arrive();
}

void queue_delivery::refuse() const {
  throw error(errc::forbidden, fmt::format("{}, queue \"{}\"", target->name(), target->type().queues[queue].name));
}

// It is in the queue already, or was. The commit of this turn tells the store, if the last one has not.
void queue_delivery::arrive_again() {
  must_arrive = false;
  this_thread().in_turn->effects();
  target->known_extension()->recorder.changes().arrive(outbox_message);
}

void queue_delivery::arrive() {
  auto& extension = *target->known_extension();
  auto& queues = queues_of(*target);
  // It was being asked about when the actor was told to end.
  if (target->life().destroy_requested() && !must_arrive) throw error(errc::destroying, target->name());
  const bool was_waiting = std::exchange(admitted, false) && life == target->live()->life();
  if (was_waiting) queues.capacity.give_up_place(queue);
  if (must_arrive && queues.has_receipt(outbox_message->id)) return arrive_again();
  if (queues.capacity.is_full(queue) || (!was_waiting && queues.capacity.others_wait(queue))) {
    if (must_arrive) return queues.capacity.wait(*this, was_waiting);
    queues.capacity.throw_full(queue);
  }
  message = queues.contents.add(queue, body, due);
  if (must_arrive && !is_planted(planted::message_sent_twice)) {
    extension.recorder.changes().arrive(outbox_message);
    if (queues.receipts) queues.receipts->add(outbox_message->id, extension.recorder.changes());
  }
  must_arrive = false;
  if (answer_later) queues.senders.add(*this);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
