// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "memory_contents.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Writes an SQLite database with the same contents, which are locked while they are read. Throws if that fails; then
/// there is no file at `path`.
void back_up(memory_contents& contents, const std::string& path);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
