// SPDX-License-Identifier: Apache-2.0
// A pool that has nothing to do takes no processor time, however many workers it has, and many come and go quickly.

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <latch>
#include <mutex>

#include <catch2/catch.hpp>

#include <troupe/core/executor.hpp>

using namespace std::chrono_literals;

namespace {

// Of all threads of this process.
std::chrono::nanoseconds processor_time() {
  std::timespec t{};
  REQUIRE(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
  return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}

// What the process takes while this thread only lets real time pass.
std::chrono::nanoseconds taken_in(std::chrono::nanoseconds span) {
  std::mutex mutex;
  std::condition_variable never_called;
  std::unique_lock lock{mutex};
  const auto before = processor_time();
  never_called.wait_for(lock, span, [] { return false; });
  return processor_time() - before;
}

// Whether the process takes less than `part` of one core, in five spans in a row, before many have passed. A machine
// that is busy with other things gives it less, not more.
bool settles_below(double part) {
  constexpr auto span = 20ms;
  int calm = 0;
  for (int i = 0; i != 250 && calm != 5; ++i) {
    calm = taken_in(span) < std::chrono::duration<double>{span} * part ? calm + 1 : 0;
  }
  return calm == 5;
}

class count_down final : public troupe::work {
 public:
  explicit count_down(std::latch& l) noexcept : work{&count_down::go}, latch_{l} {}

 private:
  static void go(work& w) noexcept { static_cast<count_down&>(w).latch_.count_down(); }
  std::latch& latch_;
};

void have_done(troupe::thread_pool& pool, int pieces) {
  std::latch done{pieces};
  std::deque<count_down> all;
  for (int i = 0; i != pieces; ++i) pool.post(all.emplace_back(done));
  done.wait();
}

}  // namespace

TEST_CASE("an idle pool takes no processor time, whatever the number of its workers", "[core]") {
  const unsigned threads = GENERATE(1U, 2U, 3U, 64U, 256U);
  CAPTURE(threads);
  troupe::thread_pool pool{threads};
  CHECK(settles_below(0.02));
  have_done(pool, 10'000);
  CHECK(settles_below(0.02));
}

TEST_CASE("nor does one that waits for a timer", "[core]") {
  troupe::thread_pool pool{64};
  troupe::timer far{[](troupe::timer&) noexcept {}};
  pool.arm(far, pool.now() + 1h);
  have_done(pool, 1'000);
  CHECK(settles_below(0.02));
  CHECK(pool.cancel(far));
}

TEST_CASE("while one worker is busy, of many others one looks round", "[core]") {
  struct blocking final : troupe::work {
    explicit blocking(std::latch& l) noexcept : work{&blocking::go}, until{l} {}
    static void go(work& w) noexcept { static_cast<blocking&>(w).until.wait(); }
    std::latch& until;
  };
  std::latch end{1};
  blocking long_one{end};
  troupe::thread_pool pool{64};  // ends first, since its worker may still look at the latch
  pool.post(long_one);
  CHECK(settles_below(0.3));  // a look a millisecond; it takes longest in instrumented builds
  end.count_down();
}

TEST_CASE("hundreds of workers come and go in little processor time", "[core]") {
  const auto before = processor_time();
  {
    troupe::thread_pool pool{256};
    have_done(pool, 256);
  }
  CHECK(processor_time() - before < 3s);
}

TEST_CASE("a pool whose workers have all fallen asleep runs what comes, and fires its timers", "[core]") {
  troupe::thread_pool pool{16};
  for (int round = 0; round != 5; ++round) {
    REQUIRE(settles_below(0.2));
    have_done(pool, 1);
    std::latch rung{1};
    struct ringer final : troupe::timer {
      explicit ringer(std::latch& l) noexcept : timer{&ringer::ring}, latch{l} {}
      static void ring(timer& t) noexcept { static_cast<ringer&>(t).latch.count_down(); }
      std::latch& latch;
    };
    ringer later{rung};
    ringer sooner{rung};
    pool.arm(later, pool.now() + 1h);
    pool.arm(sooner, pool.now() + 1ms);
    rung.wait();
    CHECK_FALSE(pool.cancel(sooner));
    CHECK(pool.cancel(later));
  }
}
