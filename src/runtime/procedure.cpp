// SPDX-License-Identifier: Apache-2.0
#include "procedure.hpp"

#include <memory>
#include <utility>

#include <troupe/runtime/cell.hpp>

#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

procedure::procedure(cell& c, bool keeps_out) : coroutine_invocation{c.core().exec()}, keeps_out_{keeps_out} {
  target = &c;
  kind = purpose::lifecycle;
  writes = true;
  posted = true;
}

std::coroutine_handle<> procedure::begin(activation*) {
  auto rest = steps();
  if (!rest) return nullptr;
  if (!link) link = std::make_shared<call_chain>(nullptr);
  if (keeps_out_) target->set_holder(this);
  return own(std::move(rest));
}

// Calls that its hooks have made, and that go on, are kept out from now on by the actions that waited for it.
void procedure::finish() {
  link->part_from_all();
  coroutine_invocation::finish();
}

background::background(executor& home, task<> body, bool keeps_awake) : coroutine_invocation{home} {
  own(std::move(body));
  kind = purpose::background;
  writes = true;
  posted = true;
  blocks_sleep = keeps_awake;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
