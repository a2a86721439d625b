// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "wait_graph.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// For people: "transfer in account/a".
[[nodiscard]] std::string name_of(const invocation& inv);

/// A message has come to a queue of the actor that `holder`, an exclusive action, keeps all consumers out of. Returns
/// how its sender waits for itself, for people; or an empty text, if it may be answered.
///
/// Only what descends from the holder could take the message. So the chain from the holder to the message has to be
/// alone: each of its calls is all that its caller waits for, and no call that it has given up lives on. By the holder
/// of the actor's lock.
[[nodiscard]] std::string describe_wait_for_itself(const invocation& sent, const invocation& holder);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
