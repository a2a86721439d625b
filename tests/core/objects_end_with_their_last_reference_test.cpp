// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/ref_counted.hpp>

using troupe::detail::counted_ptr;
using troupe::detail::ref_counted;

namespace {

class object final : public ref_counted<object> {
 public:
  explicit object(std::atomic<int>& ended) noexcept : ended_{ended} {}

 private:
  friend class ref_counted<object>;
  ~object() { ++ended_; }

  std::atomic<int>& ended_;
};

}  // namespace

TEST_CASE("an object ends with its last reference, whatever order they go in", "[core]") {
  std::atomic<int> ended{0};
  auto first = counted_ptr<object>::adopt(new object{ended});
  auto second = first;
  counted_ptr<object> third{*second};
  first = {};
  CHECK(ended == 0);
  second = {};
  CHECK(ended == 0);
  third = {};
  CHECK(ended == 1);
}

TEST_CASE("an object whose references go on many threads ends once", "[core]") {
  constexpr int threads = 4;
  std::atomic<int> ended{0};
  for (int round = 1; round <= 200; ++round) {
    auto mine = counted_ptr<object>::adopt(new object{ended});
    std::vector<std::thread> others;
    for (int i = 0; i != threads; ++i) {
      others.emplace_back([its = mine]() mutable {
        for (int n = 0; n != 100; ++n) {
          const auto copy = its;
        }
        its = {};
      });
    }
    mine = {};
    for (auto& each : others) each.join();
    REQUIRE(ended == round);
  }
}
