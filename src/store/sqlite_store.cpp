#include <troupe/store/sqlite_store.hpp>

#include <mutex>

#include <fmt/format.h>

#include "definition_names.hpp"
#include "file_ownership.hpp"
#include "sqlite_backup.hpp"
#include "sqlite_connection.hpp"
#include "sqlite_reader.hpp"
#include "sqlite_schema.hpp"
#include "sqlite_writer.hpp"

namespace troupe::inline v0 { namespace detail {
namespace {

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
  }
  if (const std::string encoding = connection.query_text(sql::read_encoding); encoding != "UTF-8") {
    throw error(errc::store_failed,
                fmt::format("'{}' keeps its texts in {}, which cannot hold every key; use a database in UTF-8", path,
                            encoding));
  }
}

void configure(sqlite_connection& connection, const sqlite_options& options) {
  const std::string mode = connection.query_text(sql::use_wal);
  if (mode != "wal") {
    throw error(errc::store_failed,
                fmt::format("'{}' cannot have a write-ahead log (its journal mode is '{}'); use a local file system",
                            connection.file().path, mode));
  }
  const bool full = options.synchronous == synchronous::full;
  connection.execute(full ? sql::synchronous_full : sql::synchronous_normal);
  connection.execute(sql::configure_writer);
}

/// Makes our tables, or brings older ones up to date, and writes in any case, so that what cannot be written is refused
/// now. Returns how often the database has been opened.
std::uint64_t prepare_schema(sqlite_connection& connection) {
  connection.execute(sql::begin_write);
  try {
    const bool is_new = connection.query_number(sql::has_schema) == 0;
    const std::int64_t version = is_new ? 0 : connection.query_number(sql::read_schema_version);
    for (std::int64_t at = version; at < sql::schema_version; ++at) connection.execute(sql::steps[at]);
    connection.execute(sql::count_opening);
    const std::int64_t openings = connection.query_number(sql::read_openings);
    connection.execute(sql::commit);
    return static_cast<std::uint64_t>(openings);
  } catch (...) {
    if (sqlite3_get_autocommit(connection.handle()) == 0) {
      sqlite3_exec(connection.handle(), sql::roll_back, nullptr, nullptr, nullptr);
    }
    throw;
  }
}

/// A connection to our own database at a path that we own.
class owner_connection : public sqlite_connection {
 public:
  owner_connection(const database_file& file, const sqlite_options& options)
      : sqlite_connection{file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options.busy_timeout} {
    sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    inspect(*this);
    sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    configure(*this, options);
    opening_ = prepare_schema(*this);
  }

  [[nodiscard]] std::uint64_t opening() const noexcept { return opening_; }

 private:
  std::uint64_t opening_ = 0;
};

class loaded_names : public definition_names {
 public:
  explicit loaded_names(sqlite_connection& connection) {
    sqlite_statement query = connection.prepare(sql::read_definitions);
    while (query.step()) add(query.text(1), query.number(0), true);
  }
};

/// What is open while the store is. Members go in the opposite order: the writer's connection is the last one, and so
/// moves the whole log to the database; then the file is free for others.
struct database {
  database(const database_file& file, const sqlite_options& options)
      : ownership{own(file)}, connection{file, options}, names{connection}, writer{connection, names},
        readers{file, options.busy_timeout, names} {
    ownership->keep();
  }

  std::unique_ptr<file_ownership> ownership;
  owner_connection connection;
  loaded_names names;
  sqlite_writer writer;
  sqlite_readers readers;
};

class sqlite_store final : public store {
 public:
  sqlite_store(const database_file& file, const sqlite_options& options) : writing_{std::make_shared<writing>()} {
    writing_->open = std::make_unique<database>(file, options);
    opening_ = writing_->open->connection.opening();
  }

  ~sqlite_store() override { close(); }

  void load(load_request& request) noexcept override { answer(request, &sqlite_reader::load); }
  void list(list_request& request) noexcept override { answer(request, &sqlite_reader::list); }
  void list_outgoing(outgoing_request& request) noexcept override { answer(request, &sqlite_reader::list_outgoing); }
  void list_waiting(waiting_request& request) noexcept override { answer(request, &sqlite_reader::list_waiting); }

  [[nodiscard]] std::uint64_t opening() const noexcept override { return opening_; }

  /// The checkpoint comes after `done`, so that no caller waits for it. But `done` may let another thread close and
  /// destroy this store.
  void commit(commit_request& request) noexcept override {
    const std::shared_ptr<writing> kept = writing_;
    {
      const std::lock_guard lock{kept->mutex};
      kept->open->writer.commit(request);
    }
    request.done(request);
    const std::lock_guard lock{kept->mutex};
    if (kept->open != nullptr) kept->open->writer.checkpoint_if_due();
  }

  void backup(const std::string& path) override { back_up_database(writing_->open->connection.file(), path); }

  void close() noexcept override {
    const std::lock_guard lock{writing_->mutex};
    writing_->open.reset();
  }

 private:
  struct writing {
    std::mutex mutex;
    std::unique_ptr<database> open;
  };

  template <class Request, class Found>
  void answer(Request& request, Found (sqlite_reader::*read)(const Request&)) noexcept {
    request.found = {};
    request.failure = nullptr;
    try {
      const sqlite_readers::lease reader{writing_->open->readers};
      request.found = ((*reader).*read)(request);
    } catch (...) {
      request.failure = std::current_exception();
    }
    request.done(request);
  }

  std::shared_ptr<writing> writing_;
  std::uint64_t opening_ = 0;
};

}  // namespace
}}  // namespace troupe::v0::detail

namespace troupe::inline v0 {

std::unique_ptr<store> sqlite::operator()() const {
  return std::make_unique<detail::sqlite_store>(detail::resolve_database_file(path_, options_.vfs), options_);
}

}  // namespace troupe::inline v0
