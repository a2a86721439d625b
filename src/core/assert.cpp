// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/assert.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace troupe {
inline namespace v0 {
namespace detail {

void assertion_failed(const char* condition, const char* file, int line, const char* sentence) noexcept {
  std::fprintf(stderr, "troupe: assertion failed: %s (%s:%d)%s%s\n", condition, file, line,
               sentence != nullptr ? ": " : "", sentence != nullptr ? sentence : "");
  std::abort();
}

void misused(const char* sentence) noexcept {
  std::fprintf(stderr, "troupe: %s\n", sentence);
  std::terminate();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
