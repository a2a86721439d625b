// SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "commit_ledger.hpp"
#include "core.hpp"
#include "directory.hpp"
#include "due_times.hpp"
#include "id_source.hpp"
#include "receipt_office.hpp"
#include "retry.hpp"
#include "sent_message.hpp"
#include "store_scan.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::chrono::seconds retry_min{1};
constexpr std::chrono::seconds retry_max{60};

}  // namespace

// --- delivery -------------------------------------------------------------------------------------------------------

void outbox::leave(sent_message& inv) noexcept {
  if (core_.in_one_cut() != nullptr) return deliver(inv);
  inv.opened = &outbox::passed_gate;
  core_.commits().when_durable(inv.dependency, inv);
}

// An epoch number of the sender's means nothing to the receiver.
void outbox::passed_gate(gate_node& n, bool durable) noexcept {
  auto& inv = static_cast<sent_message&>(static_cast<reply&>(n));
  auto& core = *inv.origin->transport->local();
  inv.dependency = 0;
  if (durable) return core.outbox().deliver(inv);
  inv.must_arrive = false;
  const auto text = fmt::format(
      "a message to {} may not have been sent, since it depends on changes that are not known to be stored",
      inv.origin->name());
  core.refuse(inv, std::make_exception_ptr(error(errc::store_unavailable, text)));
}

void outbox::deliver(sent_message& inv) noexcept {
  const address& to = *inv.origin;
  cell* c = nullptr;
  if (to.how == address::intent::by_id) {
    c = core_.cells().find(to.id);
    if (c == nullptr) return core_.locate(inv);
    if (&c->type() != to.type) {
      c->release();
      return core_.refuse(
          inv, std::make_exception_ptr(error(errc::not_found, fmt::format("{} {}", to.type->name, to.id.str()))));
    }
  } else {
    c = &core_.cells().at(*to.type, to.key);
  }
  inv.target = c;
  c->push(inv);
  c->release();
}

bool outbox::keep(sent_message& inv, const std::exception_ptr& why) noexcept {
  if (is_one_of(why, errc::not_found, errc::queue_not_declared)) {
    if (inv.outbox_message->claim() != outbox_message::never) core_.commits().forget(inv.outbox_message->id);
    return false;
  }
  if (core_.stopping()) {
    const bool nobody_waits = inv.posted;
    if (nobody_waits) inv.release();  // it stays in the store
    return nobody_waits;
  }
  if (!is_one_of(why, errc::aborted)) {
    core_.report(why, fmt::format("a message on its way to {}; it is tried again", inv.origin->name()));
  }
  put_off(inv);
  return true;
}

void outbox::put_off(sent_message& inv) noexcept {
  inv.target = nullptr;
  inv.started = inv.put_off = false;
  if (core_.in_one_cut() == nullptr) inv.dependency = 0;  // of the actor where it has waited
  const auto at = core_.exec().now() + backoff(retry_min, retry_max, ++inv.failures);
  {
    const std::lock_guard lock{mutex_};
    if (!stopped_) {
      waiting_.emplace(at, &inv);
      return arm();
    }
  }
  drop(inv);
}

void outbox::send_again(const counted_ptr<outbox_message>& p) {
  auto& inv = make_(core_.exec(), p);
  inv.posted = true;
  put_off(inv);
}

// With the lock held.
void outbox::arm() noexcept {
  if (armed_ && !core_.exec().cancel(alarm_)) return;  // it has rung: the job comes
  armed_ = !waiting_.empty();
  if (armed_) core_.exec().arm(alarm_, waiting_.begin()->first);
}

void outbox::ring() noexcept {
  core_.enter_busy();
  core_.exec().post(job_);
}

void outbox::try_again() noexcept {
  std::vector<sent_message*> ready;
  {
    const std::lock_guard lock{mutex_};
    const auto now = core_.exec().now();
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
      ready.push_back(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
    }
    armed_ = false;
    if (!stopped_) arm();
  }
  for (sent_message* const inv : ready) deliver(*inv);
  core_.leave_busy();
}

// The store has it.
void outbox::drop(sent_message& inv) noexcept {
  if (inv.posted) return inv.release();
  inv.must_arrive = false;
  core_.refuse(inv, std::make_exception_ptr(error(errc::runtime_stopped, core_.interrupted(inv.origin->name()))));
}

// --- what an earlier process left ------------------------------------------------------------------------------------

class outbox::recovery final : public store_scan<runtime_core, outgoing_request> {
 public:
  explicit recovery(outbox& o) noexcept
      : store_scan{o.core_, &store::list_outgoing, "looking for messages on their way"},
        owner_{o},
        ours_{o.core_.ids().first_message()} {}

 private:
  bool take_page() noexcept override {
    for (const auto& m : found) {
      if (core_.stopping()) is_complete_ = false;
      if (m.id >= ours_ || !is_complete_) return false;
      if (auto* const office = core_.commits().receipts(); office != nullptr) office->expect(m.id);
      resend(m);
      after = m.id;
    }
    return found.size() == limit;
  }

  void ended() noexcept override {
    if (auto* const office = core_.commits().receipts(); office != nullptr && is_complete_) office->end_recovery();
  }

  void resend(const message& m) {
    if (owner_.restore(m.id, m.content)) return;
    core_.log(log_level::error, fmt::format("a stored message, {}, is for an actor or queue that the registry does not "
                                            "have; it stays in the store", m.id));
  }

  outbox& owner_;
  const std::uint64_t ours_;  ///< from this one on they are this process's
  bool is_complete_ = true;
};

// --- what a commit without a known outcome has left ------------------------------------------------------------------

class outbox::search final : public store_scan<runtime_core, outgoing_request> {
 public:
  explicit search(outbox& o) noexcept
      : store_scan{o.core_, &store::list_outgoing, "looking for messages that may be on their way"}, owner_{o} {}

  void look_for(const std::vector<std::uint64_t>& messages) noexcept {
    bool begins = false;
    {
      const std::lock_guard lock{mutex_};
      wanted_.insert(messages.begin(), messages.end());
      begins = !std::exchange(runs_, true);
    }
    if (begins) begin_at_first();
  }

 private:
  void begin_at_first() noexcept {
    {
      const std::lock_guard lock{mutex_};
      std::swap(wanted_, sought_);
    }
    after = *sought_.begin() - 1;
    begin();
  }

  bool take_page() noexcept override {
    for (const auto& m : found) {
      after = m.id;
      if (sought_.erase(m.id) != 0) static_cast<void>(owner_.restore(m.id, m.content));
    }
    return found.size() == limit && !sought_.empty();
  }

  void ended() noexcept override {
    sought_.clear();
    {
      const std::lock_guard lock{mutex_};
      runs_ = !wanted_.empty();
      if (!runs_) return;
    }
    begin_at_first();
  }

  outbox& owner_;
  std::mutex mutex_;
  std::set<std::uint64_t> wanted_;
  bool runs_ = false;
  std::set<std::uint64_t> sought_;  ///< by the scan that is under way
};

void outbox::look_for(const std::vector<std::uint64_t>& messages) noexcept {
  if (!messages.empty()) search_->look_for(messages);
}

outbox::outbox(runtime_core& core, maker make) noexcept
    : core_{core}, make_{make}, search_{std::make_unique<search>(*this)} {}
outbox::~outbox() = default;

void outbox::begin() {
  recovery_ = std::make_unique<recovery>(*this);
  recovery_->begin();
}

void outbox::stop() noexcept {
  std::multimap<time_point, sent_message*> left;
  {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
    if (armed_) core_.exec().cancel(alarm_);
    if (recovery_) recovery_->stop();
    search_->stop();
    left.swap(waiting_);
  }
  for (const auto& [at, inv] : left) drop(*inv);
}

bool outbox::restore(std::uint64_t id, bytes_view content) {
  auto stored = decode_parcel(content);
  if (!stored) return false;
  const definition* const type = core_.find(stored->actor);
  if (type == nullptr) return false;
  const auto entry = std::ranges::find(type->queues, stored->queue, &queue_entry::name);
  if (entry == type->queues.end()) return false;
  stored->to->transport = core_.not_owning();
  stored->to->type = type;
  const auto times = stored->times;
  const auto delay = delay_between(times.sent_at, times.due_at);
  const bool is_delayed = times.due_at != wall_time{};
  const auto due = is_delayed ? core_.delays().moment(times.due_at, delay, id) : at_once;
  auto p = counted_ptr<outbox_message>::adopt(new outbox_message{id, counted_ptr<const address>{*stored->to},
                                                 static_cast<std::uint32_t>(entry - type->queues.begin()),
                                                 std::make_shared<const bytes>(std::move(stored->body)), due, times});
  p->sent_in = outbox_message::before;
  auto& inv = make_(core_.exec(), std::move(p));
  inv.posted = true;
  deliver(inv);
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
