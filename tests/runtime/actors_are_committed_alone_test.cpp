// SPDX-License-Identifier: Apache-2.0
// On a store that commits the changes of each actor by themselves: what leaves an actor waits for that actor's commit
// and for no other's; an actor whose changes are lost ends alone, and comes back with what is stored.

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "runtime/apart_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;
using Catch::Matchers::Contains;
using outcome_of_commit = troupe::commit_request::outcome;
using texts = std::vector<std::string>;

namespace {

struct desk {
  static constexpr troupe::queue<"notes", std::string> notes{};
  static constexpr troupe::queue<"letters", std::string, std::string> letters{};
  static constexpr troupe::event<"said", std::string> said{};

  texts all;

  int add(std::string text) {
    all.push_back(std::move(text));
    return static_cast<int>(all.size());
  }
  texts read() const { return all; }
  void say(troupe::context<desk>& c, std::string text) {
    all.push_back(text);
    c.broadcast(said, text);
  }
  /// Changes itself, and then another, which answers.
  troupe::task<int> pass_on(troupe::context<desk>& c, std::string to, std::string text) {
    all.push_back("passed on " + text);
    const auto other = c.client().get_or_create<desk>(to);
    const int n = co_await other.call<&desk::add>(text);
    co_return n;
  }
  void post_on(troupe::context<desk>& c, std::string to, int count) {
    all.push_back("posted");
    const auto other = c.client().get_or_create<desk>(to);
    for (int i = 0; i < count; ++i) other.post<&desk::add>(std::to_string(i));
  }
  troupe::task<> send_on(troupe::context<desk>& c, std::string to, std::string text) {
    all.push_back("sent " + text);
    const auto other = c.client().get_or_create<desk>(to);
    co_await other.send(notes, text);
  }
  texts take(troupe::context<desk>& c) {
    texts taken;
    while (auto m = c.queue().try_next(notes)) taken.push_back(**m);
    return taken;
  }
  void end(troupe::context<desk>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = troupe::never, .action_timeout = 60s};
  using actor = troupe::actor<desk, notes, letters, said, &desk::add, &desk::read, &desk::say, &desk::pass_on,
                              &desk::post_on, &desk::send_on, &desk::take, &desk::end>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<desk>("desk");
    return r;
  }
  fixture() {
    w.run(a.call<&desk::add>("first"));
    w.run(b.call<&desk::add>("first"));
  }
  ~fixture() {
    store.let_all_go();
    w.pass(10s);
  }
  apart_store store;
  world w{registry(), store};
  troupe::handle<desk> a = w.client.get_or_create<desk>("a");
  troupe::handle<desk> b = w.client.get_or_create<desk>("b");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a reply waits for its own actor's commit alone") {
  store.hold("a");
  const auto stuck = w.start(a.call<&desk::add>("x"));
  CHECK(w.run(b.call<&desk::add>("y")) == 2);
  CHECK_FALSE(stuck.done());
  CHECK(w.run(b.call<&desk::read>()) == texts{"first", "y"});
  store.let_go("a");
  w.settle();
  CHECK(stuck.value() == 2);
}

TEST_CASE_METHOD(fixture, "the store may answer in any order") {
  store.hold("a");
  store.hold("b");
  const auto first = w.start(a.call<&desk::add>("x"));
  const auto second = w.start(b.call<&desk::add>("y"));
  store.end("b", outcome_of_commit::committed);
  w.settle();
  CHECK(second.done());
  CHECK_FALSE(first.done());
  store.end("a", outcome_of_commit::committed);
  w.settle();
  CHECK(first.value() == 2);
}

TEST_CASE_METHOD(fixture, "one commit of an actor is under way at a time, and the next has all that came meanwhile") {
  store.hold("a");
  const auto before = store.attempts("a");
  std::vector<outcome<int>> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(w.start(a.call<&desk::add>(std::to_string(i))));
  CHECK(store.attempts("a") == before + 1);
  store.end("a", outcome_of_commit::committed);
  w.settle();
  CHECK(calls[0].done());
  CHECK_FALSE(calls[1].done());
  CHECK(store.attempts("a") == before + 2);
  store.end("a", outcome_of_commit::committed);
  w.settle();
  for (const auto& call : calls) CHECK(call.done());
  CHECK(store.attempts("a") == before + 2);
}

TEST_CASE_METHOD(fixture, "a failed commit is tried again, for its actor alone") {
  store.hold("a");
  const auto stuck = w.start(a.call<&desk::add>("x"));
  store.end("a", outcome_of_commit::failed);
  w.settle();
  CHECK_FALSE(w.runtime.health().store_ok);
  CHECK(w.runtime.health().failures == 1);
  CHECK(w.run(b.call<&desk::add>("y")) == 2);
  CHECK(w.runtime.health().failures == 1);
  CHECK_FALSE(stuck.done());
  w.pass(1s);
  store.end("a", outcome_of_commit::committed);
  w.settle();
  CHECK(stuck.value() == 2);
  CHECK(w.runtime.health().store_ok);
  CHECK(w.runtime.health().losses == 0);
}

TEST_CASE_METHOD(fixture, "an actor whose changes are refused ends alone, and comes back with what is stored") {
  const auto result = GENERATE(outcome_of_commit::refused, outcome_of_commit::not_owner, outcome_of_commit::unknown);
  store.hold("a");
  const auto lost = w.start(a.call<&desk::add>("x"));
  const auto later = w.start(a.call<&desk::add>("later"));
  const auto reads = w.start(a.call<&desk::read>());
  store.end("a", result);
  store.let_go("a");
  w.settle();
  CHECK(lost.code() == "store.unavailable");
  CHECK_THAT(lost.text(), Contains("desk/a") && Contains("starts again from what the store has"));
  CHECK(later.code() == "store.unavailable");
  CHECK(reads.code() == "store.unavailable");  // it has seen what is not there
  CHECK(w.run(a.call<&desk::read>()) == texts{"first"});
  CHECK(w.run(a.call<&desk::add>("again")) == 2);
  CHECK(w.run(b.call<&desk::add>("y")) == 2);
  const auto health = w.runtime.health();
  CHECK(health.losses == 1);
  CHECK_THAT(health.last_loss, Contains("desk/a"));
  CHECK(health.store_ok);
  CHECK(health.accepts_changes);
}

TEST_CASE_METHOD(fixture, "an actor comes back with changes of unknown outcome if they are stored") {
  store.hold("a");
  const auto lost = w.start(a.call<&desk::add>("x"));
  store.end("a", outcome_of_commit::unknown, true);
  store.let_go("a");
  w.settle();
  CHECK(lost.code() == "store.unavailable");
  CHECK(w.run(a.call<&desk::read>()) == texts{"first", "x"});
}

TEST_CASE_METHOD(fixture, "calls to an actor that has lost changes wait for its next life") {
  store.hold("a");
  const auto lost = w.start(a.call<&desk::add>("x"));
  store.end("a", outcome_of_commit::not_owner);
  const auto next = w.start(a.call<&desk::read>());
  store.let_go("a");
  w.settle();
  CHECK(lost.code() == "store.unavailable");
  const bool is_settled = next.code() == "store.unavailable" || next.value() == texts{"first"};
  CHECK(is_settled);
}

TEST_CASE_METHOD(fixture, "a creation that is lost leaves no actor") {
  store.hold("new");
  const auto lost = w.start(w.client.get_or_create<desk>("new").call<&desk::add>("x"));
  store.end("new", outcome_of_commit::unknown);
  store.let_go("new");
  w.settle();
  CHECK(lost.code() == "store.unavailable");
  CHECK(w.code(w.client.get<desk>("new").call<&desk::read>()) == "actor.not_found");
  CHECK(w.run(w.client.get_or_create<desk>("new").call<&desk::add>("y")) == 1);
}

TEST_CASE_METHOD(fixture, "an end that is lost leaves the actor") {
  store.hold("a");
  const auto lost = w.start(a.call<&desk::end>());
  store.end("a", outcome_of_commit::not_owner);
  store.let_go("a");
  w.settle();
  CHECK(w.run(a.call<&desk::read>()) == texts{"first"});
}

TEST_CASE_METHOD(fixture, "a call between actors leaves when its caller's changes are durable") {
  store.hold("a");
  const auto call = w.start(a.call<&desk::pass_on>("b", "x"));
  CHECK(w.run(b.call<&desk::read>()) == texts{"first"});
  store.let_go("a");
  w.settle();
  CHECK(call.value() == 2);
  CHECK(w.run(b.call<&desk::read>()) == texts{"first", "x"});
}

TEST_CASE_METHOD(fixture, "a call between actors whose caller's changes are lost is never made") {
  store.hold("a");
  const auto call = w.start(a.call<&desk::pass_on>("b", "x"));
  store.end("a", outcome_of_commit::unknown, true);
  store.let_go("a");
  w.settle();
  CHECK(call.code() == "store.unavailable");
  CHECK(w.run(b.call<&desk::read>()) == texts{"first"});
  CHECK(w.run(a.call<&desk::read>()) == texts{"first", "passed on x"});
}

TEST_CASE_METHOD(fixture, "an answer between actors leaves when the answering actor's changes are durable") {
  store.hold("b");
  const auto call = w.start(a.call<&desk::pass_on>("b", "x"));
  CHECK_FALSE(call.done());
  CHECK(w.run(a.call<&desk::read>()) == texts{"first", "passed on x"});
  store.end("b", outcome_of_commit::not_owner);
  store.let_go("b");
  w.settle();
  CHECK(call.code() == "store.unavailable");
  CHECK(w.run(b.call<&desk::read>()) == texts{"first"});
}

TEST_CASE_METHOD(fixture, "what an actor posts leaves after its commit, in order") {
  store.hold("a");
  const auto posting = w.start(a.call<&desk::post_on>("b", 3));
  const auto more = w.start(a.call<&desk::post_on>("b", 2));
  CHECK(w.run(b.call<&desk::read>()) == texts{"first"});
  store.let_go("a");
  w.settle();
  CHECK(posting.done());
  CHECK(more.done());
  CHECK(w.run(b.call<&desk::read>()) == texts{"first", "0", "1", "2", "0", "1"});
}

TEST_CASE_METHOD(fixture, "events leave after their actor's commit; connections end with a life that is lost") {
  texts heard;
  auto line = w.run(a.connect());
  const auto listening = line.on(desk::said, [&](const std::string& text) { heard.push_back(text); });
  store.hold("a");
  const auto first = w.start(a.call<&desk::say>("one"));
  CHECK(heard.empty());
  store.end("a", outcome_of_commit::committed);
  w.settle();
  CHECK(heard == texts{"one"});
  const auto second = w.start(a.call<&desk::say>("two"));
  store.end("a", outcome_of_commit::unknown, true);
  store.let_go("a");
  w.settle();
  CHECK(heard == texts{"one"});
  CHECK_FALSE(line.connected());
  CHECK(second.code() == "store.unavailable");
}

TEST_CASE_METHOD(fixture, "a message leaves after its sender's commit, and is taken once") {
  store.hold("a");
  const auto sending = w.start(a.call<&desk::send_on>("b", "x"));
  CHECK(w.run(b.call<&desk::take>()).empty());
  store.let_go("a");
  w.settle();
  CHECK(sending.done());
  CHECK(w.run(b.call<&desk::take>()) == texts{"x"});
  CHECK(w.run(b.call<&desk::take>()).empty());
}

TEST_CASE_METHOD(fixture, "a message whose sender's commit has no known outcome comes if it is stored") {
  const bool stored = GENERATE(false, true);
  store.hold("a");
  const auto sending = w.start(a.call<&desk::send_on>("b", "x"));
  store.end("a", outcome_of_commit::unknown, stored);
  store.let_go("a");
  w.settle();
  CHECK(sending.code() == "store.unavailable");
  CHECK(w.run(b.call<&desk::take>()) == (stored ? texts{"x"} : texts{}));
  CHECK(w.run(a.call<&desk::read>()) == (stored ? texts{"first", "sent x"} : texts{"first"}));
}

TEST_CASE_METHOD(fixture, "a message whose receiver's commit is lost comes again, and is there once") {
  const bool stored = GENERATE(false, true);
  store.hold("b");
  const auto sending = w.start(a.call<&desk::send_on>("b", "x"));
  CHECK(sending.done());
  store.end("b", outcome_of_commit::unknown, stored);
  store.let_go("b");
  w.pass(10s);
  CHECK(w.run(b.call<&desk::take>()) == texts{"x"});
  w.pass(100s);
  CHECK(w.run(b.call<&desk::take>()).empty());
}

TEST_CASE_METHOD(fixture, "a message of which the store has not forgotten that it is on its way comes once") {
  store.hold("(messages)");
  const auto sending = w.start(a.call<&desk::send_on>("b", "x"));
  CHECK(sending.done());
  const auto ending = w.start(b.call<&desk::end>());
  w.pass(1s);
  CHECK(w.phase(b) == phase::finalising);  // a successor would take the message for a new one
  store.let_go("(messages)");
  w.settle();
  CHECK(w.phase(b) == phase::asleep);
  CHECK(w.run(w.client.get_or_create<desk>("b").call<&desk::take>()).empty());
}

TEST_CASE_METHOD(fixture, "a message that comes again after its receiver's end has no effect on a successor") {
  store.hold("b");
  const auto sending = w.start(a.call<&desk::send_on>("b", "x"));
  CHECK(sending.done());
  store.end("b", outcome_of_commit::unknown, true);
  store.let_go("b");
  w.settle();
  CHECK(w.run(b.call<&desk::take>()) == texts{"x"});  // the message has not come again yet
  w.run(b.call<&desk::end>());
  w.settle();
  CHECK(w.phase(b) == phase::asleep);
  CHECK(w.run(b.call<&desk::add>("next")) == 1);
  w.pass(100s);
  CHECK(w.run(b.call<&desk::take>()).empty());
}
