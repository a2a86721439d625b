// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A text as a template argument.
template <std::size_t N>
struct fixed_string {
  char text[N]{};
  consteval fixed_string(const char (&s)[N]) {  // NOLINT(google-explicit-constructor): a literal in a template argument
    for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
  }
  [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
