// SPDX-License-Identifier: Apache-2.0
#include "log_upkeep.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "sqlite_schema.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// 4 MiB. A checkpoint of so much keeps the next commit waiting for some five milliseconds. One of more takes longer,
/// and is not cheaper for that: most of what goes through the log is new.
constexpr int checkpoint_interval_pages = 1024;

// A commit that makes a file longer waits for the new size to be on disk too, and that takes as long again as its bytes
// do. So the file of SQLite's log is kept longer than the log is.
constexpr std::int64_t room_bytes_min = 64 * 1024;
constexpr std::int64_t room_bytes = 256 * 1024;
constexpr std::array<std::byte, 32 * 1024> zeros{};

// Of SQLite's log and of a page in it (sqlite.org/fileformat2.html#walformat).
constexpr std::int64_t log_header_bytes = 32;
constexpr std::int64_t page_header_bytes = 24;

}  // namespace

log_upkeep::log_upkeep(sqlite_connection& connection, sqlite_transaction& transaction, bool waits)
    : connection_{connection},
      transaction_{transaction},
      checkpoint_at_pages_{checkpoint_interval_pages},
      page_bytes_{connection.query_number(sql::read_page_size)},
      waits_{waits} {
  const auto note_log_size = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<log_upkeep*>(self)->log_pages_ = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(connection.handle(), note_log_size, this);
}

void log_upkeep::checkpoint_if_due() noexcept {
  if (log_pages_ < checkpoint_at_pages_) return;
  int in_log = log_pages_;
  int moved = 0;
  const int result =
      sqlite3_wal_checkpoint_v2(connection_.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  const bool is_complete = result == SQLITE_OK && in_log == moved;  // if so, the next commit starts the log afresh
  checkpoint_at_pages_ = checkpoint_interval_pages + (is_complete ? 0 : log_pages_);
  log_pages_ = 0;
  room_until_ = 0;  // it may be shorter now
}

void log_upkeep::make_room_if_due() noexcept {
  const std::int64_t log_ends = log_header_bytes + log_pages_ * (page_header_bytes + page_bytes_);
  if (!waits_ || log_ends + room_bytes_min <= room_until_) return;
  if (transaction_.try_begin() != SQLITE_OK) return transaction_.roll_back();
  make_room(log_ends + room_bytes);
  transaction_.roll_back();
}

/// In a transaction, so that no other program writes to the log meanwhile. Zeros behind its end are not a part of it:
/// a reader of the log finds no page there that belongs to it.
void log_upkeep::make_room(std::int64_t until) noexcept {
  room_until_ = until;  // if it fails, it is not tried again with every commit
  sqlite3_file* const file = connection_.log_file();
  sqlite3_int64 end = 0;
  if (file == nullptr || file->pMethods->xFileSize(file, &end) != SQLITE_OK) return;
  room_until_ = std::max(until, std::int64_t{end});
  while (end < until) {
    const auto size = std::min(until - end, sqlite3_int64{zeros.size()});
    if (file->pMethods->xWrite(file, zeros.data(), static_cast<int>(size), end) != SQLITE_OK) return;
    end += size;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
