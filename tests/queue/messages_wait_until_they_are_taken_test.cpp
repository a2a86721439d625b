// SPDX-License-Identifier: Apache-2.0
// What is sent is kept in order until somebody takes it, and is gone when it has been handled.

#include <catch2/catch.hpp>

#include "queue/world.hpp"

using namespace behaviour;

TEST_CASE("A message that a host sends is there for the actor") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::work, "one"));
  CHECK(w.run(a.call<&worker::take>()) == "one");
  CHECK(w.run(a.call<&worker::take>()) == std::nullopt);
}

TEST_CASE("A plain thread sends and waits with get") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  a.send(worker::work, "one").get();
  CHECK(a.call<&worker::take>().get() == "one");
}

TEST_CASE("An actor sends to itself as part of its turn") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.call<&worker::keep>("mine"));
  CHECK(w.run(a.call<&worker::next>()) == "mine");
}

TEST_CASE("Messages come in the order of their arrival") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  for (const char* text : {"1", "2", "3"}) w.run(a.send(worker::work, text));
  CHECK(w.run(a.call<&worker::drain>(3)) == texts{"1", "2", "3"});
}

TEST_CASE("Who waits is resumed by the message") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto waiting = w.start(a.call<&worker::next>());
  CHECK_FALSE(waiting.done());
  w.run(a.send(worker::work, "late"));
  w.settle();
  REQUIRE(waiting.done());
  CHECK(waiting.value() == "late");
}

TEST_CASE("Each message goes to one of those who wait") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto first = w.start(a.call<&worker::next>());
  const auto second = w.start(a.call<&worker::next>());
  w.run(a.send(worker::work, "one"));
  w.settle();
  CHECK(first.done() != second.done());
  w.run(a.send(worker::work, "two"));
  w.settle();
  CHECK(first.done());
  CHECK(second.done());
  CHECK(first.value() != second.value());
}

TEST_CASE("A batch waits for one message and takes what else is there") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto waiting = w.start(a.call<&worker::next_batch>(2));
  w.run(a.send(worker::work, "1"));
  w.settle();
  REQUIRE(waiting.done());
  CHECK(waiting.value() == texts{"1"});
  for (const char* text : {"2", "3", "4"}) w.run(a.send(worker::work, text));
  CHECK(w.run(a.call<&worker::next_batch>(2)) == texts{"2", "3"});
  CHECK(w.run(a.call<&worker::take_some>(5)) == texts{"4"});
  CHECK(w.run(a.call<&worker::take_some>(5)).empty());
  CHECK(w.run(a.call<&worker::sizes>())[0] == 0);
}

TEST_CASE("Several queues are one, in the order of arrival") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::other, 1));
  w.run(a.send(worker::work, "2"));
  w.run(a.send(worker::other, 3));
  CHECK(w.run(a.call<&worker::next_of_two>()) == "1");
  CHECK(w.run(a.call<&worker::next_of_two>()) == "2");
  CHECK(w.run(a.call<&worker::next_of_two>()) == "3");
  const auto waiting = w.start(a.call<&worker::next_of_two>());
  w.run(a.send(worker::other, 4));
  w.settle();
  REQUIRE(waiting.done());
  CHECK(waiting.value() == "4");
}

TEST_CASE("A wait ends without a message when its time has passed") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto waiting = w.start(a.call<&worker::next_in>(500ms));
  w.pass(499ms);
  CHECK_FALSE(waiting.done());
  w.pass(2ms);
  REQUIRE(waiting.done());
  CHECK(waiting.value() == "nothing");
  CHECK(w.run(a.call<&worker::next_in>(0ms)) == "nothing");
  w.run(a.send(worker::work, "one"));
  CHECK(w.run(a.call<&worker::next_in>(0ms)) == "one");
}

TEST_CASE("A wait ends when its stop token is triggered, and loses nothing") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  std::stop_source stop;
  const auto waiting = w.start(a.with(stop.get_token()).call<&worker::until_called_off>());
  stop.request_stop();
  w.settle();
  CHECK(waiting.code() == "actor.aborted");
  w.run(a.send(worker::work, "one"));
  CHECK(w.run(a.call<&worker::take>()) == "one");
}

TEST_CASE("A wait ends at once when the actor shuts down") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto waiting = w.start(a.call<&worker::next>());
  w.run(a.call<&worker::rest>());
  w.settle();
  CHECK(waiting.code() == "actor.aborted");
  CHECK(w.phase(a) == phase::asleep);
}

TEST_CASE("A stream ends without an error when the actor shuts down") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  const auto following = w.start(a.call<&worker::follow>());
  for (const char* text : {"1", "2", "3"}) w.run(a.send(worker::work, text));
  w.settle();
  CHECK(w.run(a.call<&worker::log>()) == texts{"1", "2", "3"});
  w.run(a.call<&worker::rest>());
  w.settle();
  REQUIRE(following.done());
  CHECK(following.value() == 3);
  CHECK(w.run(a.call<&worker::sizes>())[0] == 0);
}

TEST_CASE("a delayed message comes at its time, not before") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::work, "later", troupe::delayed(5s)));
  w.run(a.call<&worker::keep_for_later>("last"));
  w.run(a.send(worker::work, "now"));
  CHECK(w.run(a.call<&worker::sizes>())[0] == 3);
  CHECK(w.run(a.call<&worker::take_some>(9)) == texts{"now"});
  const auto waiting = w.start(a.call<&worker::drain>(2));
  w.pass(4999ms);
  CHECK(w.run(a.call<&worker::sizes>())[0] == 2);
  w.pass(2ms);
  CHECK_FALSE(waiting.done());
  w.pass(5s);
  REQUIRE(waiting.done());
  CHECK(waiting.value() == texts{"later", "last"});
}

TEST_CASE("Messages survive sleep, those of an actor that nobody has called included") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::work, "one"));
  w.run(a.send(worker::work, "two", troupe::delayed(5s)));
  w.run(a.call<&worker::rest>());
  w.settle();
  CHECK(w.phase(a) == phase::asleep);
  CHECK(w.run(a.call<&worker::next>()) == "one");
  CHECK(w.run(a.call<&worker::take>()) == std::nullopt);
  w.pass(6s);
  CHECK(w.run(a.call<&worker::take>()) == "two");
  CHECK(w.run(a.call<&worker::take>()) == std::nullopt);
}

TEST_CASE("Messages are destroyed with their actor") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send(worker::work, "one"));
  w.run(a.call<&worker::end>());
  w.settle();
  CHECK(w.run(a.call<&worker::take>()) == std::nullopt);
}

TEST_CASE("Tools send by name") {
  world w{workers()};
  const auto a = w.client.get_or_create<worker>("a");
  w.run(a.send("work", R"("text")"));
  w.run(a.send("other", "42", troupe::delayed(1s)));
  CHECK(w.run(a.call<&worker::take>()) == "text");
  CHECK(code_when([&] { a.send("nothing", "1").get(); }) == "queue.not_declared");
  CHECK(code_when([&] { a.send("other", R"("text")").get(); }) == "actor.invalid_request");
  CHECK(code_when([&] { a.send("other", "{").get(); }) == "actor.invalid_request");
}
