// SPDX-License-Identifier: Apache-2.0
// The rows of an actor's part, by a part that only this test has: they are durable with the turn that changed them, or
// not at all.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include <troupe/store/sqlite_store.hpp>

#include "counter_part.hpp"
#include "gated_store.hpp"
#include "store/temporary_directory.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

using counts = std::map<std::string, std::int64_t>;

counts counted() {
  counts all;
  for (const auto& [name, row] : counter_part::mine().all()) all.emplace(name, row.count);
  return all;
}

/// Counts in a part. One that has too long a text cannot be stored.
template <auto Durability>
struct tally_of {
  int turns = 0;
  std::string text;

  void add(std::string name, int by) {
    counter_part::mine().add(name, by);
    ++turns;
  }
  void add_in_part_alone(troupe::context<tally_of>&, std::string name, int by) { counter_part::mine().add(name, by); }
  void remove(std::string name) { counter_part::mine().remove(name); }
  void add_and_throw(std::string name) {
    counter_part::mine().add(name, 1);
    throw troupe::user_error("no", "no");
  }
  void add_what_cannot_be_stored(std::string name) {
    counter_part::mine().add(name, 1);
    counter_part::mine().remove("old");
    counter_part::mine().set_due("new", 1s);
    ++turns;
    text.assign(2'000, 'x');
  }
  troupe::task<> add_around_an_await(std::string name) {
    counter_part::mine().add(name, 1);
    co_await troupe::delay(1s);
    counter_part::mine().add(name, 1);
  }
  counts all() { return counted(); }
  int count() const { return turns; }
  void rest(troupe::context<tally_of>& c) { c.sleep(); }
  void end(troupe::context<tally_of>& c) { c.destroy(); }
  troupe::task<> save(troupe::context<tally_of>& c) {
    co_await c.save();
  }

  static constexpr troupe::options options{
      .sleep_after = troupe::never, .durability = Durability, .state_bytes_max = 1'000};
  using actor = troupe::actor<tally_of, &tally_of::add, &tally_of::add_in_part_alone, &tally_of::remove,
                              &tally_of::add_and_throw, &tally_of::add_what_cannot_be_stored,
                              &tally_of::add_around_an_await, &tally_of::all, &tally_of::count, &tally_of::rest,
                              &tally_of::end, &tally_of::save>;
};

using tally = tally_of<troupe::durability::committed>;
using loose_tally = tally_of<troupe::durability::relaxed>;
using fleeting_tally = tally_of<troupe::durability::ephemeral>;

}  // namespace

template <>
inline constexpr std::span<const troupe::detail::part_entry> troupe::detail::own_parts<tally> = counter_part::entries;
template <>
inline constexpr std::span<const troupe::detail::part_entry> troupe::detail::own_parts<loose_tally> =
    counter_part::entries;
template <>
inline constexpr std::span<const troupe::detail::part_entry> troupe::detail::own_parts<fleeting_tally> =
    counter_part::entries;

namespace {

troupe::registry tallies() {
  troupe::registry r;
  r.use<tally>("tally").use<loose_tally>("loose").use<fleeting_tally>("fleeting");
  return r;
}

struct fixture {
  fixture() { counter_part::reset(); }
  ~fixture() { counter_part::reset(); }
  gated_store store;
  world w{tallies(), store};
  troupe::handle<tally> a = w.client.get_or_create<tally>("a");

  /// The rows that are durable, of all actors.
  [[nodiscard]] counts durable() const {
    counts all;
    for (const auto& [id, record] : store.durable()) {
      for (const auto& row : record.parts) {
        REQUIRE(row.collection == counter_part::collection);
        const std::string name{reinterpret_cast<const char*>(row.key.data()), row.key.size()};
        all[name] = troupe::decode<std::int64_t>(row.value);
      }
    }
    return all;
  }
  counts after_restart() {
    world next{tallies(), store.after_crash()};
    return next.run(next.client.get<tally>("a").call<&tally::all>());
  }
};

}  // namespace

TEST_CASE_METHOD(fixture, "rows of a part are durable with the state of their turn") {
  w.run(a.call<&tally::add>("x", 2));
  w.run(a.call<&tally::add>("y", 3));
  w.run(a.call<&tally::add>("x", 1));
  CHECK(durable() == counts{{"x", 3}, {"y", 3}});
  w.run(a.call<&tally::remove>("x"));
  CHECK(durable() == counts{{"y", 3}});
  CHECK(after_restart() == counts{{"y", 3}});
}

TEST_CASE_METHOD(fixture, "at each commit, rows and state are of the same turns") {
  bool agree = true;
  store.after_commit([&](const gated_store::contents& all) {
    for (const auto& [id, record] : all) {
      std::int64_t sum = 0;
      for (const auto& row : record.parts) sum += troupe::decode<std::int64_t>(row.value);
      tally state;
      troupe::decode_into(state, record.state);
      agree = agree && state.turns == sum;
    }
  });
  for (int i = 0; i < 50; ++i) {
    if (i % 10 == 0) store.hold();
    static_cast<void>(w.start(a.call<&tally::add>("x" + std::to_string(i % 7), 1)));
    if (i % 10 == 9) store.let_go();
    w.settle();
  }
  CHECK(agree);
  CHECK(w.run(a.call<&tally::count>()) == 50);
  CHECK(store.commits() < 50);
}

TEST_CASE_METHOD(fixture, "a turn that changes a part alone writes that, and its reply waits for it") {
  w.run(a.call<&tally::add>("x", 1));
  store.hold();
  const auto reply = w.start(a.call<&tally::add_in_part_alone>("x", 1));
  CHECK_FALSE(reply.done());
  CHECK(durable() == counts{{"x", 1}});
  store.let_go();
  w.settle();
  CHECK(reply.done());
  CHECK(durable() == counts{{"x", 2}});
}

TEST_CASE_METHOD(fixture, "rows survive sleep, and a row that came and went leaves none") {
  w.run(a.call<&tally::add>("x", 1));
  store.hold();
  static_cast<void>(w.start(a.call<&tally::add>("brief", 1)));
  static_cast<void>(w.start(a.call<&tally::remove>("brief")));
  store.let_go();
  w.settle();
  w.run(a.call<&tally::rest>());
  w.settle();
  REQUIRE(w.phase(a) == phase::asleep);
  CHECK(w.run(a.call<&tally::all>()) == counts{{"x", 1}});
  CHECK(durable() == counts{{"x", 1}});
}

TEST_CASE_METHOD(fixture, "an action that throws keeps what it changed, in state and rows alike") {
  CHECK(w.code(a.call<&tally::add_and_throw>("x")) == "user.no");
  CHECK(w.run(a.call<&tally::all>()) == counts{{"x", 1}});
  CHECK(durable() == counts{{"x", 1}});
}

TEST_CASE_METHOD(fixture, "a turn that cannot be stored changes no row, in memory and in the store") {
  w.run(a.call<&tally::add>("old", 1));
  CHECK(w.code(a.call<&tally::add_what_cannot_be_stored>("old")) == "actor.state_too_large");
  CHECK(w.code(a.call<&tally::add_what_cannot_be_stored>("x")) == "actor.state_too_large");
  CHECK(w.run(a.call<&tally::all>()) == counts{{"old", 1}});
  w.run(a.call<&tally::add>("y", 1));
  CHECK(w.run(a.call<&tally::count>()) == 2);
  CHECK(durable() == counts{{"old", 1}, {"y", 1}});
  w.pass(5s);
  CHECK(counter_part::fired().empty());
  CHECK(after_restart() == counts{{"old", 1}, {"y", 1}});
}

TEST_CASE_METHOD(fixture, "each turn of a coroutine is durable by itself") {
  static_cast<void>(w.start(a.call<&tally::add_around_an_await>("x")));
  CHECK(durable() == counts{{"x", 1}});
  CHECK(after_restart() == counts{{"x", 1}});
  w.pass(2s);
  CHECK(durable() == counts{{"x", 2}});
}

TEST_CASE_METHOD(fixture, "a commit that fails is tried again with its rows, and with those that came meanwhile") {
  w.run(a.call<&tally::add>("x", 1));
  w.run(a.call<&tally::add>("gone", 1));
  store.fail();
  const auto first = w.start(a.call<&tally::add>("x", 1));
  const auto second = w.start(a.call<&tally::remove>("gone"));
  const auto third = w.start(a.call<&tally::add>("y", 5));
  CHECK(durable() == counts{{"gone", 1}, {"x", 1}});
  CHECK_FALSE(first.done());
  store.heal();
  w.pass(1min);
  CHECK(first.done());
  CHECK(second.done());
  CHECK(third.done());
  CHECK(durable() == counts{{"x", 2}, {"y", 5}});
  CHECK(after_restart() == counts{{"x", 2}, {"y", 5}});
}

TEST_CASE_METHOD(fixture, "an actor that is destroyed takes its rows with it, and a successor has none") {
  w.run(a.call<&tally::add>("x", 1));
  store.hold();
  static_cast<void>(w.start(a.call<&tally::add>("y", 1)));
  static_cast<void>(w.start(a.call<&tally::end>()));
  store.let_go();
  w.settle();
  CHECK(store.durable().empty());
  CHECK(w.run(w.client.get_or_create<tally>("a").call<&tally::all>()).empty());
  CHECK(durable().empty());
}

TEST_CASE_METHOD(fixture, "one that is created and destroyed within an epoch leaves nothing") {
  store.hold();
  const auto brief = w.client.get_or_create<tally>("brief");
  static_cast<void>(w.start(brief.call<&tally::add>("x", 1)));
  static_cast<void>(w.start(brief.call<&tally::end>()));
  store.let_go();
  w.settle();
  CHECK(store.durable().empty());
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a relaxed actor's rows are saved with its state") {
  const auto loose = w.client.get_or_create<loose_tally>("a");
  w.run(loose.call<&loose_tally::count>());
  w.run(loose.call<&loose_tally::add>("x", 1));
  w.run(loose.call<&loose_tally::add>("x", 1));
  CHECK(durable().empty());
  w.pass(2s);
  CHECK(durable() == counts{{"x", 2}});
  w.run(loose.call<&loose_tally::add>("y", 1));
  w.run(loose.call<&loose_tally::save>());
  CHECK(durable() == counts{{"x", 2}, {"y", 1}});
  w.run(loose.call<&loose_tally::add>("y", 1));
  w.run(loose.call<&loose_tally::rest>());
  w.settle();
  CHECK(durable() == counts{{"x", 2}, {"y", 2}});
}

TEST_CASE_METHOD(fixture, "an ephemeral actor has its part in memory alone") {
  const auto fleeting = w.client.get_or_create<fleeting_tally>("a");
  w.run(fleeting.call<&fleeting_tally::add>("x", 1));
  w.run(fleeting.call<&fleeting_tally::add>("x", 1));
  CHECK(w.run(fleeting.call<&fleeting_tally::all>()) == counts{{"x", 2}});
  w.run(fleeting.call<&fleeting_tally::rest>());
  w.settle();
  CHECK(w.run(fleeting.call<&fleeting_tally::all>()).empty());
  CHECK(store.write_sets() == 0);
}

TEST_CASE_METHOD(fixture, "an actor whose part cannot be loaded stays as it is in the store, and wakes when it can") {
  w.run(a.call<&tally::add>("x", 1));
  w.run(a.call<&tally::rest>());
  w.settle();
  const auto before = store.commits();
  counter_part::loads_that_fail() = 1;
  CHECK(w.code(a.call<&tally::add>("y", 1)) == "user.unreadable");
  CHECK(w.phase(a) == phase::asleep);
  CHECK(store.commits() == before);
  CHECK(w.run(a.call<&tally::all>()) == counts{{"x", 1}});
}

TEST_CASE_METHOD(fixture, "an actor whose part cannot be made is not created") {
  counter_part::loads_that_fail() = 1;
  const auto other = w.client.get_or_create<tally>("other");
  CHECK(w.code(other.call<&tally::add>("x", 1)) == "user.unreadable");
  CHECK(store.durable().empty());
  w.run(other.call<&tally::add>("x", 1));
  CHECK(durable() == counts{{"x", 1}});
}

TEST_CASE_METHOD(fixture, "a store that takes less than the rows of a part may have is refused at the start") {
  gated_store small;
  small.take_at_most(1'000);
  const auto failure = failure_of([&] { world{tallies(), small}; });
  CHECK(code_of(failure) == "config.invalid");
  CHECK_THAT(text_of(failure), Catch::Matchers::Contains("the rows of a part is 1024"));
}

TEST_CASE("rows of a part survive in a SQLite database") {
  const temporary_directory directory;
  const troupe::sqlite database{directory / "app.db"};
  {
    world w{tallies(), database};
    const auto a = w.client.get_or_create<tally>("a");
    w.run(a.call<&tally::add>("x", 1));
    w.run(a.call<&tally::add>("y", 2));
    w.run(a.call<&tally::remove>("x"));
  }
  world w{tallies(), database};
  CHECK(w.run(w.client.get<tally>("a").call<&tally::all>()) == counts{{"y", 2}});
}
