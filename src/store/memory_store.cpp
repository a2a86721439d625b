// SPDX-License-Identifier: Apache-2.0
#include <troupe/store/memory_store.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "memory_backup.hpp"
#include "memory_contents.hpp"
#include "memory_parts.hpp"
#include "part_order.hpp"
#include "refusal.hpp"

namespace troupe {
inline namespace v0 {

namespace {

bool carries(const actor_record& record, const tags* labels) {
  return labels == nullptr || std::ranges::all_of(*labels, [&](const auto& label) {
           const auto found = record.labels.find(label.first);
           return found != record.labels.end() && found->second == label.second;
         });
}

actor_record without_contents(const actor_record& record) {
  actor_record head;
  head.id = record.id;
  head.name = record.name;
  head.key = record.key;
  head.initialised = record.initialised;
  head.version = record.version;
  head.labels = record.labels;
  head.created_at = record.created_at;
  return head;
}

actor_record to_record(const write_set& write) {
  actor_record record;
  record.id = write.id;
  record.name = write.created->name;
  record.key = write.created->key;
  record.initialised = write.initialised;
  record.version = write.version;
  record.state.assign(write.state.begin(), write.state.end());
  if (write.created->input && !write.initialised) {
    record.input.emplace(write.created->input->begin(), write.created->input->end());
  }
  const tags* const labels = write.labels != nullptr ? write.labels : write.created->labels;
  if (labels != nullptr) record.labels = *labels;
  record.created_at = write.created->created_at;
  return record;
}

[[noreturn]] void refuse(const write_set& write, std::string_view why) {
  throw detail::refusal(fmt::format("a commit names actor {}, {}", write.id.str(), why), &write);
}

void check_number(std::uint64_t id, const write_set* of) {
  if (id == 0 || id > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw detail::refusal(fmt::format("a commit gives a message the id {}; use 1 to 2^63 - 1", id), of);
  }
}

message_record to_record(const write_set::message& message) {
  return {.id = message.id, .queue = std::string{message.queue}, .dead = message.dead, .attempts = message.attempts,
          .created_at = message.created_at, .due_at = message.due_at,
          .body = bytes{message.body.begin(), message.body.end()}};
}

/// Body and time of creation stay.
void change(message_record& message, message_record& to) noexcept {
  message.queue.swap(to.queue);
  message.dead = to.dead;
  message.attempts = to.attempts;
  message.due_at = to.due_at;
}

template <class Numbers>
void check_numbers(const Numbers& ids, const write_set* of) {
  for (const std::uint64_t id : ids) check_number(id, of);
}

}  // namespace

class memory_store final : public store {
 public:
  memory_store(std::shared_ptr<detail::memory_contents> contents, commit_cut cut)
      : contents_{std::move(contents)}, cut_{cut} {
    if (contents_->is_owned.exchange(true)) {
      throw error(errc::store_in_use, "this troupe::memory belongs to another runtime; shut that down first");
    }
    opening_ = ++contents_->openings;
  }

  ~memory_store() override { close(); }

  void load(load_request& request) noexcept override { answer(request, &memory_store::find_one); }
  void list(list_request& request) noexcept override { answer(request, &memory_store::find_all); }
  void list_outgoing(outgoing_request& request) noexcept override { answer(request, &memory_store::find_outgoing); }
  void list_waiting(waiting_request& request) noexcept override { answer(request, &memory_store::find_waiting); }
  void list_parts(parts_request& request) noexcept override { answer(request, &memory_store::find_parts); }
  void list_due(due_request& request) noexcept override { answer(request, &memory_store::find_due); }

  [[nodiscard]] std::uint64_t opening() const noexcept override { return opening_; }

  void commit(commit_request& request) noexcept override {
    TROUPE_ASSERT(cut_ == commit_cut::whole_store ||
                      request.writes.size() + (request.undeliverable.empty() ? 0 : 1) <= 1,
                  "a request to a store of one commit per actor concerns one actor");
    request.failure = nullptr;
    request.at_fault = nullptr;
    try {
      const std::lock_guard lock{contents_->mutex};
      staged changes = stage(request);
      apply(changes, request);
      request.result = commit_request::outcome::committed;
    } catch (const detail::refusal& why) {
      request.result = commit_request::outcome::refused;
      request.failure = std::make_exception_ptr(error{why});
      request.at_fault = why.of();
    } catch (...) {
      request.result = commit_request::outcome::failed;
      request.failure = std::current_exception();
    }
    request.done(request);
  }

  [[nodiscard]] store_traits traits() const noexcept override { return {.cut = cut_}; }

  /// As in SQLite, which backups are made with.
  [[nodiscard]] std::size_t value_bytes_max() const noexcept override { return detail::value_bytes_max; }

  /// Writes an SQLite database, which `troupe::sqlite` opens.
  void backup(const std::string& path) override;

  void close() noexcept override {
    if (contents_ == nullptr) return;
    contents_->is_owned = false;
    contents_.reset();
  }

 private:
  using definition = detail::memory_contents::definition;
  using queues = detail::memory_contents::queues;

  /// The nodes that creating needs, made before anything changes.
  struct staged {
    std::unordered_map<actor_id, actor_record> actors;
    std::map<std::string, definition, std::less<>> definitions;
    std::map<actor_id, queues> messages;
    std::unique_ptr<detail::memory_parts::changes> parts;
    std::map<std::uint64_t, bytes> outgoing;
    std::vector<std::pair<actor_record*, tags>> labels;  ///< of actors that are there
  };

  template <class Request>
  void answer(Request& request, void (memory_store::*find_in)(Request&) const) noexcept {
    request.found = {};
    request.failure = nullptr;
    try {
      const std::lock_guard lock{contents_->mutex};
      (this->*find_in)(request);
    } catch (...) {
      request.failure = std::current_exception();
    }
    request.done(request);
  }

  [[nodiscard]] std::optional<actor_id> find(std::string_view name, std::string_view key) const {
    const auto definition = contents_->definitions.find(name);
    if (definition == contents_->definitions.end()) return std::nullopt;
    const auto at = definition->second.by_key.find(key);
    if (at == definition->second.by_key.end()) return std::nullopt;
    return at->second;
  }

  void find_one(load_request& request) const;
  void find_all(list_request& request) const;
  void find_outgoing(outgoing_request& request) const;
  void find_waiting(waiting_request& request) const;
  void find_parts(parts_request& request) const { contents_->parts.find(request); }
  void find_due(due_request& request) const;

  static void check_named_once(const commit_request& request);
  /// Checks everything and allocates everything; what it changes cannot be seen.
  [[nodiscard]] staged stage(const commit_request& request);
  void stage_create(const write_set& write, const std::unordered_set<actor_id>& destroyed, staged& changes);
  void stage_messages(const write_set& write, staged& changes);
  static void stage_parts(const write_set& write, staged& changes);

  /// Cannot fail.
  void apply(staged& changes, const commit_request& request) noexcept;
  void apply_messages(staged& changes, const commit_request& request) noexcept;
  void destroy(const actor_id& id) noexcept;

  std::shared_ptr<detail::memory_contents> contents_;
  const commit_cut cut_;
  std::uint64_t opening_ = 0;
  std::vector<actor_record*> updated_;  ///< by the commit that is under way, in its order; keeps its memory
};

void memory_store::find_one(load_request& request) const {
  const std::optional<actor_id> id = request.id ? request.id : find(request.name, request.key);
  if (!id) return;
  const auto at = contents_->actors.find(*id);
  if (at == contents_->actors.end()) return;
  request.found = at->second;
  TROUPE_ASSERT(detail::are_rising(request.with_parts), "name each collection once, in rising order");
  for (const std::uint32_t collection : request.with_parts) {
    contents_->parts.read(*id, collection, request.found->parts);
  }
  const auto waiting = request.with_messages ? contents_->messages.find(*id) : contents_->messages.end();
  if (waiting == contents_->messages.end()) return;
  for (const auto& [number, message] : waiting->second) request.found->messages.push_back(message);
}

void memory_store::find_all(list_request& request) const {
  const auto definition = contents_->definitions.find(request.name);
  if (definition == contents_->definitions.end()) return;
  const std::set<actor_id>& ids = definition->second.ids;
  for (auto id = request.after ? ids.upper_bound(*request.after) : ids.begin(); id != ids.end(); ++id) {
    if (request.found.size() >= request.limit) return;
    const actor_record& record = contents_->actors.at(*id);
    if (carries(record, request.labels)) request.found.push_back(without_contents(record));
  }
}

void memory_store::find_outgoing(outgoing_request& request) const {
  const auto& all = contents_->outgoing;
  for (auto at = all.upper_bound(request.after); at != all.end() && request.found.size() < request.limit; ++at) {
    request.found.push_back({.id = at->first, .content = at->second});
  }
}

void memory_store::find_waiting(waiting_request& request) const {
  const auto& all = contents_->messages;
  for (auto at = request.after ? all.upper_bound(*request.after) : all.begin(); at != all.end(); ++at) {
    if (request.found.size() >= request.limit) return;
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> first;
    auto shortest = std::chrono::milliseconds::max();
    for (const auto& [number, message] : at->second) {
      if (message.dead) continue;
      if (!first || message.due_at < *first) first = message.due_at;
      shortest = std::min(shortest, message.due_at - message.created_at);
    }
    if (!first) continue;
    const actor_record& actor = contents_->actors.at(at->first);
    request.found.push_back(
        {.id = actor.id, .name = actor.name, .key = actor.key, .due_at = *first, .shortest_delay = shortest});
  }
}

void memory_store::find_due(due_request& request) const {
  contents_->parts.find(request);
  for (due_request::row& row : request.found) {
    const actor_record& actor = contents_->actors.at(row.actor);
    row.actor_name = actor.name;
    row.actor_key = actor.key;
  }
}

void memory_store::check_named_once(const commit_request& request) {
  if (request.writes.size() < 2) return;
  std::unordered_set<actor_id> named(request.writes.size());
  for (const write_set& write : request.writes) {
    if (!named.insert(write.id).second) refuse(write, "twice");
  }
}

memory_store::staged memory_store::stage(const commit_request& request) {
  staged changes;
  std::unordered_set<actor_id> destroyed;
  check_named_once(request);
  for (const write_set& write : request.writes) {
    detail::check_sizes(write, detail::value_bytes_max);
    if (write.what == write_set::action::destroy) destroyed.insert(write.id);
  }
  updated_.clear();
  for (const write_set& write : request.writes) {
    if (write.what == write_set::action::create) stage_create(write, destroyed, changes);
    if (write.what == write_set::action::update || write.what == write_set::action::keep) {
      const auto at = contents_->actors.find(write.id);
      if (at == contents_->actors.end()) refuse(write, "which is to be changed and does not exist");
      if (write.what == write_set::action::update) {
        at->second.state.reserve(write.state.size());
        updated_.push_back(&at->second);
      }
      if (write.labels != nullptr) changes.labels.emplace_back(&at->second, *write.labels);
    }
    if (write.what == write_set::action::destroy && write.labels != nullptr) {
      refuse(write, "which gets tags and is to be destroyed");
    }
    stage_messages(write, changes);
    if (!write.parts.empty()) [[unlikely]] stage_parts(write, changes);
  }
  check_numbers(request.undeliverable, nullptr);
  contents_->actors.reserve(contents_->actors.size() + changes.actors.size());
  return changes;
}

void memory_store::stage_create(const write_set& write, const std::unordered_set<actor_id>& destroyed,
                                staged& changes) {
  if (write.created == nullptr) refuse(write, "which is to be created without a name");
  if (contents_->actors.contains(write.id)) refuse(write, "which is to be created and exists");
  const auto [name, key] = std::pair{write.created->name, write.created->key};
  const std::optional<actor_id> holder = find(name, key);
  if (holder && !destroyed.contains(*holder)) refuse(write, fmt::format("whose key {}{} is taken", name, key));
  contents_->definitions.try_emplace(std::string{name});  // an empty one cannot be seen
  definition& staged_definition = changes.definitions.try_emplace(std::string{name}).first->second;
  if (!staged_definition.by_key.emplace(key, write.id).second) {
    refuse(write, fmt::format("whose key {}{} is taken in the same commit", name, key));
  }
  staged_definition.ids.insert(write.id);
  changes.actors.emplace(write.id, to_record(write));
}

void memory_store::stage_messages(const write_set& write, staged& changes) {
  check_numbers(write.removed, &write);
  check_numbers(write.arrived, &write);
  for (const write_set::sent_message& message : write.sent) {
    check_number(message.id, &write);
    bytes content{message.content.begin(), message.content.end()};
    const bool is_new = changes.outgoing.emplace(message.id, std::move(content)).second;
    if (!is_new || contents_->outgoing.contains(message.id)) {
      refuse(write, fmt::format("which sends message {}, and that is on its way", message.id));
    }
  }
  if (write.messages.empty()) return;
  if (write.what == write_set::action::destroy) refuse(write, "which gets messages and is to be destroyed");
  queues& into = changes.messages[write.id];
  for (const write_set::message& message : write.messages) {
    check_number(message.id, &write);
    message_record record = to_record(message);
    const auto [at, is_new] = into.try_emplace(message.id, std::move(record));
    if (!is_new) change(at->second, record);  // which was not moved from
  }
}

void memory_store::stage_parts(const write_set& write, staged& changes) {
  detail::check_parts(write);
  if (changes.parts == nullptr) changes.parts = std::make_unique<detail::memory_parts::changes>();
  changes.parts->add(write);
}

void memory_store::apply(staged& changes, const commit_request& request) noexcept {
  auto updated = updated_.begin();
  for (const write_set& write : request.writes) {
    if (write.what == write_set::action::destroy) destroy(write.id);
    if (write.what != write_set::action::update) continue;
    actor_record& record = **updated++;
    TROUPE_ASSERT(record.id == write.id, "each record that a commit updates was found when the commit was staged");
    record.state.assign(write.state.begin(), write.state.end());  // has room
    record.version = write.version;
    record.initialised = write.initialised;
    if (write.initialised) record.input.reset();
  }
  for (auto& [record, labels] : changes.labels) record->labels.swap(labels);
  contents_->actors.merge(changes.actors);  // has room
  for (auto& [name, created] : changes.definitions) {
    definition& into = contents_->definitions.find(name)->second;
    into.by_key.merge(created.by_key);
    into.ids.merge(created.ids);
  }
  apply_messages(changes, request);
  if (changes.parts != nullptr) contents_->parts.apply(*changes.parts);
}

void memory_store::apply_messages(staged& changes, const commit_request& request) noexcept {
  contents_->messages.merge(changes.messages);
  for (auto& [actor, messages] : changes.messages) {  // what is left is of actors that have some already
    queues& into = contents_->messages.find(actor)->second;
    into.merge(messages);
    for (auto& [number, message] : messages) change(into.find(number)->second, message);
  }
  contents_->outgoing.merge(changes.outgoing);
  for (const write_set& write : request.writes) {
    for (const std::uint64_t id : write.arrived) contents_->outgoing.erase(id);
    if (write.removed.empty()) continue;
    const auto at = contents_->messages.find(write.id);
    if (at == contents_->messages.end()) continue;
    for (const std::uint64_t id : write.removed) at->second.erase(id);
    if (at->second.empty()) contents_->messages.erase(at);
  }
  for (const std::uint64_t id : request.undeliverable) contents_->outgoing.erase(id);
}

void memory_store::destroy(const actor_id& id) noexcept {
  const auto at = contents_->actors.find(id);
  if (at == contents_->actors.end()) return;
  definition& of = contents_->definitions.find(at->second.name)->second;
  of.by_key.erase(of.by_key.find(at->second.key));
  of.ids.erase(id);
  contents_->actors.erase(at);
  contents_->messages.erase(id);
  contents_->parts.destroy(id);
}

void memory_store::backup(const std::string& path) { detail::back_up(*contents_, path); }

memory::memory(commit_cut cut) : contents_{std::make_shared<detail::memory_contents>()}, cut_{cut} {}

std::unique_ptr<store> memory::operator()() const { return std::make_unique<memory_store>(contents_, cut_); }

}  // namespace v0
}  // namespace troupe
