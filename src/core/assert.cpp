#include <troupe/core/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace troupe::inline v0 {
namespace detail {

void assertion_failed(const char* condition, const char* file, int line, const char* sentence) noexcept {
  std::fprintf(stderr, "troupe: assertion failed: %s (%s:%d)%s%s\n", condition, file, line,
               sentence != nullptr ? ": " : "", sentence != nullptr ? sentence : "");
  std::abort();
}

}  // namespace detail
}  // namespace troupe::inline v0
