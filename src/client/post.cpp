// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/post.hpp>

#include <fmt/format.h>

#include "../core/planted.hpp"
#include "../runtime/core.hpp"
#include "departure.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

void leave_at_end(invocation& posted, const turn& now) noexcept {
  posted.dependency = now.depends_on;
  if (now.unsaved()) {
    // It may have been the last reference to the cell.
    if (std::exchange(posted.counted, false)) std::exchange(posted.target, nullptr)->withdraw();
    posted.origin->transport->refuse(posted, now.failure());
  } else if (posted.target == nullptr || crosses_cuts(&now, *posted.origin->transport)) {
    send_away(posted, &now, nullptr);
  } else {
    posted.target->push(posted, now);
  }
}

}  // namespace

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
  mine->send<&posting::leave_turn>(*this);  // the handle may be gone by then, but what is counted in keeps the cell
}

void posting::leave_turn(posting& self, const turn& now) noexcept {
  cell& to = *self.target_;
  if (now.unsaved()) [[unlikely]] {
    self.report(now.failure());
    delete &self;
    return to.withdraw();
  }
  self.dependency_ = now.depends_on;
  if (now.depends_on != 0 && crosses_cuts(&now, to.core())) [[unlikely]]
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
  mine->send<&leave_at_end>(inv);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
