// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The deadline of a transition has come, or of one that has ended: a hook of a wake fails, and an actor that shuts
/// down is interrupted. By the holder.
void deadline_has_come(cell& c) noexcept;

/// The grace period is over, whatever the clock says. By the holder.
void cut_short(cell& c) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
