// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/actor/address.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// How actors wake: the procedure that takes a life from asleep to awake, in the actor's own turns. Order and limits of
/// the hooks follow docs/lifecycle.md. Every function is for the holder.
///
///     begin_wake ─► loader ─► activate: restore, or create and on_create ─► on_wake ─► open: calls are readmitted
///                                 │                                            │
///                                 └──────────── failure, or no actor ──────────┴─► flush (`stopping`): asleep again

/// Wakes an actor that is asleep and that this address creates, if there is nothing to wait for and none of its code to
/// run. False if it is not that simple.
bool wake_at_once(cell& c, const address& wanted);
/// Starts to wake an actor that is asleep. Calls wait meanwhile.
void begin_wake(cell& c) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
