// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <array>
#include <cstddef>
#include <list>
#include <vector>

#include <troupe/core/intrusive_list.hpp>
#include <troupe/testing/seeded_random.hpp>
#include <troupe/testing/seeds.hpp>

namespace {

struct node {
  std::size_t number = 0;
  troupe::detail::list_link<node> by_age{};
  troupe::detail::list_link<node> by_size{};
};
using age_list = troupe::detail::intrusive_list<node, &node::by_age>;
using size_list = troupe::detail::intrusive_list<node, &node::by_size>;

template <class List>
std::vector<std::size_t> numbers(const List& list) {
  std::vector<std::size_t> found;
  for (const node* each = list.first(); each != nullptr; each = List::next(*each)) found.push_back(each->number);
  return found;
}

using expected = std::vector<std::size_t>;

}  // namespace

TEST_CASE("an intrusive list has its objects in the order in which they were put in") {
  std::array<node, 4> nodes{node{1}, node{2}, node{3}, node{4}};
  age_list list;
  CHECK(list.empty());
  CHECK(list.first() == nullptr);
  list.push_back(nodes[0]);
  list.push_back(nodes[1]);
  list.push_front(nodes[2]);
  list.push_back(nodes[3]);
  CHECK(numbers(list) == expected{3, 1, 2, 4});
  CHECK_FALSE(list.empty());
}

TEST_CASE("an object leaves an intrusive list from any place, and may come back") {
  std::array<node, 3> nodes{node{1}, node{2}, node{3}};
  age_list list;
  for (node& each : nodes) list.push_back(each);
  list.remove(nodes[1]);
  CHECK(numbers(list) == expected{1, 3});
  CHECK_FALSE(age_list::has(nodes[1]));
  list.remove(nodes[2]);
  list.push_back(nodes[1]);
  CHECK(numbers(list) == expected{1, 2});
  list.remove(nodes[0]);
  CHECK(numbers(list) == expected{2});
  list.remove(nodes[1]);
  CHECK(list.empty());
  list.push_front(nodes[2]);
  CHECK(age_list::has(nodes[2]));
  CHECK(numbers(list) == expected{3});
}

TEST_CASE("an object is in two intrusive lists by two links") {
  std::array<node, 2> nodes{node{1}, node{2}};
  age_list ages;
  size_list sizes;
  ages.push_back(nodes[0]);
  ages.push_back(nodes[1]);
  sizes.push_front(nodes[0]);
  sizes.push_front(nodes[1]);
  ages.remove(nodes[0]);
  CHECK(numbers(ages) == expected{2});
  CHECK(numbers(sizes) == expected{2, 1});
  CHECK(size_list::has(nodes[0]));
  CHECK_FALSE(age_list::has(nodes[0]));
}

TEST_CASE("an intrusive list does what a list of pointers does") {
  troupe::testing::for_each_seed(50, [](std::uint64_t seed) {
    troupe::testing::seeded_random random{seed};
    std::array<node, 8> nodes;
    for (std::size_t i = 0; i != nodes.size(); ++i) nodes[i].number = i;
    age_list list;
    std::list<std::size_t> model;
    for (int step = 0; step != 200; ++step) {
      node& one = nodes[random.below(nodes.size())];
      if (age_list::has(one)) {
        list.remove(one);
        model.remove(one.number);
      } else if (random.chance(0.5)) {
        list.push_back(one);
        model.push_back(one.number);
      } else {
        list.push_front(one);
        model.push_front(one.number);
      }
      REQUIRE(numbers(list) == expected(model.begin(), model.end()));
    }
  });
}
