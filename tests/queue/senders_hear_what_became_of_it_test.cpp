// SPDX-License-Identifier: Apache-2.0
// Who sends and waits gets the answer of whoever handles the message.

#include <catch2/catch.hpp>

#include "queue/world.hpp"

using namespace behaviour;

namespace {

/// Asks a worker from inside an actor.
struct asker {
  std::string answer;

  troupe::task<std::string> ask(troupe::context<asker>& c, std::string text) {
    const auto a = c.client().get_or_create<worker>("a");
    const auto got = co_await a.send_and_wait(worker::work, text);
    answer = got.value_or("nothing");
    co_return answer;
  }
  troupe::task<std::string> ask_for(troupe::context<asker>& c, std::chrono::milliseconds limit) {
    const auto a = c.client().get_or_create<worker>("a").with(troupe::timeout{limit});
    const auto got = co_await a.send_and_wait(worker::work, "in time");
    co_return got.value_or("nothing");
  }
  void rest(troupe::context<asker>& c) { c.sleep(); }
  using actor = troupe::actor<asker, &asker::ask, &asker::ask_for, &asker::rest>;
};

troupe::registry both() {
  troupe::registry r;
  r.use<worker>("worker");
  r.use<asker>("asker");
  return r;
}

}  // namespace

TEST_CASE("The sender gets the value that the consumer completes the message with") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto sent = w.start(a.send_and_wait(worker::work, "question"));
  CHECK_FALSE(sent.done());
  CHECK(w.run(a.call<&worker::take_and_answer>("answer")) == "question");
  w.settle();
  REQUIRE(sent.done());
  CHECK(sent.value() == "answer");
  CHECK(w.run(a.call<&worker::sizes>())[0] == 0);
}

TEST_CASE("Without a value, the sender hears that its message was handled") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto sent = w.start(a.send_and_wait(worker::work, "question"));
  CHECK(w.run(a.call<&worker::take>()) == "question");
  w.settle();
  REQUIRE(sent.done());
  CHECK(sent.value() == std::nullopt);
  const auto plain = w.start(a.send_and_wait(worker::small, "tell me"));
  CHECK(w.run(a.call<&worker::clear_small>()) == "tell me");
  w.settle();
  CHECK(plain.done());
  CHECK(plain.code().empty());
}

TEST_CASE("The answer waits until the consumer's turn is durable") {
  gated_store store;
  world w{workers(), store};
  const auto a = w.client.get_or_create<worker>("a");
  const auto sent = w.start(a.send_and_wait(worker::work, "question"));
  store.hold();
  const auto taken = w.start(a.call<&worker::take_and_answer>("answer"));
  CHECK_FALSE(sent.done());
  store.let_go();
  w.settle();
  CHECK(sent.done());
  CHECK(taken.done());
}

TEST_CASE("A message is completed once") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::work, "one"));
  CHECK(w.run(a.call<&worker::complete_twice>()) == "already_completed");
}

TEST_CASE("A sender's time-out is its own: the message is still handled") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto sent = w.start(a.with(troupe::timeout{2s}).send_and_wait(worker::work, "question"));
  w.pass(1999ms);
  CHECK_FALSE(sent.done());
  w.pass(2ms);
  CHECK(sent.code() == "queue.timed_out");
  CHECK(w.run(a.call<&worker::take_and_answer>("nobody hears this")) == "question");
  CHECK(w.errors.empty());
}

TEST_CASE("A time-out that is over from the start is a sender's too, and sends nothing") {
  world w{both()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto b = w.client.get_or_create<asker>("b");
  CHECK(w.code(a.with(troupe::timeout{0s}).send_and_wait(worker::work, "question")) == "queue.timed_out");
  CHECK(w.code(b.call<&asker::ask_for>(0ms)) == "queue.timed_out");
  w.settle();
  CHECK(w.run(a.call<&worker::sizes>())[0] == 0);
}

TEST_CASE("A sender may stop waiting") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  std::stop_source stop;
  const auto sent = w.start(a.with(stop.get_token()).send_and_wait(worker::work, "question"));
  stop.request_stop();
  w.settle();
  CHECK(sent.code() == "actor.aborted");
  CHECK(w.run(a.call<&worker::take>()) == "question");
}

TEST_CASE("A sender goes on waiting while the actor sleeps") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto sent = w.start(w.client.get_or_create<worker>("a").send_and_wait(worker::work, "question"));
  w.run(a.call<&worker::rest>());
  w.settle();
  CHECK(w.phase(a) == phase::asleep);
  CHECK_FALSE(sent.done());
  w.run(a.call<&worker::take_and_answer>("answer"));
  w.settle();
  REQUIRE(sent.done());
  CHECK(sent.value() == "answer");
}

TEST_CASE("A sender hears that the actor is destroyed") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto sent = w.start(a.send_and_wait(worker::work, "question"));
  w.run(a.call<&worker::end>());
  w.settle();
  CHECK(sent.code() == "actor.destroying");
}

TEST_CASE("A sender hears that the runtime ends, whether the actor is awake or not") {
  const bool asleep = GENERATE(false, true);
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto sent = w.start(a.send_and_wait(worker::work, "question"));
  if (asleep) w.run(a.call<&worker::rest>());
  w.settle();
  CHECK_FALSE(sent.done());
  w.runtime.shutdown();
  CHECK(sent.code() == "runtime.stopped");
}

TEST_CASE("A sender hears that its message has become a dead letter") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto sent = w.start(a.send_and_wait(worker::fragile, "egg"));
  for (int i = 0; i < 3; ++i) {
    CHECK(w.code(a.call<&worker::try_fragile>(true)) == "user.failed");
    w.pass(3s);
  }
  CHECK(sent.code() == "queue.dead_letter");
  CHECK(sent.text().find("after 3 attempts") != std::string::npos);
  CHECK(sent.text().find("user.failed") == std::string::npos);  // the cause is the actor's own affair
}

TEST_CASE("An actor sends and waits") {
  world w{both()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto b = w.client.get_or_create<asker>("b");
  const auto asked = w.start(b.call<&asker::ask>("question"));
  CHECK_FALSE(asked.done());
  CHECK(w.run(a.call<&worker::take_and_answer>("answer")) == "question");
  w.settle();
  REQUIRE(asked.done());
  CHECK(asked.value() == "answer");
}

TEST_CASE("An actor's wait has a time-out, too, and ends when the actor does") {
  world w{both()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto b = w.client.get_or_create<asker>("b");
  const auto late = w.start(b.call<&asker::ask_for>(1s));
  w.pass(2s);
  CHECK(late.code() == "queue.timed_out");
  const auto asked = w.start(b.call<&asker::ask>("question"));
  w.run(b.call<&asker::rest>());
  w.pass(20s);  // the grace period
  CHECK(asked.code() == "actor.aborted");
  CHECK(w.run(a.call<&worker::take_some>(9)) == texts{"in time", "question"});
}

TEST_CASE("The message of an actor whose commit waits is not answered twice or lost") {
  gated_store store;
  world w{both(), store};
  const auto a = w.client.get_or_create<worker>("a");
  const auto b = w.client.get_or_create<asker>("b");
  w.run(b.resolve());
  w.run(a.resolve());
  store.hold();
  const auto asked = w.start(b.call<&asker::ask>("question"));
  const auto taken = w.start(a.call<&worker::take_and_answer>("answer"));
  CHECK_FALSE(asked.done());
  store.let_go();
  w.settle();
  REQUIRE(asked.done());
  CHECK(asked.value() == "answer");
  CHECK(store.on_their_way().empty());
}
