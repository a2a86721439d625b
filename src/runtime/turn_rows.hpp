// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include <troupe/core/tags.hpp>

#include "part_list.hpp"
#include "rows.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class activation;
class cell;

/// The changes of an actor's turns beside its state: those of the turn that runs, and of a relaxed actor those of the
/// turns since its last save. The cell's holder's.
class turn_rows {
 public:
  /// `parts` is null for an actor without parts.
  explicit turn_rows(part_list* parts) noexcept : parts_{parts} {}

  /// The changes of the turn, to add to them. The turn is to know of it: see turn::effects().
  [[nodiscard]] row_changes& changes() {
    if (!rows_) rows_ = std::make_unique<row_changes>();
    return *rows_;
  }
  /// The actor has other tags from this turn on. The turn is to know of it, as for `changes`.
  void set_labels(activation& live, tags now);
  [[nodiscard]] bool has_any() const noexcept { return rows_ || (parts_ && parts_->changed()); }
  /// Whether the turn sends to the queues of others.
  [[nodiscard]] bool sends() const noexcept { return rows_ && rows_->sends(); }
  /// The changes of the turn, behind those that are unsaved. Null: none.
  [[nodiscard]] std::unique_ptr<row_changes> take() {
    if (!has_any() && !unsaved_) return nullptr;
    return take_all();
  }
  /// A relaxed actor's changes stay until its next save.
  void put_off() {
    unsaved_ = take();
    keep();
  }
  /// The changes that were taken belong to an epoch: they are not undone any more.
  void keep() noexcept { labels_before_.reset(); }
  /// The unsaved changes; null: none.
  [[nodiscard]] row_changes* unsaved() const noexcept { return unsaved_.get(); }
  /// The turn's changes cannot be stored. `live` may be null.
  void undo(activation* live) noexcept;
  /// The actor is not stored: only what it has received from others concerns the store.
  void forget(cell& owner);
  /// Unsaved changes are lost with the state. Messages that had arrived with them are sent again.
  void end_life(cell& owner) noexcept;

 private:
  [[nodiscard]] std::unique_ptr<row_changes> take_all();

  part_list* const parts_;
  std::unique_ptr<row_changes> rows_;
  std::unique_ptr<row_changes> unsaved_;
  std::shared_ptr<const tags> labels_before_;  ///< the turn that runs; null: it has not changed them
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
