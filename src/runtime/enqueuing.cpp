#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "core.hpp"
#include "queues.hpp"
#include "side.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

enqueuing::enqueuing(executor& home, std::uint32_t q, message_body b, time_point at) noexcept
    : invocation{home}, queue{q}, body{std::move(b)}, due{at} {
  kind = purpose::enqueue;
}

enqueuing::enqueuing(executor& home, counted_ptr<class parcel> p) noexcept
    : invocation{home},
      queue{p->queue},
      body{p->body},
      due{is_planted(planted::sent_delay_ignored) ? at_once : p->due},
      parcel{std::move(p)} {
  kind = purpose::enqueue;
  must_arrive = parcel->id != 0;
  parcel->to->retain();
  origin = parcel->to.get();
}

enqueuing::~enqueuing() {
  if (asking_) asking_.destroy();
}

std::coroutine_handle<> enqueuing::begin(activation* a) {
  const definition& type = target->type();
  if (queue >= type.queues.size()) throw error(errc::queue_not_declared, target->name());
  if (!parcel && type.has_can_publish) {
    auto may = a->can_publish(type.queues[queue].name);
    if (may.pending) {
      asking_ = ask(this, std::move(may.pending)).release();
      adopt(asking_.promise());
      return asking_;
    }
    if (!may.granted) refuse();
  }
  arrive();
  return nullptr;
}

void enqueuing::leave_with(turn& t) noexcept {
  run = [](work& w) noexcept {
    auto& leaving = static_cast<enqueuing&>(w);
    const turn& now = *this_thread().in_turn;
    auto& core = *leaving.origin->core;
    leaving.dependency = now.learned;
    if (now.unsaved()) {
      leaving.must_arrive = false;
      return core.refuse(leaving, now.failure());
    }
    core.parcels().deliver(leaving);
  };
  t.send(*this);
}

void enqueuing::finish() { asking_.promise().take(); }

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

void check_size(const definition& type, const queue_entry& entry, std::size_t size) {
  if (size <= entry.options.message_bytes_max) return;
  throw error(errc::queue_message_too_large,
              fmt::format("{} bytes for queue \"{}\" of {}, {} are allowed (queue_options::message_bytes_max)", size,
                          entry.name, type.name, entry.options.message_bytes_max));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
