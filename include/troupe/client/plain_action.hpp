// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

#include <troupe/actor/action.hpp>
#include <troupe/actor/activation.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/runtime/turn.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Runs an action that is no coroutine, without an invocation, in a turn of its actor that the caller ends. The value
/// goes into `value`, what the action throws into `failure`.
// Inlined into typed_call::run_here(), where the action is a constant, for which g++ finds it too large.
template <class V, class Arguments>
[[gnu::always_inline]] inline void run_plain_action(turn& t, const action_code<V, Arguments>& action,
                                                    Arguments& arguments, value_slot<V>& value,
                                                    std::exception_ptr& failure) noexcept {
  cell& c = *t.where;
  try {
    action.run(*c.live(), arguments, value);
    if (action.look != nullptr) action.look(*c.live(), action.name, value);
  } catch (...) {
    failure = std::current_exception();
    t.failed = true;
    note_failure(c, failure);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
