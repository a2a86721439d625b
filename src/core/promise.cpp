// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/promise.hpp>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

void refuse_future(const char* why) { throw error(errc::invalid_operation, why); }

std::exception_ptr broken_promise() { return std::make_exception_ptr(error(errc::broken_promise)); }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
