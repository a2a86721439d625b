// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/core/timer.hpp>

using namespace std::chrono_literals;
using troupe::time_point;

namespace {

time_point at(std::chrono::nanoseconds t) { return time_point{t}; }

// Remembers when, on the test's own clock, and in which order it fired.
struct alarm_clock final : troupe::timer {
  alarm_clock() noexcept : timer{&alarm_clock::ring} {}
  static void ring(timer& t) noexcept {
    auto& self = static_cast<alarm_clock&>(t);
    ++self.rings;
    self.order = ++*self.counter;
  }
  std::chrono::nanoseconds due{};
  std::uint64_t* counter = nullptr;
  std::uint64_t order = 0;
  int rings = 0;
};

}  // namespace

TEST_CASE("a timer fires once, not before its time", "[core]") {
  troupe::timer_queue queue;
  std::uint64_t counter = 0;
  alarm_clock t;
  t.counter = &counter;
  CHECK_FALSE(queue.next_deadline());
  CHECK(queue.arm(t, at(1500us)));
  CHECK(queue.next_deadline());
  queue.expire(at(1499us));
  CHECK(t.rings == 0);
  queue.expire(at(2ms));
  CHECK(t.rings == 1);
  queue.expire(at(1h));
  CHECK(t.rings == 1);
  CHECK_FALSE(queue.next_deadline());
}

TEST_CASE("a timer that is armed again is moved", "[core]") {
  troupe::timer_queue queue;
  std::uint64_t counter = 0;
  alarm_clock t;
  alarm_clock other;
  t.counter = other.counter = &counter;
  queue.arm(t, at(100ms));
  queue.arm(other, at(100ms));
  queue.arm(t, at(200ms));
  queue.expire(at(150ms));
  CHECK(t.rings == 0);
  CHECK(other.rings == 1);
  queue.arm(t, at(160ms));
  queue.expire(at(1h));
  CHECK(t.rings == 1);
  queue.arm(t, at(2h));
  queue.arm(t, at(2h));
  CHECK(queue.cancel(t));
  CHECK_FALSE(queue.cancel(t));
  CHECK_FALSE(queue.next_deadline());
}

TEST_CASE("a moment that has passed fires at the next look", "[core]") {
  troupe::timer_queue queue;
  std::uint64_t counter = 0;
  alarm_clock t;
  t.counter = &counter;
  queue.expire(at(10s));
  queue.arm(t, at(1s));
  queue.expire(at(10s + 1ms));
  CHECK(t.rings == 1);
}

TEST_CASE("a cancelled timer does not fire, and may be armed again", "[core]") {
  troupe::timer_queue queue;
  std::uint64_t counter = 0;
  alarm_clock t;
  t.counter = &counter;
  CHECK_FALSE(queue.cancel(t));
  queue.arm(t, at(5ms));
  CHECK(queue.cancel(t));
  CHECK_FALSE(queue.cancel(t));
  CHECK(queue.expire(at(1s)) == 0);
  queue.arm(t, at(2s));
  CHECK(queue.expire(at(2s)) == 1);
  CHECK_FALSE(queue.cancel(t));
}

TEST_CASE("timers of one tick fire in the order of arming", "[core]") {
  troupe::timer_queue queue;
  std::uint64_t counter = 0;
  std::vector<std::unique_ptr<alarm_clock>> timers;
  for (int i = 0; i < 10; ++i) {
    timers.push_back(std::make_unique<alarm_clock>());
    timers.back()->counter = &counter;
    queue.arm(*timers.back(), at(70s));
  }
  queue.expire(at(70s));
  for (std::size_t i = 0; i < timers.size(); ++i) CHECK(timers[i]->order == i + 1);
}

TEST_CASE("whatever is armed, cancelled and looked at: nothing is early, lost or out of order", "[core]") {
  const unsigned seed = GENERATE(range(1U, 21U));
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  const auto pick = [&](std::int64_t below) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(below));
  };
  const auto any_duration = [&] { return std::chrono::nanoseconds{pick(std::int64_t{1} << (10 + pick(44)))}; };

  troupe::timer_queue queue;
  std::uint64_t counter = 0;
  std::vector<std::unique_ptr<alarm_clock>> timers;
  for (int i = 0; i < 300; ++i) {
    timers.push_back(std::make_unique<alarm_clock>());
    timers.back()->counter = &counter;
  }
  std::vector<bool> armed(timers.size());
  auto now = 0ns;
  bool early = false, lost = false, unordered = false, slept_over = false;
  for (int step = 0; step < 3000; ++step) {
    const auto i = static_cast<std::size_t>(pick(static_cast<std::int64_t>(timers.size())));
    auto& t = *timers[i];
    if (!armed[i]) {
      t.due = now + any_duration();
      t.rings = 0;
      queue.arm(t, at(t.due));
      armed[i] = true;
    } else if (pick(4) == 0) {
      lost = lost || !queue.cancel(t);
      armed[i] = false;
    }
    if (pick(3) != 0) continue;
    const auto deadline = queue.next_deadline();
    now += any_duration() / 16;
    queue.expire(at(now));
    for (std::size_t k = 0; k < timers.size(); ++k) {
      if (!armed[k]) continue;
      auto& other = *timers[k];
      if (other.rings == 0) {
        lost = lost || now >= other.due + 1ms;
        continue;
      }
      early = early || now < other.due;
      unordered = unordered || other.rings != 1;
      slept_over = slept_over || !deadline || *deadline > at(other.due + 1ms);
      armed[k] = false;
    }
  }
  CHECK_FALSE(early);
  CHECK_FALSE(lost);
  CHECK_FALSE(unordered);
  CHECK_FALSE(slept_over);
}
