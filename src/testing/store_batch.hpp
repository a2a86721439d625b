// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace store_checking {

/// Collects write-sets and keeps what their views look at.
class batch {
 public:
  batch& create(const actor_record& actor) {
    actors_.push_back(std::make_unique<actor_record>(actor));
    creations_.push_back(std::make_unique<write_set::creation>());
    const actor_record& kept = *actors_.back();
    write_set::creation& creation = *creations_.back();
    creation.name = kept.name;
    creation.key = kept.key;
    if (kept.input) creation.input = bytes_view{*kept.input};
    creation.labels = &kept.labels;
    creation.created_at = kept.created_at;
    return add(write_set::action::create, kept, &creation);
  }

  batch& update(const actor_record& actor) {
    actors_.push_back(std::make_unique<actor_record>(actor));
    return add(write_set::action::update, *actors_.back(), nullptr);
  }

  /// Only looks at the state, which must live as long.
  batch& update(const actor_id& id, bytes_view state) {
    add(write_set::action::update, id);
    writes_.back().state = state;
    return *this;
  }

  batch& destroy(const actor_id& id) { return add(write_set::action::destroy, id); }
  batch& keep(const actor_id& id) { return add(write_set::action::keep, id); }

  // These belong to the write-set that was added last.
  batch& put(const std::vector<message_record>& messages) {
    const std::vector<message_record>& kept = messages_.emplace_back(messages);
    std::vector<write_set::message>& views = message_views_.emplace_back();
    for (const message_record& m : kept) {
      views.push_back({.id = m.id, .queue = m.queue, .dead = m.dead, .attempts = m.attempts,
                       .created_at = m.created_at, .due_at = m.due_at, .body = m.body});
    }
    writes_.back().messages = views;
    return *this;
  }
  batch& label(tags labels) {
    writes_.back().labels = &labels_.emplace_back(std::move(labels));
    return *this;
  }
  batch& remove(std::vector<std::uint64_t> ids) {
    writes_.back().removed = ids_.emplace_back(std::move(ids));
    return *this;
  }
  batch& send(const std::vector<outgoing_request::message>& messages) {
    const std::vector<outgoing_request::message>& kept = outgoing_.emplace_back(messages);
    std::vector<write_set::sent_message>& views = outgoing_views_.emplace_back();
    for (const outgoing_request::message& m : kept) views.push_back({.id = m.id, .content = m.content});
    writes_.back().sent = views;
    return *this;
  }
  batch& arrive(std::vector<std::uint64_t> ids) {
    writes_.back().arrived = ids_.emplace_back(std::move(ids));
    return *this;
  }
  /// Puts rows of parts. Those that are to be removed, too, are named behind them.
  batch& put_parts(const std::vector<part_record>& rows, const std::vector<part_record>& removed = {}) {
    std::vector<part_change>& views = part_views_.emplace_back();
    for (const part_record& row : parts_.emplace_back(rows)) {
      views.push_back({.collection = row.collection, .key = row.key, .value = bytes_view{row.value}, .due = row.due});
    }
    for (const part_record& row : parts_.emplace_back(removed)) {
      views.push_back({.collection = row.collection, .key = row.key, .value = {}, .due = {}});
    }
    writes_.back().parts = views;
    return *this;
  }
  /// Only looks at these, which must live as long.
  batch& change_parts(std::span<const part_change> changes) {
    writes_.back().parts = changes;
    return *this;
  }
  batch& undeliverable(std::vector<std::uint64_t> ids) {
    undeliverable_ = std::move(ids);
    return *this;
  }

  [[nodiscard]] const std::vector<write_set>& writes() const noexcept { return writes_; }
  [[nodiscard]] const std::vector<std::uint64_t>& undeliverable() const noexcept { return undeliverable_; }

 private:
  batch& add(write_set::action what, const actor_id& id) {
    write_set write;
    write.what = what;
    write.id = id;
    writes_.push_back(write);
    return *this;
  }
  batch& add(write_set::action what, const actor_record& actor, const write_set::creation* creation) {
    write_set write;
    write.what = what;
    write.initialised = actor.initialised;
    write.version = actor.version;
    write.id = actor.id;
    write.state = actor.state;
    write.created = creation;
    writes_.push_back(write);
    return *this;
  }

  std::vector<std::unique_ptr<actor_record>> actors_;
  std::vector<std::unique_ptr<write_set::creation>> creations_;
  std::deque<std::vector<message_record>> messages_;
  std::deque<std::vector<write_set::message>> message_views_;
  std::deque<std::vector<outgoing_request::message>> outgoing_;
  std::deque<std::vector<write_set::sent_message>> outgoing_views_;
  std::deque<std::vector<std::uint64_t>> ids_;
  std::deque<tags> labels_;
  std::deque<std::vector<part_record>> parts_;
  std::deque<std::vector<part_change>> part_views_;
  std::vector<write_set> writes_;
  std::vector<std::uint64_t> undeliverable_;
};

}  // namespace store_checking
}  // namespace testing
}  // namespace v0
}  // namespace troupe
