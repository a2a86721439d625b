// SPDX-License-Identifier: Apache-2.0
// How invocations are answered, and the output gate: an answer that leaves the actors waits until all that it depends
// on is durable.

#include <utility>

#include <fmt/format.h>

#include <troupe/actor/invocation.hpp>
#include <troupe/runtime/cell.hpp>

#include "../core/planted.hpp"
#include "commit_ledger.hpp"
#include "core.hpp"
#include "observing.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

void runtime_core::refuse(invocation& inv, std::exception_ptr why) noexcept {
  if (std::exchange(inv.counted, false) && !is_planted(planted::refused_call_counted)) inv.target->calls().remove();
  if (inv.must_arrive && inv.outlives(why)) return;
  tell(*this, [&](observer& o) {
    o.call_refused(inv.origin != nullptr ? seen(*inv.origin) : seen(*inv.target), inv.what(), why);
  });
  inv.failure = std::move(why);
  inv.dependency = 0;
  deliver(inv);
}

void runtime_core::deliver(invocation& inv) noexcept {
  if (inv.posted) {
    if (inv.failure && !inv.quiet) {
      report(inv.failure, fmt::format("{} in {}", inv.what(), inv.target != nullptr ? inv.target->name()
                                                                                    : inv.origin->name()));
    }
    return inv.release();
  }
  // Where each actor is committed by itself, an answer to another actor leaves as well.
  using destination = invocation::destination;
  const bool leaves = inv.goes_to == destination::outside ||
                      (inv.goes_to == destination::actor && in_one_cut() == nullptr && inv.origin != nullptr);
  const bool gated = leaves && inv.origin->type->options.durability == durability::committed &&
                     !is_planted(planted::gate_dropped) &&
                     !(is_planted(planted::own_commit_not_awaited) && in_one_cut() == nullptr);
  if (!gated || commits().is_durable(inv.dependency)) {
    inv.answer();
    return inv.release();
  }
  inv.at_gate.store(true, std::memory_order_release);
  inv.opened = &reply::pass_gate;
  commits().when_durable(inv.dependency - (is_planted(planted::ack_before_commit) ? 1 : 0), inv);
}

void reply::pass_gate(gate_node& n, bool durable) noexcept {
  auto& r = static_cast<reply&>(n);
  if (!durable) r.lost = true;
  r.answer();
  r.release();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
