// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/transport.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <troupe/actor/action.hpp>
#include <troupe/actor/activation.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

request invocation::as_request() const {
  throw error(errc::invalid_operation, fmt::format("{} cannot be asked of an actor of another process", what()));
}

void invocation::take_answer(bytes_view) {
  TROUPE_ASSERT(false, "only what was sent as a request is answered in bytes");
}

const action_entry& untyped_invocation::entry() const {
  TROUPE_ASSERT(origin != nullptr && facts() != nullptr, "only a typed invocation is encoded by its definition");
  const auto& actions = origin->type->actions;
  const auto found = std::ranges::find(actions, facts()->method, [](const auto& each) { return each.facts->method; });
  if (found != actions.end()) return *found;
  throw error(errc::action_not_found, fmt::format("{}.{}", origin->type->name, what()));
}

request untyped_invocation::as_request() const {
  const action_entry& action = entry();
  buffer arguments;
  action.encode_arguments(*this, arguments);
  request asked;
  asked.name = action.name;
  asked.body.assign(arguments.view().begin(), arguments.view().end());
  return asked;
}

void untyped_invocation::take_answer(bytes_view answer) {
  const action_entry& action = entry();
  if (action.decode_value == nullptr) {
    throw error(errc::invalid_data, fmt::format("{}.{}: its result has no codec to read it with", origin->type->name,
                                                action.name));
  }
  action.decode_value(*this, answer);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
