// SPDX-License-Identifier: Apache-2.0
#include "late_hook.hpp"

#include <fmt/format.h>

#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

error late_hook(const cell& c, std::string_view hook, std::chrono::nanoseconds limit) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  return error(errc::callback_timed_out, fmt::format("{} of {} took longer than {} ms", hook, c.name(), ms),
               fmt::format(R"({{"callback_name":"{}","duration_ms":{}}})", hook, ms));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
