// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/store/store.hpp>

#include "image.hpp"
#include "rows.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class cell;

/// The images of a stored actor, into which its changes go, and the newest encoding of its state, which is in one of
/// them unless it is as it was loaded. There are two images, because one fills while the committer has the other. The
/// cell's holder's; the committer looks at the images alone, see `image_stage`.
///
///     1. The newest image has the newest epoch. The other one, if it is in use, is of an older one.
///     2. An epoch is closed only when the epoch before it is durable. So whenever a change needs another image, one of
///        the two is free.
///     3. Between turns, and but for a relaxed actor, the newest encoding is older than the live state only if the
///        newest image is not encoded.
class state_images {
 public:
  explicit state_images(cell& c) noexcept : owner{c} {}

  // --- life ---

  /// For an actor that the store has, or (without a record) for a new one.
  void begin_life(const actor_record* record);
  /// The actor is new: for the first image.
  void set_creation(std::unique_ptr<creation_row> row) noexcept { creation_ = std::move(row); }
  /// Before the end of a life whose changes are lost: what had arrived with them is sent again.
  void give_up_lost() noexcept;
  /// The memory of encoded states is free again.
  void end_life() noexcept;

  // --- what will be stored ---

  /// The store has a row, or will have with an image that is in an epoch.
  [[nodiscard]] bool exists() const noexcept { return exists_; }
  /// The end of the actor is in an epoch.
  [[nodiscard]] bool destroyed() const noexcept { return destroyed_; }
  /// Whether `on_create` has run, as the newest image says.
  [[nodiscard]] bool initialised() const noexcept { return initialised_; }
  /// Of the newest image; 0: there is none.
  [[nodiscard]] epoch_number newest_epoch() const noexcept { return epoch_; }
  /// The newest encoded state, whether committed or not; null: none.
  [[nodiscard]] const buffer* newest() const noexcept { return newest_; }
  /// The size of the state when it was last encoded.
  [[nodiscard]] std::size_t newest_bytes() const noexcept { return newest_bytes_; }
  /// The version of the state in the newest image.
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  /// Whether changes of earlier turns are not encoded yet: then the newest encoding is not the state that this turn
  /// began with.
  [[nodiscard]] bool is_behind() const noexcept {
    return epoch_ != 0 && images_[newest_image_] && !images_[newest_image_]->encoded;
  }

  // --- changes ---

  struct change {
    row_changes* rows = nullptr;  ///< moved from; null: none
    bool has_state = false;       ///< the state has changed, too
    bool is_encoded = false;      ///< to `state`; else it is encoded when the epoch closes
    bool initialised = false;     ///< `on_create` has run
    bytes_view state{};
  };
  /// Returns the epoch that the change belongs to, which is no older than the dependency.
  epoch_number put(epoch_number dependency, const change& c);
  /// The actor ends. Returns the epoch of that, or the dependency if the store has nothing of the actor.
  epoch_number put_end(epoch_number dependency, row_changes* rows);

  /// Encodes a large state for an older epoch, before a turn that belongs to `epoch` or later changes it.
  void freeze_before(epoch_number epoch) noexcept {
    if (epoch_ != 0 && epoch_ < epoch) freeze_older();
  }
  /// Answers the committer's question, if there is one.
  void freeze_asked() noexcept;

  cell& owner;

 private:
  void freeze_older() noexcept;
  [[nodiscard]] std::uint8_t next_image();
  template <class Fill>
  epoch_number place(epoch_number dependency, Fill&& fill);
  void add_rows(image& m, row_changes&& moved);
  void count(image& m, std::ptrdiff_t bytes) noexcept;
  void count_state(image& m) noexcept;
  void encode_now(image& m) noexcept;
  void answer(image& m) noexcept;

  std::array<std::unique_ptr<image>, 2> images_;  ///< null until it is needed
  epoch_number epoch_ = 0;
  const buffer* newest_ = nullptr;
  std::size_t newest_bytes_ = 0;
  buffer loaded_;                     ///< the state as it was loaded, until there is a newer one
  std::unique_ptr<creation_row> creation_;  ///< until there is an image
  std::uint32_t version_ = 0;
  std::uint8_t newest_image_ = 0;     ///< which of the two
  bool initialised_ = false;
  bool exists_ = false;
  bool destroyed_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
