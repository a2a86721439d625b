// SPDX-License-Identifier: Apache-2.0
// A handle by name does what a typed one does, with CBOR or JSON, and promises the same. What does not fit is refused
// before anything runs, and the error names it.

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/json_text.hpp>

#include "loopback/client_of.hpp"
#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;
using Catch::Matchers::Contains;
using troupe::bytes_view;

namespace {

struct clerk {
  struct contract {
    static constexpr int version = 2;
    std::string name = "nobody";
    int desk = 0;
  };
  static constexpr troupe::queue<"letters", std::string, int> letters{};
  static constexpr troupe::queue<"small", std::string> small{
      troupe::queue_options{.messages_max = 1, .message_bytes_max = 8}};
  static constexpr troupe::queue<"closed", int> closed{};

  std::string name;
  std::vector<int> seen;

  void on_create(troupe::context<clerk>&, contract c) { name = c.name + " at " + std::to_string(c.desk); }
  bool can_publish(troupe::context<clerk>&, std::string_view queue) { return queue != "closed"; }

  std::string whoami() const { return name; }
  std::string label(troupe::context<clerk>& c) const {
    const auto floor = c.tags().find("floor");
    return floor != c.tags().end() ? floor->second : "none";
  }
  int add(int n) {
    seen.push_back(n);
    return static_cast<int>(seen.size());
  }
  std::vector<int> all() const { return seen; }
  troupe::task<> think(troupe::context<clerk>& c, int n) {
    co_await c.delay(1s);
    seen.push_back(n);
  }
  void fail(std::string why) { throw troupe::user_error{"refused", why, R"({"a":1})"}; }
  std::optional<std::string> answer(troupe::context<clerk>& c, std::optional<int> with) {
    auto m = c.queue().try_next(letters);
    if (!m) return std::nullopt;
    with ? m->complete(*with) : m->complete();
    return m->body();
  }
  std::string take_small(troupe::context<clerk>& c) {
    auto m = c.queue().try_next(small);
    return m ? **m : "nothing";
  }

  static constexpr troupe::options options{.sleep_after = troupe::never, .mailbox_calls_max = 4};
  using actor = troupe::actor<clerk, &clerk::whoami, &clerk::label, troupe::named<&clerk::add, "notes.add">, &clerk::all,
                              troupe::exclusive<&clerk::think>, &clerk::fail, &clerk::answer, &clerk::take_small,
                              letters, small, closed>;
};

struct bell {
  int rung = 0;
  int ring() { return ++rung; }
  using actor = troupe::actor<bell, &bell::ring>;
};

/// Wakes at once, without the store and without hooks.
struct spark {
  int lit = 0;
  int light(int times) { return lit += times; }
  using actor = troupe::actor<spark, &spark::light>;
  static constexpr troupe::options options{.durability = troupe::durability::ephemeral};
};

/// Reaches others by name.
struct porter {
  int last = 0;
  troupe::task<int> ring(troupe::context<porter>& c, std::string whom) {
    const auto other = c.client().open_or_create("bell", whom);
    const auto rung = co_await other.call("ring", "[]");
    last = std::stoi(rung);
    co_return last;
  }
  void tell(troupe::context<porter>& c, std::string whom) {
    const auto other = c.client().open_or_create("bell", whom);
    other.post("ring", "[]");
  }
  troupe::task<> leave(troupe::context<porter>& c, std::string letter) {
    co_await c.client().open("clerk", "ann").send("letters", troupe::to_json(troupe::encode(letter)));
  }
  using actor = troupe::actor<porter, &porter::ring, &porter::tell, &porter::leave>;
};

struct office {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<clerk>("clerk").use<bell>("bell").use<porter>("porter").use<spark>("spark");
    return r;
  }
  static troupe::bytes contract(std::string_view json = R"({"name":"Ann","desk":7})") { return troupe::from_json(json); }
  std::string ask(std::string_view action, std::string_view arguments) { return w.run(ann.call(action, arguments)); }

  gated_store store;
  world w{registry(), store};
  troupe::untyped_handle ann = w.client.open_or_create("clerk", "ann", contract());
  troupe::handle<clerk> typed = w.client.get<clerk>("ann");
};

}  // namespace

// --- which actor ----------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(office, "open finds what exists, and creates nothing") {
  CHECK(w.code(w.client.open("bell", "b").call("ring", "[]")) == "actor.not_found");
  w.run(w.client.get_or_create<bell>("b").call<&bell::ring>());
  CHECK(w.run(w.client.open("bell", "b").call("ring", "[]")) == "2");
}

TEST_CASE_METHOD(office, "open_or_create creates on first use, with input and tags, and ignores both later") {
  const auto bob = w.client.open_or_create("clerk", "bob", contract(R"({"name":"Bob"})"), troupe::tags{{"floor", "3"}});
  CHECK(w.code(w.client.open("clerk", "bob").call("whoami", "[]")) == "actor.not_found");
  CHECK(w.run(bob.call("whoami", "[]")) == R"("Bob at 0")");
  CHECK(w.run(bob.call("label", "[]")) == R"("3")");
  const auto again = w.client.open_or_create("clerk", "bob", contract(), troupe::tags{{"floor", "4"}});
  CHECK(w.run(again.call("whoami", "[]")) == R"("Bob at 0")");
  CHECK(w.run(again.call("label", "[]")) == R"("3")");
  CHECK(w.run(again.resolve()) == w.run(bob.resolve()));
}

TEST_CASE_METHOD(office, "create makes the actor now, and tells of one that exists") {
  const auto made = w.run(w.client.create("clerk", "cy", contract(R"({"name":"Cy","desk":1})")));
  CHECK(w.run(made.call("whoami", "[]")) == R"("Cy at 1")");
  const auto twice = w.start(w.client.create("clerk", "cy", contract()));
  CHECK(twice.code() == "actor.duplicate_key");
  CHECK_THAT(twice.text(), Contains(w.run(made.resolve()).str()));
  CHECK(w.run(w.run(w.client.create("bell", "new")).call("ring", "[]")) == "1");
}

TEST_CASE_METHOD(office, "an ephemeral actor is created once, by name and by type") {
  CHECK(w.run(w.run(w.client.create("spark", "s")).call("light", "[2]")) == "2");
  CHECK(w.code(w.client.create("spark", "s")) == "actor.duplicate_key");
  CHECK(w.run(w.run(w.client.create<spark>("t")).call<&spark::light>(3)) == 3);
  CHECK(w.code(w.client.create<spark>("t")) == "actor.duplicate_key");
}

TEST_CASE_METHOD(office, "a refused call by name and a look at the status create no ephemeral actor") {
  const auto s = w.client.open_or_create("spark", "s");
  CHECK(w.code(s.call("nope", "[]")) == "actor.action_not_found");
  CHECK(w.code(s.call("light", R"(["far"])")) == "actor.invalid_request");
  CHECK(w.run(s.status()).state == phase::asleep);
  CHECK(w.code(w.client.open("spark", "s").call("light", "[1]")) == "actor.not_found");
  CHECK(w.run(s.call("light", "[1]")) == "1");
}

TEST_CASE_METHOD(office, "open by id means that actor, and of that type only") {
  const auto id = w.run(ann.resolve());
  CHECK(w.run(w.client.open("clerk", id).call("whoami", "[]")) == R"("Ann at 7")");
  CHECK(w.code(w.client.open("bell", id).call("ring", "[]")) == "actor.not_found");
}

TEST_CASE_METHOD(office, "typed handles and those by name reach the same actor") {
  CHECK(ask("notes.add", "[1]") == "1");
  CHECK(w.run(typed.call<&clerk::add>(2)) == 2);
  CHECK(ask("all", "[]") == "[1,2]");
  CHECK(w.run(ann.status()).state == phase::awake);
}

TEST_CASE_METHOD(office, "an actor that is not registered is named, with those that are") {
  const auto missing = failure_of([&] { static_cast<void>(w.client.open("clerc", "ann")); });
  CHECK(code_of(missing) == "actor.not_registered");
  CHECK_THAT(text_of(missing), Contains(R"("clerc"; there are "clerk", "bell", "porter", "spark")"));
  CHECK(code_when([&] { static_cast<void>(w.client.open_or_create("", "ann")); }) == "actor.not_registered");
  CHECK(code_when([&] { static_cast<void>(w.client.create("x", "ann")); }) == "actor.not_registered");
  CHECK(code_when([&] { static_cast<void>(w.client.open("x", w.run(ann.resolve()))); }) == "actor.not_registered");
}

// --- input ----------------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(office, "an input that does not fit is refused at once, and nothing is created") {
  const auto refusal = [&](std::string_view json) {
    return text_of(failure_of([&] { static_cast<void>(w.client.open_or_create("clerk", "dan", contract(json))); }));
  };
  CHECK_THAT(refusal("[1]"), Contains("actor.invalid_request") && Contains("clerk, the creation input"));
  CHECK_THAT(refusal(R"({"desk":"seven"})"), Contains("desk"));
  const auto none = failure_of([&] { static_cast<void>(w.client.create("bell", "b", contract())); });
  CHECK_THAT(text_of(none), Contains("actor.invalid_request") && Contains("bell") && Contains("none is taken"));
  const troupe::bytes cut{std::byte{0xA1}, std::byte{0x64}};
  CHECK(code_when([&] { static_cast<void>(w.client.create("clerk", "dan", cut)); }) == "actor.invalid_request");
  const troupe::bytes large = troupe::encode(std::string(5'000'000, 'x'));
  CHECK(code_when([&] { static_cast<void>(w.client.create("clerk", "dan", large)); }) == "actor.input_too_large");
  CHECK(w.code(w.client.open("clerk", "dan").resolve()) == "actor.not_found");
}

TEST_CASE_METHOD(office, "an actor that needs an input is not created without one") {
  CHECK(w.code(w.client.open_or_create("clerk", "dan").call("whoami", "[]")) == "actor.missing_input");
  CHECK(w.code(w.client.create("clerk", "dan")) == "actor.missing_input");
}

// --- calls ----------------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(office, "what goes in and comes out is JSON, or CBOR") {
  CHECK(ask("notes.add", "[5]") == "1");
  const auto six = troupe::encode(std::vector<int>{6});
  CHECK(troupe::decode<int>(w.run(ann.call("notes.add", bytes_view{six}))) == 2);
  CHECK(ask("all", "[]") == "[5,6]");
}

TEST_CASE_METHOD(office, "an unknown action is named, with those that there are") {
  const auto failed = w.start(ann.call("add", "[1]"));  // it has another wire name
  CHECK(failed.code() == "actor.action_not_found");
  CHECK_THAT(failed.text(), Contains(R"(clerk.add; there are "whoami", "label", "notes.add")"));
}

TEST_CASE_METHOD(office, "arguments that do not fit are named, and the action has not run") {
  const auto refusal = [&](std::string_view arguments) { return w.start(ann.call("notes.add", arguments)).text(); };
  CHECK_THAT(refusal(R"(["x"])"), Contains("actor.invalid_request") && Contains("notes.add: argument 1"));
  CHECK_THAT(refusal("[1,2]"), Contains("it takes 1"));
  CHECK_THAT(text_of(failure_of([&] { static_cast<void>(ann.call("notes.add", "{")); })), Contains("notes.add"));
  CHECK(ask("all", "[]") == "[]");
}

TEST_CASE_METHOD(office, "the caller gets what the action threw") {
  const auto failed = failure_of([&] { ask("fail", R"(["today"])"); });
  CHECK(code_of(failed) == "user.refused");
  CHECK_THROWS_AS(std::rethrow_exception(failed), troupe::user_error);
}

TEST_CASE_METHOD(office, "a call ends with its time-out, or its stop token, and one that was given up before never runs") {
  const auto late = w.start(ann.with(troupe::timeout{100ms}).call("think", "[1]"));
  w.pass(200ms);
  CHECK(late.code() == "actor.action_timed_out");
  CHECK_THAT(late.text(), Contains("think in clerk/ann"));
  w.pass(2s);
  std::stop_source stop;
  const auto stopped = w.start(ann.with(stop.get_token()).call("think", "[2]"));
  stop.request_stop();
  w.settle();
  CHECK(stopped.code() == "actor.aborted");
  w.pass(2s);
  CHECK(w.code(ann.with(stop.get_token()).call("notes.add", "[3]")) == "actor.aborted");
  CHECK(w.code(ann.with(troupe::timeout{0ms}).call("notes.add", "[4]")) == "actor.action_timed_out");
  CHECK(ask("all", "[]") == "[1,2]");
}

TEST_CASE_METHOD(office, "calls keep their order, an exclusive action keeps them out, and too many are refused") {
  const auto thinking = w.start(ann.call("think", "[1]"));
  std::vector<outcome<std::string>> waiting;
  for (const char* n : {"[2]", "[3]", "[4]", "[5]"}) waiting.push_back(w.start(ann.call("notes.add", n)));
  CHECK(w.start(ann.call("notes.add", "[6]")).code() == "actor.overloaded");
  CHECK_FALSE(waiting.front().done());
  w.pass(2s);
  for (const auto& each : waiting) CHECK(each.done());
  CHECK(ask("all", "[]") == "[1,2,3,4,5]");
}

TEST_CASE_METHOD(office, "an answer waits for its commit") {
  CHECK(ask("notes.add", "[1]") == "1");
  store.hold();
  const auto added = w.start(ann.call("notes.add", "[2]"));
  CHECK_FALSE(added.done());
  store.let_go();
  w.settle();
  REQUIRE(added.done());
  CHECK(added.value() == "2");
}

TEST_CASE_METHOD(office, "a post runs without being waited for; a failure reaches the error handler") {
  ann.post("notes.add", "[1]");
  const auto two = troupe::encode(std::vector<int>{2});
  ann.post("notes.add", bytes_view{two});
  ann.post("fail", R"(["quietly"])");
  w.settle();
  CHECK(ask("all", "[]") == "[1,2]");
  REQUIRE(w.errors.size() == 1);
  CHECK_THAT(w.errors.front(), Contains("fail") && Contains("user.refused"));
}

TEST_CASE_METHOD(office, "a post that cannot run is refused at once") {
  CHECK(code_when([&] { ann.post("nothing", "[]"); }) == "actor.action_not_found");
  CHECK(code_when([&] { ann.post("notes.add", R"(["x"])"); }) == "actor.invalid_request");
  CHECK(code_when([&] { ann.post("notes.add", "["); }) == "actor.invalid_request");
  w.settle();
  CHECK(w.errors.empty());
  CHECK(ask("all", "[]") == "[]");
}

// --- messages -------------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(office, "a message reaches its queue, at once or later") {
  w.run(ann.send("letters", R"("one")"));
  w.run(ann.send("letters", bytes_view{troupe::encode(std::string{"two"})}));
  w.run(ann.send("letters", R"("three")", troupe::delayed(10s)));
  w.run(ann.send("letters", bytes_view{troupe::encode(std::string{"four"})}, troupe::delayed(20s)));
  CHECK(ask("answer", "[null]") == R"("one")");
  CHECK(ask("answer", "[null]") == R"("two")");
  CHECK(ask("answer", "[null]") == "null");
  w.pass(11s);
  CHECK(ask("answer", "[null]") == R"("three")");
  CHECK(ask("answer", "[null]") == "null");
  w.pass(10s);
  CHECK(ask("answer", "[null]") == R"("four")");
}

TEST_CASE_METHOD(office, "who sends and waits gets the answer in the form of the message, or nothing") {
  const auto text = w.start(ann.send_and_wait("letters", R"("a")"));
  const auto coded = w.start(ann.send_and_wait("letters", bytes_view{troupe::encode(std::string{"b"})}));
  const auto none = w.start(ann.send_and_wait("letters", R"("c")"));
  CHECK_FALSE(text.done());
  CHECK(ask("answer", "[41]") == R"("a")");
  CHECK(ask("answer", "[42]") == R"("b")");
  CHECK(ask("answer", "[null]") == R"("c")");
  w.settle();
  REQUIRE((text.done() && coded.done() && none.done()));
  CHECK(text.value() == "41");
  CHECK(coded.value() == troupe::encode(42));
  CHECK(none.value() == std::nullopt);
}

TEST_CASE_METHOD(office, "a queue without answers tells that the message was handled") {
  const auto sent = w.start(ann.send_and_wait("small", R"("x")"));
  CHECK(ask("take_small", "[]") == R"("x")");
  w.settle();
  REQUIRE(sent.done());
  CHECK(sent.value() == std::nullopt);
}

TEST_CASE_METHOD(office, "who waits for an answer in vain gets queue.timed_out, and the message stays") {
  const auto sent = w.start(ann.with(troupe::timeout{1s}).send_and_wait("letters", R"("slow")"));
  w.pass(2s);
  CHECK(sent.code() == "queue.timed_out");
  CHECK(ask("answer", "[null]") == R"("slow")");
}

TEST_CASE_METHOD(office, "a message that a queue does not take is refused, and none is there") {
  const auto refusal = [&](std::string_view queue, std::string_view message) {
    return text_of(failure_of([&] { w.run(ann.send(queue, message)); }));
  };
  CHECK_THAT(refusal("parcels", "1"), Contains("queue.not_declared") && Contains(R"(clerk, "parcels")") &&
                                          Contains(R"(there are "letters", "small", "closed")"));
  CHECK_THAT(refusal("letters", "7"), Contains("actor.invalid_request") && Contains("letters"));
  CHECK_THAT(refusal("letters", "{"), Contains("actor.invalid_request"));
  CHECK_THAT(refusal("closed", "7"), Contains("auth.forbidden"));
  CHECK_THAT(refusal("small", R"("far too large")"), Contains("queue.message_too_large"));
  CHECK(code_when([&] { static_cast<void>(ann.send_and_wait("parcels", "1")); }) == "queue.not_declared");
  CHECK(code_when([&] { static_cast<void>(ann.send_and_wait("letters", "1")); }) == "actor.invalid_request");
  w.run(ann.send("small", R"("fits")"));
  CHECK_THAT(refusal("small", R"("more")"), Contains("queue.full"));
  CHECK(ask("answer", "[null]") == "null");
}

TEST_CASE_METHOD(office, "an actor without queues says that there is none") {
  const auto b = w.client.open_or_create("bell", "b");
  const auto failed = failure_of([&] { w.run(b.send("any", "1")); });
  CHECK_THAT(text_of(failed), Contains("queue.not_declared") && Contains("there is none"));
}

// --- from actors, and after the end ---------------------------------------------------------------------------------

TEST_CASE_METHOD(office, "actors reach each other by name: calls are awaited, posts and messages leave with the turn") {
  const auto p = w.client.get_or_create<porter>("p");
  CHECK(w.run(p.call<&porter::ring>("door")) == 1);
  w.run(p.call<&porter::tell>("door"));
  w.settle();
  CHECK(w.run(p.call<&porter::ring>("door")) == 3);
  CHECK(ask("whoami", "[]") == R"("Ann at 7")");
  w.run(p.call<&porter::leave>("dear Ann"));
  w.settle();
  CHECK(ask("answer", "[null]") == R"("dear Ann")");
}

TEST_CASE_METHOD(office, "a handle that was moved from says so") {
  auto gone = ann;
  const auto kept = std::move(gone);
  CHECK(w.run(kept.call("whoami", "[]")) == R"("Ann at 7")");
  CHECK(w.code(gone.call("whoami", "[]")) == "actor.invalid_operation");
  CHECK(code_when([&] { gone.post("whoami", "[]"); }) == "actor.invalid_operation");
  CHECK(code_when([&] { static_cast<void>(gone.send("letters", "1")); }) == "actor.invalid_operation");
  CHECK(code_when([&] { static_cast<void>(gone.connect()); }) == "actor.invalid_operation");
}

TEST_CASE("a plain thread waits with get(), and a handle that outlives the runtime fails") {
  std::optional<troupe::untyped_handle> left;
  {
    troupe::runtime runtime{office::registry()};
    left = client_of(runtime).open_or_create("bell", "b");
    CHECK(left->call("ring", "[]").get() == "1");
    const auto made = client_of(runtime).create("clerk", "ann", office::contract());
    static_cast<void>(made);
  }
  CHECK(code_when([&] { static_cast<void>(left->call("ring", "[]").get()); }) == "runtime.stopped");
  CHECK(code_when([&] { left->post("ring", "[]"); }) == "runtime.stopped");
}
