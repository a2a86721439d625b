// SPDX-License-Identifier: Apache-2.0
#include "runtime/gated_store.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

#include <troupe/store/memory_store.hpp>

namespace behaviour {

struct gated_store::shared {
  void commit(troupe::commit_request& request) {
    auto result = troupe::commit_request::outcome::committed;
    {
      const std::lock_guard lock{mutex};
      ++attempts;
      result = next;
      if (result != troupe::commit_request::outcome::committed) {
        request.failure = std::make_exception_ptr(troupe::error(why, "as the test wants it"));
      }
      if (result == troupe::commit_request::outcome::refused) request.at_fault = &request.writes.front();
    }
    request.result = result;
    if (result != troupe::commit_request::outcome::committed) return request.done(request);
    const auto done = std::exchange(request.done, [](troupe::commit_request&) noexcept {});
    inner->commit(request);
    request.done = done;
    if (!request.failure) note(request);
    request.done(request);
  }
  void note(const troupe::commit_request& request) {
    const std::lock_guard lock{mutex};
    ++commits;
    write_sets += request.writes.size();
    for (const auto& write : request.writes) {
      note_outgoing(write);
      if (write.what == troupe::write_set::action::destroy) {
        durable.erase(write.id);
        continue;
      }
      auto& record = durable[write.id];
      note_messages(write, record.messages);
      note_parts(write, record.parts);
      if (write.labels != nullptr) record.labels = *write.labels;
      if (write.what == troupe::write_set::action::keep) continue;
      record.id = write.id;
      record.initialised = write.initialised;
      record.version = write.version;
      record.state.assign(write.state.begin(), write.state.end());
      if (write.created != nullptr) {
        record.name = write.created->name;
        record.key = write.created->key;
        if (write.created->input) record.input.emplace(write.created->input->begin(), write.created->input->end());
        if (write.created->labels != nullptr && write.labels == nullptr) record.labels = *write.created->labels;
        record.created_at = write.created->created_at;
      }
      if (write.initialised) record.input.reset();
    }
    for (const auto& write : request.writes) {
      for (const auto id : write.arrived) outgoing.erase(id);
    }
    for (const auto id : request.undeliverable) outgoing.erase(id);
    if (after_commit) after_commit(durable);
  }
  void note_outgoing(const troupe::write_set& write) {
    for (const auto& sent : write.sent) outgoing[sent.id].assign(sent.content.begin(), sent.content.end());
  }
  static void note_messages(const troupe::write_set& write, std::vector<troupe::message_record>& queue) {
    for (const auto& m : write.messages) {
      const auto at = std::ranges::lower_bound(queue, m.id, {}, &troupe::message_record::id);
      const bool is_new = at == queue.end() || at->id != m.id;
      troupe::message_record& message = is_new ? *queue.emplace(at) : *at;
      message.queue = m.queue;
      message.dead = m.dead;
      message.attempts = m.attempts;
      message.due_at = m.due_at;
      if (!is_new) continue;
      message.id = m.id;
      message.created_at = m.created_at;
      message.body.assign(m.body.begin(), m.body.end());
    }
    for (const auto id : write.removed) std::erase_if(queue, [id](const auto& m) { return m.id == id; });
  }

  static void note_parts(const troupe::write_set& write, std::vector<troupe::part_record>& parts) {
    for (const auto& change : write.parts) {
      const troupe::bytes key{change.key.begin(), change.key.end()};
      const auto is_before = [](const auto& row, const auto& place) {
        return std::tie(row.collection, row.key) < place;
      };
      auto at = std::lower_bound(parts.begin(), parts.end(), std::tie(change.collection, key), is_before);
      const bool is_new = at == parts.end() || at->collection != change.collection || at->key != key;
      if (!change.value) {
        if (!is_new) parts.erase(at);
        continue;
      }
      troupe::part_record& row = is_new ? *parts.emplace(at) : *at;
      row = {change.collection, key, {change.value->begin(), change.value->end()}, change.due};
    }
  }

  std::mutex mutex;
  troupe::memory stored;
  std::unique_ptr<troupe::store> inner;
  contents durable;
  std::map<std::uint64_t, troupe::bytes> outgoing;
  bool holding = false;
  bool holding_loads = false;
  std::vector<troupe::commit_request*> held;  ///< several on a store that commits each actor by itself
  std::vector<troupe::load_request*> held_loads;
  troupe::commit_request::outcome next = troupe::commit_request::outcome::committed;
  troupe::errc why = troupe::errc::store_full;
  std::atomic<std::size_t> value_bytes_max{900'000'000};
  std::size_t commits = 0, attempts = 0, write_sets = 0, loads = 0, questions = 0;
  std::function<void(const contents&)> after_commit;
};

class gated_store::opened_store final : public troupe::store {
 public:
  explicit opened_store(std::shared_ptr<shared> s) : shared_{std::move(s)} {}
  void load(troupe::load_request& request) noexcept override {
    {
      const std::lock_guard lock{shared_->mutex};
      ++shared_->loads;
      if (shared_->holding_loads) return shared_->held_loads.push_back(&request);
    }
    shared_->inner->load(request);
  }
  void load_all(troupe::load_request& first) noexcept override {
    {
      const std::lock_guard lock{shared_->mutex};
      ++shared_->questions;
    }
    store::load_all(first);
  }
  void list(troupe::list_request& request) noexcept override { shared_->inner->list(request); }
  void list_outgoing(troupe::outgoing_request& r) noexcept override { shared_->inner->list_outgoing(r); }
  void list_waiting(troupe::waiting_request& r) noexcept override { shared_->inner->list_waiting(r); }
  void list_parts(troupe::parts_request& r) noexcept override { shared_->inner->list_parts(r); }
  void list_due(troupe::due_request& r) noexcept override { shared_->inner->list_due(r); }
  [[nodiscard]] std::uint64_t opening() const noexcept override { return shared_->inner->opening(); }
  [[nodiscard]] std::size_t value_bytes_max() const noexcept override { return shared_->value_bytes_max; }
  void commit(troupe::commit_request& request) noexcept override {
    request.failure = nullptr;
    {
      const std::lock_guard lock{shared_->mutex};
      if (shared_->holding) {
        shared_->held.push_back(&request);
        return;
      }
    }
    shared_->commit(request);
  }
  void backup(const std::string& path) override { shared_->inner->backup(path); }
  void close() noexcept override { shared_->inner->close(); }

 private:
  std::shared_ptr<shared> shared_;
};

gated_store::gated_store() : shared_{std::make_shared<shared>()} {}

void gated_store::hold() {
  const std::lock_guard lock{shared_->mutex};
  shared_->holding = true;
}

void gated_store::let_go() {
  std::vector<troupe::commit_request*> waiting;
  {
    const std::lock_guard lock{shared_->mutex};
    shared_->holding = false;
    waiting = std::exchange(shared_->held, {});
  }
  for (auto* const each : waiting) shared_->commit(*each);
}

void gated_store::let_one_go() {
  troupe::commit_request* waiting = nullptr;
  {
    const std::lock_guard lock{shared_->mutex};
    if (shared_->held.empty()) return;
    waiting = shared_->held.front();
    shared_->held.erase(shared_->held.begin());
  }
  if (waiting != nullptr) shared_->commit(*waiting);
}

bool gated_store::is_holding_one() const {
  const std::lock_guard lock{shared_->mutex};
  return !shared_->held.empty();
}

void gated_store::fail(troupe::errc why) { answer(troupe::commit_request::outcome::failed, why); }
void gated_store::lose_track() { answer(troupe::commit_request::outcome::unknown, troupe::errc::store_failed); }
void gated_store::refuse() { answer(troupe::commit_request::outcome::refused, troupe::errc::store_failed); }
void gated_store::lose_ownership() { answer(troupe::commit_request::outcome::not_owner, troupe::errc::store_in_use); }
void gated_store::take_at_most(std::size_t value_bytes) { shared_->value_bytes_max = value_bytes; }
void gated_store::heal() { answer(troupe::commit_request::outcome::committed, troupe::errc::store_failed); }

void gated_store::hold_loads() {
  const std::lock_guard lock{shared_->mutex};
  shared_->holding_loads = true;
}

void gated_store::let_loads_go() {
  for (auto* const each : take_held_loads()) shared_->inner->load(*each);
}

void gated_store::let_loads_go_last_first() {
  const auto waiting = take_held_loads();
  for (auto each = waiting.rbegin(); each != waiting.rend(); ++each) shared_->inner->load(**each);
}

void gated_store::after_commit(std::function<void(const contents&)> f) { shared_->after_commit = std::move(f); }

std::size_t gated_store::commits() const { return count(&shared::commits); }
std::size_t gated_store::attempts() const { return count(&shared::attempts); }
std::size_t gated_store::loads() const { return count(&shared::loads); }
std::size_t gated_store::questions() const { return count(&shared::questions); }
std::size_t gated_store::write_sets() const { return count(&shared::write_sets); }

gated_store::contents gated_store::durable() const {
  const std::lock_guard lock{shared_->mutex};
  return shared_->durable;
}

std::map<std::uint64_t, troupe::bytes> gated_store::on_their_way() const {
  const std::lock_guard lock{shared_->mutex};
  return shared_->outgoing;
}

gated_store gated_store::after_crash() const {
  gated_store other;
  const std::uint64_t openings = shared_->inner == nullptr ? 0 : shared_->inner->opening();
  for (std::uint64_t at = 1; at < openings; ++at) other()->close();
  const contents left = durable();
  const auto outgoing = on_their_way();
  troupe::commit_request all;
  std::vector<troupe::write_set::creation> creations;
  creations.reserve(left.size());
  std::deque<std::vector<troupe::write_set::message>> queues;
  std::deque<std::vector<troupe::part_change>> parts;
  std::vector<troupe::write_set::sent_message> sent;
  for (const auto& [id, content] : outgoing) sent.push_back({.id = id, .content = content});
  for (const auto& [id, record] : left) {
    auto& creation = creations.emplace_back();
    creation.name = record.name;
    creation.key = record.key;
    if (record.input) creation.input = troupe::bytes_view{*record.input};
    creation.labels = &record.labels;
    creation.created_at = record.created_at;
    auto& write = all.writes.emplace_back();
    write.what = troupe::write_set::action::create;
    write.initialised = record.initialised;
    write.version = record.version;
    write.id = id;
    write.state = record.state;
    write.created = &creation;
    auto& queue = queues.emplace_back();
    for (const auto& m : record.messages) {
      queue.push_back({m.id, m.queue, m.dead, m.attempts, m.created_at, m.due_at, m.body});
    }
    write.messages = queue;
    auto& rows = parts.emplace_back();
    for (const auto& row : record.parts) {
      rows.push_back({row.collection, row.key, troupe::bytes_view{row.value}, row.due});
    }
    write.parts = rows;
  }
  if (all.writes.empty()) all.writes.push_back({.what = troupe::write_set::action::destroy});
  all.writes.front().sent = sent;
  all.done = [](troupe::commit_request&) noexcept {};
  const auto opened = other();
  opened->commit(all);
  opened->close();
  return other;
}

std::unique_ptr<troupe::store> gated_store::operator()() const {
  shared_->inner = shared_->stored();
  return std::make_unique<opened_store>(shared_);
}

std::vector<troupe::load_request*> gated_store::take_held_loads() {
  const std::lock_guard lock{shared_->mutex};
  shared_->holding_loads = false;
  return std::exchange(shared_->held_loads, {});
}

void gated_store::answer(troupe::commit_request::outcome result, troupe::errc why) {
  const std::lock_guard lock{shared_->mutex};
  shared_->next = result;
  shared_->why = why;
}

std::size_t gated_store::count(std::size_t shared::*which) const {
  const std::lock_guard lock{shared_->mutex};
  return (*shared_).*which;
}

}  // namespace behaviour
