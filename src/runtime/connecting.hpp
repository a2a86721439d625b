// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/task.hpp>

/// \file
/// How connections begin and end at their actor, with its hooks. By the holder of the cell, in turns of the actor but
/// for `close_all`.

namespace troupe {
inline namespace v0 {
namespace detail {

class cell;
class connection_core;

/// Why connections end with what the actor is doing; null while they may stay.
[[nodiscard]] std::exception_ptr why_connections_end(const cell& c);
/// The actor's side of connect: runs the hooks, and makes the connection visible.
[[nodiscard]] task<> open_connection(cell& c, connection_core& from);
/// Awaits a coroutine can_subscribe, bounded.
[[nodiscard]] task<bool> granted_in_time(cell& c, task<bool> pending);
/// on_disconnect, bounded. Its failure is reported.
[[nodiscard]] task<> part(cell& c, counted_ptr<connection_core> from);
/// Closes all connections of an actor that ends, and runs their on_disconnect.
[[nodiscard]] task<> disconnect_all(cell& c, std::exception_ptr why);
/// The same without telling the actor, which is not awake.
void close_all(cell& c, const std::exception_ptr& why) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
