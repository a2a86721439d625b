// SPDX-License-Identifier: Apache-2.0
// Rows of an actor's part that have a due time, by a part that only the tests have: they wake an actor that sleeps, in
// order of time, after a restart too, and those that are far in the future cost nothing.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "counter_part.hpp"
#include "gated_store.hpp"
#include "store/forwarding_store.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

/// Counts by itself when it is time.
struct clockwork {
  static inline bool stumbles = false;
  int wakes = 0;

  void on_wake(troupe::context<clockwork>&) {
    ++wakes;
    if (!stumbles) return;
    counter_part::mine().set_due("left", 2min);
    throw std::runtime_error{"stumbled"};
  }
  void set(std::string name, std::chrono::milliseconds delay) { counter_part::mine().set_due(name, delay); }
  void remove(std::string name) { counter_part::mine().remove(name); }
  std::size_t rows() { return counter_part::mine().all().size(); }
  void rest(troupe::context<clockwork>& c) { c.sleep(); }
  void end(troupe::context<clockwork>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<clockwork, &clockwork::set, &clockwork::remove, &clockwork::rows, &clockwork::rest,
                              &clockwork::end>;
};

/// Has messages, too.
struct alarm_clock {
  static constexpr troupe::queue<"calls", std::string> calls{};
  void on_call(const std::string& text) { counter_part::mine().add(text, 1); }
  void set(std::string name, std::chrono::milliseconds delay) { counter_part::mine().set_due(name, delay); }
  std::size_t rows() { return counter_part::mine().all().size(); }
  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<alarm_clock, troupe::consumes<calls, &alarm_clock::on_call>, &alarm_clock::set,
                              &alarm_clock::rows>;
};

}  // namespace

template <>
inline constexpr std::span<const troupe::detail::part_entry> troupe::detail::own_parts<clockwork> =
    counter_part::entries;
template <>
inline constexpr std::span<const troupe::detail::part_entry> troupe::detail::own_parts<alarm_clock> =
    counter_part::entries;

namespace {

troupe::registry clockworks() {
  troupe::registry r;
  r.use<clockwork>("clockwork").use<alarm_clock>("alarm clock");
  return r;
}

/// A store whose reads fail or wait when the test says so, and that counts its looks at due rows. Copies are one store.
class read_gate {
 public:
  explicit read_gate(gated_store from) : from_{std::move(from)} {}

  [[nodiscard]] std::unique_ptr<troupe::store> operator()() const { return std::make_unique<opened>(from_(), shared_); }

  void fail_loads(bool how) { shared_->loads_fail = how; }
  void fail_looks(bool how) { shared_->looks_fail = how; }
  void hold_looks() { shared_->looks_wait = true; }
  /// What a look that waits finds is as of when it was asked for.
  void let_looks_go() {
    shared_->looks_wait = false;
    for (auto* const each : std::exchange(shared_->waiting, {})) each->done(*each);
  }
  [[nodiscard]] std::size_t looks() const { return shared_->looks; }
  [[nodiscard]] std::size_t loads() const { return shared_->loads; }

 private:
  struct shared {
    std::size_t loads = 0, looks = 0;
    bool loads_fail = false, looks_fail = false, looks_wait = false;
    std::vector<troupe::due_request*> waiting;
  };
  class opened : public forwarding_store {
   public:
    opened(std::unique_ptr<troupe::store> good, std::shared_ptr<shared> s)
        : forwarding_store{std::move(good)}, shared_{std::move(s)} {}
    void load(troupe::load_request& request) noexcept override {
      ++shared_->loads;
      shared_->loads_fail ? fail(request) : good_->load(request);
    }
    void list_due(troupe::due_request& request) noexcept override {
      ++shared_->looks;
      if (shared_->looks_fail) return fail(request);
      if (!shared_->looks_wait) return good_->list_due(request);
      const auto done = std::exchange(request.done, [](troupe::due_request&) noexcept {});
      good_->list_due(request);
      request.done = done;
      shared_->waiting.push_back(&request);
    }

   private:
    template <class Request>
    static void fail(Request& request) {
      request.failure = std::make_exception_ptr(troupe::error(troupe::errc::store_failed, "as the test wants it"));
      request.done(request);
    }
    std::shared_ptr<shared> shared_;
  };

  gated_store from_;
  std::shared_ptr<shared> shared_ = std::make_shared<shared>();
};

using lines = std::vector<std::string>;

const troupe::wall_time start_of_clock = troupe::manual_clock{}.wall();

/// Actors "a0", "a1", ... as an earlier process has left them: each with rows that are due at these times after the
/// start of the clock.
template <class DueOf>
gated_store left_behind(int actors, int rows_each, DueOf&& due_of) {
  gated_store store;
  const auto opened = store();
  std::deque<std::string> keys;
  std::deque<troupe::write_set::creation> creations;
  std::deque<std::vector<troupe::part_change>> parts;
  std::deque<troupe::bytes> names;
  const troupe::bytes state = troupe::encode(clockwork{});
  const troupe::bytes none = troupe::encode(std::int64_t{0});
  const troupe::tags labels;
  troupe::commit_request all;
  for (int i = 0; i < actors; ++i) {
    auto& creation = creations.emplace_back();
    creation.name = "clockwork";
    creation.key = keys.emplace_back(troupe::key{"a" + std::to_string(i)}.canonical());
    creation.labels = &labels;
    troupe::actor_id::bytes_type id{};
    id[14] = static_cast<std::uint8_t>(i >> 8);
    id[15] = static_cast<std::uint8_t>(i);
    id[0] = 1;
    auto& rows = parts.emplace_back();
    for (int row = 0; row < rows_each; ++row) {
      const std::string name = "r" + std::to_string(row);
      const auto view = std::as_bytes(std::span{name});
      const auto& key = names.emplace_back(view.begin(), view.end());
      const auto due = start_of_clock + std::chrono::duration_cast<std::chrono::milliseconds>(due_of(i, row));
      rows.push_back({counter_part::collection, key, troupe::bytes_view{none}, due});
    }
    troupe::write_set write;
    write.what = troupe::write_set::action::create;
    write.id = troupe::actor_id{id};
    write.state = state;
    write.created = &creation;
    write.parts = rows;
    all.writes.push_back(write);
  }
  all.done = [](troupe::commit_request&) noexcept {};
  opened->commit(all);
  REQUIRE_FALSE(all.failure);
  opened->close();
  return store;
}

struct clean {
  clean() { counter_part::reset(); }
  ~clean() { counter_part::reset(); }
};

struct fixture : clean {
  gated_store durable;
  read_gate store{durable};
  world w{clockworks(), store};
  troupe::handle<clockwork> a = w.client.get_or_create<clockwork>("a");

  void set_and_rest(const troupe::handle<clockwork>& h, std::string name, std::chrono::milliseconds delay) {
    w.run(h.call<&clockwork::set>(std::move(name), delay));
    w.run(h.call<&clockwork::rest>());
    w.settle();
    REQUIRE(w.phase(h) == phase::asleep);
  }
};

// The store as a killed process leaves it, at a clock that shows the same time.
struct after_kill {
  explicit after_kill(const fixture& f) : w{clockworks(), f.durable.after_crash()} {
    w.clock->advance(f.w.clock->now() - w.clock->now());
    w.settle();
  }
  world w;
  troupe::handle<clockwork> a = w.client.get<clockwork>("a");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a row that is due wakes its actor, and not earlier") {
  const auto delay = GENERATE(10'000ms, 90'000ms, 3'600'000ms, 2'592'000'000ms);
  set_and_rest(a, "x", delay);
  w.pass(delay - 2s);
  CHECK(w.phase(a) == phase::asleep);
  CHECK(counter_part::fired().empty());
  w.pass(2s + 5ms);
  CHECK(w.phase(a) == phase::awake);
  CHECK(counter_part::fired() == lines{"a x"});
  w.pass(10min);
  CHECK(counter_part::fired() == lines{"a x"});
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "an actor that is awake counts when it is time, too") {
  w.run(a.call<&clockwork::set>("x", 2s));
  w.pass(2s + 5ms);
  CHECK(counter_part::fired() == lines{"a x"});
  after_kill next{*this};
  next.w.pass(1min);
  CHECK(counter_part::fired() == lines{"a x"});
}

TEST_CASE_METHOD(fixture, "the earliest of several rows wakes the actor, then the next") {
  set_and_rest(a, "third", 3h);
  set_and_rest(a, "first", 1min);
  set_and_rest(a, "second", 2h);
  w.pass(61s);
  CHECK(counter_part::fired() == lines{"a first"});
  w.pass(2h);
  CHECK(counter_part::fired() == lines{"a first", "a second"});
  w.pass(1h);
  CHECK(counter_part::fired() == lines{"a first", "a second", "a third"});
}

TEST_CASE_METHOD(fixture, "a row that is gone wakes nobody") {
  set_and_rest(a, "x", 1h);
  w.run(a.call<&clockwork::remove>("x"));
  w.pass(10s);
  const auto loads = store.loads();
  w.pass(2h);
  CHECK(store.loads() == loads);
  CHECK(counter_part::fired().empty());
}

TEST_CASE_METHOD(fixture, "the next process wakes it when it is due") {
  set_and_rest(a, "x", 1h);
  w.pass(30min);
  after_kill next{*this};
  next.w.pass(30min - 2s);
  CHECK(next.w.phase(next.a) == phase::asleep);
  next.w.pass(2s + 5ms);
  CHECK(counter_part::fired() == lines{"a x"});
}

TEST_CASE_METHOD(fixture, "the next process wakes it at once if it was due meanwhile") {
  set_and_rest(a, "x", 10s);
  after_kill next{*this};
  REQUIRE(counter_part::fired().empty());
  w.runtime.shutdown();
  next.w.clock->advance(1h);
  next.w.pass(5ms);
  CHECK(counter_part::fired() == lines{"a x"});
}

TEST_CASE_METHOD(clean, "a hundred rows of one actor come in the order of time") {
  const auto due_of = [](int, int row) { return std::chrono::seconds{(row * 37) % 100}; };
  world w{clockworks(), left_behind(1, 100, due_of)};
  w.clock->advance(1h);
  w.pass(5ms);
  lines expected(100);
  for (int row = 0; row < 100; ++row) expected[(row * 37) % 100] = "a0 r" + std::to_string(row);
  CHECK(counter_part::fired() == expected);
}

TEST_CASE_METHOD(clean, "actors whose rows were due while no process ran wake in the order of time") {
  constexpr int actors = 600;  // more than a page
  const auto due_of = [](int actor, int) { return std::chrono::seconds{(actor * 7) % actors - actors}; };
  world w{clockworks(), left_behind(actors, 1, due_of)};
  w.pass(20ms);
  lines expected(actors);
  for (int actor = 0; actor < actors; ++actor) expected[(actor * 7) % actors] = "a" + std::to_string(actor) + " r0";
  CHECK(counter_part::fired() == expected);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(clean, "rows far in the future are not read at the start, and wake their actors in time") {
  constexpr int actors = 3'000;
  read_gate store{left_behind(actors, 1, [](int actor, int) { return 24h + 10ms * actor; })};
  world w{clockworks(), store};
  w.pass(23h);
  CHECK(store.looks() == 1);
  CHECK(store.loads() == 0);
  w.pass(1h - 1s);
  CHECK(store.loads() == 0);
  CHECK(store.looks() <= 7);  // a thousand actors, in pages
  w.pass(40s);
  CHECK(counter_part::fired().size() == actors);
  CHECK(std::ranges::is_sorted(counter_part::fired(), {}, [](const std::string& each) {
    return std::stoi(each.substr(1));
  }));
  CHECK(store.looks() <= 20);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "while nothing is due the store is not asked") {
  w.pass(1h);
  set_and_rest(a, "x", 24h);
  const auto looks = store.looks();
  w.pass(23h);
  CHECK(store.looks() == looks);
  w.pass(1h + 5ms);
  CHECK(counter_part::fired() == lines{"a x"});
}

TEST_CASE_METHOD(fixture, "a row that comes while the store is looking is not missed") {
  const auto delay = GENERATE(5s, 30s, 100s, 3min);
  const auto other = w.client.get_or_create<clockwork>("b");
  set_and_rest(other, "y", 20min);
  store.hold_looks();
  w.pass(19min + 30s);
  set_and_rest(a, "x", delay);
  store.let_looks_go();
  w.pass(5min);
  auto fired = counter_part::fired();
  std::ranges::sort(fired);
  CHECK(fired == lines{"a x", "b y"});
}

TEST_CASE_METHOD(fixture, "due times and messages wake one actor, each when it is time") {
  const auto both = w.client.get_or_create<alarm_clock>("both");
  w.run(both.call<&alarm_clock::set>("x", 2min));
  w.run(both.send(alarm_clock::calls, "y", troupe::delayed{1min}));
  w.pass(10s);
  REQUIRE(w.phase(both) == phase::asleep);
  w.pass(51s);
  CHECK(w.phase(both) == phase::awake);
  w.pass(20s);
  CHECK(w.phase(both) == phase::asleep);
  w.pass(40s);
  CHECK(w.phase(both) == phase::awake);
  CHECK(counter_part::fired() == lines{"both x"});
  CHECK(w.run(both.call<&alarm_clock::rows>()) == 2);
}

TEST_CASE_METHOD(fixture, "an actor that was destroyed is left alone") {
  set_and_rest(a, "x", 1min);
  w.run(a.call<&clockwork::end>());
  const auto loads = store.loads();
  w.pass(1h);
  CHECK(store.loads() == loads);
  CHECK(counter_part::fired().empty());
  CHECK(durable.durable().empty());
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a runtime that ends wakes nobody any more") {
  set_and_rest(a, "x", 1min);
  w.runtime.shutdown();
  const auto looks = store.looks();
  const auto loads = store.loads();
  w.clock->advance(1h);
  w.settle();
  CHECK(store.looks() == looks);
  CHECK(store.loads() == loads);
  CHECK(counter_part::fired().empty());
}

TEST_CASE_METHOD(fixture, "a row that a failed wake leaves behind wakes the actor when it is due") {
  w.run(a.call<&clockwork::rest>());
  w.settle();
  REQUIRE(w.phase(a) == phase::asleep);
  clockwork::stumbles = true;
  const auto failed = w.start(a.call<&clockwork::rows>());
  clockwork::stumbles = false;
  REQUIRE(failed.failed());
  w.settle();
  REQUIRE(w.phase(a) == phase::asleep);
  w.pass(119s);
  CHECK(counter_part::fired().empty());
  w.pass(2s);
  CHECK(counter_part::fired() == lines{"a left"});
}

TEST_CASE_METHOD(fixture, "the wall clock goes back by a day, rows are set, and it goes forward again") {
  w.pass(5min);
  w.clock->set_wall(-24h);
  w.pass(2min);
  set_and_rest(a, "x", 12h);
  w.pass(2min);
  w.clock->set_wall(24h);
  w.pass(2min);
  CHECK(counter_part::fired() == lines{"a x"});
}

TEST_CASE_METHOD(fixture, "a store that fails while the actor is loaded costs nothing but time") {
  set_and_rest(a, "x", 1min);
  store.fail_loads(true);
  w.pass(10min);
  CHECK(counter_part::fired().empty());
  CHECK(w.errors.size() >= 10);
  CHECK(w.errors.size() <= 16);
  CHECK(w.errors.front() == "waking clockwork/a for what is due: store.failed");
  store.fail_loads(false);
  w.pass(1min);
  CHECK(counter_part::fired() == lines{"a x"});
}

TEST_CASE_METHOD(clean, "a store that fails at the start is asked again, less and less often") {
  read_gate store{left_behind(1, 1, [](int, int) { return 0s; })};
  store.fail_looks(true);
  world w{clockworks(), store};
  w.pass(10min);
  CHECK(store.looks() >= 10);
  CHECK(store.looks() <= 16);
  CHECK(w.errors.front() == "looking for actors with something due: store.failed");
  store.fail_looks(false);
  w.pass(1min);
  CHECK(counter_part::fired() == lines{"a0 r0"});
}

TEST_CASE_METHOD(clean, "an actor with many rows that cannot wake is tried as seldom as one with one") {
  read_gate store{left_behind(1, 5'000, [](int, int row) { return 1ms * row; })};
  store.fail_loads(true);
  world w{clockworks(), store};
  w.pass(1min);
  CHECK(w.errors.size() >= 5);
  CHECK(w.errors.size() <= 8);
  store.fail_loads(false);
  w.pass(1min);
  CHECK(counter_part::fired().size() == 5'000);
}

TEST_CASE_METHOD(clean, "an actor with many rows is woken once for them, and does not keep others waiting") {
  read_gate store{left_behind(2, 5'000, [](int actor, int row) { return 1h * actor + 1ms * row; })};
  world w{clockworks(), store};
  w.clock->advance(2h);
  w.pass(5ms);
  CHECK(counter_part::fired().size() == 10'000);
  CHECK(store.loads() == 2);
}

TEST_CASE_METHOD(fixture, "a wall clock that is set forward is noticed within a minute or two") {
  set_and_rest(a, "x", 5h);
  w.clock->set_wall(5h);
  w.pass(2min);
  CHECK(counter_part::fired() == lines{"a x"});
}

TEST_CASE_METHOD(fixture, "a wall clock that is set back holds a row back, and fires it once") {
  set_and_rest(a, "x", 1h);
  w.pass(10s);
  w.clock->set_wall(-1h);
  w.pass(1h + 1min);
  CHECK(counter_part::fired().empty());
  w.pass(1h);
  CHECK(counter_part::fired() == lines{"a x"});
}
