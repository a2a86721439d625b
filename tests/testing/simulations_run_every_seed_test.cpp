// SPDX-License-Identifier: Apache-2.0
// Seeds are run one after another, and the one that fails can be had again; the numbers that come from a seed are the
// same everywhere.

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>

#include <unistd.h>

#include <troupe/testing/seeded_random.hpp>
#include <troupe/testing/seeds.hpp>

#include "runtime/world.hpp"

using namespace behaviour;
using troupe::testing::for_each_seed;
using troupe::testing::seeded_random;

namespace {

/// Sets a variable of the environment, as long as it lives, and what the tests themselves were given aside.
class environment {
 public:
  environment() {
    set("TROUPE_SEED", nullptr);
    set("TROUPE_SEEDS", nullptr);
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() {
    for (const auto& [name, value] : before_) {
      if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
      } else {
        ::unsetenv(name.c_str());
      }
    }
  }

  void set(const char* name, const char* value) {
    const char* const old = std::getenv(name);
    before_.try_emplace(name, old == nullptr ? std::nullopt : std::optional<std::string>{old});
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

/// What `f` writes to stderr.
template <class F>
std::string stderr_of(F&& f) {
  std::FILE* const file = std::tmpfile();
  std::fflush(stderr);
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(::fileno(file), STDERR_FILENO);
  f();
  std::fflush(stderr);
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

std::vector<std::uint64_t> seeds_of(std::uint64_t count) {
  std::vector<std::uint64_t> seen;
  for_each_seed(count, [&](std::uint64_t seed) { seen.push_back(seed); });
  return seen;
}

}  // namespace

TEST_CASE("the seeds are 1 to the count, in order") {
  const environment clean;
  CHECK(seeds_of(4) == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(seeds_of(0).empty());
}

TEST_CASE("TROUPE_SEED runs that one alone") {
  environment e;
  e.set("TROUPE_SEED", "42");
  CHECK(seeds_of(4) == std::vector<std::uint64_t>{42});
  e.set("TROUPE_SEEDS", "7");  // has no say then
  CHECK(seeds_of(4) == std::vector<std::uint64_t>{42});
  e.set("TROUPE_SEED", "18446744073709551615");
  CHECK(seeds_of(4) == std::vector<std::uint64_t>{UINT64_MAX});
}

TEST_CASE("TROUPE_SEEDS runs so many") {
  environment e;
  e.set("TROUPE_SEEDS", "2");
  CHECK(seeds_of(500) == std::vector<std::uint64_t>{1, 2});
  e.set("TROUPE_SEEDS", "");
  CHECK(seeds_of(3).size() == 3);
}

TEST_CASE("TROUPE_SEEDS=forever runs until one fails") {
  environment e;
  e.set("TROUPE_SEEDS", "forever");
  std::vector<std::uint64_t> seen;
  const auto told = stderr_of([&] {
    const auto code = code_when([&] {
      for_each_seed(1, [&](std::uint64_t seed) {
        seen.push_back(seed);
        if (seen.size() == 1000) throw std::runtime_error{"enough"};
      });
    });
    CHECK(code == "enough");
  });
  REQUIRE(seen.size() == 1000);
  CHECK(std::ranges::adjacent_find(seen, [](auto a, auto b) { return b != a + 1; }) == seen.end());
  CHECK_THAT(told, Catch::Contains("TROUPE_SEED=" + std::to_string(seen.back())));
}

TEST_CASE("a variable that is no number is refused, with its name") {
  environment e;
  for (const char* const name : {"TROUPE_SEED", "TROUPE_SEEDS"}) {
    for (const char* const value : {"many", "7 of them", "0x10", "-1", "99999999999999999999"}) {
      CAPTURE(name, value);
      e.set(name, value);
      const auto failure = failure_of([&] { for_each_seed(1, [](std::uint64_t) {}); });
      CHECK(code_of(failure) == "config.invalid");
      CHECK_THAT(text_of(failure), Catch::Contains(name));
    }
    e.set(name, nullptr);
  }
}

TEST_CASE("the first seed that fails is told with the command that replays it, and ends the run") {
  const environment clean;
  std::vector<std::uint64_t> seen;
  const auto told = stderr_of([&] {
    const auto code = code_when([&] {
      for_each_seed(10, [&](std::uint64_t seed) {
        seen.push_back(seed);
        if (seed == 3) throw troupe::error(troupe::errc::not_found, "room/general");
      });
    });
    CHECK(code == "actor.not_found");  // it comes out as it is
  });
  CHECK(seen == std::vector<std::uint64_t>{1, 2, 3});
  CHECK_THAT(told, Catch::StartsWith("troupe: seed 3 failed") && Catch::Contains("room/general"));
  CHECK_THAT(told, Catch::Contains("TROUPE_SEED=3 ") && Catch::Contains("test_testing"));
  CHECK(std::ranges::count(told, '\n') == 2);
}

TEST_CASE("what is no std::exception is told as well") {
  const environment clean;
  bool caught = false;
  const auto told = stderr_of([&] {
    try {
      for_each_seed(1, [](std::uint64_t) { throw 7; });
    } catch (const int n) {
      caught = n == 7;
    }
  });
  CHECK(caught);
  CHECK_THAT(told, Catch::Contains("seed 1 failed") && Catch::Contains("TROUPE_SEED=1 "));
}

TEST_CASE("nothing is told of seeds that pass") {
  const environment clean;
  CHECK(stderr_of([] { for_each_seed(5, [](std::uint64_t) {}); }).empty());
}

// --- the numbers ----------------------------------------------------------------------------------------------------

TEST_CASE("the numbers are those of xoshiro256** behind splitmix64, on every machine") {
  seeded_random zero{0};
  for (const auto n : {0x99ec5f36cb75f2b4U, 0xbf6e1f784956452aU, 0x1a5f849d4933e6e0U, 0x6aa594f1262d2d2cU}) {
    CHECK(zero.next() == n);
  }
  seeded_random answer{42};
  for (const auto n : {0x15780b2e0c2ec716U, 0x6104d9866d113a7eU, 0xae17533239e499a1U, 0xecb8ad4703b360a1U}) {
    CHECK(answer() == n);
  }
  seeded_random one{1};
  for (int i = 1; i < 1000; ++i) static_cast<void>(one.next());
  CHECK(one.next() == 13281533337853546835U);
}

TEST_CASE("numbers within bounds reach both, and none beyond") {
  seeded_random r{7};
  std::set<std::uint64_t> below;
  std::set<std::int64_t> between;
  std::set<std::chrono::nanoseconds> up_to;
  for (int i = 0; i < 1000; ++i) {
    below.insert(r.below(6));
    between.insert(r.between(-2, 3));
    up_to.insert(r.up_to(5ns));
  }
  CHECK(below == std::set<std::uint64_t>{0, 1, 2, 3, 4, 5});
  CHECK(between == std::set<std::int64_t>{-2, -1, 0, 1, 2, 3});
  CHECK(up_to == std::set<std::chrono::nanoseconds>{0ns, 1ns, 2ns, 3ns, 4ns, 5ns});
  CHECK(r.below(1) == 0);
  CHECK(r.below(0) == 0);
  CHECK(r.between(5, 5) == 5);
  CHECK(r.between(-7, -7) == -7);
  CHECK(r.up_to(0ns) == 0ns);
}

TEST_CASE("the longest duration is a bound too") {
  seeded_random r{8};
  for (int i = 0; i < 100; ++i) CHECK(r.up_to(std::chrono::nanoseconds::max()) >= 0ns);
}

TEST_CASE("chances are as likely as they say") {
  seeded_random r{9};
  std::array<int, 3> hits{};
  constexpr std::array<double, 3> probabilities{0.01, 0.5, 0.9};
  for (int i = 0; i < 10'000; ++i) {
    CHECK_FALSE(r.chance(0));
    if (!r.chance(1)) FAIL("what is certain did not happen");
    for (std::size_t p = 0; p < 3; ++p) hits[p] += r.chance(probabilities[p]) ? 1 : 0;
  }
  CHECK(std::abs(hits[0] - 100) < 50);
  CHECK(std::abs(hits[1] - 5000) < 250);
  CHECK(std::abs(hits[2] - 9000) < 150);
}

TEST_CASE("a fork has numbers of its own") {
  seeded_random r{10};
  seeded_random copy{10};
  seeded_random fork = r.fork();
  seeded_random same = copy.fork();
  CHECK(fork.next() == same.next());
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 100; ++i) numbers.insert({r.next(), fork.next()});
  CHECK(numbers.size() == 200);
}

TEST_CASE("it is a source for the algorithms of the standard library, and for a runtime") {
  static_assert(std::uniform_random_bit_generator<seeded_random>);
  static_assert(std::is_base_of_v<troupe::random_source, seeded_random>);
  std::vector<int> all{1, 2, 3, 4, 5, 6, 7, 8};
  seeded_random r{11};
  std::ranges::shuffle(all, r);
  std::ranges::sort(all);
  CHECK(all == std::vector{1, 2, 3, 4, 5, 6, 7, 8});
}
