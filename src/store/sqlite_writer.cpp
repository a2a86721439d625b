// SPDX-License-Identifier: Apache-2.0
#include "sqlite_writer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "../core/empty.hpp"
#include "sqlite_schema.hpp"
#include "write_ahead_log.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// So many rows share the cost of a statement.
constexpr std::size_t rows_together = 8;

// A larger state goes to its row at once. There SQLite compares it with what it overwrites, and writes only the pages
// that differ; in the log it would stand whole.
constexpr std::size_t logged_state_bytes_max = 16 * 1024;

/// In the order of ids, as a number.
std::uint64_t first_half(const actor_id& id) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i != sizeof number; ++i) number = number << 8 | id.bytes()[i];
  return number;
}

std::size_t update_bytes(std::span<const write_set> writes) noexcept {
  std::size_t sum = 0;
  for (const write_set& write : writes) {
    if (write.what == write_set::action::update) sum += log_record_head_bytes + write.state.size();
  }
  return sum;
}

/// With all columns of the table, in its order.
std::string insert_actors(std::size_t rows) {
  std::string text = sql::insert_actors;
  for (std::size_t row = 0; row != rows; ++row) {
    text += row == 0 ? "(?" : "), (?";
    for (int column = 1; column != sql::actor_columns; ++column) text += ", ?";
  }
  return text + ")";
}

/// Of an actor that is created.
const tags* first_labels(const write_set& write) noexcept {
  return write.labels != nullptr ? write.labels : write.created->labels;
}

std::string id_text(const write_set& write) { return write.id.str(); }

/// Whether a statement that has failed so fails whenever it is tried. Other causes may go away: space, locks, memory,
/// the disk.
bool is_for_good(int result) noexcept {
  switch (result & 0xff) {
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return true;
    default:
      return false;
  }
}

}  // namespace

sqlite_writer::sqlite_writer(sqlite_connection& connection, sqlite_transaction& transaction, definition_names& names,
                             sqlite_log& log, opening_check& opening, std::size_t value_bytes_max, bool waits)
    : connection_{connection},
      transaction_{transaction},
      names_{names},
      log_{log},
      opening_{opening},
      upkeep_{connection, transaction, waits},
      value_bytes_max_{value_bytes_max},
      create_{connection.prepare(insert_actors(1).c_str())},
      create_many_{connection.prepare(insert_actors(rows_together).c_str())},
      update_{connection.prepare(sql::update_actor)},
      find_{connection.prepare(sql::find_actor)},
      destroy_{connection.prepare(sql::destroy_actor)},
      add_tag_{connection.prepare(sql::add_tag)},
      add_tag_to_{connection.prepare(sql::add_tag_to)},
      count_tags_{connection.prepare(sql::count_tags)},
      remove_tags_{connection.prepare(sql::remove_tags)},
      add_definition_{connection.prepare(sql::add_definition)},
      count_failed_commit_{connection.prepare(sql::count_failed_commit)},
      messages_{connection},
      parts_{connection} {}

void sqlite_writer::commit(commit_request& request) noexcept {
  request.result = commit_request::outcome::failed;
  request.failure = nullptr;
  request.at_fault = nullptr;
  at_ = nullptr;
  try {
    roll_back();  // what is still open if an earlier rollback failed
    log_.require_space();
    transaction_.begin();
    opening_.require();
    apply(request);
    at_ = nullptr;
    log_.append();
    const int result = transaction_.try_commit();
    if (result != SQLITE_OK) {
      request.failure = std::make_exception_ptr(connection_.failure(result));
      roll_back();
      if (!is_undone(result)) request.result = commit_request::outcome::unknown;
      return;
    }
    opening_.note_own();
    new_names_.clear();
    log_.succeeded();
    empty(sorted_);
    request.result = commit_request::outcome::committed;
  } catch (const lost_ownership&) {
    request.result = commit_request::outcome::not_owner;
    request.failure = std::current_exception();
    roll_back();
  } catch (const refusal& why) {
    request.result = commit_request::outcome::refused;
    request.failure = std::make_exception_ptr(error{why});
    request.at_fault = why.of();
    roll_back();
  } catch (...) {
    if (is_for_good(sqlite3_errcode(connection_.handle()))) {
      request.result = commit_request::outcome::refused;
      request.at_fault = at_;
    }
    request.failure = std::current_exception();
    roll_back();
  }
}

void sqlite_writer::roll_back() noexcept {
  transaction_.roll_back();
  for (definition_names::entry* name : new_names_) name->stored = false;
  new_names_.clear();
  log_.failed();
}

/// Whether it is sure that a commit which reported `commit_result` will not be found after a crash. Its last frame
/// makes the others count. If writing failed, that frame is not whole, unless what is missing was there before. Any
/// later failure (of the sync, or of memory for the log's index) leaves it in the log, where recovery would find it,
/// though this connection has forgotten it. Then another small commit is put in its place, which cuts off what follows.
bool sqlite_writer::is_undone(int commit_result) noexcept {
  switch (commit_result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_READONLY:
    case SQLITE_CONSTRAINT:
      return true;
    default:
      const bool write_failed = commit_result == SQLITE_IOERR_WRITE || (commit_result & 0xff) == SQLITE_FULL;
      return (write_failed && !holds_unknown_commit(connection_)) || commit_elsewhere() == SQLITE_OK;
  }
}

int sqlite_writer::commit_elsewhere() noexcept {
  int result = transaction_.try_begin();
  if (result == SQLITE_OK) result = count_failed_commit_.try_run();
  if (result == SQLITE_OK) result = transaction_.try_commit();
  if (result == SQLITE_OK) return result;
  count_failed_commit_.reset();
  roll_back();
  return result;
}

void sqlite_writer::run_maintenance() noexcept {
  log_.compact_some();
  upkeep_.checkpoint_if_due();
  upkeep_.make_room_if_due();
}

void sqlite_writer::sort_by_id(std::span<const write_set> writes) {
  sorted_.clear();
  sorted_.reserve(writes.size());
  for (const write_set& write : writes) sorted_.push_back({first_half(write.id), &write});
  std::ranges::sort(sorted_, [](const place& a, const place& b) {
    return a.first != b.first ? a.first < b.first : a.write->id < b.write->id;
  });
  const auto twice = std::ranges::adjacent_find(
      sorted_, [](const place& a, const place& b) { return a.first == b.first && a.write->id == b.write->id; });
  if (twice != sorted_.end()) {
    throw refusal(fmt::format("a commit names actor {} twice", id_text(*twice->write)), twice->write);
  }
}

void sqlite_writer::apply(const commit_request& request) {
  sort_by_id(request.writes);
  new_actors_.clear();  // of a commit that failed
  const bool may_log = log_.is_for(update_bytes(request.writes));
  for (const auto& [first, write] : sorted_) {
    at_ = write;
    check_sizes(*write, value_bytes_max_);
    check_parts(*write);
    if (write->what == write_set::action::destroy) destroy(*write);
  }
  for (const auto& [first, write] : sorted_) {
    at_ = write;
    if (write->what == write_set::action::create) create(*write);
    if (write->what == write_set::action::update) update(*write, may_log);
    if (write->what == write_set::action::keep) keep(*write);
    if (write->what != write_set::action::create && write->labels != nullptr) replace_tags(*write);
    if (write->what == write_set::action::destroy) log_.supersede(write->id);
    messages_.apply(*write);
    parts_.apply(*write);
  }
  create_all();
  messages_.pass_on(request, at_);
}

void sqlite_writer::create(const write_set& write) {
  if (write.created == nullptr) {
    throw refusal(fmt::format("a commit creates actor {} without a name", id_text(write)), &write);
  }
  new_actors_.push_back({&write, store_definition(write.created->name).number});
  if (new_actors_.size() == rows_together) create_all();
}

// A statement for many rows takes two thirds of what one for each takes. If one of them cannot be inserted, the
// statement inserts none, and it is found by inserting each by itself.
void sqlite_writer::create_all() {
  if (new_actors_.size() == rows_together) {
    for (std::size_t i = 0; i != rows_together; ++i) bind(create_many_, i, new_actors_[i]);
    const int result = create_many_.try_run();
    if (result == SQLITE_OK) return add_tags();
    create_many_.reset();
    if ((result & 0xff) != SQLITE_CONSTRAINT) throw connection_.failure(result);
  }
  for (const new_actor& one : new_actors_) {
    bind(create_, 0, one);
    const int result = create_.try_run();
    if (result == SQLITE_OK) continue;
    create_.reset();
    if ((result & 0xff) == SQLITE_CONSTRAINT) throw not_unique(*one.write);
    throw connection_.failure(result);
  }
  add_tags();
}

void sqlite_writer::bind(sqlite_statement& statement, std::size_t row, const new_actor& one) {
  const write_set& write = *one.write;
  const write_set::creation& created = *write.created;
  at_ = &write;
  int at = static_cast<int>(row) * sql::actor_columns;
  statement.bind(++at, write.id);
  statement.bind(++at, one.definition);
  statement.bind(++at, created.key);
  statement.bind(++at, static_cast<std::int64_t>(created.created_at.time_since_epoch().count()));
  const tags* const labels = first_labels(write);
  statement.bind(++at, static_cast<std::int64_t>(labels == nullptr ? 0 : labels->size()));
  statement.bind(++at, std::int64_t{write.initialised});
  statement.bind(++at, std::int64_t{write.version});
  statement.bind(++at, write.state);
  if (created.input && !write.initialised) {
    statement.bind(++at, *created.input);
  } else {
    statement.bind_null(++at);
  }
}

void sqlite_writer::add_tags() {
  for (const auto& [write, definition] : new_actors_) {
    const tags* const labels = first_labels(*write);
    if (labels == nullptr) continue;
    for (const auto& [name, value] : *labels) {
      add_tag_.bind(1, write->id);
      add_tag_.bind(2, name);
      add_tag_.bind(3, value);
      add_tag_.bind(4, definition);
      add_tag_.run();
    }
  }
  new_actors_.clear();
}

void sqlite_writer::replace_tags(const write_set& write) {
  remove_tags_.bind(1, write.id);
  remove_tags_.run();
  for (const auto& [name, value] : *write.labels) {
    add_tag_to_.bind(1, write.id);
    add_tag_to_.bind(2, name);
    add_tag_to_.bind(3, value);
    add_tag_to_.run();
  }
  count_tags_.bind(1, write.id);
  count_tags_.bind(2, static_cast<std::int64_t>(write.labels->size()));
  count_tags_.run();
}

void sqlite_writer::update(const write_set& write, bool may_log) {
  if (may_log && write.state.size() <= logged_state_bytes_max) {
    require_actor(write, "updates");
    return log_.add(write);
  }
  update_.bind(1, write.id);
  update_.bind(2, std::int64_t{write.initialised});
  update_.bind(3, std::int64_t{write.version});
  update_.bind(4, write.state);
  update_.run();
  if (sqlite3_changes(connection_.handle()) != 1) require_actor(write, "updates");
  log_.supersede(write.id);
}

void sqlite_writer::keep(const write_set& write) { require_actor(write, "keeps"); }

void sqlite_writer::require_actor(const write_set& write, std::string_view verb) {
  if (log_.has(write.id)) return;
  const sqlite_rows rows{find_};
  find_.bind(1, write.id);
  if (!find_.step()) {
    throw refusal(fmt::format("a commit {} actor {}, which does not exist", verb, id_text(write)), &write);
  }
}

void sqlite_writer::destroy(const write_set& write) {
  if (!write.messages.empty()) {
    throw refusal(fmt::format("a commit gives messages to actor {} and destroys it", id_text(write)), &write);
  }
  if (write.labels != nullptr) {
    throw refusal(fmt::format("a commit gives tags to actor {} and destroys it", id_text(write)), &write);
  }
  destroy_.bind(1, write.id);
  destroy_.run();
  remove_tags_.bind(1, write.id);
  remove_tags_.run();
  messages_.remove_all(write.id);
  parts_.remove_all(write.id);
}

definition_names::entry& sqlite_writer::store_definition(std::string_view name) {
  definition_names::entry& entry = names_.get_or_add(name);
  if (!entry.stored) {
    add_definition_.bind(1, entry.number);
    add_definition_.bind(2, name);
    add_definition_.run();
    new_names_.push_back(&entry);
    entry.stored = true;
  }
  return entry;
}

refusal sqlite_writer::not_unique(const write_set& write) const {
  return refusal(fmt::format("a commit creates actor {} as {}{}, and that id or key is taken", id_text(write),
                             write.created->name, write.created->key),
                 &write);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
