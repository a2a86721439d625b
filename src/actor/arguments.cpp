// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/arguments.hpp>

#include <string>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

std::string digits(wide_integer v) {
  return v.negative ? fmt::to_string(static_cast<std::int64_t>(v.bits)) : fmt::to_string(v.bits);
}

}  // namespace

void throw_out_of_range(const destination_name& where, std::size_t position, wide_integer value, wide_integer min,
                        wide_integer max) {
  throw error(errc::invalid_request, fmt::format("argument {} of {} '{}' is {}, and must be from {} to {}", position,
                                                 where.kind, where.name, digits(value), digits(min), digits(max)));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
