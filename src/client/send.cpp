// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/send.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "../runtime/cell_extension.hpp"
#include "../runtime/core.hpp"
#include "../runtime/due_times.hpp"
#include "../runtime/id_source.hpp"
#include "../runtime/queue_delivery.hpp"
#include "../runtime/queues.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

[[noreturn]] void refuse(const definition& type, std::string_view queue, const error& why) {
  throw error(errc::invalid_request, fmt::format("{}, queue \"{}\": {}", type.name, queue, why.message()));
}

bytes checked(const definition& type, std::string_view queue, bytes_view cbor) {
  const auto& entry = type.queues[require_queue(type, queue)];
  auto body = with_version({cbor.begin(), cbor.end()}, entry.message_version);
  try {
    entry.check(body);
  } catch (const error& e) {
    refuse(type, queue, e);
  }
  return body;
}

bytes from_text(const definition& type, std::string_view queue, std::string_view json) {
  static_cast<void>(require_queue(type, queue));
  bytes body;
  try {
    body = from_json(json);
  } catch (const error& e) {
    refuse(type, queue, e);
  }
  return checked(type, queue, body);
}

// The turn of an actor of the same runtime: only then can both ends be committed together.
turn* sending_turn(const address& to) noexcept {
  turn* const t = this_thread().in_turn;
  return t != nullptr && &t->where->core() == to.transport->local() ? t : nullptr;
}

// A message to a queue of the actor itself, which the code that would wait for the answer takes messages from alone.
void require_other_consumer(turn& mine, const address& to, std::uint32_t queue) {
  const cell& own = *mine.where;
  const bool is_own = &own.type() == to.type &&
                      (to.how == address::intent::by_id ? own.is(to.id) : own.key() == to.key);
  if (!is_own) return;
  const invocation* const sender = mine.require_invocation();
  const fiber* const here = this_thread().here;
  const bool is_whole = here->whole() == nullptr && !here->waits();
  if (!is_whole || is_planted(planted::deadlock_missed)) return;
  if (!queues_of(own).leases.is_only_consumer(queue, *sender)) return;
  throw error(errc::deadlock,
              fmt::format("{} in {} waits for the answer to a message of queue \"{}\", which it takes messages from "
                          "alone; the message was not sent",
                          sender->what(), own.name(), to.type->queues[queue].name));
}

}  // namespace

send_core::send_core(const handle_core& to, std::uint32_t queue, bytes body, std::chrono::nanoseconds delay,
                     bool waits)
    : call_core{handle_core{to}},
      queue_{queue},
      body_{std::make_shared<const bytes>(std::move(body))},
      delay_{delay},
      waits_{waits} {
  const definition& type = *to.where().type;
  check_size(type, type.queues[queue], body_->size());
}

send_core::send_core(const handle_core& to, std::string_view queue, std::string_view json,
                     std::chrono::nanoseconds delay, bool waits)
    : send_core{to, require_queue(*to.where().type, queue), from_text(*to.where().type, queue, json), delay, waits} {}

send_core::send_core(const handle_core& to, std::string_view queue, bytes_view cbor, std::chrono::nanoseconds delay,
                     bool waits)
    : send_core{to, require_queue(*to.where().type, queue), checked(*to.where().type, queue, cbor), delay, waits} {}

errc send_core::when_late() const noexcept { return waits_ ? errc::queue_timed_out : errc::action_timed_out; }

invocation* send_core::make(executor& home) {
  auto* const inv = new queue_delivery{home, queue_, body_, due_after(home, delay_)};
  inv->answer_later = waits_;
  inv->when_late = when_late();
  return inv;
}

queue_delivery* send_core::make_outbox_message(turn& sender) {
  const address& to = target().where();
  auto& core = *to.transport->local();
  const bool stored = sender.where->type().options.durability != durability::ephemeral;
  const auto due = due_after(core.exec(), delay_);
  const bool delayed = due != at_once;
  if (stored && delayed) core.delays().look_at_clock();
  const auto id = stored ? core.ids().message() : 0;
  outbox_message::row_times times;
  if (stored && delayed) times = {core.delays().stored(due, id), core.exec().clock().wall()};
  auto p = counted_ptr<outbox_message>::adopt(
      new outbox_message{id, counted_ptr<const address>{to}, queue_, body_, due, times});
  if (stored) {
    sender.effects();
    sender.where->known_extension()->recorder.changes().send(p);
  }
  auto* const inv = new queue_delivery{core.exec(), std::move(p)};
  inv->answer_later = waits_;
  inv->when_late = when_late();
  return inv;
}

bool send_core::leaves_with_turn() {
  turn* const mine = sending_turn(target().where());
  if (mine == nullptr) return false;
  begin_once();
  target().require_open();
  queue_delivery* const inv = make_outbox_message(*mine);
  inv->posted = true;
  inv->leave_with(*mine);
  stage_ = stage::done;
  return true;
}

bool send_core::suspend_for_answer(std::coroutine_handle<> h) {
  auto& thread = this_thread();
  turn* const mine = sending_turn(target().where());
  if (mine == nullptr) return suspend(h);
  begin_once();
  try {
    if (!is_planted(planted::stopped_send_goes)) require_wanted(thread);
    require_other_consumer(*mine, target().where(), queue_);
  } catch (...) {
    fail(std::current_exception());
    return false;
  }
  queue_delivery* const inv = make_outbox_message(*mine);
  inv->leave_with(*mine);
  return suspend_on(*inv, h);
}

const std::optional<bytes>& send_core::answer() const { return static_cast<const queue_delivery*>(record())->result; }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
