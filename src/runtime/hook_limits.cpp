// SPDX-License-Identifier: Apache-2.0
#include "hook_limits.hpp"

#include <exception>

#include <fmt/format.h>

#include <troupe/actor/invocation.hpp>

#include "cell_extension.hpp"
#include "commit_ledger.hpp"
#include "core.hpp"
#include "transition.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// A second time is for hooks that have begun since the first.
void interrupt_stop(cell& c, transition& now) noexcept {
  activation& live = *c.live();
  const bool again = live.interrupted;
  live.interrupted = true;
  now.cancel_hook();
  for (invocation* inv = live.running; inv != nullptr; inv = inv->following) inv->cancel();
  if (again || c.core().killed() || c.core().commits().has_lost(c)) return;
  c.core().log(log_level::warning, fmt::format("{}: the grace period ended with {} not ended", c.name(),
                                               live.running != nullptr ? live.running->what() : "a hook"));
}

}  // namespace

void deadline_has_come(cell& c) noexcept {
  transition* const now = c.known_extension()->underway.get();
  if (now == nullptr || !now->is_due()) return;  // of an earlier hook
  if (c.current_phase() == lifecycle::phase::waking && now->in_hook()) {
    c.known_extension()->refuse_deferred(std::make_exception_ptr(now->fail_late_hook()));
    now->cancel_hook();
  } else if (c.current_phase() == lifecycle::phase::stopping) {
    interrupt_stop(c, *now);
  }
}

void cut_short(cell& c) noexcept {
  if (c.known_extension() == nullptr || !c.known_extension()->underway) return;
  c.known_extension()->underway->set_deadline(c.core().exec().now());
  deadline_has_come(c);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
