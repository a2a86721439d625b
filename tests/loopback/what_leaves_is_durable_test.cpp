// SPDX-License-Identifier: Apache-2.0
// What an actor asks of an actor of another process leaves when the changes that it depends on are durable.

#include <catch2/catch.hpp>

#include "two_runtimes.hpp"

using namespace behaviour;
using texts = std::vector<std::string>;

namespace {

std::optional<troupe::client> elsewhere;  // the client over the link of the test that runs

/// Counts what it asks of a desk elsewhere.
struct clerk {
  int asked = 0;

  troupe::task<int> ask(std::string text) {
    ++asked;
    const auto front = elsewhere->get_or_create<desk>("front");
    const int n = co_await front.call<&desk::note>(text);
    co_return n;
  }
  troupe::task<int> ask_briefly(std::string text) {
    ++asked;
    const auto front = elsewhere->get_or_create<desk>("front").with(troupe::timeout{1s});
    const int n = co_await front.call<&desk::note>(text);
    co_return n;
  }
  void tell(std::string text) {
    ++asked;
    elsewhere->get_or_create<desk>("front").post<&desk::note>(text);
  }
  troupe::task<int> ask_and_change_nothing(std::string text) const {
    const auto front = elsewhere->get_or_create<desk>("front");
    const int n = co_await front.call<&desk::note>(text);
    co_return n;
  }
  int count() const { return asked; }

  static constexpr troupe::options options{.action_timeout = 20s};
  using actor = troupe::actor<clerk, &clerk::ask, &clerk::ask_briefly, &clerk::tell,
                              &clerk::ask_and_change_nothing, &clerk::count>;
};

const troupe::registry& clerks() {
  static const troupe::registry all = [] {
    troupe::registry r;
    r.use<clerk>("clerk");
    return r;
  }();
  return all;
}

struct fixture {
  fixture() {
    elsewhere.emplace(t.link);
    static_cast<void>(t.start(ann.resolve()));
  }
  ~fixture() { elsewhere.reset(); }
  fixture(const fixture&) = delete;

  texts notes() {
    return t.actors.run(t.actors.client.get_or_create<desk>("front").call<&desk::all>());
  }

  gated_store store;
  two_runtimes t{clerks(), store};
  troupe::handle<clerk> ann = t.callers.client.get_or_create<clerk>("ann");
};

}  // namespace

TEST_CASE("a call of an actor leaves its process once what it depends on is durable", "[loopback][durability]") {
  fixture f;
  f.store.hold();
  const auto asking = f.t.start(f.ann.call<&clerk::ask>("hello"));
  CHECK(f.notes().empty());
  f.store.let_go();
  f.t.settle();
  CHECK(f.notes() == texts{"hello"});
  CHECK(asking.value() == 1);
}

TEST_CASE("a call of an action that changes nothing waits for earlier turns", "[loopback][durability]") {
  fixture f;
  f.store.hold();
  const auto telling = f.t.start(f.ann.call<&clerk::ask>("hello"));
  const auto asking = f.t.start(f.ann.call<&clerk::ask_and_change_nothing>("again"));
  CHECK(f.notes().empty());
  f.store.let_go();
  f.t.settle();
  CHECK(f.notes().size() == 2);
  CHECK(asking.done());
  CHECK(telling.done());
}

TEST_CASE("a post of an actor leaves its process once what it depends on is durable", "[loopback][durability]") {
  fixture f;
  f.store.hold();
  const auto telling = f.t.start(f.ann.call<&clerk::tell>("hello"));
  CHECK(f.notes().empty());
  f.store.let_go();
  f.t.settle();
  CHECK(telling.done());
  CHECK(f.notes() == texts{"hello"});
}

TEST_CASE("what depends on changes that are never stored does not leave", "[loopback][durability]") {
  fixture f;
  f.store.lose_track();
  const auto asking = f.t.start(f.ann.call<&clerk::ask>("hello"));
  const auto telling = f.t.start(f.ann.call<&clerk::tell>("hello"));
  f.t.pass(21s);
  CHECK(asking.code() == "store.unavailable");
  CHECK(f.notes().empty());
}

TEST_CASE("a call whose caller gives up before it could leave never leaves", "[loopback][durability]") {
  fixture f;
  f.store.hold();
  const auto asking = f.t.start(f.ann.call<&clerk::ask_briefly>("hello"));
  f.t.pass(2s);
  f.store.let_go();
  f.t.settle();
  CHECK(asking.code() == "actor.action_timed_out");
  CHECK(f.notes().empty());
}
