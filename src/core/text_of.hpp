// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

namespace troupe {
inline namespace v0 {
namespace detail {

/// What a failure says of itself.
[[nodiscard]] inline std::string text_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
