#include "queues.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "core.hpp"
#include "parked_wait.hpp"
#include "retry.hpp"

namespace troupe::inline v0 {
namespace detail {
namespace {

using nanoseconds = std::chrono::nanoseconds;

}  // namespace

cell_queues::cell_queues(cell& c)
    : owner{c},
      due{c, &cell_queues::ring},
      lanes_(c.type().queues.size() * lanes_per_queue),
      doors_(c.type().queues.size()) {}

cell_queues::~cell_queues() = default;

turn& cell_queues::this_turn() const {
  turn* const t = this_thread().in_turn;
  if (t == nullptr || t->where != &owner) {
    throw error(errc::invalid_operation, owner.name() + ": only the actor's own code can use its queues");
  }
  return *t;
}

const queue_entry& cell_queues::entry_of(const queued& m) const noexcept {
  return owner.type().queues[m.lane / lanes_per_queue];
}

// --- life -----------------------------------------------------------------------------------------------------------

void cell_queues::begin_life(std::vector<message_record> stored) {
  const auto& queues = owner.type().queues;
  auto& exec = owner.core().exec();
  const auto wall = exec.clock().wall();
  for (auto& record : stored) {
    const auto entry = std::ranges::find(queues, record.queue, &queue_entry::name);
    if (entry == queues.end()) continue;  // of another version of the program: it stays in the store
    queued& m = all_[record.id];
    m.id = record.id;
    m.lane = static_cast<std::uint32_t>(entry - queues.begin()) * lanes_per_queue + (record.dead ? 1 : 0);
    m.attempts = record.attempts;
    m.created_at = record.created_at;
    m.due_at = record.due_at;
    m.body = std::make_shared<const bytes>(std::move(record.body));
    ++lanes_[m.lane].count;
    if (!m.dead() && m.attempts >= entry->options.attempts_max) {
      note(m);
      die(m);  // the process died of its last attempt
    } else if (m.due_at > wall) {
      set_time(m, moment_of(m.due_at, exec));
    } else {
      make_ready(m);
    }
  }
}

void cell_queues::end_life(bool destroyed) noexcept {
  owner.core().exec().cancel(due);
  armed_at_.reset();
  if (destroyed && !all_.empty()) {
    const auto why = fmt::format("{}: {} messages of its queues are gone with it", owner.name(), all_.size());
    owner.core().report(std::make_exception_ptr(error(errc::destroying, why)), "the queues of " + owner.name());
  }
  for (auto& d : doors_) {
    for (enqueuing* const inv : std::exchange(d.waiting, {})) {
      inv->put_off = false;
      destroyed ? owner.defer(*inv) : owner.core().parcels().put_off(*inv);
    }
    d.admitted = 0;
  }
  timed_.clear();
  held_.clear();
  touches_.clear();
  for (auto& l : lanes_) l = {};
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

std::optional<wall_time> cell_queues::first_due(std::uint64_t mask) const noexcept {
  std::optional<wall_time> first;
  for (const auto& [id, m] : all_) {
    if (!m.dead() && (lane_bit(m.lane) & mask) != 0 && (!first || m.due_at < *first)) first = m.due_at;
  }
  return first;
}

// --- changes --------------------------------------------------------------------------------------------------------

void cell_queues::note(queued& m) {
  this_turn().effects();
  if (std::exchange(m.touched, true)) return;
  touches_.push_back({m.id, m});
}

void cell_queues::record(row_changes& into) {
  for (const touch& t : std::exchange(touches_, {})) {
    const auto found = all_.find(t.id);
    if (found == all_.end()) {
      if (t.before) into.remove(t.id);
      continue;
    }
    queued& m = found->second;
    m.touched = false;
    if (m.lease != 0 && t.before && is_planted(planted::queue_acknowledged_early)) {
      into.remove(t.id);
      continue;
    }
    message_row row;
    row.queue = entry_of(m).name;
    row.dead = m.dead();
    row.fresh = !t.before;
    row.attempts = m.attempts;
    row.created_at = m.created_at;
    row.due_at = m.due_at;
    row.body = m.body;
    into.put(m.id, std::move(row));
  }
}

void cell_queues::forget_changes() noexcept {
  for (const touch& t : std::exchange(touches_, {})) {
    if (const auto found = all_.find(t.id); found != all_.end()) found->second.touched = false;
  }
}

// What the turn added is gone again. What it acknowledged or gave back is there as it was, and held by nobody.
void cell_queues::undo() noexcept {
  for (touch& t : std::exchange(touches_, {})) {
    const auto found = all_.find(t.id);
    if (found != all_.end() && found->second.lease != 0 && t.before) {
      found->second.touched = false;
      continue;
    }
    if (found != all_.end()) forget(found->second);
    if (!t.before) {
      answer(t.id, std::nullopt, this_turn().failure());
      continue;
    }
    queued& m = all_[t.id];
    m = std::move(*t.before);
    m.touched = false;
    m.at.reset();
    m.lease = 0;
    m.chain.reset();
    ++lanes_[m.lane].count;
    make_ready(m);
  }
}

// --- where a message is ---------------------------------------------------------------------------------------------

void cell_queues::make_ready(queued& m) {
  clear_time(m);
  lanes_[m.lane].ready.emplace(m.id, &m);
  wake_parked(owner, lane_bit(m.lane));
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
  if (!c.live_ || c.phase_ == cell::phase::finalising || is_planted(planted::due_message_missed)) return;
  turn t{c, nullptr, false, this_thread()};
  c.side_->queues->look_at_clock();
  t.end();
}

void cell_queues::look_at_clock() {
  owner.core().exec().cancel(due);
  armed_at_.reset();
  const auto now = owner.core().exec().now();
  while (!timed_.empty() && timed_.begin()->first <= now) {
    queued& m = all_.find(timed_.begin()->second)->second;
    clear_time(m);
    if (m.lease == 0) {
      make_ready(m);
      continue;
    }
    let_go(m);
    if (!m.dead() && m.attempts >= entry_of(m).options.attempts_max) {
      note(m);
      die(m);
    } else {
      make_ready(m);
    }
  }
  arm();
}

// Takes a message out of everything.
void cell_queues::forget(queued& m) noexcept {
  let_go(m);
  clear_time(m);
  auto& l = lanes_[m.lane];
  l.ready.erase(m.id);
  --l.count;
  all_.erase(m.id);
}

// --- consumers ------------------------------------------------------------------------------------------------------

bool cell_queues::has_any(lane_list lanes) const noexcept {
  return std::ranges::any_of(lanes, [&](std::uint32_t lane) { return !lanes_[lane].ready.empty(); });
}

std::optional<receipt> cell_queues::take(lane_list lanes) {
  queued* first = nullptr;
  for (const std::uint32_t lane : lanes) {
    const auto& ready = lanes_[lane].ready;
    if (!ready.empty() && (first == nullptr || ready.begin()->first < first->id)) first = ready.begin()->second;
  }
  if (first == nullptr) return std::nullopt;
  hold(*first);
  receipt r;
  r.from = this;
  r.id = first->id;
  r.lease = first->lease;
  r.lane = first->lane;
  r.attempts = first->attempts;
  r.created_at = first->created_at;
  r.body = first->body;
  return r;
}

void cell_queues::hold(queued& m) {
  invocation* const inv = this_turn().require_invocation();
  note(m);
  lanes_[m.lane].ready.erase(m.id);
  if (!m.dead()) ++m.attempts;
  m.lease = ++leases_;
  m.of = inv;
  m.by = inv != nullptr ? this_thread().here : nullptr;
  m.held_at = held_.size();
  held_.push_back(&m);
  if (inv != nullptr) {
    inv->holds_messages = true;
    join_sender(m, *inv);
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
  if (!consumer.link) consumer.link = std::make_shared<chain_link>(nullptr);
  consumer.link->join(m.chain);
}

void cell_queues::let_go(queued& m) noexcept {
  if (std::exchange(m.lease, 0) == 0) return;
  if (const auto chain = std::exchange(m.chain, nullptr)) m.of->link->part(chain);
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

void cell_queues::consumer_ended(const invocation& inv, const std::exception_ptr& failure) noexcept {
  if (!failure) return settle_held(&inv, handling::done);
  const bool leaving = owner.phase_ != cell::phase::awake || inv.cancelled();
  // What is cut short because of a shutdown is no fault of the message.
  settle_held(&inv, leaving && is_one_of(failure, errc::aborted) ? handling::cut : handling::failed);
}

void cell_queues::plain_consumer_ended(bool failed) noexcept {
  settle_held(nullptr, failed ? handling::failed : handling::done);
}

void cell_queues::settle_held(const invocation* inv, handling how) noexcept {
  for (std::size_t i = 0; i < held_.size();) {
    queued& m = *held_[i];  // if it is let go, another takes its place
    if (m.of != inv) {
      ++i;
      continue;
    }
    switch (how) {
      case handling::done: acknowledge(m, std::nullopt); break;
      case handling::failed: fail_attempt(m, std::nullopt); break;
      case handling::cut: hand_back(m); break;
    }
  }
}

bool cell_queues::is_leaving() const noexcept {
  const invocation* const inv = this_thread().in_turn->inv;
  return owner.phase_ == cell::phase::stopping && inv->kind != invocation::purpose::lifecycle;
}

void cell_queues::pass_on(const fiber& from, const fiber& to, bool cancelled) noexcept {
  for (std::size_t i = 0; i < held_.size();) {
    queued& m = *held_[i];
    if (m.by == &from && cancelled) {
      hand_back(m);
      continue;
    }
    if (m.by == &from) m.by = &to;
    ++i;
  }
}

cell_queues::queued& cell_queues::held_message(const receipt& r) {
  static_cast<void>(this_turn());
  const auto found = all_.find(r.id);
  const auto& queue = owner.type().queues[r.lane / lanes_per_queue].name;
  const auto describe = [&] { return fmt::format("message {} of {}, queue \"{}\"", r.id, owner.name(), queue); };
  if (found == all_.end()) throw error(errc::queue_already_completed, describe());
  if (found->second.lease != r.lease) throw error(errc::queue_lease_lost, describe());
  return found->second;
}

void cell_queues::complete(const receipt& r, std::optional<bytes> res) { acknowledge(held_message(r), std::move(res)); }
void cell_queues::give_back(const receipt& r, std::optional<nanoseconds> delay) {
  fail_attempt(held_message(r), delay);
}

void cell_queues::acknowledge(queued& m, std::optional<bytes> result) {
  note(m);
  const auto id = m.id;
  const auto queue = m.lane / lanes_per_queue;
  forget(m);
  answer(id, std::move(result), nullptr);
  open_door(queue);
}

void cell_queues::fail_attempt(queued& m, std::optional<nanoseconds> delay) {
  note(m);
  let_go(m);
  const auto& options = entry_of(m).options;
  if (!m.dead() && m.attempts >= options.attempts_max) return die(m);
  const auto usual = backoff(options.retry_min, options.retry_max, m.attempts);
  const auto wait = std::clamp(delay.value_or(usual), nanoseconds{0}, delay_max);
  auto& exec = owner.core().exec();
  m.due_at = later(exec.clock().wall(), wait);
  if (wait == wait.zero()) return make_ready(m);
  set_time(m, exec.now() + wait);
}

void cell_queues::hand_back(queued& m) {
  note(m);
  let_go(m);
  if (!m.dead()) --m.attempts;
  make_ready(m);
}

void cell_queues::die(queued& m) {
  const auto why = std::make_exception_ptr(
      error(errc::queue_dead_letter, fmt::format("message {} of {}, queue \"{}\", after {} attempts", m.id,
                                                 owner.name(), entry_of(m).name, m.attempts)));
  --lanes_[m.lane].count;
  ++m.lane;
  ++lanes_[m.lane].count;
  m.due_at = m.created_at;
  make_ready(m);
  owner.core().report(why, fmt::format("queue \"{}\" of {}", entry_of(m).name, owner.name()));
  answer(m.id, std::nullopt, why);
}

// --- arrivals -------------------------------------------------------------------------------------------------------

bool cell_queues::is_full(std::uint32_t queue) const noexcept {
  const auto first = queue * lanes_per_queue;
  const auto taken = lanes_[first].count + lanes_[first + 1].count + doors_[queue].admitted;
  return taken >= owner.type().queues[queue].options.messages_max;
}

std::uint64_t cell_queues::add(std::uint32_t queue, message_body body, wall_time due_at) {
  auto& exec = owner.core().exec();
  const auto wall = exec.clock().wall();
  this_turn().effects();
  const auto id = owner.core().next_message_id();
  touches_.push_back({id, std::nullopt});
  queued& m = all_[id];
  m.id = id;
  m.lane = queue * lanes_per_queue;
  m.touched = true;
  m.created_at = wall;
  m.due_at = std::max(wall, due_at);
  m.body = std::move(body);
  ++lanes_[m.lane].count;
  if (m.due_at == wall) {
    make_ready(m);
  } else {
    set_time(m, moment_of(m.due_at, exec));
  }
  return id;
}

void cell_queues::wait_at_door(enqueuing& inv, bool in_front) {
  inv.put_off = true;
  inv.started = false;
  auto& waiting = doors_[inv.queue].waiting;
  in_front ? waiting.push_front(&inv) : waiting.push_back(&inv);
}

void cell_queues::open_door(std::uint32_t queue) noexcept {
  auto& d = doors_[queue];
  while (!d.waiting.empty() && !is_full(queue)) {
    enqueuing& inv = *d.waiting.front();
    d.waiting.pop_front();
    ++d.admitted;
    inv.admitted = true;
    inv.put_off = false;
    inv.life = owner.live()->life();
    owner.push(inv);  // a turn of its own: it brings its own dependency
  }
}

void cell_queues::wait_for_answer(enqueuing& inv) {
  inv.put_off = true;
  waiters_.emplace(inv.message, &inv);
  owner.retain();
}

// The answer leaves with the turn.
void cell_queues::answer(std::uint64_t id, std::optional<bytes> result, const std::exception_ptr& failure) noexcept {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  enqueuing& inv = *found->second;
  waiters_.erase(found);
  inv.result = std::move(result);
  inv.failure = failure;
  inv.run = [](work& w) noexcept {
    auto& leaving = static_cast<enqueuing&>(w);
    const turn& now = *this_thread().in_turn;
    cell& c = *leaving.target;
    if (now.unsaved() && c.side_->queues->all_.contains(leaving.message)) {
      c.side_->queues->waiters_.emplace(leaving.message, &leaving);  // it has not been handled after all
      return;
    }
    leaving.dependency = now.learned;
    c.core().deliver(leaving);
    c.release();
  };
  this_turn().send(inv);
}

}  // namespace detail
}  // namespace troupe::inline v0
