// SPDX-License-Identifier: Apache-2.0
#include "dead_letters.hpp"

#include <exception>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>

#include "../core/text_of.hpp"
#include "core.hpp"
#include "observing.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint32_t dead_of(std::uint32_t queue) noexcept { return queue * subqueues_per_queue + 1; }

// Data that is not even CBOR is shown as bytes.
std::string json_of(bytes_view value) {
  try {
    return to_json(value);
  } catch (const error&) {
    buffer whole;
    cbor_writer{whole}.byte_string(value);
    return to_json(whole.view());
  }
}

std::string why_undecodable(const queue_entry& entry, bytes_view body) {
  try {
    entry.check(body);
  } catch (...) {
    return text_of(std::current_exception());
  }
  return {};
}

}  // namespace

// --- how a message becomes one --------------------------------------------------------------------------------------

void dead_letters::add(queued_message& m) {
  cell& owner = contents_.owner;
  const auto& entry = contents_.entry_of(m);
  const auto id = m.id;
  const auto queue = m.queue();
  const auto cause = m.why ? ": " + text_of(m.why) : std::string{};
  const auto what = m.unreadable ? std::string{" cannot be decoded"} : fmt::format(", after {} attempts", m.failures());
  const auto event = contents_.describe(m) + what;
  const auto why = std::make_exception_ptr(error(errc::queue_dead_letter, event + cause));
  tell(owner.core(), [&](observer& o) { o.message_died(seen(owner), entry.name, id, m.why); });
  contents_.table.move_to(m, dead_of(queue));
  m.due_at = m.created_at;
  m.due = at_once;
  contents_.make_ready(m);
  owner.core().report(why, fmt::format("queue \"{}\" of {}", entry.name, owner.name()));
  // The sender may be in another process, and the cause is the actor's own affair.
  senders_.answer(id, std::nullopt, std::make_exception_ptr(error(errc::queue_dead_letter, event)));
  drop_oldest(queue);
  capacity_.admit(queue);
}

// Those that a consumer holds stay.
void dead_letters::drop_oldest(std::uint32_t queue) {
  cell& owner = contents_.owner;
  const auto& entry = owner.type().queues[queue];
  const auto subqueue = dead_of(queue);
  std::uint64_t dropped = 0;
  while (contents_.table.count(subqueue) > entry.options.dead_letters_max) {
    queued_message* const oldest = contents_.table.oldest_not_held(subqueue, dropped);
    if (oldest == nullptr) return;
    dropped = oldest->id;
    const auto what = fmt::format("{} is dropped: {} dead letters are kept (queue_options::dead_letters_max)",
                                  contents_.describe(*oldest), entry.options.dead_letters_max);
    contents_.note_and_forget(*oldest);
    owner.core().report(std::make_exception_ptr(error(errc::queue_dead_letter, what)),
                        fmt::format("queue \"{}\" of {}", entry.name, owner.name()));
  }
}

// --- reading, removing, putting back --------------------------------------------------------------------------------

queued_message* dead_letters::find(std::uint32_t queue, std::uint64_t id) noexcept {
  queued_message* const m = contents_.table.find(id);
  return m != nullptr && m->subqueue == dead_of(queue) ? m : nullptr;
}

std::vector<dead_letter> dead_letters::list(std::uint32_t queue) const {
  static_cast<void>(contents_.this_turn());
  const auto& entry = contents_.owner.type().queues[queue];
  std::vector<dead_letter> all;
  for (const auto& [id, m] : contents_.table.all()) {
    if (m.subqueue != dead_of(queue)) continue;
    const auto data = open_version(*m.body);
    auto& letter = all.emplace_back();
    letter.id = id;
    letter.attempts = m.failures();
    letter.version = data.version;
    letter.created_at = m.created_at;
    letter.why = m.why ? text_of(m.why) : why_undecodable(entry, *m.body);
    if (letter.why.empty()) letter.why = "its attempts are used up";
    letter.json = json_of(data.value);
  }
  return all;
}

bool dead_letters::remove(std::uint32_t queue, std::uint64_t id) {
  static_cast<void>(contents_.this_turn());
  queued_message* const m = find(queue, id);
  if (m == nullptr) return false;
  contents_.note_and_forget(*m);
  return true;
}

bool dead_letters::requeue(std::uint32_t queue, std::uint64_t id) {
  static_cast<void>(contents_.this_turn());
  queued_message* const m = find(queue, id);
  if (m == nullptr) return false;
  if (capacity_.is_full(queue)) capacity_.throw_full(queue);
  contents_.note(*m);
  contents_.let_go(*m);
  contents_.table.move_to(*m, queue * subqueues_per_queue);
  m->attempts = m->cuts = 0;
  m->why = nullptr;
  m->due_at = m->created_at;
  m->due = at_once;
  contents_.check_version(*m);
  contents_.make_ready(*m);
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
