// SPDX-License-Identifier: Apache-2.0
#include "rows.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include <troupe/core/assert.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

std::size_t bytes_of(const message_row& row) noexcept {
  return part_changes::row_bytes + (row.fresh ? row.body->size() : 0);
}
std::size_t bytes_of(const outbox_message& p) noexcept { return part_changes::row_bytes + p.body->size(); }

}  // namespace

bytes receipt_key(std::uint64_t message) {
  bytes key(sizeof message);
  for (std::size_t at = key.size(); at-- != 0; message >>= 8) key[at] = static_cast<std::byte>(message & 0xff);
  return key;
}

void row_changes::put(std::uint64_t id, message_row row) {
  const auto [known, is_new] = messages_.try_emplace(id);
  if (!is_new) messages_bytes_ -= bytes_of(known->second);
  known->second = std::move(row);
  messages_bytes_ += bytes_of(known->second);
}

void row_changes::set_labels(std::shared_ptr<const tags> labels) {
  labels_ = std::move(labels);
  labels_bytes_ = 0;
  for (const auto& [name, value] : *labels_) labels_bytes_ += part_changes::row_bytes + name.size() + value.size();
}

void row_changes::send(counted_ptr<outbox_message> p) {
  sent_bytes_ += bytes_of(*p);
  sent_.push_back(std::move(p));
}

bool row_changes::is_counted_right() const noexcept {
  std::size_t messages = 0;
  std::size_t sent = 0;
  for (const auto& [id, row] : messages_) messages += bytes_of(row);
  for (const auto& p : sent_) sent += bytes_of(*p);
  return messages == messages_bytes_ && sent == sent_bytes_;
}

void row_changes::merge(row_changes&& later) {
  for (auto& [id, row] : later.messages_) {
    if (const auto known = messages_.find(id); known != messages_.end()) row.fresh = known->second.fresh;
    put(id, std::move(row));
  }
  for (const std::uint64_t id : later.removed_) {
    const auto known = messages_.find(id);
    const bool came_here = known != messages_.end() && known->second.fresh;
    if (known != messages_.end()) {
      messages_bytes_ -= bytes_of(known->second);
      messages_.erase(known);
    }
    if (!came_here) removed_.push_back(id);
  }
  std::ranges::move(later.sent_, std::back_inserter(sent_));
  sent_bytes_ += later.sent_bytes_;
  std::ranges::move(later.arrived_, std::back_inserter(arrived_));
  if (later.parts_) parts().merge(std::move(*later.parts_));
  if (later.labels_) set_labels(std::move(later.labels_));
}

// An outbox message and the message that it became have one body.
row_changes row_changes::take_independent() {
  row_changes taken;
  taken.sent_.swap(sent_);
  std::swap(taken.sent_bytes_, sent_bytes_);
  std::set<const bytes*> waiting;
  for (auto m = messages_.begin(); m != messages_.end();) {
    const auto next = std::next(m);
    if (m->second.fresh) {
      waiting.insert(m->second.body.get());
      messages_bytes_ -= bytes_of(m->second);
      taken.messages_bytes_ += bytes_of(m->second);
      taken.messages_.insert(messages_.extract(m));
    }
    m = next;
  }
  // Not of std::ranges: clang 14 cannot use what that returns.
  const auto handled =
      std::stable_partition(arrived_.begin(), arrived_.end(),
                            [&](const counted_ptr<outbox_message>& p) { return waiting.contains(p->body.get()); });
  taken.arrived_.assign(arrived_.begin(), handled);
  arrived_.erase(arrived_.begin(), handled);
  return taken;
}

void row_changes::drop_own() noexcept {
  messages_.clear();
  messages_bytes_ = 0;
  removed_.clear();
  parts_.reset();
  labels_.reset();
  labels_bytes_ = 0;
}

void row_changes::drop_receipt(std::uint64_t message) {
  parts().remove(receipts_collection, receipt_key(message));
}

std::vector<std::uint64_t> row_changes::sent_ids() const {
  std::vector<std::uint64_t> ids;
  ids.reserve(sent_.size());
  for (const auto& p : sent_) ids.push_back(p->id);
  return ids;
}

epoch_number row_changes::claim_arrived(company who) {
  epoch_number newest = 0;
  if (who == company::alone) {
    for (const auto& p : arrived_) static_cast<void>(p->claim());
    return newest;
  }
  std::erase_if(arrived_, [&](const counted_ptr<outbox_message>& p) {
    const epoch_number e = p->claim();
    if (e == outbox_message::never) return true;
    newest = std::max(newest, e);
    return false;
  });
  return newest;
}

void row_changes::place(epoch_number e) {
  std::erase_if(sent_, [&](const counted_ptr<outbox_message>& p) {
    epoch_number unsent = 0;
    if (p->sent_in.compare_exchange_strong(unsent, e, std::memory_order_acq_rel)) return false;
    sent_bytes_ -= bytes_of(*p);
    return true;
  });
  for (const auto& p : arrived_) p->arrived_in.store(e, std::memory_order_release);
}

bool row_changes::concerns_others(epoch_number e) const noexcept {
  const auto leaves = [e](const auto& p) { return p->arrived_in.load(std::memory_order_acquire) != e; };
  const auto came = [e](const auto& p) { return p->sent_in.load(std::memory_order_acquire) != e; };
  return std::ranges::any_of(sent_, leaves) || std::ranges::any_of(arrived_, came);
}

void row_changes::show(write_set& w, epoch_number e, company who) {
  TROUPE_ASSERT(is_counted_right(), "the size of all rows is the sum of theirs");
  shown_messages_.clear();
  shown_sent_.clear();
  shown_arrived_.clear();
  for (const auto& [id, row] : messages_) {
    auto& m = shown_messages_.emplace_back();
    m.id = id;
    m.queue = row.queue;
    m.dead = row.dead;
    m.attempts = row.attempts;
    m.created_at = row.created_at;
    m.due_at = row.due_at;
    m.body = *row.body;
  }
  for (const auto& p : sent_) {
    if (p->arrived_in.load(std::memory_order_acquire) == e) continue;
    auto& s = shown_sent_.emplace_back();
    s.id = p->id;
    s.content = p->content();
  }
  for (const auto& p : arrived_) {
    if (who == company::alone) {
      // An actor ends when all that has arrived is settled, unless that could not be stored.
      if (w.what != write_set::action::destroy) {
        parts().put(receipts_collection, receipt_key(p->id), {}, std::nullopt);
      }
    } else if (p->sent_in.load(std::memory_order_acquire) != e) {
      shown_arrived_.push_back(p->id);
    }
  }
  w.messages = shown_messages_;
  w.removed = removed_;
  if (parts_) w.parts = parts_->show();
  w.labels = labels_.get();
  w.sent = shown_sent_;
  w.arrived = shown_arrived_;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
