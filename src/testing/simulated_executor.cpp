// SPDX-License-Identifier: Apache-2.0
#include "simulated_executor.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <troupe/core/fiber.hpp>

namespace troupe {
inline namespace v0 {
namespace testing::detail {
namespace {

// What a piece of work takes, at most.
constexpr std::chrono::microseconds work_max{20};

}  // namespace

void simulated_executor::post(work& w) noexcept { ready_.push_back(&w); }

void simulated_executor::post(work_list&& list) noexcept {
  while (work* const w = list.pop_front()) ready_.push_back(w);
}

void simulated_executor::post_blocking(work& w) noexcept { lane_.push_back(&w); }

bool simulated_executor::step() noexcept {
  if (running_) return false;
  expire();
  disturb();
  const std::size_t choices = ready_.size() + (lane_.empty() ? 0 : 1);
  if (choices == 0) return false;
  ++steps_;
  const auto choice = world_.random.below(choices);
  world_.log.add(choices << 32 | choice);
  if (choice == ready_.size()) {
    work& w = *lane_.front();
    lane_.pop_front();
    run(w);
    return true;
  }
  work& w = *ready_[choice];
  ready_[choice] = ready_.back();
  ready_.pop_back();
  if (!put_off(w)) run(w);
  return true;
}

void simulated_executor::run(work& w) noexcept {
  // When a task has made enough calls in a row is counted by thread, over the ends of simulations.
  auto& thread_calls = troupe::detail::this_thread().inline_calls;
  const auto outer_calls = std::exchange(thread_calls, inline_calls_);
  {
    const troupe::detail::working running{troupe::detail::this_thread(), *this};
    running_ = true;
    w.run(w);
    running_ = false;
  }
  inline_calls_ = std::exchange(thread_calls, outer_calls);
  world_.clock->advance(world_.random.up_to(work_max));
}

bool simulated_executor::put_off(work& w) noexcept {
  const auto& f = world_.faults;
  std::chrono::nanoseconds by{0};
  if (world_.happens(f.delay, world_.times.delay)) by = world_.random.up_to(f.delay_max);
  if (world_.happens(f.stall, world_.times.stall)) by += world_.random.up_to(f.stall_max);
  if (by == by.zero()) return false;
  late_.push_back({now() + by, &w});
  world_.log.note("work is late by ns", static_cast<std::uint64_t>(by.count()));
  return true;
}

void simulated_executor::disturb() noexcept {
  const auto& f = world_.faults;
  auto& times = world_.times;
  if (world_.happens(f.busy, times.busy)) hold_an_actor();
  if (world_.happens(f.clock_jump, times.clock_jump)) {
    const auto by = world_.random.up_to(f.clock_jump_max);
    world_.clock->advance(by);
    world_.log.note("both clocks jump by ns", static_cast<std::uint64_t>(by.count()));
    expire();
  }
  if (world_.happens(f.wall_clock_jump, times.wall_clock_jump)) {
    const auto most = f.wall_clock_jump_max.count();
    const std::chrono::nanoseconds by{world_.random.between(-most, most)};
    world_.clock->set_wall(by);
    world_.log.note("the wall clock is set by ns", static_cast<std::uint64_t>(by.count()));
  }
}

void simulated_executor::expire() noexcept {
  if (timers_.due(now())) {
    const troupe::detail::working firing{troupe::detail::this_thread(), *this};
    running_ = true;
    timers_.expire(now());
    running_ = false;
  }
  std::erase_if(late_, [this](const late_work& l) {
    if (l.due > now() && !world_.calm) return false;  // a process that ends does not wait for what is late
    ready_.push_back(l.what);
    return true;
  });
}

time_point simulated_executor::next_deadline() const noexcept {
  auto next = timers_.next_deadline().value_or(time_point::max());
  for (const auto& l : late_) next = std::min(next, l.due);
  return next;
}

bool simulated_executor::pass_time(time_point until) noexcept {
  if (running_) return false;
  const auto next = next_deadline();
  if (next > until) return false;
  if (next > now()) world_.clock->advance(next - now());
  expire();
  return true;
}

bool simulated_executor::empty() const noexcept {
  return ready_.empty() && lane_.empty() && next_deadline() == time_point::max();
}

// Called by whoever blocks: a shutdown, or a `get()` of the host.
bool simulated_executor::help(std::chrono::nanoseconds) noexcept {
  if (step() || pass_time(time_point::max() - std::chrono::nanoseconds{1})) return true;
  if (!world_.calm) {
    std::fputs("troupe: the simulated program blocks on something that can never happen any more: a deadlock or a lost "
               "wake-up. simulation::run would have thrown.\n", stderr);
    std::abort();
  }
  return true;
}

}  // namespace testing::detail
}  // namespace v0
}  // namespace troupe
