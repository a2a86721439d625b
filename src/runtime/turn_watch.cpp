// SPDX-License-Identifier: Apache-2.0
#include "turn_watch.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <pthread.h>

#include <troupe/core/fiber.hpp>
#include <troupe/runtime/turn.hpp>

#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

using std::chrono::nanoseconds;

// From one look to the next, as a part of the least limit: a turn is known since the first look at it.
constexpr int looks_in_limit = 4;
constexpr nanoseconds apart_min = std::chrono::milliseconds{1};

auto in_milliseconds(nanoseconds d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

}  // namespace

struct turn_watch::round {
  const turn_watch& watch;
  time_point at;
  std::vector<report> reports;
};

// Outlives every runtime. A forked child has one of its own: the thread and the locks of this one are the parent's.
turn_watch& turn_watch::instance() {
  static std::atomic<turn_watch*> current{new turn_watch};
  turn_watch* now = current.load(std::memory_order_acquire);
  if (!now->fork_.in_child()) [[likely]]
    return *now;
  auto* const fresh = new turn_watch;
  if (current.compare_exchange_strong(now, fresh, std::memory_order_acq_rel)) return *fresh;
  delete fresh;
  return *now;
}

void turn_watch::join(runtime_core& core) {
  const std::lock_guard membership{membership_};
  {
    const std::lock_guard lock{mutex_};
    runtimes_.push_back(&core);
    auto least = troupe::never;
    for (const runtime_core* each : runtimes_) least = std::min(least, each->least_long_turn());
    apart_ = std::max(least / looks_in_limit, apart_min);
  }
  if (thread_.joinable()) return;
  ends_ = false;
  try {
    thread_ = std::thread{[this] { loop(); }};
  } catch (...) {
    const std::lock_guard lock{mutex_};
    std::erase(runtimes_, &core);
    throw;
  }
}

void turn_watch::leave(runtime_core& core) noexcept {
  const std::lock_guard membership{membership_};
  {
    const std::lock_guard lock{mutex_};
    if (std::erase(runtimes_, &core) == 0 || !runtimes_.empty()) return;
  }
  {
    const std::lock_guard lock{call_mutex_};
    ends_ = true;
  }
  called_.notify_one();
  thread_.join();
}

void turn_watch::look_soon() noexcept {
  if (!rests_.load(std::memory_order_seq_cst)) return;
  const std::lock_guard lock{call_mutex_};
  rests_.store(false, std::memory_order_relaxed);
  called_.notify_one();
}

void turn_watch::loop() noexcept {
  ::pthread_setname_np(::pthread_self(), "troupe-watch");
  while (rest()) look();
}

bool turn_watch::rest() {
  rests_.store(true, std::memory_order_seq_cst);  // either we see that an actor is awake, or it sees that we rest
  std::optional<nanoseconds> apart;
  {
    const std::lock_guard lock{mutex_};
    if (any_is_busy()) apart = apart_;
  }
  std::unique_lock lock{call_mutex_};
  if (apart) {
    rests_.store(false, std::memory_order_relaxed);
    called_.wait_for(lock, *apart, [this] { return ends_; });
  } else {
    called_.wait(lock, [this] { return ends_ || !rests_.load(std::memory_order_relaxed); });
  }
  rests_.store(false, std::memory_order_relaxed);
  return !ends_;
}

bool turn_watch::any_is_busy() const noexcept {
  return std::ranges::any_of(runtimes_, [](const runtime_core* each) { return each->is_busy(); });
}

void turn_watch::look() {
  const std::lock_guard lock{mutex_};
  round now{*this, std::chrono::steady_clock::now(), {}};
  for_each_thread([](thread_state& thread, void* context) { look_at(thread, *static_cast<round*>(context)); }, &now);
  for (const report& each : now.reports) each.core->log(log_level::warning, each.line);
}

// An open turn that had been marked before cannot end while we have the lock, so that it can be looked into.
void turn_watch::look_at(thread_state& thread, round& now) {
  const auto lock = thread.mark.lock();
  const turn* const t = thread.in_turn.seen_by_others();
  if (t == nullptr) return thread.mark.forget();
  const auto seen = thread.mark.look(now.at, thread.inline_calls);
  if (!seen || t != thread.open_turn.seen_by_others()) return;
  runtime_core& core = t->where->core();
  const auto limit = t->where->type().options.long_turn;
  const auto taken = now.at - seen->since;
  if (seen->told || limit == troupe::never || taken < limit) return;
  if (std::ranges::count(now.watch.runtimes_, &core) == 0) return;  // it has another clock, or has ended
  thread.mark.has_been_told();
  // The invocation may end before the turn does, so only the report at the end of the turn names the action.
  now.reports.push_back(
      {&core, fmt::format("{}: a turn has kept its thread for {} ms, and goes on (options::long_turn is {} ms)",
                          t->where->name(), in_milliseconds(taken), in_milliseconds(limit))});
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
