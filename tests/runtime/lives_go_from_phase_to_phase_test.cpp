// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include <catch2/catch.hpp>

#include <troupe/runtime/lifecycle.hpp>

using troupe::detail::lifecycle;
using phase = lifecycle::phase;

namespace {

constexpr std::array all{phase::asleep, phase::waking, phase::awake, phase::stopping, phase::finalising};

void take_through(lifecycle& life, std::initializer_list<phase> phases) {
  for (const phase p : phases) life.enter(p);
}

}  // namespace

TEST_CASE("a life has the transitions of its table, and no others", "[runtime][lifecycle]") {
  constexpr std::array<std::pair<phase, phase>, 7> table{{{phase::asleep, phase::waking},
                                                          {phase::asleep, phase::awake},
                                                          {phase::waking, phase::awake},
                                                          {phase::waking, phase::asleep},
                                                          {phase::awake, phase::stopping},
                                                          {phase::stopping, phase::finalising},
                                                          {phase::finalising, phase::asleep}}};
  for (const phase from : all) {
    for (const phase to : all) {
      const bool listed = std::count(table.begin(), table.end(), std::pair{from, to}) == 1;
      CHECK(lifecycle::may_follow(from, to) == listed);
    }
  }
}

TEST_CASE("a life is open only while it is awake", "[runtime][lifecycle]") {
  lifecycle life;
  CHECK_FALSE(life.is_open());
  for (const phase p : {phase::waking, phase::awake, phase::stopping, phase::finalising, phase::asleep}) {
    life.enter(p);
    CHECK(life.now() == p);
    CHECK(life.is_open() == (p == phase::awake));
  }
}

TEST_CASE("what keeps others out closes a life, from any phase on", "[runtime][lifecycle]") {
  lifecycle life;
  life.enter(phase::waking);
  life.set_kept_out(true);
  life.enter(phase::awake);
  CHECK_FALSE(life.is_open());
  life.set_kept_out(false);
  CHECK(life.is_open());
}

TEST_CASE("an actor that ends for good takes no more calls, and one that only sleeps does", "[runtime][lifecycle]") {
  lifecycle life;
  life.enter(phase::awake);
  life.request_sleep();
  CHECK(life.sleep_requested());
  CHECK(life.is_open());
  life.request_destroy();
  CHECK(life.destroy_requested());
  CHECK_FALSE(life.is_open());
  life.set_kept_out(false);
  CHECK_FALSE(life.is_open());
}

TEST_CASE("a request belongs to one life", "[runtime][lifecycle]") {
  lifecycle life;
  life.enter(phase::awake);
  life.request_sleep();
  life.request_destroy();
  take_through(life, {phase::stopping, phase::finalising, phase::asleep});
  const auto next = GENERATE(phase::waking, phase::awake);
  life.enter(next);
  CHECK_FALSE(life.sleep_requested());
  CHECK_FALSE(life.destroy_requested());
  CHECK(life.is_open() == (next == phase::awake));
}
