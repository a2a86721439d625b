// SPDX-License-Identifier: Apache-2.0
// The table of an actor's messages by itself, and beside a model that is one plain list.

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <troupe/testing/seeded_random.hpp>
#include <troupe/testing/seeds.hpp>

#include "../../src/runtime/message_table.hpp"

using troupe::time_point;
using troupe::detail::message_table;
using troupe::detail::queued_message;
using place = queued_message::place;

namespace {

constexpr std::uint32_t subqueues = 4;

time_point at(std::int64_t moment) { return time_point{std::chrono::seconds{moment}}; }

std::uint64_t first_of(const message_table& table, std::initializer_list<std::uint32_t> of) {
  const std::vector<std::uint32_t> list{of};
  const queued_message* const found = table.first_ready(list);
  return found == nullptr ? 0 : found->id;
}

struct model_message {
  std::uint64_t id;
  std::uint32_t subqueue;
  bool unreadable = false;
  place where = place::aside;
  std::optional<time_point> at = std::nullopt;
  std::uint64_t lease = 0;
};

// The table and its model, which every step changes in the same way.
class twins {
 public:
  explicit twins(std::uint64_t seed) : random_{seed} {}

  void step() {
    const auto what = random_.below(12);
    if (what < 2 || model_.empty()) return add();
    model_message& m = model_[random_.below(model_.size())];
    if (what == 2) return take_due();
    if (m.where == place::held && what < 6) return let_go(m);
    if (m.where == place::held && what < 8) return limit(m);
    if (m.where == place::held) return;
    if (m.where == place::ready && what < 6) return hold(m);
    if (what < 8) return make_ready(m);
    if (what < 10) return delay(m);
    if (what == 10) return move(m);
    remove_or_put_back(m);
  }

  void compare() const {
    REQUIRE(table_.all().size() == model_.size());
    for (const model_message& m : model_) compare(m);
    std::vector<std::uint32_t> all;
    for (std::uint32_t subqueue = 0; subqueue != subqueues; ++subqueue) {
      all.push_back(subqueue);
      compare(subqueue);
    }
    REQUIRE(first_ready(all) == id_of(table_.first_ready(all)));
    std::optional<time_point> first;
    std::set<std::uint64_t> held;
    for (const model_message& m : model_) {
      if (m.at && (!first || *m.at < *first)) first = m.at;
      if (m.where == place::held) held.insert(m.id);
    }
    REQUIRE(first == table_.first_time());
    std::set<std::uint64_t> found;
    for (const queued_message* const m : table_.held()) found.insert(m->id);
    REQUIRE(found == held);
    REQUIRE(table_.held().size() == held.size());
  }

 private:
  static std::uint64_t id_of(const queued_message* m) { return m == nullptr ? 0 : m->id; }

  void compare(const model_message& m) const {
    const queued_message& same = table_.all().at(m.id);
    REQUIRE(same.id == m.id);
    REQUIRE(same.subqueue == m.subqueue);
    REQUIRE(same.where == m.where);
    REQUIRE(same.at == m.at);
    REQUIRE(same.lease == m.lease);
  }
  void compare(std::uint32_t subqueue) const {
    const auto is_in = [&](const model_message& m) { return m.subqueue == subqueue; };
    const auto is_ready = [&](const model_message& m) { return is_in(m) && m.where == place::ready; };
    REQUIRE(table_.count(subqueue) == static_cast<std::size_t>(std::ranges::count_if(model_, is_in)));
    REQUIRE(table_.ready(subqueue) == static_cast<std::size_t>(std::ranges::count_if(model_, is_ready)));
    const std::array one{subqueue};
    REQUIRE(first_ready({subqueue}) == id_of(table_.first_ready(one)));
  }
  [[nodiscard]] std::uint64_t first_ready(const std::vector<std::uint32_t>& of) const {
    std::uint64_t first = 0;
    for (const model_message& m : model_) {
      const bool counts = m.where == place::ready && std::ranges::find(of, m.subqueue) != of.end();
      if (counts && (first == 0 || m.id < first)) first = m.id;
    }
    return first;
  }

  queued_message& same(const model_message& m) { return *table_.find(m.id); }
  std::uint32_t any_subqueue() { return static_cast<std::uint32_t>(random_.below(subqueues)); }
  time_point any_time() { return at(now_ + static_cast<std::int64_t>(random_.below(20))); }

  void add() {
    model_message& m = model_.emplace_back(model_message{++ids_, any_subqueue()});
    m.unreadable = random_.chance(0.1);
    table_.add(m.id, m.subqueue).unreadable = m.unreadable;
  }
  void make_ready(model_message& m) {
    m.at.reset();
    m.where = m.unreadable ? place::aside : place::ready;
    REQUIRE(table_.make_ready(same(m)) == !m.unreadable);
  }
  void delay(model_message& m) {
    m.at = any_time();
    m.where = place::delayed;
    table_.delay(same(m), *m.at);
  }
  void move(model_message& m) {
    m.at.reset();
    m.where = place::aside;
    m.subqueue = any_subqueue();
    table_.move_to(same(m), m.subqueue);
  }
  void hold(model_message& m) {
    m.where = place::held;
    table_.hold(same(m));
    m.lease = same(m).lease;
    REQUIRE(leases_.insert(m.lease).second);
    REQUIRE(m.lease != 0);
  }
  void limit(model_message& m) {
    m.at = any_time();
    table_.limit(same(m), *m.at);
  }
  void let_go(model_message& m) {
    m.at.reset();
    m.where = place::aside;
    m.lease = 0;
    table_.let_go(same(m));
  }
  void take_due() {
    ++now_;
    while (queued_message* const due = table_.take_due(at(now_))) {
      const auto found = std::ranges::find(model_, due->id, &model_message::id);
      REQUIRE(found != model_.end());
      REQUIRE(found->at.has_value());
      for (const model_message& m : model_) REQUIRE((!m.at || *m.at >= *found->at));
      REQUIRE(*found->at <= at(now_));
      found->at.reset();
      if (found->where == place::delayed) found->where = place::aside;
    }
    for (const model_message& m : model_) REQUIRE((!m.at || *m.at > at(now_)));
  }
  void remove_or_put_back(model_message& m) {
    auto node = table_.remove(same(m));
    REQUIRE(table_.find(m.id) == nullptr);
    REQUIRE(node.mapped().id == m.id);
    if (random_.chance(0.5)) {
      table_.put_back(std::move(node.mapped()));
      m.at.reset();
      m.where = place::aside;
      return;
    }
    std::erase_if(model_, [id = m.id](const model_message& each) { return each.id == id; });
  }

  troupe::testing::seeded_random random_;
  message_table table_{subqueues};
  std::vector<model_message> model_;
  std::set<std::uint64_t> leases_;
  std::uint64_t ids_ = 0;
  std::int64_t now_ = 0;
};

}  // namespace

TEST_CASE("the oldest of the messages that are ready is first, in whatever order they become so") {
  message_table table{subqueues};
  for (const std::uint64_t id : {3, 1, 2}) table.make_ready(table.add(id, id == 1 ? 1 : 0));
  CHECK(first_of(table, {0}) == 2);
  CHECK(first_of(table, {1}) == 1);
  CHECK(first_of(table, {0, 1}) == 1);
  CHECK(first_of(table, {2, 3}) == 0);
  table.move_to(*table.find(2), 2);
  CHECK(first_of(table, {0, 2}) == 3);
  table.make_ready(*table.find(2));
  CHECK(first_of(table, {0, 2}) == 2);
}

TEST_CASE("a message that is held is handed out no more until it is let go, and has another lease then") {
  message_table table{subqueues};
  queued_message& m = table.add(1, 0);
  table.make_ready(m);
  table.hold(m);
  const auto lease = m.lease;
  CHECK(first_of(table, {0}) == 0);
  CHECK(table.count(0) == 1);
  table.let_go(m);
  CHECK(m.lease == 0);
  CHECK(first_of(table, {0}) == 0);
  table.make_ready(m);
  CHECK(first_of(table, {0}) == 1);
  table.hold(m);
  CHECK(m.lease != lease);
}

TEST_CASE("a message that cannot be read counts, and is never ready") {
  message_table table{subqueues};
  queued_message& m = table.add(1, 0);
  m.unreadable = true;
  CHECK_FALSE(table.make_ready(m));
  CHECK(first_of(table, {0}) == 0);
  CHECK(table.count(0) == 1);
  CHECK(table.oldest_not_held(0) == &m);
}

TEST_CASE("times come in their order, whether of delays or of consumers") {
  message_table table{subqueues};
  queued_message& late = table.add(1, 0);
  queued_message& held = table.add(2, 0);
  table.delay(late, at(7));
  table.make_ready(held);
  table.hold(held);
  table.limit(held, at(9));
  table.limit(held, at(5));
  CHECK(table.first_time() == at(5));
  CHECK(table.take_due(at(4)) == nullptr);
  CHECK(table.take_due(at(8)) == &held);
  CHECK(held.where == place::held);
  CHECK(table.take_due(at(8)) == &late);
  CHECK(late.where == place::aside);
  CHECK(table.take_due(at(8)) == nullptr);
  CHECK_FALSE(table.first_time());
}

TEST_CASE("a message that is put back is as it was, in no place, and held by no consumer") {
  message_table table{subqueues};
  queued_message& m = table.add(1, 3);
  m.attempts = 2;
  table.make_ready(m);
  table.hold(m);
  table.limit(m, at(1));
  queued_message before{m};
  table.let_go(m);
  table.remove(m);
  CHECK(table.count(3) == 0);
  const queued_message& again = table.put_back(std::move(before));
  CHECK(again.attempts == 2);
  CHECK(again.where == place::aside);
  CHECK(again.lease == 0);
  CHECK_FALSE(again.at);
  CHECK(table.count(3) == 1);
  CHECK(table.held().empty());
  CHECK_FALSE(table.first_time());
}

TEST_CASE("a table that is cleared has nothing, and is used again") {
  message_table table{subqueues};
  queued_message& held = table.add(1, 0);
  table.make_ready(held);
  table.hold(held);
  table.delay(table.add(2, 1), at(1));
  table.make_ready(table.add(3, 0));
  table.clear();
  CHECK(table.all().empty());
  CHECK(table.held().empty());
  CHECK_FALSE(table.first_time());
  CHECK(table.count(0) == 0);
  CHECK(table.count(1) == 0);
  CHECK(first_of(table, {0, 1}) == 0);
  table.make_ready(table.add(1, 0));
  CHECK(first_of(table, {0}) == 1);
}

TEST_CASE("any moves leave each message in one place, and all orders and counts as a plain list has them") {
  troupe::testing::for_each_seed(20, [](std::uint64_t seed) {
    twins both{seed};
    for (int i = 0; i != 300; ++i) {
      both.step();
      both.compare();
    }
  });
}
