// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/core/task.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// How actors fall asleep and how they end: the procedure that takes a life from awake to asleep, in the actor's own
/// turns. Order and limits of the hooks follow docs/lifecycle.md. Every function is for the holder.
///
///     begin_stop ─► run loop ends, stop tokens ─► on_disconnect ... ─► on_sleep or on_destroy
///                                                                             │
///        asleep ◄─ deactivate ◄─ flush: all is durable ◄─ finalising ◄─ nothing runs any more
///
/// If the actor asks for its destruction meanwhile, on_destroy runs after on_sleep.

/// Starts to put an awake actor to sleep, or to destroy it if that was requested.
void begin_stop(cell& c) noexcept;
/// The same if it is awake; else nothing.
void sleep_now(cell& c) noexcept;
/// The runtime shuts down: an actor that is awake stops, and one that is asleep gives up its connections and parts.
void stop_now(cell& c) noexcept;

/// The last step of a stop, and of a wake that has failed: waits until all is durable, then ends the live copy. Returns
/// the rest of it as a task, which is empty if there is nothing to wait for.
[[nodiscard]] task<> flush(cell& c);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
