// SPDX-License-Identifier: Apache-2.0
// The two ends of a connection where they do not belong: moved from, outside of the actor's turns, too early.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/last_words.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

struct salon;
std::optional<troupe::peer<salon>> leaked;  ///< kept outside of the actor, by mistake
std::vector<std::string> early;             ///< the errors of an end that the actor has not let in yet

struct salon {
  static constexpr troupe::event<"word", int> word{};
  int said = 0;

  void on_before_connect(troupe::context<salon>& c) {
    const auto p = c.connection();
    early.push_back(code_when([&] { p->send(word, 0); }));
    early.push_back(code_when([&] { p->disconnect(); }));
    early.push_back(code_when([&] { p->disconnect(troupe::user_error{"full", "No seat is free"}); }));
  }
  int create_connection_state(troupe::context<salon>&) { return 7; }
  void on_connect(troupe::context<salon>&, troupe::peer<salon> p) { leaked = p; }

  int say(troupe::context<salon>& c) {
    c.broadcast(word, ++said);
    return said;
  }
  /// Moves an end, and goes on with both.
  int send_by_moved(troupe::context<salon>& c) {
    auto first = *c.connection();
    const auto second = std::move(first);
    first.send(word, 100);
    second.send(word, 200);
    return first.state() + second.state();
  }
  using actor = troupe::actor<salon, &salon::say, &salon::send_by_moved, word>;
};

std::vector<std::string> codes_of_leaked() {
  return {code_when([] { leaked->send(salon::word, 1); }), code_when([] { leaked->disconnect(); }),
          code_when([] { leaked->disconnect(troupe::user_error{"left", "Goodbye"}); })};
}
const std::vector<std::string> all_refused(3, "actor.invalid_operation");

struct stranger {
  std::vector<std::string> use() { return codes_of_leaked(); }
  using actor = troupe::actor<stranger, &stranger::use>;
};

struct fixture {
  fixture() { early.clear(); }
  ~fixture() { leaked.reset(); }
  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;
  static troupe::registry registry() {
    troupe::registry r;
    r.use<salon>("salon").use<stranger>("stranger");
    return r;
  }
  world w{registry()};
  troupe::handle<salon> s = w.client.get_or_create<salon>("s");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a connection that was moved from refuses everything") {
  auto first = w.run(s.connect());
  auto visit = std::move(first);
  const std::string refused = "actor.invalid_operation";
  CHECK(code_when([&] { static_cast<void>(first.id()); }) == refused);
  CHECK(code_when([&] { static_cast<void>(first.on(salon::word, [](int) {})); }) == refused);
  CHECK(code_when([&] { static_cast<void>(first.once(salon::word, [](int) {})); }) == refused);
  CHECK(code_when([&] { static_cast<void>(first.stream(salon::word)); }) == refused);
  CHECK(code_when([&] { static_cast<void>(first.next(salon::word)); }) == refused);
  CHECK(code_when([&] { static_cast<void>(first.on_close([](const std::exception_ptr&) {})); }) == refused);
  CHECK(w.code(first.call<&salon::say>()) == refused);
  CHECK(w.code(first.actor().call<&salon::say>()) == refused);
  CHECK_FALSE(first.connected());
  first.close();
  CHECK(visit.connected());
  CHECK(w.run(visit.call<&salon::say>()) == 1);
}

TEST_CASE_METHOD(fixture, "an event stream and a subscription that were moved from refuse to wait") {
  const auto visit = w.run(s.connect());
  auto first = visit.stream(salon::word);
  auto words = std::move(first);
  CHECK(w.code(first.next()) == "actor.invalid_operation");
  CHECK(w.code(first.ready()) == "actor.invalid_operation");
  auto heard = visit.on(salon::word, [](int) {});
  const auto other = std::move(heard);
  CHECK(w.code(heard.ready()) == "actor.invalid_operation");
  heard.reset();
  CHECK(static_cast<bool>(other));
  w.run(s.call<&salon::say>());
  CHECK(w.run(words.next()) == 1);
}

TEST_CASE_METHOD(fixture, "outside of the actor's turns its end of a connection sends nothing, and ends nothing") {
  const auto visit = w.run(s.connect());
  int heard = 0;
  const auto words = visit.on(salon::word, [&](int) { ++heard; });
  SECTION("in the host") { CHECK(codes_of_leaked() == all_refused); }
  SECTION("in another actor") {
    CHECK(w.run(w.client.get_or_create<stranger>("x").call<&stranger::use>()) == all_refused);
  }
  w.settle();
  CHECK(heard == 0);
  CHECK(visit.connected());
}

TEST_CASE_METHOD(fixture, "before it has let a connection in, the actor can neither send nor disconnect, but throw") {
  const auto visit = w.run(s.connect());
  CHECK(early == all_refused);
  CHECK(visit.connected());
}

TEST_CASE_METHOD(fixture, "the actor's end may be moved, and used as before") {
  const auto visit = w.run(s.connect());
  std::vector<int> heard;
  const auto words = visit.on(salon::word, [&](int n) { heard.push_back(n); });
  CHECK(w.run(visit.call<&salon::send_by_moved>()) == 14);
  w.settle();
  CHECK(heard == std::vector{100, 200});
}

#if TROUPE_ASSERTIONS
TEST_CASE_METHOD(fixture, "a connection's state outside of the actor's turns fails an assertion") {
  const auto visit = w.run(s.connect());
  const auto end = end_of_process([] { leaked->state() = 8; });
  CHECK(end.aborted);
  CHECK_THAT(end.words, Catch::Contains("a connection's state belongs to the actor's own code"));
}
#endif
