// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/post.hpp>

#include <fmt/format.h>

#include "../core/planted.hpp"
#include "../runtime/core.hpp"
#include "departure.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// --- postings -------------------------------------------------------------------------------------------------------

void posting::leave() {
  cell& to = *target_;
  try {
    to.count_in();
  } catch (...) {
    delete this;
    throw;
  }
  turn* const mine = this_thread().in_turn;
  if (mine == nullptr) return to.push(*this);
  run = &posting::leave_turn;  // the handle may be gone by then, but what is counted in keeps the cell
  context = mine;
  mine->send(*this);
}

void posting::leave_turn(work& w) noexcept {
  auto& self = static_cast<posting&>(w);
  cell& to = *self.target_;
  const turn& now = *static_cast<turn*>(std::exchange(self.context, nullptr));
  if (now.unsaved()) [[unlikely]] {
    self.report(now.failure());
    delete &self;
    return to.withdraw();
  }
  self.dependency_ = now.depends_on;
  if (now.depends_on != 0 && &now.where->core() != &to.core()) [[unlikely]]
    return send_away(self.become_invocation(), &now, nullptr);
  self.run = &posting::run_posting;
  to.push(self, now);
}

// The actor is not open: an invocation goes on in this one's place.
void posting::give_way() noexcept {
  cell& c = *target_;
  c.put_first(become_invocation());
}

invocation& posting::become_invocation() noexcept {
  cell& c = *target_;
  auto& core = c.core();
  invocation& inv = *make(core.exec());
  auto* const origin = new address;
  origin->transport = core.not_owning();
  origin->type = &c.type();
  origin->how = how_;
  origin->key = c.key();
  inv.origin = origin;
  inv.target = target_;
  inv.dependency = dependency_;
  inv.posted = inv.counted = true;
  delete this;
  return inv;
}

void posting::report(const std::exception_ptr& failure) noexcept {
  target_->core().report(failure, fmt::format("{} in {}", action(), target_->name()));
}

// --- others ---------------------------------------------------------------------------------------------------------

void launch_posted(const handle_core& to, invocation* (*make)(executor& home, void* from), void* from) {
  const address& where = to.where();
  to.require_open();
  cell* const c = to.find();
  invocation& inv = *make(where.transport->exec(), from);
  where.retain();
  inv.origin = &where;
  inv.via = to.via();
  inv.given_up = to.stop();
  inv.posted = true;
  const bool is_link = inv.exclusive && !is_planted(planted::posted_exclusive_unlinked);
  if (is_link) inv.link = std::make_shared<call_chain>(nullptr);
  if (c != nullptr) {
    inv.target = c;
    count_in(*c, inv);
  }
  turn* const mine = this_thread().in_turn;
  if (mine == nullptr) {
    c != nullptr ? c->push(inv) : send_away(inv, nullptr, nullptr);
    return;
  }
  inv.run = [](work& w) noexcept {
    auto& leaving = static_cast<invocation&>(w);
    const turn& now = *this_thread().in_turn;
    leaving.dependency = now.depends_on;
    if (now.unsaved()) {
      // It may have been the last reference to the cell.
      if (std::exchange(leaving.counted, false)) std::exchange(leaving.target, nullptr)->withdraw();
      leaving.origin->transport->refuse(leaving, now.failure());
    } else if (leaving.target == nullptr || crosses_runtimes(&now, *leaving.origin->transport)) {
      send_away(leaving, &now, nullptr);
    } else {
      leaving.target->push(leaving, now);
    }
  };
  mine->send(inv);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
