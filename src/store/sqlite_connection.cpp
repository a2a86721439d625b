// SPDX-License-Identifier: Apache-2.0
#include "sqlite_connection.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

bool is_out_of_space(int system_error) noexcept {
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

bool is_write_protected(int system_error) noexcept {
  return system_error == EACCES || system_error == EPERM || system_error == EROFS;
}

sqlite3_file* find_log_file(sqlite3* handle) noexcept {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  return file != nullptr && file->pMethods != nullptr ? file : nullptr;
}

/// The operating system's word on an I/O error; 0 if it had none. SQLite passes it on from calls that open files; for
/// the others, the log and the database remember it.
int system_error(sqlite3* handle) noexcept {
  int code = sqlite3_system_errno(handle);
  if (code != 0) return code;
  sqlite3_file* const log = find_log_file(handle);
  if (log != nullptr) log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &code);
  if (code == 0) sqlite3_file_control(handle, "main", SQLITE_FCNTL_LAST_ERRNO, &code);
  return code;
}

std::string describe_other(const std::string& path, int result, int system_error, const char* message) {
  std::string text = fmt::format("'{}': {} (SQLite result {})", path, message, result);
  const bool is_io = (result & 0xff) == SQLITE_IOERR || (result & 0xff) == SQLITE_CANTOPEN;
  if (is_io && system_error != 0) text += fmt::format(", {}", std::generic_category().message(system_error));
  return text;
}

error to_error(const std::string& path, int result, int system_error, const char* message,
               std::chrono::milliseconds busy_timeout) {
  const int primary = result & 0xff;
  const bool is_io = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
  if (primary == SQLITE_FULL || (is_io && is_out_of_space(system_error))) {
    return error(errc::store_full, fmt::format("no space is left to write '{}'; free some, and it goes on", path));
  }
  if (result == SQLITE_READONLY_DBMOVED) {
    return error(errc::store_failed, fmt::format("'{}' was moved or removed while in use; put it back, restart", path));
  }
  if (primary == SQLITE_READONLY || (is_io && is_write_protected(system_error))) {
    return error(errc::store_read_only,
                 fmt::format("'{}' or its directory cannot be written; check its owner, permissions and mount", path));
  }
  switch (primary) {
    case SQLITE_NOTADB:
      return error(errc::store_not_a_database,
                   fmt::format("'{}' holds something else and was left as it is; choose another path", path));
    case SQLITE_CORRUPT:
      return error(errc::store_corrupt,
                   fmt::format("'{}': {}; restore a backup, or try `sqlite3 <file> .recover`", path, message));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(errc::store_failed,
                   fmt::format("another program kept '{}' locked for {} ms; let it end its transaction", path,
                               busy_timeout.count()));
    default:
      return error(errc::store_failed, describe_other(path, result, system_error, message));
  }
}

}  // namespace

error sqlite_failure(const std::string& path, int result) {
  return to_error(path, result, 0, sqlite3_errstr(result), {});
}

sqlite_connection::sqlite_connection(database_file file, int open_flags, std::chrono::milliseconds busy_timeout)
    : file_{std::move(file)}, busy_timeout_{busy_timeout} {
  const char* const vfs = file_.vfs.empty() ? nullptr : file_.vfs.c_str();
  const int result = sqlite3_open_v2(file_.path.c_str(), &handle_, open_flags | SQLITE_OPEN_NOMUTEX, vfs);
  if (handle_ == nullptr) throw std::bad_alloc();
  sqlite3_extended_result_codes(handle_, 1);
  if (result != SQLITE_OK) {
    const error why = failure(result);
    sqlite3_close(handle_);
    throw why;
  }
  sqlite3_busy_timeout(handle_, static_cast<int>(busy_timeout.count()));
}

sqlite_connection::~sqlite_connection() { sqlite3_close(handle_); }

sqlite_statement sqlite_connection::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) throw failure(result);
  return {*this, statement};
}

void sqlite_connection::execute(const char* sql) {
  const int result = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) throw failure(result);
}

std::int64_t sqlite_connection::query_number(const char* sql) {
  sqlite_statement query = prepare(sql);
  if (!query.step()) throw corrupt("one of our own rows is missing");
  return query.number(0);
}

std::string sqlite_connection::query_text(const char* sql) {
  sqlite_statement query = prepare(sql);
  if (!query.step()) throw corrupt("one of our own rows is missing");
  return std::string{query.text(0)};
}

sqlite3_file* sqlite_connection::log_file() const noexcept { return find_log_file(handle_); }

error sqlite_connection::failure(int result) const {
  return to_error(file_.path, result, system_error(handle_), sqlite3_errmsg(handle_), busy_timeout_);
}

error sqlite_connection::corrupt(std::string_view what) const {
  return error(errc::store_corrupt, fmt::format("'{}': {}; restore a backup", file_.path, what));
}

void sqlite_statement::check(int result) {
  if (result != SQLITE_OK) [[unlikely]] throw connection_->failure(result);
}

void sqlite_statement::bind(int at, std::int64_t value) { check(sqlite3_bind_int64(statement_, at, value)); }

void sqlite_statement::bind(int at, std::string_view text) {
  const char* const data = text.empty() ? "" : text.data();  // a null pointer would bind NULL
  check(sqlite3_bind_text64(statement_, at, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_statement::bind(int at, bytes_view blob) {
  const void* const data = blob.empty() ? static_cast<const void*>("") : blob.data();
  check(sqlite3_bind_blob64(statement_, at, data, blob.size(), SQLITE_STATIC));
}

void sqlite_statement::bind(int at, const actor_id& id) { bind(at, std::as_bytes(std::span{id.bytes()})); }

void sqlite_statement::bind_null(int at) { check(sqlite3_bind_null(statement_, at)); }

bool sqlite_statement::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  const error why = connection_->failure(result);
  reset();
  throw why;
}

void sqlite_statement::run() {
  while (step()) {
  }
  reset();
}

int sqlite_statement::try_run() noexcept {
  int result = SQLITE_ROW;
  while (result == SQLITE_ROW) result = sqlite3_step(statement_);
  return result == SQLITE_DONE ? sqlite3_reset(statement_) : result;
}

bool sqlite_statement::is_null(int column) const noexcept {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t sqlite_statement::number(int column) const noexcept { return sqlite3_column_int64(statement_, column); }

std::string_view sqlite_statement::text(int column) const noexcept {
  const auto* const data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bytes_view sqlite_statement::blob(int column) const noexcept {
  const auto* const data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

actor_id sqlite_statement::id(int column) const {
  const bytes_view found = blob(column);
  if (found.size() != actor_id::size_bytes) throw connection_->corrupt("an actor's id has not 16 bytes");
  actor_id::bytes_type bytes;
  std::memcpy(bytes.data(), found.data(), bytes.size());
  return actor_id{bytes};
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
