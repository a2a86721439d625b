// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// What one commit says of one actor in the log. A row of the log is a run of these, sorted by their ids. Each is 16
/// bytes of id and a byte of flags, and then, unless the actor's row counts, the version and the size of the state, of
/// four bytes each with the lowest first, and the state.
struct log_record {
  actor_id id{};
  bool in_row = false;  ///< nothing earlier in the log counts: the actor's row is newer, or there is none any more
  bool initialised = false;
  std::uint32_t version = 0;
  bytes_view state{};
};

/// Of a record with a state, all but that.
inline constexpr std::size_t log_record_head_bytes = actor_id::size_bytes + 1 + 4 + 4;

inline void append_number(bytes& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(value >> shift));
}

inline void append_record(bytes& out, const log_record& record) {
  const bytes_view id = std::as_bytes(std::span{record.id.bytes()});
  out.insert(out.end(), id.begin(), id.end());
  out.push_back(static_cast<std::byte>((record.in_row ? 1 : 0) | (record.initialised ? 2 : 0)));
  if (record.in_row) return;
  append_number(out, record.version);
  append_number(out, static_cast<std::uint32_t>(record.state.size()));
  out.insert(out.end(), record.state.begin(), record.state.end());
}

/// Reads a row of the log.
class log_row {
 public:
  explicit log_row(bytes_view row) noexcept : rest_{row} {}

  /// Whether all of it has been read.
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  /// The next record; nothing if the row is damaged. Its state lies in the row.
  [[nodiscard]] std::optional<log_record> next() noexcept {
    log_record record;
    if (rest_.size() < actor_id::size_bytes + 1) return std::nullopt;
    actor_id::bytes_type id;
    std::memcpy(id.data(), take(id.size()).data(), id.size());
    record.id = actor_id{id};
    const auto flags = std::to_integer<unsigned>(take(1)[0]);
    record.in_row = (flags & 1) != 0;
    record.initialised = (flags & 2) != 0;
    if (flags > 2) return std::nullopt;
    if (record.in_row) return record;
    if (rest_.size() < 8) return std::nullopt;
    record.version = number();
    const std::uint32_t size = number();
    if (rest_.size() < size) return std::nullopt;
    record.state = take(size);
    return record;
  }

 private:
  bytes_view take(std::size_t size) noexcept {
    const bytes_view taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::uint32_t number() noexcept {
    std::uint32_t value = 0;
    const bytes_view digits = take(4);
    for (std::size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(digits[i]);
    return value;
  }

  bytes_view rest_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
