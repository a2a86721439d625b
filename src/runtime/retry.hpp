// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// What to wait after so many failures in a row, 1 or more: from the first to the longest, doubling.
[[nodiscard]] constexpr std::chrono::nanoseconds backoff(std::chrono::nanoseconds first,
                                                         std::chrono::nanoseconds longest,
                                                         std::uint32_t failures) noexcept {
  for (std::uint32_t n = 1; n < failures && first < longest; ++n) {
    first = first > longest / 2 ? longest : first * 2;
  }
  return std::min(first, longest);
}

/// Whether a failure is one of these of the catalogue.
template <class... Code>
[[nodiscard]] bool is_one_of(const std::exception_ptr& failure, Code... codes) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const error& e) {
    return (e.is(codes) || ...);
  } catch (...) {
    return false;
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
