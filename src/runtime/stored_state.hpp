// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include <troupe/core/bytes.hpp>
#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

struct address;
class runtime_core;

/// The state of an actor of this runtime as the store has it, in its present shape: CBOR. Nothing if the store has no
/// such actor, or one whose `on_create` has not run to its end. `of` has to outlive the task. Errors: those of the
/// store; `actor.newer_state`; `actor.unreadable_state`.
[[nodiscard]] task<std::optional<bytes>> stored_state(runtime_core& core, const address& of);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
