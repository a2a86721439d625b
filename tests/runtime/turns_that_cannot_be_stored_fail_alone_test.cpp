// SPDX-License-Identifier: Apache-2.0
// A state that cannot be stored fails the turn that caused it: that turn is undone, and others do not notice. A failure
// that only the commit can find is named, with its actor.

#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/json_text.hpp>

#include "gated_store.hpp"
#include "world.hpp"

using namespace behaviour;
using Catch::Matchers::Contains;

/// Cannot be stored while it is negative.
struct positive {
  int value = 0;
};

template <>
struct troupe::codec<positive> {
  static void write(troupe::cbor_writer& out, const positive& p) {
    if (p.value < 0) throw troupe::user_error("negative", "will not be written");
    troupe::write(out, p.value);
  }
  static void read(troupe::cbor_reader& in, positive& p) { troupe::read(in, p.value); }
};

namespace {

constexpr std::size_t large = 8'000;  // more than is encoded eagerly

// JSON text of a tree of that many levels, of which each takes two of CBOR.
std::string tree_of(int levels) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += R"({"children":[)";
  for (int i = 0; i < levels; ++i) text += "]}";
  return text;
}

struct tree {
  std::vector<tree> children;
};

struct garden {
  std::string ground;
  std::vector<std::vector<tree>> rows;
  int visits = 0;
  troupe::transient<int> seen = 0;

  void plant(tree t) {
    rows.resize(rows.size() + 1);
    rows.back().push_back(std::move(t));
    ++visits;
    ++*seen;
  }
  int visit() { return ++visits; }
  int count() const { return visits; }
  int sights() const { return *seen; }
  std::size_t width() const { return rows.size(); }
  void dig(int bytes) { ground.assign(static_cast<std::size_t>(bytes), 'x'); }

  using actor = troupe::actor<garden, &garden::plant, &garden::visit, &garden::count, &garden::sights, &garden::width,
                              &garden::dig>;
};

struct ledger {
  std::string pages;
  positive balance;
  int copies = 0;

  void fill(int bytes) { pages.assign(static_cast<std::size_t>(bytes), 'x'); }
  int set(int to) {
    balance.value = to;
    return to;
  }
  int get() const { return balance.value; }
  int copy() { return ++copies; }
  int copied() const { return copies; }
  // The change, which may not be stored, comes before the call.
  troupe::task<std::string> tell(troupe::context<ledger>& c, int to) {
    balance.value = to;
    auto other = c.client().get_or_create<ledger>("told");
    try {
      co_await other.call<&ledger::copy>();
    } catch (const troupe::error& e) {
      co_return e.code();
    }
    co_return "told";
  }

  using actor = troupe::actor<ledger, &ledger::fill, &ledger::set, &ledger::get, &ledger::copy, &ledger::copied,
                              &ledger::tell>;
};

struct box {
  std::string contents;
  std::vector<std::pair<int, std::string>> labels;
  std::variant<int, std::string> kind;
  int numbers = 0;

  void fill(int bytes) { contents.assign(static_cast<std::size_t>(bytes), 'x'); }
  int size() const { return static_cast<int>(contents.size()); }
  int number() { return ++numbers; }

  using actor = troupe::actor<box, &box::fill, &box::size, &box::number>;
};

// The same, but its encoding cannot fail.
struct crate {
  std::string contents;
  std::vector<std::pair<int, std::string>> labels;
  int numbers = 0;

  void fill(int bytes) { contents.assign(static_cast<std::size_t>(bytes), 'x'); }
  void label(int count) { labels.assign(static_cast<std::size_t>(count), {1, std::string(100, 'l')}); }
  int size() const { return static_cast<int>(contents.size()); }
  int number() { return ++numbers; }
  int get() const { return numbers; }

  using actor = troupe::actor<crate, &crate::fill, &crate::label, &crate::size, &crate::number, &crate::get>;
};

struct diary {
  positive mood;

  void on_state_change(troupe::context<diary>&) const {}
  int set(int to) {
    mood.value = to;
    return to;
  }
  int get() const { return mood.value; }

  static constexpr troupe::options options{.durability = troupe::durability::relaxed, .save_interval = 1s};
  using actor = troupe::actor<diary, &diary::set, &diary::get>;
};

troupe::registry registry(std::size_t state_bytes_max = 64U << 20) {
  troupe::registry r;
  troupe::use_options limited;
  limited.options = troupe::options{.state_bytes_max = state_bytes_max};
  r.use<garden>("garden");
  r.use<ledger>("ledger");
  r.use<diary>("diary");
  r.use<box>("box", limited);
  r.use<crate>("crate", limited);
  return r;
}

}  // namespace

TEST_CASE("an argument that is nested too deeply for the state fails its call and nobody else's") {
  gated_store store;
  world w{registry(), store};
  const auto one = w.client.get_or_create<garden>("one");
  const auto other = w.client.get_or_create<garden>("other");
  const bool is_large = GENERATE(false, true);
  if (is_large) w.run(one.call<&garden::dig>(large));
  w.run(one.call("plant", "[" + tree_of(62) + "]"));
  CHECK(w.run(one.call<&garden::width>()) == 1);

  CHECK(w.code(one.call("plant", "[" + tree_of(63) + "]")) == "encoding.invalid");
  CHECK(w.run(other.call<&garden::visit>()) == 1);
  const auto health = w.runtime.health();
  CHECK(health.store_ok);
  CHECK(health.accepts_changes);
  REQUIRE_FALSE(w.errors.empty());
  CHECK(w.errors.back() == "garden/one: the state cannot be stored: encoding.invalid");

  CHECK(w.run(one.call<&garden::count>()) == 1);
  CHECK(w.run(one.call<&garden::sights>()) == 2);  // transient members are nobody's but the program's
  CHECK(w.run(one.call<&garden::visit>()) == 2);
  world again{registry(), store.after_crash()};
  CHECK(again.run(again.client.get<garden>("one").call<&garden::count>()) == 2);
  CHECK(again.run(again.client.get<garden>("one").call<&garden::width>()) == 1);
}

TEST_CASE("a turn that cannot be stored is undone, those of the same epoch before it are not") {
  gated_store store;
  world w{registry(), store};
  const auto one = w.client.get_or_create<ledger>("one");
  if (GENERATE(false, true)) w.run(one.call<&ledger::fill>(large));
  w.run(one.call<&ledger::set>(1));
  store.hold();
  const auto first = w.start(one.call<&ledger::set>(2));
  const auto second = w.start(one.call<&ledger::set>(3));
  const auto failing = w.start(one.call<&ledger::set>(-1));
  const auto reading = w.start(one.call<&ledger::get>());
  const auto third = w.start(one.call<&ledger::copy>());
  store.let_go();
  w.settle();
  CHECK(first.value() == 2);
  CHECK(second.value() == 3);
  CHECK(failing.code() == "user.negative");
  CHECK(reading.value() == 3);
  CHECK(third.value() == 1);
  world again{registry(), store.after_crash()};
  CHECK(again.run(again.client.get<ledger>("one").call<&ledger::get>()) == 3);
  CHECK(again.run(again.client.get<ledger>("one").call<&ledger::copied>()) == 1);
}

TEST_CASE("a turn that cannot be stored makes no call, whose effect would have no cause") {
  world w{registry(), gated_store{}};
  const auto one = w.client.get_or_create<ledger>("one");
  w.run(one.call<&ledger::set>(1));
  CHECK(w.code(one.call<&ledger::tell>(-1)) == "user.negative");
  CHECK(w.code(w.client.get<ledger>("told").call<&ledger::copied>()) == "actor.not_found");
  CHECK(w.run(one.call<&ledger::get>()) == 1);
  CHECK(w.run(one.call<&ledger::tell>(2)) == "told");
  CHECK(w.run(w.client.get<ledger>("told").call<&ledger::copied>()) == 1);
}

TEST_CASE("a relaxed actor keeps a state that cannot be stored, also if it has an on_state_change, and stores it later") {
  gated_store store;
  world w{registry(), store};
  const auto one = w.client.get_or_create<diary>("one");
  CHECK(w.run(one.call<&diary::set>(1)) == 1);
  CHECK(w.run(one.call<&diary::set>(-1)) == -1);
  CHECK(w.run(one.call<&diary::get>()) == -1);
  CHECK(w.errors.empty());
  w.pass(2s);
  CHECK_FALSE(w.errors.empty());
  CHECK(w.run(one.call<&diary::set>(2)) == 2);
  w.pass(2s);
  world again{registry(), store.after_crash()};
  CHECK(again.run(again.client.get<diary>("one").call<&diary::get>()) == 2);
}

TEMPLATE_TEST_CASE("a state over its limit fails the call that makes it so, and stays as it was", "", box, crate) {
  gated_store store;
  world w{registry(64 * 1024), store};
  const auto one = w.client.get_or_create<TestType>("one");
  const int before = GENERATE(100, 5'000, 20'000, 40'000);  // eager, lazy, and near the limit
  w.run(one.template call<&TestType::fill>(before));
  const auto failing = w.start(one.template call<&TestType::fill>(70'000));
  CHECK(failing.code() == "actor.state_too_large");
  CHECK_THAT(failing.text(), Contains("one") && Contains("state_bytes_max") && Contains("65536"));
  CHECK(w.run(one.template call<&TestType::size>()) == before);
  CHECK(w.run(one.template call<&TestType::number>()) == 1);
  w.run(one.template call<&TestType::fill>(60'000));
  CHECK(w.code(one.template call<&TestType::fill>(70'000)) == "actor.state_too_large");
  w.run(one.template call<&TestType::fill>(10));
  CHECK(w.runtime.health().store_ok);
  world again{registry(64 * 1024), store.after_crash()};
  CHECK(again.run(again.client.template get<TestType>("one").template call<&TestType::size>()) == 10);
}

TEST_CASE("a limit counts the contents of containers as well") {
  world w{registry(64 * 1024), gated_store{}};
  const auto one = w.client.get_or_create<crate>("one");
  w.run(one.call<&crate::fill>(5'000));
  w.run(one.call<&crate::label>(500));
  CHECK(w.code(one.call<&crate::label>(700)) == "actor.state_too_large");
  CHECK(w.run(one.call<&crate::number>()) == 1);
}

TEST_CASE("a state that is over its limit already may become smaller, in steps") {
  gated_store store;
  {
    world w{registry(), store};
    w.run(w.client.get_or_create<crate>("one").call<&crate::fill>(100'000));
  }
  world w{registry(64 * 1024), store};
  const auto one = w.client.get<crate>("one");
  CHECK(w.run(one.call<&crate::size>()) == 100'000);
  CHECK(w.code(one.call<&crate::fill>(100'001)) == "actor.state_too_large");
  w.run(one.call<&crate::fill>(90'000));
  CHECK(w.code(one.call<&crate::fill>(95'000)) == "actor.state_too_large");
  w.run(one.call<&crate::fill>(1'000));
  CHECK(w.run(one.call<&crate::size>()) == 1'000);
}

TEST_CASE("a large state that grows by more than half its limit within an epoch is stored once, and grows no more") {
  gated_store store;
  world w{registry(64 * 1024), store};
  const auto one = w.client.get_or_create<crate>("one");
  w.run(one.call<&crate::fill>(5'000));
  store.hold();
  const auto first = w.start(one.call<&crate::number>());
  const auto second = w.start(one.call<&crate::number>());
  const auto jump = w.start(one.call<&crate::fill>(80'000));
  store.let_go();
  w.settle();
  CHECK(first.value() == 1);
  CHECK(second.value() == 2);
  REQUIRE(jump.done());
  CHECK_FALSE(jump.failed());
  CHECK(w.code(one.call<&crate::fill>(80'001)) == "actor.state_too_large");
  CHECK(w.run(one.call<&crate::size>()) == 80'000);
  w.run(one.call<&crate::fill>(10));
  CHECK(w.runtime.health().store_ok);
}

TEST_CASE("options that allow more than the store takes are refused at the start, with their names") {
  const auto why = text_of(failure_of([] { world{registry(2'000'000'000), troupe::memory{}}; }));
  CHECK_THAT(why, Contains("config.invalid") && Contains("box") && Contains("options::state_bytes_max") &&
                      Contains("2000000000"));
  gated_store small;
  small.take_at_most(10'000'000);
  CHECK(code_when([&] { world{registry(1'000), small}; }) == "config.invalid");  // the default of the others
}

TEST_CASE("a write-set that the store will never take stops the runtime at once, and health names the actor and the reason") {
  gated_store store;
  world w{registry(), store};
  const auto one = w.client.get_or_create<ledger>("one");
  const auto quiet = w.client.get_or_create<ledger>("quiet");
  w.run(one.call<&ledger::set>(1));
  w.run(quiet.call<&ledger::set>(1));
  store.refuse();
  const auto attempts = store.attempts();
  const auto call = w.start(one.call<&ledger::set>(2));
  CHECK(call.code() == "store.unavailable");
  w.pass(60s);
  CHECK(store.attempts() == attempts + 1);
  const auto health = w.runtime.health();
  CHECK_FALSE(health.store_ok);
  CHECK_FALSE(health.accepts_changes);
  CHECK_THAT(health.store_error, Contains("ledger/one") && Contains("as the test wants it"));
  CHECK(w.code(quiet.call<&ledger::set>(2)) == "store.refuses_changes");
}

TEST_CASE("a store that belongs to another by now stops the runtime at once") {
  gated_store store;
  world w{registry(), store};
  const auto one = w.client.get_or_create<ledger>("one");
  w.run(one.call<&ledger::set>(1));
  store.lose_ownership();
  const auto attempts = store.attempts();
  CHECK(w.start(one.call<&ledger::set>(2)).code() == "store.unavailable");
  w.pass(60s);
  CHECK(store.attempts() == attempts + 1);
  CHECK_THAT(w.runtime.health().store_error, Contains("another owner") && Contains("store.in_use"));
}

TEST_CASE("a state that a commit cannot take any more stops the runtime, and health names the actor and the reason") {
  gated_store store;
  store.take_at_most(200'000'000);
  world w{registry(100 * 1024), store};
  store.take_at_most(100 * 1024);  // other than a store may
  const auto one = w.client.get_or_create<crate>("one");
  w.run(one.call<&crate::fill>(5'000));
  store.hold();
  const auto first = w.start(one.call<&crate::number>());
  const auto second = w.start(one.call<&crate::number>());
  const auto jump = w.start(one.call<&crate::fill>(150'000));
  store.let_go();
  w.settle();
  CHECK(first.value() == 1);
  CHECK(second.code() == "store.unavailable");
  CHECK(jump.code() == "store.unavailable");
  const auto health = w.runtime.health();
  CHECK_FALSE(health.store_ok);
  CHECK_THAT(health.store_error, Contains("crate/one") && Contains("the store takes 102400"));
}
