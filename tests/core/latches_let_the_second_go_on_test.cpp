// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include <troupe/core/latch2.hpp>

using troupe::detail::latch2;

TEST_CASE("the party that arrives second goes on for both", "[core]") {
  latch2 both;
  CHECK_FALSE(both.arrive());
  CHECK(both.arrive());
  both.reset();
  CHECK_FALSE(both.arrive());
  CHECK(both.arrive());
}

TEST_CASE("of two threads one goes on, and it sees all that the other wrote", "[core]") {
  for (int round = 0; round != 2'000; ++round) {
    latch2 both;
    int written[2] = {0, 0};
    std::atomic<int> went_on{0};
    std::atomic<int> seen{0};
    const auto arrive = [&](int mine) {
      written[mine] = 1;
      if (!both.arrive()) return;
      ++went_on;
      seen = written[0] + written[1];
    };
    std::thread other{arrive, 1};
    arrive(0);
    other.join();
    REQUIRE(went_on == 1);
    REQUIRE(seen == 2);
  }
}
