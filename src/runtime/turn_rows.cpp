// SPDX-License-Identifier: Apache-2.0
#include "turn_rows.hpp"

#include <cstdint>
#include <memory>
#include <utility>

#include <troupe/actor/activation.hpp>
#include <troupe/runtime/cell.hpp>

#include "../core/planted.hpp"
#include "commit_ledger.hpp"
#include "core.hpp"
#include "outbox.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

std::unique_ptr<row_changes> turn_rows::take_all() {
  if (parts_ && parts_->changed()) parts_->record(changes());
  if (!unsaved_) return std::move(rows_);
  if (rows_) unsaved_->merge(std::move(*rows_));
  rows_.reset();
  return std::move(unsaved_);
}

void turn_rows::set_labels(activation& live, tags now) {
  auto labels = std::make_shared<const tags>(std::move(now));
  row_changes& rows = changes();
  auto before = live.label(labels);
  rows.set_labels(std::move(labels));
  if (!labels_before_) labels_before_ = std::move(before);
}

void turn_rows::undo(activation* live) noexcept {
  if (is_planted(planted::rows_of_failed_turn_kept)) return;
  if (labels_before_ && live != nullptr) live->label(std::move(labels_before_));
  labels_before_.reset();
  rows_.reset();
  if (parts_) parts_->roll_back();
}

void turn_rows::forget(cell& owner) {
  keep();
  if (parts_) parts_->discard();
  if (!rows_) return;
  rows_->forget_arrived([&](std::uint64_t id) { owner.core().commits().forget(id); });
  rows_.reset();
}

void turn_rows::end_life(cell& owner) noexcept {
  keep();
  rows_.reset();
  if (!unsaved_) return;
  for (const auto& p : unsaved_->arrived()) owner.core().outbox().send_again(p);
  unsaved_.reset();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
