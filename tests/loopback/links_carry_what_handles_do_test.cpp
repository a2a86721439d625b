// SPDX-License-Identifier: Apache-2.0
// The verbs of a handle to an actor of another runtime, which knows it by names and bytes alone.

#include <catch2/catch.hpp>

#include "two_runtimes.hpp"

using namespace behaviour;
using texts = std::vector<std::string>;

TEST_CASE("calls, posts, messages and look-ups reach an actor of another runtime", "[loopback]") {
  two_runtimes t;
  const auto front = t.client.get_or_create<desk>("front");
  CHECK(t.start(front.call<&desk::note>("one")).value() == 1);
  front.post<&desk::note>("two");
  t.settle();
  CHECK(t.start(front.call<&desk::all>()).value() == texts{"one", "two"});
  CHECK(t.start(front.call("note", R"(["three"])")).value() == "3");

  REQUIRE_FALSE(t.start(front.send(desk::work, "mow")).failed());
  CHECK(t.start(front.call<&desk::take>()).value() == "mow");
  const auto answer = t.start(front.send_and_wait(desk::work, "rake"));
  CHECK_FALSE(answer.done());
  CHECK(t.start(front.call<&desk::take>()).value() == "rake");
  CHECK(answer.value() == "done: rake");

  const auto id = t.start(front.resolve()).value();
  CHECK(t.start(t.client.get_for_id<desk>(id).call<&desk::all>()).value() == texts{"one", "two", "three"});
  CHECK(t.start(front.status()).value().state == phase::awake);
  CHECK(t.start(t.client.list<desk>()).value().at(0).id == id);
  // The first runtime has no such actor.
  CHECK(t.callers.code(t.callers.client.get<desk>("front").call<&desk::all>()) == "actor.not_found");
}

TEST_CASE("an actor is created elsewhere with its tags, and once", "[loopback]") {
  two_runtimes t;
  REQUIRE(t.start(t.client.create<desk>("a", troupe::tags{{"kind", "big"}})).done());
  CHECK(t.start(t.client.create<desk>("a")).code() == "actor.duplicate_key");
  CHECK(t.start(t.client.get<desk>("none").call<&desk::all>()).code() == "actor.not_found");
  CHECK(t.start(t.client.find<desk>(troupe::tags{{"kind", "big"}})).value().size() == 1);
  CHECK(t.start(t.client.find("desk", troupe::tags{{"kind", "small"}}, troupe::page{})).value().empty());
}

TEST_CASE("of a failure arrives what may leave the process", "[loopback]") {
  two_runtimes t;
  const auto front = t.client.get_or_create<desk>("front");
  const auto refused = t.start(front.call<&desk::refuse>("closed"));
  CHECK(refused.code() == "user.closed");
  CHECK_THAT(refused.text(), Catch::Matchers::Contains(R"({"n":1})"));
  const auto broken = t.start(front.call<&desk::break_down>());
  CHECK(broken.code() == "rivetkit.internal_error");
  CHECK_THAT(broken.text(), !Catch::Matchers::Contains("password"));
  CHECK(t.start(front.call("sing", "[]")).code() == "actor.action_not_found");
}

TEST_CASE("a post that the other side refuses is reported where it was made", "[loopback]") {
  two_runtimes t;
  t.client.open_or_create("desk", "front").post("sing", "[]");
  t.settle();
  CHECK(t.callers.errors == texts{"sing in desk/front: actor.action_not_found"});
  CHECK(t.actors.errors.empty());
}

TEST_CASE("a call that is given up is stopped on the other side, and its late answer goes nowhere", "[loopback]") {
  two_runtimes t;
  const auto front = t.client.get_or_create<desk>("front");
  const bool by_token = GENERATE(false, true);
  std::stop_source source;
  const auto waiting = by_token ? t.start(front.with(source.get_token()).call<&desk::wait>())
                                : t.start(front.with(troupe::timeout{2s}).call<&desk::wait>());
  CHECK_FALSE(waiting.done());
  if (by_token) source.request_stop();
  t.pass(3s);
  CHECK(waiting.code() == (by_token ? "actor.aborted" : "actor.action_timed_out"));
  CHECK(t.start(front.call<&desk::all>()).value() == texts{"stopped"});
}

TEST_CASE("a call that is given up while it waits to be read never leaves a trace", "[loopback]") {
  two_runtimes t;
  std::stop_source source;
  const auto front = t.client.get_or_create<desk>("front").with(source.get_token());
  source.request_stop();
  CHECK(t.start(front.call<&desk::note>("late")).code() == "actor.aborted");
  CHECK(t.start(t.client.get<desk>("front").call<&desk::all>()).code() == "actor.not_found");
}

TEST_CASE("a connection hears an actor of another runtime", "[loopback][connection]") {
  two_runtimes t;
  const auto front = t.client.get_or_create<desk>("front");
  texts heard;
  std::string why = "open";
  {
    auto opened = t.start(front.connect("ann"));
    REQUIRE(opened.done());
    auto& line = const_cast<troupe::connection<desk>&>(opened.value());
    auto on_note = line.on(desk::noted, [&](const std::string& text, int count) {
      heard.push_back(text + " " + std::to_string(count));
    });
    auto once = line.once(desk::noted, [&](const std::string& text, int) { heard.push_back("once " + text); });
    auto stream = line.stream(desk::noted);
    auto ended = line.on_close([&](const std::exception_ptr& reason) { why = code_of(reason); });
    t.settle();
    CHECK(t.start(line.call<&desk::caller>()).value() == "ann");
    CHECK(t.start(line.call<&desk::note>("one")).value() == 1);
    CHECK(t.start(front.call<&desk::note>("two")).value() == 2);
    CHECK(heard == texts{"welcome ann 0", "one 1", "once one", "two 2"});
    CHECK(t.start(stream.next()).value() == std::tuple<std::string, int>{"one", 1});

    auto secret = line.on(desk::secret, [&](const std::string&) {});
    CHECK(t.start(secret.ready()).code() == "auth.forbidden");
    CHECK_FALSE(t.start(on_note.ready()).failed());

    on_note.reset();
    CHECK(t.start(line.call<&desk::note>("three")).value() == 3);
    CHECK(heard.size() == 4);
    line.close();
    CHECK(t.start(line.call<&desk::note>("four")).code() == "connection.closed");
    CHECK(why.empty());
  }
  CHECK(t.start(front.call<&desk::all>()).value() == texts{"one", "two", "three", "left: ann"});
}

TEST_CASE("the actor's end of a connection ends the other one, with its reason", "[loopback][connection]") {
  two_runtimes t;
  const auto front = t.client.get_or_create<desk>("front");
  CHECK(t.start(front.connect("nobody")).code() == "user.unwelcome");
  auto opened = t.start(front.connect("ann"));
  const auto& line = opened.value();
  auto coming = t.start(line.next(desk::noted));
  CHECK(std::get<0>(coming.value()) == "welcome ann");
  auto after = t.start(line.next(desk::noted));
  REQUIRE_FALSE(t.start(front.call<&desk::dismiss>()).failed());
  CHECK(after.code() == "user.closing");
  CHECK_FALSE(line.connected());
  CHECK(t.start(line.call<&desk::all>()).code() == "user.closing");
}
