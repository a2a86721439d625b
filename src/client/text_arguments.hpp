#pragma once

#include <string_view>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The arguments of an action, given as JSON text. Throws `actor.invalid_request`, naming the action.
[[nodiscard]] bytes decode_arguments(std::string_view action, std::string_view json);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
