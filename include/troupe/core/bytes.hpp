// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace troupe {
inline namespace v0 {

/// Owned bytes: what encodings produce, and a field type for binary state.
using bytes = std::vector<std::byte>;

/// Borrowed bytes.
using bytes_view = std::span<const std::byte>;

}  // namespace v0
}  // namespace troupe
