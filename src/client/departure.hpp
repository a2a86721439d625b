// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/actor/invocation.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class handle_core;
struct turn;

/// Whether what a turn sends out of its cut may leave now: what it depends on is durable.
[[nodiscard]] bool may_depart(const turn& sender, epoch_number dependency) noexcept;

/// Sends an invocation that has no cell here, or whose sender is a turn that is not committed together with the
/// receiver: see `crosses_cuts`. `sender` is the turn that
/// sends it; null: a thread of the host does. `by` has the time-out of the caller that waits; null: there is none. If
/// the invocation leaves its cut, it leaves when its dependency is durable, so that no effect is elsewhere without
/// its cause. Where each actor has its own commits, the invocations of one actor leave in the order in which it sent
/// them.
/// Takes over a reference.
void send_away(invocation& inv, const turn* sender, const handle_core* by) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
