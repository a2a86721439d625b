// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/invocation.hpp>

#include <troupe/actor/connection_core.hpp>
#include <troupe/runtime/cell.hpp>

#include "core.hpp"
#include "part_list.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

invocation::invocation(executor& home) noexcept : fiber{&home} { context = this; }

invocation::~invocation() {
  delete stop_.load(std::memory_order_relaxed);
  if (origin != nullptr) origin->release();
}

void invocation::resume_later(work& w) noexcept {
  w.context = this;
  target->push(w);
}

void invocation::part_ended(const fiber& part, const fiber& whole) noexcept {
  if (settles_parts) target->parts().branch_ended(part, whole, part.cancelled());
}

blocking_threads* invocation::blocking() noexcept { return &target->core().blocking(); }

std::stop_token invocation::stop_token() {
  auto* source = stop_.load(std::memory_order_relaxed);
  if (source == nullptr) {
    source = new std::stop_source;
    // Either a caller who gives up sees the source, or we see that it has.
    stop_.store(source, std::memory_order_seq_cst);
    if (abandoned() || (target != nullptr && target->live()->stop_requested())) source->request_stop();
  }
  return source->get_token();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
