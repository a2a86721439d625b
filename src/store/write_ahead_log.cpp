// SPDX-License-Identifier: Apache-2.0
#include "write_ahead_log.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t file_header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::size_t salt_bytes = 8;
constexpr int index_bytes = 32 * 1024;  // the part of SQLite's index of its log that begins with its header

std::uint32_t big_endian(bytes_view from, std::size_t at) noexcept {
  std::uint32_t value = 0;
  for (const std::byte each : from.subspan(at, 4)) value = value << 8 | std::to_integer<std::uint32_t>(each);
  return value;
}

std::uint32_t little_endian(bytes_view from, std::size_t at) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(from[at + i]);
  return value;
}

struct checksum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  void add(bytes_view data, bool is_big_endian) noexcept {
    for (std::size_t at = 0; at + 8 <= data.size(); at += 8) {
      first += word(data, at, is_big_endian) + second;
      second += word(data, at + 4, is_big_endian) + first;
    }
  }
  bool operator==(const checksum&) const = default;

 private:
  static std::uint32_t word(bytes_view data, std::size_t at, bool is_big_endian) noexcept {
    return is_big_endian ? big_endian(data, at) : little_endian(data, at);
  }
};

/// Where SQLite's knowledge of its log ends.
struct known_end {
  std::uint32_t frames = 0;
  std::size_t page_bytes = 0;
  bool is_big_endian = false;
  checksum sum;
  std::byte salt[salt_bytes];
};

bool read(sqlite3_file* file, std::span<std::byte> into, std::size_t at, bool& is_end) noexcept {
  const int result = file->pMethods->xRead(file, into.data(), static_cast<int>(into.size()),
                                           static_cast<sqlite3_int64>(at));
  is_end = result == SQLITE_IOERR_SHORT_READ;
  return result == SQLITE_OK || is_end;
}

/// As the index has it, which all programs share.
bool find_end(const sqlite_connection& connection, known_end& end) noexcept {
  sqlite3_file* database = nullptr;
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &database);
  if (database == nullptr || database->pMethods == nullptr || database->pMethods->iVersion < 2) return false;
  void volatile* mapped = nullptr;
  if (database->pMethods->xShmMap(database, 0, index_bytes, 0, &mapped) != SQLITE_OK || mapped == nullptr) return false;
  std::byte header[48];
  for (std::size_t i = 0; i != sizeof header; ++i) header[i] = static_cast<const volatile std::byte*>(mapped)[i];
  std::uint16_t page = 0;
  std::memcpy(&page, header + 14, sizeof page);
  end.page_bytes = (page & 0xfe00U) + ((page & 1U) << 16);
  end.is_big_endian = header[13] != std::byte{0};
  std::memcpy(&end.frames, header + 16, 4);
  std::memcpy(&end.sum.first, header + 24, 4);
  std::memcpy(&end.sum.second, header + 28, 4);
  std::memcpy(end.salt, header + 32, salt_bytes);
  return header[12] != std::byte{0} && end.page_bytes >= 512;
}

}  // namespace

bool holds_unknown_commit(const sqlite_connection& connection) noexcept {
  try {
    sqlite3_file* const file = connection.log_file();
    known_end end;
    if (file == nullptr || !find_end(connection, end)) return true;
    bool is_end = false;
    if (end.frames == 0) {  // begun afresh by the commit that failed
      std::byte header[file_header_bytes];
      if (!read(file, header, 0, is_end)) return true;
      if (is_end) return false;
      end.sum = {big_endian(header, 24), big_endian(header, 28)};
      std::memcpy(end.salt, header + 16, salt_bytes);
    }
    std::vector<std::byte> frame(frame_header_bytes + end.page_bytes);
    const bytes_view view{frame};
    for (std::size_t at = file_header_bytes + end.frames * frame.size();; at += frame.size()) {
      if (!read(file, frame, at, is_end)) return true;
      if (is_end || std::memcmp(frame.data() + 8, end.salt, salt_bytes) != 0) return false;
      end.sum.add(view.first(8), end.is_big_endian);
      end.sum.add(view.subspan(frame_header_bytes), end.is_big_endian);
      if (end.sum != checksum{big_endian(view, 16), big_endian(view, 20)}) return false;
      if (big_endian(view, 4) != 0) return true;  // the last one of a commit
    }
  } catch (...) {
    return true;
  }
}

void write_again(const sqlite_connection& connection) {
  sqlite3_file* const file = connection.log_file();
  if (file == nullptr) return;
  const auto require = [&](int result) {
    if (result != SQLITE_OK) throw connection.failure(result);
  };
  sqlite3_int64 size = 0;
  require(file->pMethods->xFileSize(file, &size));
  if (size == 0) return;
  std::vector<std::byte> some(64 * 1024);
  for (sqlite3_int64 at = 0; at < size; at += static_cast<sqlite3_int64>(some.size())) {
    const int count = static_cast<int>(std::min(size - at, static_cast<sqlite3_int64>(some.size())));
    require(file->pMethods->xRead(file, some.data(), count, at));
    require(file->pMethods->xWrite(file, some.data(), count, at));
  }
  require(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
