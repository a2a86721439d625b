// SPDX-License-Identifier: Apache-2.0
#include <troupe/store/sqlite_store.hpp>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "../core/fork_watch.hpp"
#include "definition_names.hpp"
#include "file_ownership.hpp"
#include "load_list.hpp"
#include "log_tail.hpp"
#include "opening_check.hpp"
#include "refusal.hpp"
#include "sqlite_backup.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_log.hpp"
#include "sqlite_reader.hpp"
#include "sqlite_schema.hpp"
#include "sqlite_transaction.hpp"
#include "sqlite_writer.hpp"
#include "write_ahead_log.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// Numbers that are made from it have this many bits for it, see `id_source::first_message`.
constexpr std::int64_t openings_max = (std::int64_t{1} << 23) - 1;

/// Reads only. What is found wrong here leaves the file as it was.
void inspect(sqlite_connection& connection) {
  const std::string& path = connection.file().path;
  if (sqlite3_db_readonly(connection.handle(), "main") == 1) throw connection.failure(SQLITE_READONLY);
  if (connection.query_number(sql::has_schema) != 0) {
    const std::int64_t version = connection.query_number(sql::read_schema_version);
    if (version > sql::schema_version) {
      throw error(errc::store_newer_schema, fmt::format("'{}' has schema {}, this program knows {}; update the program",
                                                        path, version, sql::schema_version));
    }
    if (version < 1) throw connection.corrupt(fmt::format("schema {} does not exist", version));
    const std::int64_t openings = connection.query_number(sql::read_openings);
    if (openings < 0 || openings >= openings_max) {
      throw connection.corrupt(fmt::format("it says that it was opened {} times", openings));
    }
  }
  if (const std::string encoding = connection.query_text(sql::read_encoding); encoding != "UTF-8") {
    throw error(errc::store_failed,
                fmt::format("'{}' keeps its texts in {}, which cannot hold every key; use a database in UTF-8", path,
                            encoding));
  }
}

void configure(sqlite_connection& connection) {
  const std::string mode = connection.query_text(sql::use_wal);
  if (mode != "wal") {
    throw error(errc::store_failed,
                fmt::format("'{}' cannot have a write-ahead log (its journal mode is '{}'); use a local file system",
                            connection.file().path, mode));
  }
  connection.execute(sql::synchronous_full);
  connection.execute(sql::configure_writer);
}

void load_names(sqlite_connection& connection, definition_names& names) {
  sqlite_statement query = connection.prepare(sql::read_definitions);
  while (query.step()) {
    const std::int64_t number = query.number(0);
    if (number < 1 || number == std::numeric_limits<std::int64_t>::max()) {
      throw connection.corrupt(fmt::format("a definition has the number {}", number));
    }
    names.add(query.text(1), number, true);
  }
}

/// Makes our tables, or brings older ones up to date, and writes in any case, so that what cannot be written is refused
/// now. Nothing of it stays unless it is committed.
class opening_transaction {
 public:
  opening_transaction(sqlite_connection& connection, sqlite_transaction& transaction) : transaction_{transaction} {
    transaction.begin();
    try {
      write_again(connection);
      const bool is_new = connection.query_number(sql::has_schema) == 0;
      const std::int64_t version = is_new ? 0 : connection.query_number(sql::read_schema_version);
      for (std::int64_t at = version; at < sql::schema_version; ++at) connection.execute(sql::steps[at]);
      connection.execute(sql::count_opening);
      opening_ = static_cast<std::uint64_t>(connection.query_number(sql::read_openings));
    } catch (...) {
      transaction.roll_back();
      throw;
    }
  }
  ~opening_transaction() { transaction_.roll_back(); }
  opening_transaction(const opening_transaction&) = delete;
  opening_transaction& operator=(const opening_transaction&) = delete;

  /// Returns how often the database has been opened.
  std::uint64_t commit() {
    transaction_.commit();
    return opening_;
  }

 private:
  sqlite_transaction& transaction_;
  std::uint64_t opening_ = 0;
};

/// What is open while the store is. Members go in the opposite order: the writer's connection is the last one, and so
/// moves the whole log to the database; then the file is free for others.
struct database {
  /// Whatever is needed is read before anything is written, so that a file which is refused is left as it was. How
  /// often it was opened waits for the disk in any case: such a number must not come again, even after a power cut.
  database(const database_file& file, const sqlite_options& options)
      : ownership{own(file)},
        connection{file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options.busy_timeout} {
    move_log_on_close(false);
    inspect(connection);
    configure(connection);
    transaction.emplace(connection, sqlite_transaction::kind::write);
    opening_transaction first{connection, *transaction};
    load_names(connection, names);
    const bool waits = options.synchronous == synchronous::full;
    check.emplace(connection);
    log.emplace(connection, *transaction, tail, *check, options.log_bytes, waits);
    log->read();
    writer.emplace(connection, *transaction, names, *log, *check, value_bytes_max(), waits);
    opening = first.commit();
    check->begin(static_cast<std::int64_t>(opening));
    move_log();
    if (!waits) connection.execute(sql::synchronous_normal);
    readers.emplace(file, options.busy_timeout, names, tail);
    move_log_on_close(true);
    ownership->keep();
    if (!ownership->has_files()) throw lost_files();
  }

  /// As SQLite was built.
  [[nodiscard]] std::size_t value_bytes_max() const noexcept {
    const auto row = static_cast<std::size_t>(sqlite3_limit(connection.handle(), SQLITE_LIMIT_LENGTH, -1));
    return std::min(row_bytes_max, row) - bytes_beside_value;
  }

  /// Nothing is acknowledged that the next opening would not find, because the files were taken away.
  void commit(commit_request& request) noexcept {
    writer->commit(request);
    if (request.result != commit_request::outcome::committed || ownership->has_files()) return;
    request.result = commit_request::outcome::unknown;
    request.failure = std::make_exception_ptr(lost_files());
  }

  [[nodiscard]] error lost_files() const {
    return error(errc::store_failed, fmt::format("'{0}' was moved, replaced or removed while in use, or its log was "
                                                 "removed; put the files back, and restart",
                                                 connection.file().path));
  }

  /// SQLite removes the log by its name: not if that is another's by now.
  void forsake_moved_log() noexcept {
    if (!ownership->has_files()) move_log_on_close(false);
  }

  /// What an earlier process left in the log may be on no disk although it can be read: its sync failed, and no later
  /// one makes up for that. Commits behind such a hole would be lost with it; so the next one starts the log afresh.
  void move_log() {
    const int result =
        sqlite3_wal_checkpoint_v2(connection.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (result != SQLITE_OK && (result & 0xff) != SQLITE_BUSY) throw connection.failure(result);
  }

  /// So that the rows say all, to whoever looks at the file. If it fails, the log does.
  void compact() noexcept {
    try {
      log->compact_all();
    } catch (...) {
    }
  }

  void move_log_on_close(bool on) noexcept {
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
  }

  std::unique_ptr<file_ownership> ownership;
  sqlite_connection connection;
  std::optional<sqlite_transaction> transaction;
  std::uint64_t opening = 0;
  definition_names names;
  log_tail tail;
  std::optional<opening_check> check;
  std::optional<sqlite_log> log;
  std::optional<sqlite_writer> writer;
  std::optional<sqlite_readers> readers;
};

class sqlite_store final : public store {
  static constexpr int attempts_beside_commits = 3;

 public:
  sqlite_store(const database_file& file, const sqlite_options& options) : writing_{std::make_shared<writing>()} {
    writing_->open = std::make_unique<database>(file, options);
    if (file.vfs.empty()) remove_leftover_backups(std::filesystem::path{file.path}.parent_path().string());
    opening_ = writing_->open->opening;
    value_bytes_max_ = writing_->open->value_bytes_max();
  }

  ~sqlite_store() override { close(); }

  void load(load_request& request) noexcept override {
    request.next = nullptr;
    load_all(request);
  }
  void load_all(load_request& first) noexcept override;
  void list(list_request& request) noexcept override { answer(request, &sqlite_reader::list); }
  void list_outgoing(outgoing_request& request) noexcept override { answer(request, &sqlite_reader::list_outgoing); }
  void list_waiting(waiting_request& request) noexcept override { answer(request, &sqlite_reader::list_waiting); }
  void list_parts(parts_request& request) noexcept override { answer(request, &sqlite_reader::list_parts); }
  void list_due(due_request& request) noexcept override { answer(request, &sqlite_reader::list_due); }

  [[nodiscard]] std::uint64_t opening() const noexcept override { return opening_; }

  /// Tidying comes after `done`, so that no caller waits for it. But `done` may let another thread close and
  /// destroy this store.
  void commit(commit_request& request) noexcept override {
    const std::shared_ptr<writing> kept = writing_;
    {
      const std::lock_guard lock{kept->mutex};
      kept->open->commit(request);
    }
    request.done(request);
    const std::lock_guard lock{kept->mutex};
    if (kept->open != nullptr) kept->open->writer->run_maintenance();
  }

  void backup(const std::string& path) override { back_up_database(writing_->open->connection.file(), path); }

  [[nodiscard]] std::size_t value_bytes_max() const noexcept override { return value_bytes_max_; }

  void close() noexcept override {
    if (fork_.in_child()) return keep_for_ever(writing_);  // the files, and maybe the lock, are the parent's
    const std::lock_guard lock{writing_->mutex};
    if (writing_->open == nullptr) return;
    writing_->open->compact();
    writing_->open->forsake_moved_log();
    writing_->open.reset();
  }

 private:
  struct writing {
    std::mutex mutex;
    std::unique_ptr<database> open;
  };

  // For lists. Who is overtaken by commits again and again keeps them out.
  template <class Request>
  void answer(Request& request, bool (sqlite_reader::*read)(Request&)) noexcept {
    request.found = {};
    request.failure = nullptr;
    try {
      const sqlite_readers::lease reader{*writing_->open->readers};
      for (int i = 0; i != attempts_beside_commits; ++i) {
        if (((*reader).*read)(request)) return request.done(request);
      }
      const std::lock_guard lock{writing_->mutex};
      static_cast<void>(((*reader).*read)(request));
    } catch (...) {
      request.failure = std::current_exception();
    }
    request.done(request);
  }

  std::shared_ptr<writing> writing_;
  std::uint64_t opening_ = 0;
  std::size_t value_bytes_max_ = 0;
  fork_watch fork_{[](void*) noexcept {}, this};
};

// As in `answer`.
void sqlite_store::load_all(load_request& first) noexcept {
  load_list asked{first};
  load_list answered;
  try {
    const sqlite_readers::lease reader{*writing_->open->readers};
    for (int i = 0; i != attempts_beside_commits && !asked.empty(); ++i) (*reader).load(asked, answered);
    if (!asked.empty()) {
      const std::lock_guard lock{writing_->mutex};
      (*reader).load(asked, answered);
    }
  } catch (...) {
    while (load_request* const r = asked.pop_front()) {
      r->found.reset();
      r->failure = std::current_exception();
      answered.push_back(*r);
    }
  }
  while (load_request* const r = answered.pop_front()) r->done(*r);
}

}  // namespace
}  // namespace detail
}  // namespace v0
}  // namespace troupe

namespace troupe {
inline namespace v0 {

std::unique_ptr<store> sqlite::operator()() const {
  return std::make_unique<detail::sqlite_store>(detail::resolve_database_file(path_, options_.vfs), options_);
}

}  // namespace v0
}  // namespace troupe
