#pragma once

#include <cstdint>
#include <optional>

#include <troupe/codec/json_fwd.hpp>
#include <troupe/core/bytes.hpp>

namespace troupe::inline v0 {
namespace detail {

/// Brings a stored state up to date with a definition's `migrate`. What that leaves as it was keeps its bytes.
[[nodiscard]] bytes migrate_state(bytes_view stored, void (*migrate)(json& state, int from), std::uint32_t from);

class cell;

/// Throws `actor.newer_state` if a newer program has stored this creation input. It is left to that program: an
/// on_create that fails would end the actor.
void check_input(const std::optional<bytes>& input, const cell& c);

}  // namespace detail
}  // namespace troupe::inline v0
