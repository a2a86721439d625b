#include "alarms.hpp"

#include <algorithm>
#include <exception>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "core.hpp"
#include "retry.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// So many are woken before others get the thread.
constexpr std::size_t woken_at_once = 128;

std::chrono::nanoseconds backoff_of(std::uint32_t failures) noexcept {
  return backoff(std::chrono::seconds{1}, std::chrono::minutes{1}, failures);
}

}  // namespace

// --- asking the store -----------------------------------------------------------------------------------------------

/// Goes through the actors with messages, page by page. Busy while it is posted or at the store.
class alarms::search final : public waiting_request, public timer, public work {
 public:
  explicit search(alarms& a) noexcept : timer{&search::ring}, work{&search::proceed}, owner_{a} {
    done = [](waiting_request& r) noexcept {
      auto& self = static_cast<search&>(r);
      self.owner_.core_.exec().post(self);
    };
  }
  void begin() noexcept {
    owner_.core_.enter_busy();
    owner_.core_.exec().post(*this);
  }

 private:
  static void ring(timer& t) noexcept { static_cast<search&>(t).begin(); }

  static void proceed(work& w) noexcept {
    auto& self = static_cast<search&>(w);
    auto& core = self.owner_.core_;
    if (!self.go_on()) core.leave_busy();
  }

  // Whether it is still under way.
  bool go_on() noexcept {
    auto& core = owner_.core_;
    if (core.stopping()) return false;
    if (asked_) {
      asked_ = false;
      if (failure) return pause();
      for (const auto& each : found) take(each);
      if (found.size() < limit) {
        found = {};
        return false;
      }
      after = found.back().id;
    }
    found.clear();
    asked_ = true;
    core.stored().list_waiting(*this);
    return true;
  }

  void take(const actor& each) noexcept {
    auto& core = owner_.core_;
    const definition* const type = core.find(std::string_view{each.name});
    if (type == nullptr || !concern(*type)) return;
    try {
      // Of an earlier process's messages, most often. Of one of ours it may be too early, but not too late: its actor
      // says when it is to be woken whenever it goes to sleep, and the earlier of the two counts.
      const auto at = core.delays().moment(each.due_at, each.shortest_delay, 0);
      owner_.set(*type, troupe::key::parse(each.key), at);
    } catch (...) {
      core.report(std::current_exception(), each.name + ": a stored key");
    }
  }

  bool pause() noexcept {
    auto& core = owner_.core_;
    core.report(std::exchange(failure, nullptr), "looking for actors with messages");
    const std::lock_guard lock{owner_.mutex_};
    if (!owner_.stopped_) core.exec().arm(*this, core.exec().now() + backoff_of(++failures_));
    return false;
  }

  alarms& owner_;
  std::uint32_t failures_ = 0;
  bool asked_ = false;
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

void alarms::begin() {
  search_ = std::make_unique<search>(*this);
  search_->begin();
}

void alarms::stop() noexcept {
  const std::lock_guard lock{mutex_};
  stopped_ = true;
  core_.exec().cancel(bell_);
  if (search_) core_.exec().cancel(*search_);
  order_.clear();
  places_.clear();
}

void alarms::set(place who, time_point at, std::uint32_t failures) {
  const std::lock_guard lock{mutex_};
  if (stopped_) return;
  const appointment next{at, failures, ++last_number_};
  const auto [here, is_new] = places_.try_emplace(std::move(who), next);
  if (!is_new) {
    if (here->second.at <= at) return;
    order_.erase(here->second.when());
    here->second = next;
  }
  const auto queued = order_.emplace(next.when(), &*here).first;
  if (queued == order_.begin()) arm();
}

void alarms::clear(const definition& type, const troupe::key& key) {
  const std::lock_guard lock{mutex_};
  const auto here = places_.find({&type, key});
  if (here == places_.end()) return;
  order_.erase(here->second.when());
  places_.erase(here);
}

// The bell is set for the first, with the lock held.
void alarms::arm() noexcept {
  auto& exec = core_.exec();
  exec.cancel(bell_);
  if (stopped_ || order_.empty()) return;
  exec.arm(bell_, order_.begin()->first.first);
}

void alarms::bell::ring(timer& t) noexcept {
  auto& self = static_cast<bell&>(t);
  if (self.rings.exchange(true, std::memory_order_acq_rel)) return;
  self.owner.core_.enter_busy();
  self.owner.core_.exec().post(self);
}

void alarms::bell::answer(work& w) noexcept {
  auto& self = static_cast<bell&>(w);
  auto& core = self.owner.core_;
  self.rings.store(false, std::memory_order_release);
  self.owner.wake_due();
  core.leave_busy();
}

void alarms::wake_due() noexcept {
  std::vector<std::pair<place, std::uint32_t>> due;
  {
    const std::lock_guard lock{mutex_};
    const auto now = core_.exec().now();
    while (!order_.empty() && order_.begin()->first.first <= now && due.size() < woken_at_once) {
      const auto here = places_.find(order_.begin()->second->first);
      order_.erase(order_.begin());
      auto node = places_.extract(here);
      due.emplace_back(std::move(node.key()), node.mapped().failures);
    }
    arm();
  }
  for (const auto& [who, failures] : due) wake(who, failures);
}

void alarms::wake(const place& who, std::uint32_t failures) noexcept {
  auto* const order = new wake_order{*this, who, failures};
  cell& c = core_.cells().at(*who.first, who.second);
  order->target = &c;
  c.push(*order);
  c.release();
}

// One that is gone has no messages; one that could not be woken still has them.
void alarms::failed(const place& who, std::uint32_t failures, const std::exception_ptr& why) noexcept {
  if (is_one_of(why, errc::not_found, errc::runtime_stopped)) return;
  core_.report(why, fmt::format("waking {} for its messages", name_of(*who.first, who.second)));
  set(who, core_.exec().now() + backoff_of(failures + 1), failures + 1);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
