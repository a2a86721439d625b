// SPDX-License-Identifier: Apache-2.0
// The count of the calls that wait in a mailbox: as senders and the holder see it.

#include <catch2/catch.hpp>

#include <cstdint>
#include <thread>
#include <vector>

#include <troupe/runtime/mailbox.hpp>

using troupe::detail::call_count;

namespace {

void add(call_count& c, int times) {
  for (int i = 0; i != times; ++i) static_cast<void>(c.add());
}

void begin(call_count& c, int times) {
  for (int i = 0; i != times; ++i) c.begin();
}

}  // namespace

TEST_CASE("a call waits until it begins or is counted out") {
  call_count c;
  CHECK(c.is_zero());
  add(c, 3);
  CHECK(c.waiting() == 3);
  c.begin();
  CHECK(c.waiting() == 2);
  c.remove();
  CHECK(c.waiting() == 1);
  CHECK_FALSE(c.is_zero());
  c.begin();
  CHECK(c.is_zero());
}

TEST_CASE("senders count a call that has begun as waiting until that is shown") {
  call_count c;
  add(c, 3);
  begin(c, 2);
  CHECK(c.add() == 3);
  c.show();
  CHECK(c.add() == 2);
}

TEST_CASE("calls that have begun are shown before they hide many") {
  call_count c;
  add(c, 1'000);
  begin(c, 1'000);
  CHECK(c.add() < 100);
}

TEST_CASE("a sender that was overtaken sees less than nothing") {
  call_count c;
  c.begin();  // its call, which another thread has counted in, begins before that thread looks
  c.show();
  CHECK(c.add() == -1);
}

TEST_CASE("counts of many threads add up") {
  constexpr int threads = 4;
  constexpr int calls = 20'000;
  call_count c;
  std::vector<std::thread> senders;
  for (int i = 0; i != threads; ++i) {
    senders.emplace_back([&] {
      for (int n = 0; n != calls; ++n) {
        static_cast<void>(c.add());
        if (n % 4 == 0) c.remove();
      }
    });
  }
  begin(c, threads * calls / 4);  // meanwhile
  for (auto& each : senders) each.join();
  CHECK(c.waiting() == threads * calls / 2);
  begin(c, threads * calls / 2);
  CHECK(c.is_zero());
}
