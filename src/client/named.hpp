// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <troupe/actor/address.hpp>
#include <troupe/actor/invocation.hpp>
#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The arguments of an action, given as JSON text. Throws `actor.invalid_request`, naming the action.
[[nodiscard]] bytes decode_arguments(std::string_view action, std::string_view json);

/// Throws `actor.action_not_found` if an actor of this process has no such action.
void check_named(const address& to, std::string_view action);

/// The invocation of a call by name. An actor of this process has its arguments decoded here, and so this throws
/// `actor.action_not_found` and `actor.invalid_request`; elsewhere the other side looks at them.
[[nodiscard]] invocation* make_named(executor& home, const address& to, std::string_view action, bytes_view arguments);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
