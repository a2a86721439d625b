// SPDX-License-Identifier: Apache-2.0
// How an actor takes from its own queues: `troupe::queues`.

#include <troupe/actor/queues.hpp>

#include <utility>
#include <vector>

#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "../core/planted.hpp"
#include "core.hpp"
#include "durable_wait.hpp"
#include "parked_wait.hpp"
#include "queues.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

namespace {

/// Ends the turn and begins another, behind those who wait for one.
class next_turn final : public wait {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) {
    auto& thread = this_thread();
    turn& mine = *thread.in_turn;
    executor& home = mine.where->core().exec();
    mine.pause();
    const bool may_stay = thread.count_call();
    if (may_stay && mine.resume()) return false;
    static_cast<void>(begin(h, &home));
    wake();
    return true;
  }
  void await_resume() noexcept { end(); }

 private:
  void interrupt() noexcept override {}
  [[nodiscard]] std::string describe() const override { return "its next turn"; }
};

[[noreturn]] void throw_aborted(const cell& c) {
  throw error(errc::aborted, c.core().interrupted(c.name() + ": waiting for a message"));
}

cell_queues& queues_of(const activation& a) {
  static_cast<void>(own_turn(a.owner(), "queue"));
  return queues_of(a.owner());
}

std::optional<receipt> receive_now(cell_queues& from, subqueue_list subqueues) {
  if (this_thread().here->cancelled()) throw_aborted(from.owner);
  return from.leases.take(subqueues);
}

bool commits_first(const cell& c, std::uint32_t subqueue) noexcept {
  return c.type().queues[subqueue / subqueues_per_queue].options.attempt_first && subqueue % subqueues_per_queue == 0 &&
         c.type().options.durability != durability::ephemeral && !is_planted(planted::attempt_not_committed);
}

// Ends the turn in which attempts at these have begun, and goes on when that is durable. If it cannot be, or the actor
// shuts down, they have not been tried.
task<> commit_attempts(cell_queues& mine, const receipt& first, const std::vector<receipt>& more) {
  std::exception_ptr failure;
  try {
    durable_wait begun{mine.owner.core()};
    co_await begun;
    if (mine.is_leaving()) throw_aborted(mine.owner);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  mine.leases.call_off(first);
  for (const receipt& each : more) mine.leases.call_off(each);
  std::rethrow_exception(failure);
}

// Takes the body. False if it cannot be decoded.
bool open_one(cell_queues& mine, receipt& r, message_sink sink) {
  try {
    sink.add(sink.to, std::move(r));
  } catch (...) {
    mine.leases.make_dead_letter(r, std::current_exception());
    return false;
  }
  return true;
}

}  // namespace

task<bool> receive(activation& a, subqueue_list subqueues, receive_options how, std::size_t most, message_sink sink) {
  auto& mine = queues_of(a);
  auto& exec = mine.owner.core().exec();
  mine.leases.complete_held();
  std::optional<time_point> until;
  if (how.limit && *how.limit < delay_max) until = exec.now() + *how.limit;
  if (mine.contents.table.first_ready(subqueues) != nullptr) {
    next_turn fresh;
    co_await fresh;
  }
  while (true) {
    if (how.stop.stop_requested() || mine.is_leaving()) throw_aborted(mine.owner);
    if (auto found = receive_now(mine, subqueues)) {
      bool commits = commits_first(mine.owner, found->subqueue);
      std::vector<receipt> more;
      while (more.size() + 1 < most) {
        auto next = mine.leases.take(subqueues);
        if (!next) break;
        commits = commits || commits_first(mine.owner, next->subqueue);
        more.push_back(std::move(*next));
      }
      if (commits) {
        auto committing = commit_attempts(mine, *found, more);
        co_await std::move(committing);
      }
      const auto open = [&](receipt& r) {  // unless another got it while its attempt was committed
        return (!commits || mine.leases.is_held(r)) && open_one(mine, r, sink);
      };
      bool any = open(*found);
      for (receipt& each : more) any = open(each) || any;
      if (any) co_return true;
      continue;
    }
    if (until && *until <= exec.now()) co_return false;
    parked_wait arrival{mine.owner, true};
    std::uint64_t mask = 0;
    for (const auto subqueue : subqueues) mask |= subqueue_bit(subqueue);
    arrival.listen(mask);
    if (until) arrival.until(*until);
    arrival.watch(how.stop);
    const auto ended = co_await arrival;
    if (ended == parked_wait::ending::aborted || ended == parked_wait::ending::stopped) throw_aborted(mine.owner);
  }
}

task<bool> receive_quietly(activation& a, subqueue_list subqueues, receive_options how, message_sink sink) {
  bool found = false;
  auto& mine = queues_of(a);
  const auto token = how.stop;
  try {
    auto receiving = receive(a, subqueues, std::move(how), 1, sink);
    found = co_await std::move(receiving);
  } catch (const error& e) {
    if (!e.is(errc::aborted) || (!mine.is_leaving() && !token.stop_requested())) throw;
  }
  co_return found;
}

void try_receive(activation& a, subqueue_list subqueues, std::size_t most, message_sink sink) {
  auto& mine = queues_of(a);
  mine.leases.complete_held();
  for (std::size_t count = 0; count != most;) {
    auto next = mine.leases.take(subqueues);
    if (!next) return;
    if (open_one(mine, *next, sink)) ++count;
  }
}

void send_to_self(activation& a, std::uint32_t queue, bytes body, std::chrono::nanoseconds delay) {
  auto& mine = queues_of(a);
  const auto& type = mine.owner.type();
  const auto& entry = type.queues[queue];
  check_size(type, entry, body.size());
  if (mine.capacity.is_full(queue)) mine.capacity.throw_full(queue);
  const auto due = is_planted(planted::own_delay_ignored) ? at_once : due_after(mine.owner.core().exec(), delay);
  mine.contents.add(queue, std::make_shared<const bytes>(std::move(body)), due);
}

std::size_t count_messages(const activation& a, std::uint32_t subqueue) {
  return queues_of(a).contents.table.count(subqueue);
}

std::vector<dead_letter> list_dead_letters(const activation& a, std::uint32_t queue) {
  return queues_of(a).dead.list(queue);
}

bool remove_dead_letter(activation& a, std::uint32_t queue, std::uint64_t id) {
  return queues_of(a).dead.remove(queue, id);
}

bool requeue_dead_letter(activation& a, std::uint32_t queue, std::uint64_t id) {
  return queues_of(a).dead.requeue(queue, id);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
