// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/actor/invocation.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class handle_core;
struct turn;

/// Sends an invocation that has no cell here, or whose sender is a turn of another runtime. `sender` is the turn that
/// sends it; null: a thread of the host does. `by` has the time-out of the caller that waits; null: there is none. If
/// the invocation leaves its runtime, it leaves when its dependency is durable, so that no effect is elsewhere without
/// its cause. Takes over a reference.
void send_away(invocation& inv, const turn* sender, const handle_core* by) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
