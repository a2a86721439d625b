// SPDX-License-Identifier: Apache-2.0
#include "queues.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "cell_extension.hpp"
#include "consumers.hpp"
#include "core.hpp"
#include "parked_wait.hpp"
#include "retry.hpp"
#include "wait_graph.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

using nanoseconds = std::chrono::nanoseconds;

}  // namespace

cell_queues::cell_queues(cell& c)
    : actor_part{c},
      due{c, &cell_queues::ring},
      subqueues_(c.type().queues.size() * subqueues_per_queue),
      backpressure_(c.type().queues.size()) {
  if (c.type().has_handlers) handlers_ = std::make_unique<consumers>(c);
}

cell_queues::~cell_queues() = default;

std::unique_ptr<actor_part> cell_queues::make(cell& owner) { return std::make_unique<cell_queues>(owner); }

part_entry queue_part(const definition& d) noexcept {
  return {.make = &cell_queues::make, .wakes = d.has_handlers || d.has_run, .loads_messages = true};
}

turn& cell_queues::this_turn() const { return own_turn(owner, "queue"); }

const queue_entry& cell_queues::entry_of(const queued& m) const noexcept {
  return owner.type().queues[m.queue()];
}

std::string cell_queues::describe(const queued& m) const {
  return fmt::format("message {} of {}, queue \"{}\"", m.id, owner.name(), entry_of(m).name);
}

// --- life -----------------------------------------------------------------------------------------------------------

void cell_queues::load(const stored_rows& stored) {
  const auto& queues = owner.type().queues;
  auto& core = owner.core();
  const auto now = core.exec().now();
  std::vector<std::size_t> newer(queues.size());
  for (auto& record : stored.messages()) {
    const auto entry = std::ranges::find(queues, record.queue, &queue_entry::name);
    if (entry == queues.end()) continue;  // of another version of the program: it stays in the store
    queued& m = all_[record.id];
    m.id = record.id;
    m.subqueue = static_cast<std::uint32_t>(entry - queues.begin()) * subqueues_per_queue + (record.dead ? 1 : 0);
    m.created_at = record.created_at;
    m.due_at = record.due_at;
    if (m.due_at != m.created_at) {
      m.due = core.delays().moment(m.due_at, delay_between(m.created_at, m.due_at), m.id);
    }
    m.body = std::make_shared<const bytes>(std::move(record.body));
    ++subqueues_[m.subqueue].count;
    restore_attempts(m, record.attempts);
    check_version(m);
    newer[m.queue()] += m.unreadable && !m.dead() ? 1 : 0;
    if (!m.dead() && !m.unreadable && is_used_up(m)) {
      log_undo(m);
      die(m);  // the process died of its last attempt
    } else if (m.due > now && !is_planted(planted::delay_forgotten_at_wake)) {
      set_time(m, m.due);
    } else {
      make_ready(m);
    }
  }
  for (std::uint32_t queue = 0; queue != newer.size(); ++queue) {
    if (newer[queue] != 0) report_newer(queue, newer[queue]);
  }
}

// A newer program's message stays in its place: decoding it could lose fields that this program does not know.
void cell_queues::check_version(queued& m) noexcept {
  const auto version = open_version(*m.body).version;
  m.unreadable = version > 1 && version > entry_of(m).message_version;
}

void cell_queues::report_newer(std::uint32_t queue, std::size_t count) noexcept {
  const auto& entry = owner.type().queues[queue];
  const auto why = std::make_exception_ptr(
      error(errc::queue_newer_message, fmt::format("{} in queue \"{}\" of {}, whose messages are of version {} here",
                                                   count, entry.name, owner.name(), entry.message_version)));
  owner.core().report(why, fmt::format("queue \"{}\" of {}", entry.name, owner.name()));
}

void cell_queues::woken() {
  if (!handlers_) return;
  for (std::uint32_t queue = 0; queue != backpressure_.size(); ++queue) handlers_->begin_life(queue, ready(queue));
}

void cell_queues::unload(unload_reason why) noexcept {
  const bool destroyed = why == unload_reason::destroyed;
  const bool is_gone = destroyed || owner.type().options.durability == durability::ephemeral;
  if (is_gone || why == unload_reason::runtime_stops) refuse_waiters(why_it_ends(owner, is_gone));
  owner.core().exec().cancel(due);
  armed_at_.reset();
  if (destroyed && !all_.empty()) {
    const auto why = fmt::format("{}: {} messages of its queues are gone with it", owner.name(), all_.size());
    owner.core().report(std::make_exception_ptr(error(errc::destroying, why)), "the queues of " + owner.name());
  }
  refuse_waiting(destroyed);
  if (handlers_) handlers_->end_life();
  for (const queued* const m : held_) {
    if (m->served) owner.core().waits().end_serving(*m->of, *m->served);
  }
  timed_.clear();
  held_.clear();
  undo_log_.clear();
  for (auto& l : subqueues_) l = {};
  all_.clear();
  std::erase_if(waiters_, [&](const auto& waiter) {
    if (!waiter.second->abandoned()) return false;
    waiter.second->release();
    owner.release();  // not the last: the actor is only just going to sleep
    return true;
  });
}

void cell_queues::refuse_waiters(const std::exception_ptr& why) noexcept {
  for (const auto& [id, inv] : std::exchange(waiters_, {})) {
    owner.core().refuse(*inv, why);
    owner.release();
  }
}

std::optional<time_point> cell_queues::next_due() const noexcept {
  const auto mask = owner.known_extension()->run.awaited;
  std::optional<time_point> first;
  for (const auto& [id, m] : all_) {
    if (m.dead() || m.unreadable) continue;
    const bool is_wanted = entry_of(m).consume != nullptr || (subqueue_bit(m.subqueue) & mask) != 0;
    if (is_wanted && (!first || m.due < *first)) first = m.due;
  }
  return first;
}

// --- where a message is ---------------------------------------------------------------------------------------------

// Until it is due, which may be past.
void cell_queues::postpone(queued& m, time_point due) {
  auto& core = owner.core();
  const bool waits = due != at_once && due > core.exec().now();
  m.due = waits ? due : at_once;
  m.due_at = waits ? core.delays().stored(due, m.id, m.created_at) : m.created_at;
  waits ? set_time(m, due) : make_ready(m);
}

void cell_queues::make_ready(queued& m) {
  clear_time(m);
  if (m.unreadable) return;
  subqueues_[m.subqueue].ready.emplace(m.id, &m);
  wake_parked(owner, subqueue_bit(m.subqueue));
  if (handlers_ && !m.dead()) handlers_->message_ready(m.queue());
}

void cell_queues::set_time(queued& m, time_point at) {
  clear_time(m);
  m.at = at;
  timed_.emplace(at, m.id);
  arm();
}

void cell_queues::clear_time(queued& m) noexcept {
  if (!m.at) return;
  timed_.erase({*m.at, m.id});
  m.at.reset();
}

void cell_queues::arm() noexcept {
  if (timed_.empty()) return;
  const auto first = timed_.begin()->first;
  if (armed_at_ && *armed_at_ <= first) return;
  auto& exec = owner.core().exec();
  if (armed_at_) exec.cancel(due);
  armed_at_ = first;
  exec.arm(due, first);
}

void cell_queues::ring(cell& c) noexcept {
  if (is_planted(planted::due_message_missed)) return;
  run_when_due(c, "a look at its queues", [&] { queues_of(c).look_at_clock(); });
}

void cell_queues::look_at_clock() {
  owner.core().exec().cancel(due);
  armed_at_.reset();
  const auto now = owner.core().exec().now();
  while (!timed_.empty() && timed_.begin()->first <= now) {
    queued& m = all_.find(timed_.begin()->second)->second;
    clear_time(m);
    if (m.lease == 0) {
      // Its last attempt was undone with a turn that could not be stored, and so could not end it.
      const bool ends = !m.dead() && !m.unreadable && is_used_up(m);
      if (ends) log_undo(m);
      ends ? die(m) : make_ready(m);
      continue;
    }
    log_undo(m);
    if (handlers_ && m.of != nullptr) handlers_->lease_lost(m.queue(), *m.of);
    let_go(m);
    if (!m.dead() && is_used_up(m)) {
      die(m);
    } else {
      make_ready(m);
    }
  }
  arm();
}

// Takes a message out of everything but `all_`.
void cell_queues::take_out(queued& m) noexcept {
  const bool is_held = m.lease != 0;
  let_go(m);
  clear_time(m);
  auto& l = subqueues_[m.subqueue];
  if (!is_held) l.ready.erase(m.id);
  TROUPE_ASSERT(!l.ready.contains(m.id), "a message that is held is not ready");
  --l.count;
}

void cell_queues::forget(queued& m) noexcept {
  take_out(m);
  all_.erase(m.id);
}

// --- consumers ------------------------------------------------------------------------------------------------------

bool cell_queues::has_any(subqueue_list subqueues) const noexcept {
  return std::ranges::any_of(subqueues, [&](std::uint32_t subqueue) { return !subqueues_[subqueue].ready.empty(); });
}

std::optional<receipt> cell_queues::take(subqueue_list subqueues) {
  queued* first = nullptr;
  for (const std::uint32_t subqueue : subqueues) {
    const auto& ready = subqueues_[subqueue].ready;
    if (!ready.empty() && (first == nullptr || ready.begin()->first < first->id)) first = ready.begin()->second;
  }
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

void cell_queues::hold(queued& m) {
  turn& now = this_turn();
  invocation* const inv = now.require_invocation();
  log_undo(m, now);
  subqueues_[m.subqueue].ready.erase(m.id);
  if (!m.dead() && m.attempts < attempts_limit) ++m.attempts;
  m.lease = ++leases_;
  m.of = inv;
  m.by = inv != nullptr ? this_thread().here : nullptr;
  m.held_at = held_.size();
  held_.push_back(&m);
  if (inv != nullptr) {
    inv->settles_parts = true;
    if (!waiters_.empty()) join_sender(m, *inv);
  }
  const auto limit = entry_of(m).options.visibility_timeout;
  if (limit < delay_max) set_time(m, owner.core().exec().now() + limit);
}

// A sender that waits for the answer waits for the consumer: calls that the consumer makes meanwhile descend from the
// sender's chain.
void cell_queues::join_sender(queued& m, invocation& consumer) {
  const auto waiter = waiters_.find(m.id);
  if (waiter == waiters_.end() || !waiter->second->link || is_planted(planted::wake_without_chain)) return;
  m.chain = waiter->second->link;
  if (!consumer.link) consumer.link = std::make_shared<call_chain>(nullptr);
  consumer.link->join(m.chain);
  owner.core().waits().serve(consumer, *waiter->second);
  m.served = counted_ptr<invocation>{*waiter->second};
}

void cell_queues::let_go(queued& m) noexcept {
  if (std::exchange(m.lease, 0) == 0) return;
  if (m.chain) {
    m.of->link->part(std::exchange(m.chain, nullptr));
    const auto sender = std::exchange(m.served, {});
    owner.core().waits().end_serving(*m.of, *sender);
  }
  clear_time(m);
  held_[m.held_at] = held_.back();
  held_[m.held_at]->held_at = m.held_at;
  held_.pop_back();
}

void cell_queues::acknowledge_held() {
  const turn& t = this_turn();
  // A part of a fiber asks for the whole as well.
  const auto is_mine = [&](const queued& m) {
    if (m.of != t.inv || t.inv == nullptr) return m.of == t.inv;
    const fiber* f = this_thread().here;
    while (f != nullptr && f != m.by) f = f->whole();
    return f != nullptr;
  };
  for (std::size_t i = 0; i < held_.size();) {
    queued& m = *held_[i];
    if (is_mine(m)) {
      acknowledge(m, std::nullopt);  // another takes its place
    } else {
      ++i;
    }
  }
}

bool cell_queues::invocation_ended(const invocation& inv, const std::exception_ptr& failure) noexcept {
  if (!failure) {
    settle_held(&inv, handling::done, nullptr);
    return false;
  }
  const bool leaving = owner.current_phase() != cell::phase::awake || inv.cancelled();
  // What is cut short because of a shutdown is no fault of the message.
  const bool cut = leaving && is_one_of(failure, errc::aborted);
  return settle_held(&inv, cut ? handling::cut : handling::failed, failure) != 0;
}

void cell_queues::plain_action_ended(bool failed) noexcept {
  settle_held(nullptr, failed ? handling::failed : handling::done, nullptr);
}

// Returns how many attempts have failed. Those at dead letters do not count.
std::size_t cell_queues::settle_held(const invocation* inv, handling how, const std::exception_ptr& why) noexcept {
  std::size_t failed = 0;
  for (std::size_t i = 0; i < held_.size();) {
    queued& m = *held_[i];  // if it is let go, another takes its place
    if (m.of != inv) {
      ++i;
      continue;
    }
    switch (how) {
      case handling::done: acknowledge(m, std::nullopt); break;
      case handling::failed:
        failed += m.dead() ? 0 : 1;
        fail_attempt(m, std::nullopt, why);
        break;
      case handling::cut: hand_back(m); break;
    }
  }
  return failed;
}

std::string cell_queues::describe_held(const invocation& inv) const {
  const queued* first = nullptr;
  std::size_t count = 0;
  for (const queued* const m : held_) {
    if (m->of != &inv) continue;
    if (first == nullptr) first = m;
    ++count;
  }
  if (first == nullptr) return {};
  if (count > 1) return fmt::format(", {} messages", count);
  return fmt::format(", message {} of queue \"{}\"", first->id, entry_of(*first).name);
}

bool cell_queues::is_leaving() const noexcept {
  const invocation* const inv = this_thread().in_turn->inv;
  return owner.current_phase() == cell::phase::stopping && inv->kind != invocation::purpose::lifecycle;
}

void cell_queues::branch_ended(const fiber& branch, const fiber& whole, bool cancelled) noexcept {
  for (std::size_t i = 0; i < held_.size();) {
    queued& m = *held_[i];
    if (m.by == &branch && cancelled) {
      hand_back(m);
      continue;
    }
    if (m.by == &branch) m.by = &whole;
    ++i;
  }
}

cell_queues::queued& cell_queues::held_message(const receipt& r) {
  static_cast<void>(this_turn());
  const auto found = all_.find(r.id);
  const auto& queue = owner.type().queues[r.subqueue / subqueues_per_queue].name;
  const auto describe = [&] { return fmt::format("message {} of {}, queue \"{}\"", r.id, owner.name(), queue); };
  if (found == all_.end()) throw error(errc::queue_already_completed, describe());
  if (found->second.lease != r.lease) throw error(errc::queue_lease_lost, describe());
  return found->second;
}

void cell_queues::complete(const receipt& r, std::optional<bytes> res) { acknowledge(held_message(r), std::move(res)); }
void cell_queues::give_back(const receipt& r, std::optional<nanoseconds> delay) {
  if (is_planted(planted::retry_acknowledges)) return acknowledge(held_message(r), std::nullopt);
  fail_attempt(held_message(r), delay, nullptr);
}

bool cell_queues::is_held(const receipt& r) const noexcept {
  const auto found = all_.find(r.id);
  return found != all_.end() && found->second.lease == r.lease;
}

void cell_queues::call_off(const receipt& r) {
  if (!is_held(r)) return;
  queued& m = all_.find(r.id)->second;
  hand_back(m);
  if (owner.current_phase() != cell::phase::awake) return;
  const auto& options = entry_of(m).options;
  subqueues_[m.subqueue].ready.erase(m.id);
  set_time(m, owner.core().exec().now() + std::max<nanoseconds>(options.retry_min, std::chrono::milliseconds{1}));
}

void cell_queues::acknowledge(queued& m, std::optional<bytes> result) {
  const auto id = m.id;
  const auto queue = m.queue();
  note_and_forget(m);
  if (!waiters_.empty()) answer(id, std::move(result), nullptr);
  admit_waiters(queue);
}

void cell_queues::fail_attempt(queued& m, std::optional<nanoseconds> delay, const std::exception_ptr& why) {
  log_undo(m);
  let_go(m);
  m.why = why;
  const auto& options = entry_of(m).options;
  if (!m.dead() && is_used_up(m)) return die(m);
  const auto usual = backoff(options.retry_min, options.retry_max, m.failures());
  const auto wait = std::clamp(delay.value_or(usual), nanoseconds{0}, delay_max);
  postpone(m, due_after(owner.core().exec(), wait));
}

void cell_queues::hand_back(queued& m) {
  log_undo(m);
  let_go(m);
  if (!m.dead()) --m.attempts;
  make_ready(m);
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
