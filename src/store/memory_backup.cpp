// SPDX-License-Identifier: Apache-2.0
#include "memory_backup.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include <troupe/store/sqlite_store.hpp>

#include "file_ownership.hpp"
#include "sqlite_backup.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_schema.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// Write-sets that make everything anew, as long as nothing changes.
class everything {
 public:
  explicit everything(const memory_contents& contents);
  [[nodiscard]] const std::vector<write_set>& writes() const noexcept { return writes_; }

 private:
  void add(const actor_record& actor);
  void add_messages(const memory_contents::queues& waiting);
  void add_parts(const memory_parts::rows& rows);

  std::vector<write_set> writes_;
  std::deque<write_set::creation> creations_;
  std::deque<std::vector<write_set::message>> messages_;
  std::deque<std::vector<part_change>> parts_;
  std::vector<write_set::sent_message> sent_;
};

everything::everything(const memory_contents& contents) {
  for (const auto& [id, actor] : contents.actors) {
    add(actor);
    const auto waiting = contents.messages.find(id);
    if (waiting != contents.messages.end()) add_messages(waiting->second);
    if (const auto* const rows = contents.parts.of(id)) add_parts(*rows);
  }
  for (const auto& [number, content] : contents.outgoing) sent_.push_back({.id = number, .content = content});
  if (writes_.empty()) writes_.push_back({.what = write_set::action::destroy});  // the senders are gone
  writes_.front().sent = sent_;
}

void everything::add(const actor_record& actor) {
  write_set::creation& creation = creations_.emplace_back();
  creation.name = actor.name;
  creation.key = actor.key;
  if (actor.input) creation.input = bytes_view{*actor.input};
  creation.labels = &actor.labels;
  creation.created_at = actor.created_at;
  writes_.push_back({.what = write_set::action::create, .initialised = actor.initialised, .version = actor.version,
                     .id = actor.id, .state = actor.state, .created = &creation});
}

void everything::add_messages(const memory_contents::queues& waiting) {
  std::vector<write_set::message>& messages = messages_.emplace_back();
  for (const auto& [number, m] : waiting) {
    messages.push_back({.id = number, .queue = m.queue, .dead = m.dead, .attempts = m.attempts,
                        .created_at = m.created_at, .due_at = m.due_at, .body = m.body});
  }
  writes_.back().messages = messages;
}

void everything::add_parts(const memory_parts::rows& rows) {
  std::vector<part_change>& parts = parts_.emplace_back();
  for (const auto& [at, row] : rows) {
    parts.push_back({.collection = at.collection, .key = at.key, .value = bytes_view{*row.value}, .due = row.due});
  }
  writes_.back().parts = parts;
}

/// Makes the database at `path`, which no program has open, one that has been opened so many times.
void set_openings(const std::string& path, std::uint64_t openings) {
  sqlite_connection connection{resolve_database_file(path), SQLITE_OPEN_READWRITE, backup_busy_timeout};
  sqlite_statement setting = connection.prepare(sql::set_openings);
  setting.bind(1, static_cast<std::int64_t>(openings));
  setting.run();
}

}  // namespace

void back_up(memory_contents& contents, const std::string& path) {
  write_backup(path, [&contents](const std::string& at) {
    const std::unique_ptr<store> copy = sqlite{at, {.synchronous = synchronous::normal}}();
    const std::lock_guard lock{contents.mutex};
    const everything all{contents};
    commit_request request;
    request.writes = all.writes();
    request.done = [](commit_request&) noexcept {};
    copy->commit(request);
    copy->close();
    if (request.failure) std::rethrow_exception(request.failure);
    set_openings(at, contents.openings);
  });
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
