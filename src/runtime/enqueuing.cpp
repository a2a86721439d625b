#include "enqueuing.hpp"

#include <utility>

#include <fmt/format.h>

#include <troupe/actor/transport.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "core.hpp"
#include "due_times.hpp"
#include "outgoing.hpp"
#include "queues.hpp"
#include "side.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

enqueuing::enqueuing(executor& home, std::uint32_t q, message_body b, time_point at) noexcept
    : sent_message{home, q, std::move(b), at, {}} {}

enqueuing::enqueuing(executor& home, counted_ptr<class parcel> p) noexcept
    : sent_message{home, p->queue, p->body, is_planted(planted::sent_delay_ignored) ? at_once : p->due, p} {
  must_arrive = parcel->id != 0;
  parcel->to->retain();
  origin = parcel->to.get();
}

sent_message& enqueuing::bring(executor& home, counted_ptr<class parcel> p) {
  return *new enqueuing{home, std::move(p)};
}

std::coroutine_handle<> enqueuing::begin(activation* a) {
  const definition& type = target->type();
  if (queue >= type.queues.size()) throw error(errc::queue_not_declared, target->name());
  if (!parcel && type.has_can_publish) {
    auto may = a->can_publish(type.queues[queue].name);
    if (may.pending) return own(ask(this, std::move(may.pending)));
    if (!may.granted) refuse();
  }
  arrive();
  return nullptr;
}

bool enqueuing::outlives(const std::exception_ptr& refusal) noexcept {
  return origin->transport->local()->parcels().keep(*this, refusal);
}

enqueuing& enqueuing::go_on_unanswered(executor& home) {
  auto& again = *new enqueuing{home, parcel};
  again.target = target;
  again.dependency = dependency;
  again.posted = true;
  must_arrive = false;
  return again;
}

request enqueuing::as_request() const {
  TROUPE_ASSERT(!parcel, "a message that is part of a turn stays in its runtime");
  request asked;
  asked.asks = request::verb::send;
  asked.name = origin->type->queues[queue].name;
  asked.body = *body;
  if (due != at_once) asked.delay = std::max(due - home()->now(), std::chrono::nanoseconds{0});
  asked.waits = answer_later;
  return asked;
}

void enqueuing::take_answer(bytes_view answer) {
  if (!answer.empty()) result.emplace(answer.begin(), answer.end());
}

void enqueuing::leave_with(turn& t) noexcept {
  run = [](work& w) noexcept {
    auto& leaving = static_cast<enqueuing&>(w);
    const turn& now = *this_thread().in_turn;
    auto& core = *leaving.origin->transport->local();
    leaving.dependency = now.learned;
    if (now.unsaved()) {
      leaving.must_arrive = false;
      return core.refuse(leaving, now.failure());
    }
    core.parcels().deliver(leaving);
  };
  t.send(*this);
}

task<> enqueuing::ask(enqueuing* self, task<bool> pending) {
  const bool granted = co_await std::move(pending);
  if (!granted) self->refuse();
  self->arrive();
}

void enqueuing::refuse() const {
  throw error(errc::forbidden, fmt::format("{}, queue \"{}\"", target->name(), target->type().queues[queue].name));
}

void enqueuing::arrive() {
  auto& side = *target->known_side();
  auto& queues = queues_of(*target);
  // It was being asked about when the actor was told to end.
  if (side.destroy_requested && !must_arrive) throw error(errc::destroying, target->name());
  const bool was_at_door = std::exchange(admitted, false) && life == target->live()->life();
  if (was_at_door) queues.give_up_place(queue);
  if (queues.is_full(queue) || (!was_at_door && queues.others_wait(queue))) {
    if (must_arrive) return queues.wait_at_door(*this, was_at_door);
    queues.throw_full(queue);
  }
  message = queues.add(queue, body, due);
  if (must_arrive && !is_planted(planted::message_sent_twice)) side.recorder.changes().arrive(parcel);
  must_arrive = false;
  if (answer_later) queues.wait_for_answer(*this);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
