// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <troupe/core/bytes.hpp>
#include <troupe/testing/seeded_random.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {

/// What is in a file, as programs see it, and what of that a power cut would leave.
class simulated_file {
 public:
  [[nodiscard]] bytes_view contents() const noexcept { return contents_; }
  [[nodiscard]] std::size_t size() const noexcept { return contents_.size(); }

  void write(std::size_t at, bytes_view data);
  void resize(std::size_t size);

  /// All changes so far are durable.
  void sync();

  /// Some changes have become durable, as in a power cut; the others never will, though programs see them.
  void forget(seeded_random& random);

  /// What was not synced is lost, in part.
  void lose_unsynced(seeded_random& random);

 private:
  /// `data` at a place, or as many zeros.
  struct change {
    std::size_t at = 0;
    std::size_t length = 0;
    bytes data{};               ///< empty for zeros
    std::size_t size_after = 0;  ///< of the file
  };

  /// How the changes were written to the disk: none of them, all, all up to one of them, or some of the sectors only.
  struct luck {
    luck(std::size_t changes, seeded_random& random);

    /// How many of the changes of one sector, or of the size, have been written.
    [[nodiscard]] std::size_t kept(std::span<const std::size_t> changes, seeded_random& random) const;

    std::size_t in_order;        ///< these changes have all been written, and others
    std::uint64_t in_four = 0;   ///< with this chance
  };

  static constexpr std::size_t sector_bytes = 512;

  /// The part of the change within [from, to) of the file, made in `image`.
  static void apply(const change& made, bytes& image, std::size_t from, std::size_t to);

  void add(change made);
  [[nodiscard]] bytes survivors(seeded_random& random) const;
  void restore_sector(bytes& image, std::size_t sector, std::span<const std::size_t> changes, const luck& had,
                      seeded_random& random) const;

  bytes contents_;
  bytes durable_;
  std::vector<change> unsynced_;
};

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
