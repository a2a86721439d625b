// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <troupe/core/bytes.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The changes that an actor's turns make to the rows of its parts. Of changes of one row, the last one counts.
class part_changes {
 public:
  /// The bytes that a row takes beside its content: some columns and entries of indices.
  static constexpr std::size_t row_bytes = 64;

  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  /// Roughly what it will take in a commit.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

  /// The row is so, whether it is new or not. Key and value keep within `part_entry::row_bytes_max`.
  void put(std::uint32_t collection, bytes key, bytes value, std::optional<wall_time> due) {
    change({collection, std::move(key)}, row{std::move(value), due});
  }
  /// The row is gone, or has never been.
  void remove(std::uint32_t collection, bytes key) { change({collection, std::move(key)}, std::nullopt); }
  /// Takes over what happened later.
  void merge(part_changes&& later);

  /// For a write-set. The views are into this object, which must not change meanwhile.
  [[nodiscard]] std::span<const part_change> show();

 private:
  using place = std::pair<std::uint32_t, bytes>;  ///< collection and key
  struct row {
    bytes value;
    std::optional<wall_time> due;
  };
  using rows = std::map<place, std::optional<row>>;  ///< without a row: it is to be gone

  [[nodiscard]] static std::size_t bytes_of(const rows::value_type& each) noexcept;
  void change(place at, std::optional<row> now);

  rows rows_;
  std::size_t bytes_ = 0;
  std::vector<part_change> shown_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
