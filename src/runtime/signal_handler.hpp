// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Obeys the signals of `pending_signals` that have come. By the holder.
void signalled(cell& c, std::uint8_t wanted) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
