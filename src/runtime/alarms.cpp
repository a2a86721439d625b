// SPDX-License-Identifier: Apache-2.0
#include "alarms.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "core.hpp"
#include "directory.hpp"
#include "due_times.hpp"
#include "retry.hpp"
#include "store_scan.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// So many are woken before others get the thread.
constexpr std::size_t woken_at_once = 128;

// A look at the rows reads as far as twice this, and comes this long before the first unread one is due.
constexpr std::chrono::minutes look_ahead{1};
constexpr std::size_t rows_a_page = 256;
constexpr std::size_t read_max = 1024;

std::chrono::nanoseconds backoff_of(std::uint32_t failures) noexcept {
  return backoff(std::chrono::seconds{1}, std::chrono::minutes{1}, failures);
}

template <class Condition>
bool is_woken_for(const definition& type, Condition&& has) noexcept {
  return type.is_woken_by_parts &&
         std::ranges::any_of(type.parts, [&](const part_entry& part) { return part.wakes && has(part); });
}

bool is_woken_for_messages(const definition& type) noexcept {
  return is_woken_for(type, [](const part_entry& part) { return part.loads_messages; });
}

bool is_woken_for_rows(const definition& type) noexcept {
  return is_woken_for(type, [](const part_entry& part) { return !part.collections.empty(); });
}

bool is_woken_for_row(const definition& type, std::uint32_t collection) noexcept {
  return is_woken_for(type, [&](const part_entry& part) {
    return std::ranges::find(part.collections, collection) != part.collections.end();
  });
}

}  // namespace

// --- asking the store -----------------------------------------------------------------------------------------------

class alarms::message_scan final : public store_scan<runtime_core, waiting_request> {
 public:
  explicit message_scan(alarms& a) noexcept
      : store_scan{a.core_, &store::list_waiting, "looking for actors with messages"}, owner_{a} {}

 private:
  bool take_page() noexcept override {
    for (const auto& each : found) take(each);
    if (!found.empty()) after = found.back().id;
    return found.size() == limit;
  }

  void take(const actor& each) noexcept {
    const definition* const type = core_.find(std::string_view{each.name});
    if (type == nullptr || !is_woken_for_messages(*type)) return;
    try {
      // Of an earlier process's messages, most often. Of one of ours it may be too early, but not too late: its actor
      // says when it is to be woken whenever it goes to sleep, and the earlier of the two counts.
      const auto at = core_.delays().moment(each.due_at, each.shortest_delay, 0);
      owner_.found({type, troupe::key::parse(each.key)}, at, false);
    } catch (...) {
      core_.report(std::current_exception(), each.name + ": a stored key");
    }
  }

  alarms& owner_;
};

class alarms::row_scan final : public store_scan<runtime_core, due_request> {
 public:
  explicit row_scan(alarms& a) noexcept
      : store_scan{a.core_, &store::list_due, "looking for actors with something due"}, owner_{a} {
    limit = rows_a_page;
  }

  wall_time reach{};  ///< of the look that begins

 private:
  bool take_page() noexcept override {
    const auto beyond = std::ranges::find_if(found, [&](const row& each) { return each.due > reach; });
    std::for_each(found.begin(), beyond, [&](const row& each) { take(each); });
    if (beyond != found.begin()) after = static_cast<const place&>(*std::prev(beyond));
    through_ = reach;
    next_.reset();
    if (beyond != found.end()) {
      next_ = beyond->due;
      return false;
    }
    if (found.size() < limit) return false;
    next_ = through_ = after->due;  // others may be due then, too
    return owner_.goes_on_looking();
  }

  void ended() noexcept override { owner_.end_look(through_, next_); }

  void take(const row& each) noexcept {
    const definition* const type = core_.find(std::string_view{each.actor_name});
    if (type == nullptr || !is_woken_for_row(*type, each.collection)) return;
    try {
      owner_.found({type, troupe::key::parse(each.actor_key)}, core_.delays().moment_of(each.due), true);
    } catch (...) {
      core_.report(std::current_exception(), each.actor_name + ": a stored key");
    }
  }

  alarms& owner_;
  wall_time through_{};
  std::optional<wall_time> next_;
};

// --- waking ---------------------------------------------------------------------------------------------------------

/// Wakes an actor that exists, and does nothing in it.
class alarms::wake_order final : public invocation, private reply_waiter {
 public:
  wake_order(alarms& a, place who, std::uint32_t failures)
      : invocation{a.core_.exec()}, owner_{a}, who_{std::move(who)}, failures_{failures} {
    kind = purpose::lookup;
    auto* const named = new address;
    named->type = who_.first;
    named->key = who_.second;
    origin = named;
    static_cast<void>(attach(*this));
  }

  std::coroutine_handle<> begin(activation*) override { return nullptr; }
  void finish() override {}
  [[nodiscard]] std::string_view what() const noexcept override { return "wake"; }

 private:
  void answered() noexcept override {
    if (failure) owner_.failed(who_, failures_, failure);
  }

  alarms& owner_;
  place who_;
  std::uint32_t failures_;
};

// --- the list -------------------------------------------------------------------------------------------------------

alarms::alarms(runtime_core& core) noexcept : core_{core} {}
alarms::~alarms() = default;

void alarms::begin(std::span<const std::shared_ptr<const definition>> served) {
  const auto any = [&](bool (*is_so)(const definition&) noexcept) {
    return std::ranges::any_of(served, [&](const auto& each) { return is_so(*each); });
  };
  if (any(&is_woken_for_messages)) {
    messages_ = std::make_unique<message_scan>(*this);
    messages_->begin();
  }
  if (!any(&is_woken_for_rows)) return;
  bool looks = false;
  {
    const std::lock_guard lock{mutex_};
    rows_ = std::make_unique<row_scan>(*this);
    unread_ = wall_time::min();
    looks = begin_look();
  }
  if (looks) rows_->begin();
}

void alarms::stop() noexcept {
  const std::lock_guard lock{mutex_};
  stopped_ = true;
  core_.exec().cancel(wake_timer_);
  if (messages_) messages_->stop();
  if (rows_) rows_->stop();
  order_.clear();
  wakeups_.clear();
  read_ = 0;
}

void alarms::set(place who, time_point at, std::uint32_t failures) {
  const std::lock_guard lock{mutex_};
  add(std::move(who), {.at = at, .failures = failures});
}

void alarms::found(place who, time_point at, bool in_row) {
  const std::lock_guard lock{mutex_};
  const auto here = wakeups_.find(who);
  if (here != wakeups_.end() && here->second.failures != 0) return;  // its back-off counts for all that is due in it
  add(std::move(who), {.at = at, .read = in_row});
}

// Its commit is durable. So a look that begins later finds the row, and one that is under way is for what is known.
void alarms::set_row(const definition& type, const troupe::key& key, wall_time due) {
  const auto at = core_.delays().moment_of(due);
  const std::lock_guard lock{mutex_};
  if (stopped_) return;
  const auto known = std::min(known_through_, core_.exec().clock().wall() + 2 * look_ahead);
  if (due <= known) return add({&type, key}, {.at = at});
  if ((unread_ && *unread_ <= due) || is_planted(planted::due_row_forgotten)) return;
  unread_ = due;
  arm();
}

// With the lock held. The earlier of two moments counts.
void alarms::add(place who, wakeup next) {
  if (stopped_) return;
  next.number = ++last_number_;
  const auto [here, is_new] = wakeups_.try_emplace(std::move(who), next);
  if (!is_new) {
    if (here->second.at <= next.at) return;
    order_.erase(here->second.when());
    read_ -= here->second.read ? 1 : 0;
    here->second = next;
  }
  read_ += next.read ? 1 : 0;
  const auto queued = order_.emplace(next.when(), here).first;
  if (queued == order_.begin()) arm();
}

// With the lock held.
alarms::places::node_type alarms::take_out(places::iterator here) noexcept {
  TROUPE_ASSERT(!here->second.read || read_ > 0, "those that a look has found are counted");
  order_.erase(here->second.when());
  read_ -= here->second.read ? 1 : 0;
  return wakeups_.extract(here);
}

void alarms::clear(const definition& type, const troupe::key& key) {
  const std::lock_guard lock{mutex_};
  const auto here = wakeups_.find({&type, key});
  if (here == wakeups_.end()) return;
  const bool was_read = take_out(here).mapped().read;
  if (was_read) arm();  // the look may go on
}

// The timer is set for the first, with the lock held.
void alarms::arm() noexcept {
  auto& exec = core_.exec();
  exec.cancel(wake_timer_);
  if (stopped_) return;
  auto next = next_look();
  if (!order_.empty() && (!next || order_.begin()->first.first < *next)) next = order_.begin()->first.first;
  if (next) exec.arm(wake_timer_, *next);
}

void alarms::wake_timer::ring(timer& t) noexcept {
  auto& self = static_cast<wake_timer&>(t);
  if (self.rings.exchange(true, std::memory_order_acq_rel)) return;
  self.owner.core_.enter_busy();
  self.owner.core_.exec().post(self);
}

void alarms::wake_timer::answer(work& w) noexcept {
  auto& self = static_cast<wake_timer&>(w);
  auto& core = self.owner.core_;
  self.rings.store(false, std::memory_order_release);
  self.owner.wake_due();
  core.leave_busy();
}

void alarms::wake_due() noexcept {
  std::vector<std::pair<place, std::uint32_t>> due;
  bool looks = false;
  {
    const std::lock_guard lock{mutex_};
    const auto now = core_.exec().now();
    while (!order_.empty() && order_.begin()->first.first <= now && due.size() < woken_at_once) {
      auto node = take_out(order_.begin()->second);
      due.emplace_back(std::move(node.key()), node.mapped().failures);
    }
    looks = begin_look();
    arm();
  }
  if (looks) rows_->begin();
  for (const auto& [who, failures] : due) wake(who, failures);
}

void alarms::wake(const place& who, std::uint32_t failures) noexcept {
  auto* const order = new wake_order{*this, who, failures};
  cell& c = core_.cells().at(*who.first, who.second);
  order->target = &c;
  c.push(*order);
  c.release();
}

// One that is gone has nothing due; one that could not be woken still has.
void alarms::failed(const place& who, std::uint32_t failures, const std::exception_ptr& why) noexcept {
  if (is_one_of(why, errc::not_found, errc::runtime_stopped)) return;
  core_.report(why, fmt::format("waking {} for what is due", name_of(*who.first, who.second)));
  set(who, core_.exec().now() + backoff_of(failures + 1), failures + 1);
}

// --- looks at the rows: with the lock held, unless noted ------------------------------------------------------------

std::optional<time_point> alarms::next_look() const noexcept {
  if (!rows_ || looking_ || !unread_ || read_ >= read_max) return std::nullopt;
  const auto& exec = core_.exec();
  const auto near = exec.clock().wall() + look_ahead;
  if (*unread_ <= near) return exec.now();
  return exec.now() + std::min<std::chrono::milliseconds>(*unread_ - near, look_ahead);
}

// Whether it is time: then the caller begins the scan. A row that is set from now on and within its reach is kept here,
// since the scan may have passed it.
bool alarms::begin_look() noexcept {
  const auto& exec = core_.exec();
  const auto at = next_look();
  if (stopped_ || !at || *at > exec.now()) return false;
  looking_ = true;
  unread_.reset();
  rows_->reach = exec.clock().wall() + 2 * look_ahead;
  if (known_through_ > rows_->reach) {  // the wall clock was set back: rows were set since that a look had passed
    known_through_ = rows_->reach;
    rows_->after.reset();
  }
  known_before_ = known_through_;
  known_through_ = std::max(known_through_, rows_->reach);
  return true;
}

// Without the lock.
bool alarms::goes_on_looking() noexcept {
  const std::lock_guard lock{mutex_};
  return read_ < read_max;
}

// Without the lock.
void alarms::end_look(wall_time through, std::optional<wall_time> next) noexcept {
  const std::lock_guard lock{mutex_};
  TROUPE_ASSERT(looking_, "one look at a time");
  looking_ = false;
  known_through_ = std::max(known_before_, through);
  if (next && (!unread_ || *next < *unread_)) unread_ = next;
  arm();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
