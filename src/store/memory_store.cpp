#include <troupe/store/memory_store.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include <troupe/core/error.hpp>
#include <troupe/store/sqlite_store.hpp>

#include "sqlite_backup.hpp"

namespace troupe::inline v0 {

struct memory::contents {
  struct definition {
    std::map<std::string, actor_id, std::less<>> by_key;
    std::set<actor_id> ids;
  };

  std::atomic<bool> is_owned = false;
  std::mutex mutex;  // not shared: glibc lets a stream of readers keep a writer out
  std::unordered_map<actor_id, actor_record> actors;
  std::map<std::string, definition, std::less<>> definitions;
};

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
  if (write.created->labels != nullptr) record.labels = *write.created->labels;
  record.created_at = write.created->created_at;
  return record;
}

[[noreturn]] void refuse(const write_set& write, std::string_view why) {
  throw error(errc::store_failed, fmt::format("a commit names actor {}, {}", write.id.str(), why));
}

}  // namespace

class memory_store final : public store {
 public:
  explicit memory_store(std::shared_ptr<memory::contents> contents) : contents_{std::move(contents)} {
    if (contents_->is_owned.exchange(true)) {
      throw error(errc::store_in_use, "this troupe::memory belongs to another runtime; shut that down first");
    }
  }

  ~memory_store() override { close(); }

  void load(load_request& request) noexcept override {
    request.found.reset();
    request.failure = nullptr;
    try {
      const std::lock_guard lock{contents_->mutex};
      const std::optional<actor_id> id = request.id ? request.id : find(request.name, request.key);
      if (id) {
        const auto at = contents_->actors.find(*id);
        if (at != contents_->actors.end()) request.found = at->second;
      }
    } catch (...) {
      request.failure = std::current_exception();
    }
    request.done(request);
  }

  void list(list_request& request) noexcept override {
    request.found.clear();
    request.failure = nullptr;
    try {
      const std::lock_guard lock{contents_->mutex};
      find_all(request);
    } catch (...) {
      request.failure = std::current_exception();
    }
    request.done(request);
  }

  void commit(commit_request& request) noexcept override {
    request.failure = nullptr;
    try {
      const std::lock_guard lock{contents_->mutex};
      staged changes = stage(request.writes);
      apply(changes, request.writes);
      request.result = commit_request::outcome::committed;
    } catch (...) {
      request.result = commit_request::outcome::failed;
      request.failure = std::current_exception();
    }
    request.done(request);
  }

  /// Writes an SQLite database, which `troupe::sqlite` opens.
  void backup(const std::string& path) override;

  void close() noexcept override {
    if (contents_ == nullptr) return;
    contents_->is_owned = false;
    contents_.reset();
  }

 private:
  using definition = memory::contents::definition;

  /// The nodes that creating needs, made before anything changes.
  struct staged {
    std::unordered_map<actor_id, actor_record> actors;
    std::map<std::string, definition, std::less<>> definitions;
  };

  [[nodiscard]] std::optional<actor_id> find(std::string_view name, std::string_view key) const {
    const auto definition = contents_->definitions.find(name);
    if (definition == contents_->definitions.end()) return std::nullopt;
    const auto at = definition->second.by_key.find(key);
    if (at == definition->second.by_key.end()) return std::nullopt;
    return at->second;
  }

  void find_all(list_request& request) const {
    const auto definition = contents_->definitions.find(request.name);
    if (definition == contents_->definitions.end()) return;
    const std::set<actor_id>& ids = definition->second.ids;
    for (auto id = request.after ? ids.upper_bound(*request.after) : ids.begin(); id != ids.end(); ++id) {
      if (request.found.size() >= request.limit) return;
      const actor_record& record = contents_->actors.at(*id);
      if (carries(record, request.labels)) request.found.push_back(without_contents(record));
    }
  }

  /// Checks everything and allocates everything; what it changes cannot be seen.
  [[nodiscard]] staged stage(const std::vector<write_set>& writes);
  void stage_create(const write_set& write, const std::unordered_set<actor_id>& destroyed, staged& changes);

  /// Cannot fail.
  void apply(staged& changes, const std::vector<write_set>& writes) noexcept;
  void destroy(const actor_id& id) noexcept;

  std::shared_ptr<memory::contents> contents_;
};

memory_store::staged memory_store::stage(const std::vector<write_set>& writes) {
  staged changes;
  std::unordered_set<actor_id> destroyed;
  std::unordered_set<actor_id> named;
  for (const write_set& write : writes) {
    if (!named.insert(write.id).second) refuse(write, "twice");
    if (write.what == write_set::action::destroy) destroyed.insert(write.id);
  }
  for (const write_set& write : writes) {
    if (write.what == write_set::action::create) stage_create(write, destroyed, changes);
    if (write.what == write_set::action::update) {
      const auto at = contents_->actors.find(write.id);
      if (at == contents_->actors.end()) refuse(write, "which is to be updated and does not exist");
      at->second.state.reserve(write.state.size());
    }
  }
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

void memory_store::apply(staged& changes, const std::vector<write_set>& writes) noexcept {
  for (const write_set& write : writes) {
    if (write.what == write_set::action::destroy) destroy(write.id);
    if (write.what != write_set::action::update) continue;
    actor_record& record = contents_->actors.find(write.id)->second;
    record.state.assign(write.state.begin(), write.state.end());  // has room
    record.version = write.version;
    record.initialised = write.initialised;
    if (write.initialised) record.input.reset();
  }
  contents_->actors.merge(changes.actors);  // has room
  for (auto& [name, created] : changes.definitions) {
    definition& into = contents_->definitions.find(name)->second;
    into.by_key.merge(created.by_key);
    into.ids.merge(created.ids);
  }
}

void memory_store::destroy(const actor_id& id) noexcept {
  const auto at = contents_->actors.find(id);
  if (at == contents_->actors.end()) return;
  definition& of = contents_->definitions.find(at->second.name)->second;
  of.by_key.erase(of.by_key.find(at->second.key));
  of.ids.erase(id);
  contents_->actors.erase(at);
}

void memory_store::backup(const std::string& path) {
  detail::check_is_free(path);
  const std::unique_ptr<store> copy = sqlite{path, {.synchronous = synchronous::normal}}();
  const std::lock_guard lock{contents_->mutex};
  std::vector<write_set::creation> creations;
  creations.reserve(contents_->actors.size());
  commit_request everything;
  everything.done = [](commit_request&) noexcept {};
  for (const auto& [id, actor] : contents_->actors) {
    write_set::creation& creation = creations.emplace_back();
    creation.name = actor.name;
    creation.key = actor.key;
    if (actor.input) creation.input = bytes_view{*actor.input};
    creation.labels = &actor.labels;
    creation.created_at = actor.created_at;
    everything.writes.push_back({.what = write_set::action::create, .initialised = actor.initialised,
                                 .version = actor.version, .id = id, .state = actor.state, .created = &creation});
  }
  copy->commit(everything);
  copy->close();
  if (everything.failure) std::rethrow_exception(everything.failure);
}

memory::memory() : contents_{std::make_shared<contents>()} {}

std::unique_ptr<store> memory::operator()() const { return std::make_unique<memory_store>(contents_); }

}  // namespace troupe::inline v0
