#pragma once

#include <string>

#include "memory_contents.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Writes an SQLite database with the same contents, which nothing may change meanwhile. Throws if that fails; then
/// there is no file at `path`.
void back_up(const memory_contents& contents, const std::string& path);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
