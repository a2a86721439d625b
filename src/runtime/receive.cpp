// What an actor does with its own queues: `troupe::queues`.

#include <troupe/actor/queues.hpp>

#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "core.hpp"
#include "parked_wait.hpp"
#include "queues.hpp"

namespace troupe::inline v0 {
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
    const bool may_stay = (++thread.inline_calls & turns_max) != 0;
    if (may_stay && mine.resume()) return false;
    static_cast<void>(begin(h, &home));
    wake();
    return true;
  }
  void await_resume() noexcept { end(); }

 private:
  // So many messages a consumer may take in a row without giving others the thread.
  static constexpr unsigned turns_max = 127;
  void interrupt() noexcept override {}
};

[[noreturn]] void throw_aborted(const cell& c) { throw error(errc::aborted, c.name() + ": waiting for a message"); }

cell_queues& queues_of(activation& a) { return a.owner().queues(); }

std::optional<receipt> receive_now(cell_queues& from, lane_list lanes) {
  if (this_thread().here->cancelled()) throw_aborted(from.owner);
  return from.take(lanes);
}

}  // namespace

task<std::optional<receipt>> receive(activation& a, lane_list lanes, receive_options how) {
  auto& mine = queues_of(a);
  auto& exec = mine.owner.core().exec();
  mine.acknowledge_held();
  std::optional<time_point> until;
  if (how.limit && *how.limit < delay_max) until = exec.now() + *how.limit;
  if (mine.has_any(lanes)) {
    next_turn fresh;
    co_await fresh;
  }
  while (true) {
    if (how.stop.stop_requested() || mine.is_leaving()) throw_aborted(mine.owner);
    auto found = receive_now(mine, lanes);
    if (found) co_return found;
    if (until && *until <= exec.now()) co_return std::nullopt;
    parked_wait arrival{mine.owner, true};
    std::uint64_t mask = 0;
    for (const auto lane : lanes) mask |= lane_bit(lane);
    arrival.listen(mask);
    if (until) arrival.until(*until);
    arrival.watch(how.stop);
    const auto ended = co_await arrival;
    if (ended == parked_wait::ending::aborted || ended == parked_wait::ending::stopped) throw_aborted(mine.owner);
  }
}

task<std::optional<receipt>> receive_quietly(activation& a, lane_list lanes, receive_options how) {
  std::optional<receipt> found;
  auto& mine = queues_of(a);
  const auto token = how.stop;
  try {
    auto receiving = receive(a, lanes, std::move(how));
    found = co_await std::move(receiving);
  } catch (const error& e) {
    if (!e.is(errc::aborted) || (!mine.is_leaving() && !token.stop_requested())) throw;
  }
  co_return found;
}

std::optional<receipt> try_receive(activation& a, lane_list lanes, bool more) {
  auto& mine = queues_of(a);
  if (!more) mine.acknowledge_held();
  return mine.take(lanes);
}

void send_to_self(activation& a, std::uint32_t queue, bytes body, std::chrono::nanoseconds delay) {
  auto& mine = queues_of(a);
  const auto& type = mine.owner.type();
  const auto& entry = type.queues[queue];
  check_size(type, entry, body.size());
  if (mine.is_full(queue)) {
    throw error(errc::queue_full, fmt::format("{} messages are in queue \"{}\" of {} (queue_options::messages_max)",
                                              entry.options.messages_max, entry.name, mine.owner.name()));
  }
  const auto due = due_after(mine.owner.core().exec().clock(), delay);
  mine.add(queue, std::make_shared<const bytes>(std::move(body)), due);
}

std::size_t count_messages(const activation& a, std::uint32_t lane) { return a.owner().queues().size(lane); }

void complete(const receipt& r, std::optional<bytes> result) { r.from->complete(r, std::move(result)); }

void give_back(const receipt& r, std::optional<std::chrono::nanoseconds> delay) { r.from->give_back(r, delay); }

}  // namespace detail
}  // namespace troupe::inline v0
