// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string_view>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class cell;

/// The failure of a hook that took longer than it may.
[[nodiscard]] error late_hook(const cell& c, std::string_view hook, std::chrono::nanoseconds limit);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
