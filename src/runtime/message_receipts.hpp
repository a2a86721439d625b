// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <troupe/store/store.hpp>

#include "receipt_office.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class row_changes;

/// The receipts of one actor for messages of others, where sender and receiver are not committed together: a row each,
/// in a collection of their own, with the number of the message as its key. They tell a message that comes again from
/// one that is new. The cell's holder's.
class message_receipts {
 public:
  explicit message_receipts(receipt_office& office) noexcept : office_{office} {}

  /// The actor wakes.
  void load(std::span<const part_record> rows);
  /// The message has been here.
  [[nodiscard]] bool has(std::uint64_t message) const noexcept;
  /// A message comes, and the receipts that nothing asks for any more go with the same changes.
  void add(std::uint64_t message, row_changes& into);
  /// The turn is recorded; or it cannot be stored, and what it has added is not here.
  void keep_turn() noexcept { added_ = 0; }
  void undo_turn() noexcept;
  /// Whether a message may come again. Then the actor must not end: a successor would not know of it.
  [[nodiscard]] bool are_asked_for() const noexcept;
  /// The actor ends although messages may come again: from now on those have no effect, whoever receives them. Returns
  /// them, for the store to forget.
  [[nodiscard]] std::vector<std::uint64_t> settle() const;
  void clear() noexcept;

 private:
  receipt_office& office_;
  std::vector<std::uint64_t> all_;  ///< few: those that the store has not forgotten, or had not when the last one came
  std::size_t added_ = 0;           ///< at the end, by the turn that runs
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
