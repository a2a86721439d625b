#pragma once

#include <cstdint>

#include <troupe/codec/json_fwd.hpp>
#include <troupe/core/bytes.hpp>

namespace troupe::inline v0 {
namespace detail {

/// Brings a stored state up to date with a definition's `migrate`.
[[nodiscard]] bytes migrate_state(bytes_view stored, void (*migrate)(json& state, int from), std::uint32_t from);

}  // namespace detail
}  // namespace troupe::inline v0
