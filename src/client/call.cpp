#include <troupe/client/call.hpp>

#include <optional>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../runtime/blocked.hpp"
#include "../runtime/core.hpp"

namespace troupe::inline v0 {
namespace detail {
namespace {

// Actions that run within one another's frames: A awaits B, which awaits C, ... Beyond this they queue.
constexpr unsigned depth_max = 16;

// A caller that finds an actor asleep wakes it on its own thread, but does not stay to serve others.
constexpr int lent_budget = 8;

}  // namespace

// --- handle_core ----------------------------------------------------------------------------------------------------

handle_core::handle_core(const handle_core& other) noexcept
    : time_limit{other.time_limit}, stop{other.stop}, via{other.via}, address_{other.address_} {
  if (address_ != nullptr) address_->retain();
  if (cell* const c = other.known(); c != nullptr) {
    c->retain();
    cell_.store(c, std::memory_order_relaxed);
  }
}

handle_core::handle_core(handle_core&& other) noexcept
    : time_limit{other.time_limit},
      stop{std::move(other.stop)},
      via{std::move(other.via)},
      address_{std::exchange(other.address_, nullptr)},
      cell_{other.known()} {
  other.cell_.store(nullptr, std::memory_order_relaxed);  // nobody else uses what is moved from
}

handle_core& handle_core::operator=(handle_core other) noexcept {
  std::swap(time_limit, other.time_limit);
  std::swap(stop, other.stop);
  std::swap(via, other.via);
  std::swap(address_, other.address_);
  other.cell_.store(cell_.exchange(other.known(), std::memory_order_acq_rel), std::memory_order_relaxed);
  return *this;
}

handle_core::~handle_core() {
  if (cell* const c = cell_.load(std::memory_order_acquire); c != nullptr) c->release();
  if (address_ != nullptr) address_->release();
}

cell* handle_core::find() const {
  auto& core = *address_->core;
  core.require_running();
  if (cell* const c = known(); c != nullptr) return c;
  cell* found = nullptr;
  if (address_->how == address::intent::by_id) {
    found = core.cells().find(address_->id);
    if (found != nullptr && &found->type() != address_->type) {
      found->release();
      throw error(errc::not_found, fmt::format("{} {}", address_->type->name, address_->id.str()));
    }
    if (found == nullptr) return nullptr;
  } else {
    found = &core.cells().at(*address_->type, address_->key);
  }
  cell* expected = nullptr;
  if (!cell_.compare_exchange_strong(expected, found, std::memory_order_acq_rel)) found->release();
  return known();
}

// --- call_core ------------------------------------------------------------------------------------------------------

call_core::call_core(call_core&& other) noexcept
    : elsewhere_{other.elsewhere_},
      owned_{std::move(other.owned_)},
      handle_{other.handle_ == &other.owned_ ? &owned_ : other.handle_} {}

call_core::~call_core() {
  if (reply_ != nullptr) reply_->release();
}

executor& call_core::home() const noexcept { return target().where().core->exec(); }

// Waits in a coroutine. False if it may go on at once.
bool call_core::suspend(std::coroutine_handle<> h) {
  auto& thread = this_thread();
  if (stage_ == stage::ran) {
    if (dependency_ != 0) {
      wait_for_gate();
      static_cast<void>(begin(h, &home()));
      return begin_waiting();
    }
    stage_ = stage::answered;  // it has had its share of the thread
    static_cast<void>(begin(h, &home()));
    wake();
    return true;
  }
  turn* const mine = thread.in_turn;
  if (mine != nullptr) mine->pause();
  const bool done = launch(thread);
  stage_ = stage::waiting;
  if (done && (mine == nullptr || mine->resume())) return false;
  const bool live = begin(h, &home());
  if (done) {
    wake();
    return true;
  }
  if (!live && reply_->abandon()) {
    ending_ = ending::interrupted;
    wake();
    return true;
  }
  if (begin_waiting()) return true;
  if (mine == nullptr || mine->resume()) return false;
  wake();
  return true;
}

bool call_core::suspend_on(invocation& sent, std::coroutine_handle<> h) {
  prepare(sent, nullptr, this_thread().in_turn, 0);
  invocation_ = &sent;
  stage_ = stage::waiting;
  if (begin(h, &home()) || !reply_->abandon()) return begin_waiting();
  ending_ = ending::interrupted;
  wake();
  return true;
}

// Waits on a plain thread.
void call_core::block() {
  auto& thread = this_thread();
  if (must_not_block(home())) {
    throw error(errc::invalid_operation,
                "get() would block a thread that others need; inside a coroutine or an actor, co_await the call");
  }
  if (stage_ == stage::answered) return;
  if (stage_ == stage::ran) {
    stage_ = stage::answered;
    if (dependency_ == 0) return;
    wait_for_gate();
  } else if (launch(thread)) {
    stage_ = stage::waiting;
    return;
  }
  stage_ = stage::waiting;
  detail::blocked_thread blocked{home()};
  blocked_ = &blocked;
  if (begin_waiting()) blocked.wait();
}

bool call_core::settle_slowly(cell& c) noexcept {
  stage_ = stage::ran;
  if (c.lets_out(dependency_)) {
    dependency_ = 0;
    const auto* const fiber = this_thread().here;
    if (fiber == nullptr || fiber->home() == nullptr || (this_thread().inline_calls & inline_calls_max) != 0) {
      stage_ = stage::answered;
    }
  }
  return stage_ == stage::answered;
}

// Makes the call. True if it has ended, one way or the other; else there is a reply to wait for.
bool call_core::launch(thread_state& thread) {
  const auto learned = thread.in_turn != nullptr ? thread.in_turn->learned : 0;
  try {
    if (target().is_closed()) target().via->throw_closed();
    cell* const c = target().find();
    const bool may_run_here = !elsewhere_ && thread.depth < depth_max;
    if (c != nullptr && may_run_here && !c->refuses_changes() && (c->try_hold() || c->try_wake(target().where()))) {
      if (!target().means(*c)) {
        c->let_go();
        throw error(errc::not_found, fmt::format("{} {}", c->type().name, target().where().id.str()));
      }
      if (run_plain(*c, thread, learned)) {
        c->let_go();
        if (thread.in_turn != nullptr || c->lets_out(dependency_)) return true;
        wait_for_gate();
        return false;
      }
      try {
        invocation_ = make(home());
      } catch (...) {
        c->let_go();
        throw;
      }
      start_in(*c, *invocation_);
      return reply_->has_answer();
    }
    invocation_ = make(home());
    route(c, thread, learned);
    return reply_->has_answer();
  } catch (...) {
    failure_ = std::current_exception();
    return true;
  }
}

// Fills in what the invocation takes along from here. From now on two hold it: we and the actor.
void call_core::prepare(invocation& inv, cell* c, const turn* mine, epoch_number learned) noexcept {
  inv.retain();
  reply_ = &inv;
  inv.target = c;
  if (inv.origin == nullptr) {
    target().where().retain();
    inv.origin = &target().where();
  }
  if (!inv.via) inv.via = target().via;
  inv.dependency = learned;
  inv.from_host = mine == nullptr;
  if (mine != nullptr && mine->inv != nullptr) inv.link = mine->inv->link;
  if (inv.exclusive) inv.link = std::make_shared<const chain_link>(std::move(inv.link));
}

void call_core::start_in(cell& c, invocation& inv) noexcept {
  const turn* const mine = this_thread().in_turn;
  prepare(inv, &c, mine, mine != nullptr ? mine->learned : 0);
  if (c.start(inv)) c.let_go();
}

void call_core::route(cell* c, thread_state& thread, epoch_number learned) {
  invocation& inv = *invocation_;
  if (c != nullptr) {
    try {
      c->count_in();
    } catch (...) {
      invocation_ = nullptr;
      inv.release();
      throw;
    }
    inv.counted = true;
  }
  prepare(inv, c, thread.in_turn, learned);
  if (c == nullptr) return target().where().core->locate(inv);
  if (!c->enqueue(inv)) return;
  if (elsewhere_ || thread.depth >= depth_max || thread.in_turn != nullptr) {
    c->post();
  } else {
    c->drain(lent_budget);
  }
}

// An action that has run here leaves with its reply only when that is durable.
void call_core::wait_for_gate() {
  reply_ = new gate_reply;
  reply_->retain();
  reply_->at_gate.store(true, std::memory_order_relaxed);
  reply_->opened = &reply::pass_gate;
  target().where().core->commits().when_durable(dependency_, *reply_);
}

// Waits for the reply, the time-out or the stop token, whichever comes first. False if it is there already.
bool call_core::begin_waiting() {
  const auto& where = target().where();
  auto limit = target().time_limit;
  if (limit == limit.zero()) limit = where.type->options.action_timeout;
  timed_ = limit != troupe::never;
  if (timed_) home().arm(alarm_, home().now() + limit);
  if (target().stop) stop_watch_ = std::make_unique<stop_watch>(*target().stop, *this);
  if (!reply_->attach(*this) && !reply_->abandoned()) event();
  return outstanding_.fetch_sub(1, std::memory_order_acq_rel) != 1;
}

void call_core::alarm::ring(timer& t) noexcept { static_cast<alarm&>(t).owner.give_up(ending::timed_out); }

void call_core::give_up(ending why) noexcept {
  if (reply_ == nullptr || !reply_->abandon()) return;
  ending_ = why;
  event();
}

void call_core::event() noexcept {
  if (outstanding_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (blocked_ != nullptr) {
    blocked_->notify();
  } else {
    wake();
  }
}

void call_core::conclude() {
  end();
  if (timed_) home().cancel(alarm_);
  stop_watch_.reset();
  stage_ = stage::answered;
  if (ending_ != ending::none) throw_ending();
  // Taken, not shared: the actor's side, which may be the last to leave, has no exception to free.
  if (reply_ != nullptr && reply_->failure) failure_ = std::move(reply_->failure);
  if (turn* const t = this_thread().in_turn; t != nullptr) {
    t->learn(invocation_ != nullptr ? invocation_->dependency : dependency_);
  }
  if (failure_) std::rethrow_exception(failure_);
}

void call_core::throw_ending() {
  if (invocation_ != nullptr) invocation_->request_stop();
  const auto& name = target().where().type->name;
  switch (ending_) {
    case ending::timed_out:
      if (reply_->at_gate.load(std::memory_order_acquire)) throw error(errc::store_unavailable, name);
      throw error(invocation_ != nullptr ? invocation_->when_late : errc::action_timed_out,
                  invocation_ != nullptr ? fmt::format("{}.{}", name, invocation_->what()) : name);
    case ending::stopped:
      throw error(errc::aborted, fmt::format("{}: the call's stop token was triggered", name));
    default:
      throw error(errc::aborted, fmt::format("{}: the caller is being shut down", name));
  }
}

// --- post -----------------------------------------------------------------------------------------------------------

void launch_posted(const handle_core& to, invocation* (*make)(executor& home, void* arguments), void* arguments) {
  const address& where = to.where();
  if (to.is_closed()) to.via->throw_closed();
  cell* const c = to.find();
  invocation& inv = *make(where.core->exec(), arguments);
  where.retain();
  inv.origin = &where;
  inv.via = to.via;
  inv.posted = true;
  if (inv.exclusive) inv.link = std::make_shared<const chain_link>(nullptr);
  if (c != nullptr) {
    inv.target = c;
    try {
      c->count_in();
    } catch (...) {
      inv.release();
      throw;
    }
    inv.counted = true;
  }
  turn* const mine = this_thread().in_turn;
  if (mine == nullptr) {
    c != nullptr ? c->push(inv) : where.core->locate(inv);
    return;
  }
  if (c != nullptr) c->retain();  // until the end of the turn: the handle may be gone by then
  inv.run = [](work& w) noexcept {
    auto& leaving = static_cast<invocation&>(w);
    const turn& now = *this_thread().in_turn;
    leaving.dependency = now.sending;
    cell* const target = leaving.target;
    if (now.unsaved) {
      leaving.origin->core->refuse(leaving, now.failure);
    } else if (target == nullptr) {
      leaving.origin->core->locate(leaving);
    } else {
      target->push(leaving);
    }
    if (target != nullptr) target->release();
  };
  mine->send(inv);
}

}  // namespace detail
}  // namespace troupe::inline v0
