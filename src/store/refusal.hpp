// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include <troupe/core/error.hpp>
#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A commit is a mistake of the caller, and no other attempt at it can succeed.
class refusal : public error {
 public:
  /// `of`: the write-set at fault; null if it is none of them.
  explicit refusal(std::string_view why, const write_set* of = nullptr) : error{errc::store_failed, why}, of_{of} {}
  [[nodiscard]] const write_set* of() const noexcept { return of_; }

 private:
  const write_set* of_;
};

/// Throws a `refusal` if a value of the write-set has more bytes than `most`.
void check_sizes(const write_set& write, std::size_t most);

/// Throws a `refusal` if the write-set destroys its actor and changes its parts.
void check_parts(const write_set& write);

/// SQLite's limit of a value and of a row (sqlite.org/limits.html), as it is built by default.
inline constexpr std::size_t row_bytes_max = 1'000'000'000;

/// Beside a state, a message, or key and value of a part, a row has an id, a key of 1 KiB, a name and some numbers.
inline constexpr std::size_t bytes_beside_value = 64 * 1024;
inline constexpr std::size_t value_bytes_max = row_bytes_max - bytes_beside_value;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
