// SPDX-License-Identifier: Apache-2.0
#include "departure.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <troupe/actor/transport.hpp>
#include <troupe/client/handle_core.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "../runtime/commit_ledger.hpp"
#include "../runtime/core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// To an actor of this process by its cell, if that is known.
void depart(invocation& inv, transport& over, std::chrono::nanoseconds limit) noexcept {
  inv.dependency = 0;  // the number means something where it comes from only
  inv.target != nullptr ? inv.target->push(inv) : over.send(inv, limit);
}

// An invocation that waits for its sender's changes. The committer opens the gate exactly once.
class departure final : public gate_node {
 public:
  departure(invocation& inv, std::chrono::nanoseconds limit) noexcept
      : leaving_{inv},
        over_{inv.origin->transport},
        until_{limit == troupe::never ? time_point::max() : moment_after(over_->exec().now(), limit)} {
    opened = &departure::open;
  }

 private:
  static void open(gate_node& n, bool durable) noexcept {
    const std::unique_ptr<departure> self{static_cast<departure*>(&n)};
    auto& inv = self->leaving_;
    const auto left = self->until_ == time_point::max() ? troupe::never : self->until_ - self->over_->exec().now();
    if (durable) return depart(inv, *self->over_, left);
    inv.dependency = 0;
    counted_ptr<cell> kept;  // the count of its calls may be its last reference
    if (inv.target != nullptr) kept = counted_ptr<cell>{*inv.target};
    self->over_->refuse(inv, std::make_exception_ptr(error(
                                 errc::store_unavailable,
                                 fmt::format("{} in {} was not sent, since it depends on changes that were not saved",
                                             inv.what(), inv.origin->name()))));
  }

  invocation& leaving_;
  const std::shared_ptr<transport> over_;  ///< the invocation may be gone when `send` returns
  const time_point until_;
};

}  // namespace

bool may_depart(const turn& sender, epoch_number dependency) noexcept {
  const auto& core = sender.where->core();
  if (is_planted(planted::call_leaves_ungated) && core.in_one_cut() == nullptr) return true;
  return sender.where->core().commits().is_durable(dependency);
}

void send_away(invocation& inv, const turn* sender, const handle_core* by) noexcept {
  auto& here = *inv.origin->transport;
  const bool crosses = crosses_cuts(sender, here);
  TROUPE_ASSERT(inv.target == nullptr || crosses, "a call of this runtime goes to its cell where there is one");
  const auto limit = by != nullptr ? by->wait_limit() : troupe::never;
  if (!crosses && here.local() != nullptr) return here.send(inv, limit);
  const auto over = inv.origin->transport;  // the answer may end the last owner while `send` runs
  if (!crosses) return over->send(inv, limit);
  if (may_depart(*sender, inv.dependency)) return depart(inv, *over, limit);
  sender->where->core().commits().when_durable(inv.dependency, *new departure{inv, limit});
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
