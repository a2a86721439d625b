// SPDX-License-Identifier: Apache-2.0
// From the turn that calls c.destroy() on, an actor takes nothing from outside: what comes waits for the end and then
// goes to the successor, or is refused. Nothing that was acknowledged is lost with the actor.

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

using texts = std::vector<std::string>;

/// Counts in a place that outlives it.
struct mortal {
  static constexpr troupe::queue<"mail", std::string> mail{};
  static inline int ran_on_the_dying = 0;

  int lives = 0;
  bool told_to_end = false;

  bool can_publish(troupe::context<mortal>&, std::string_view) { return true; }
  void end(troupe::context<mortal>& c) {
    told_to_end = true;
    c.destroy();
  }
  troupe::task<> end_slowly(troupe::context<mortal>& c) {
    told_to_end = true;
    c.destroy();
    co_await troupe::delay(1s);
  }
  int touch() {
    if (told_to_end) ++ran_on_the_dying;
    return ++lives;
  }
  troupe::task<int> touch_later() {
    if (told_to_end) ++ran_on_the_dying;
    co_return ++lives;
  }
  texts read(troupe::context<mortal>& c) {
    texts all;
    for (auto& m : c.queue().try_next_batch(mail, 1000)) all.push_back(m.body());
    return all;
  }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<mortal, mail, &mortal::end, &mortal::end_slowly, &mortal::touch,
                              troupe::exclusive<&mortal::touch_later>, &mortal::read>;
};

/// Takes until it is told to stop, and gives nothing back.
struct short_lived {
  static constexpr troupe::queue<"mail", int> mail{};
  void rest(troupe::context<short_lived>& c) { c.sleep(); }
  std::size_t waiting(troupe::context<short_lived>& c) { return c.queue().size(mail); }

  static constexpr troupe::options options{.sleep_after = troupe::never, .durability = troupe::durability::ephemeral};
  using actor = troupe::actor<short_lived, mail, &short_lived::rest, &short_lived::waiting>;
};

struct asker {
  troupe::task<std::string> ask(troupe::context<asker>& c) {
    auto m = c.client().get_or_create<mortal>("m");
    m.post<&mortal::end>();
    try {
      co_await m.call<&mortal::touch>();
    } catch (const troupe::error& e) {
      co_return e.code();
    }
    co_return "";
  }
  void post_behind(troupe::context<asker>& c) {
    auto m = c.client().get_or_create<mortal>("m");
    m.post<&mortal::end>();
    m.post<&mortal::touch>();
    m.post<&mortal::touch_later>();
  }
  using actor = troupe::actor<asker, &asker::ask, &asker::post_behind>;
};

troupe::registry everybody() {
  troupe::registry r;
  r.use<mortal>("mortal").use<short_lived>("short_lived").use<asker>("asker");
  return r;
}

struct fixture {
  gated_store store;
  world w{everybody(), store};
  troupe::handle<mortal> m = w.client.get_or_create<mortal>("m");

  fixture() {
    mortal::ran_on_the_dying = 0;
    w.run(m.call<&mortal::touch>());
  }

  /// Behind the action that destroys, in the mailbox.
  template <class Call>
  static troupe::task<> behind(troupe::handle<mortal> to, Call call) {
    to.post<&mortal::end>();
    co_await std::move(call);
  }
};

}  // namespace

TEST_CASE_METHOD(fixture, "a message behind the action that destroys goes to the successor") {
  const std::string text = "hello";
  CHECK(w.code(behind(m, m.send(mortal::mail, text))).empty());
  CHECK(w.run(m.call<&mortal::read>()) == texts{"hello"});
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a message behind the action that destroys finds no actor, where its handle makes none") {
  const auto only = w.client.get<mortal>("m");
  const std::string text = "hello";
  CHECK(w.code(behind(m, only.send(mortal::mail, text))) == "actor.not_found");
  CHECK(w.code(only.call<&mortal::read>()) == "actor.not_found");
}

TEST_CASE_METHOD(fixture, "a call behind the action that destroys runs on the successor") {
  SECTION("plain") { CHECK(w.code(behind(m, m.call<&mortal::touch>())).empty()); }
  SECTION("exclusive") { CHECK(w.code(behind(m, m.call<&mortal::touch_later>())).empty()); }
  SECTION("by name") { CHECK(w.code(behind(m, m.call("touch", "[]"))).empty()); }
  SECTION("posts") {
    w.run(w.client.get_or_create<asker>("a").call<&asker::post_behind>());
    w.settle();
    CHECK(w.run(m.call<&mortal::touch>()) == 3);
  }
  CHECK(mortal::ran_on_the_dying == 0);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "an actor that waits for one that ends is refused, so that neither waits for the other") {
  CHECK(w.run(w.client.get_or_create<asker>("a").call<&asker::ask>()) == "destroying");
  CHECK(mortal::ran_on_the_dying == 0);
}

TEST_CASE_METHOD(fixture, "nothing is taken while an action that has called destroy goes on") {
  const auto ending = w.start(m.call<&mortal::end_slowly>());
  const std::string text = "hello";
  const auto sent = w.start(m.send(mortal::mail, text));
  const auto called = w.start(m.call<&mortal::touch>());
  CHECK_FALSE(sent.done());
  CHECK_FALSE(called.done());
  w.pass(2s);
  CHECK(ending.done());
  CHECK(sent.code().empty());
  CHECK(called.value() == 1);
  CHECK(w.run(m.call<&mortal::read>()) == texts{"hello"});
  CHECK(mortal::ran_on_the_dying == 0);
}

TEST_CASE_METHOD(fixture, "on_error hears of the messages that go with their actor") {
  const std::string text = "hello";
  w.run(m.send(mortal::mail, text));
  w.run(m.send(mortal::mail, text));
  w.run(m.call<&mortal::end>());
  w.settle();
  CHECK(w.errors == texts{"the queues of mortal/m: actor.destroying"});
  CHECK(w.run(m.call<&mortal::read>()).empty());
}

TEST_CASE_METHOD(fixture, "an ephemeral actor that was told to sleep takes no more messages") {
  const auto s = w.client.get_or_create<short_lived>("s");
  w.run(s.call<&short_lived::waiting>());
  const auto behind_rest = [](troupe::handle<short_lived> to) -> troupe::task<> {
    to.post<&short_lived::rest>();
    co_await to.send(short_lived::mail, 1);
  };
  w.run(behind_rest(s));
  CHECK(w.run(s.call<&short_lived::waiting>()) == 1);
}

TEST_CASE("no message that was acknowledged is lost with its actor, whatever the threads do") {
  troupe::runtime_options options;
  std::atomic<std::size_t> lost{0};
  options.threads = 2;
  options.on_error = [&](const std::exception_ptr& failure, std::string_view) {
    // "...: N messages of its queues are gone with it"
    const auto text = text_of(failure);
    const auto end = text.find(" messages of its queues");
    if (end == std::string::npos) return;
    lost += std::stoul(text.substr(text.rfind(' ', end - 1) + 1));
  };
  troupe::runtime runtime{everybody(), options};
  const auto m = client_of(runtime).get_or_create<mortal>("m");
  mortal::ran_on_the_dying = 0;
  constexpr int messages = 3'000;
  std::size_t acknowledged = 0;
  std::size_t read = 0;
  std::thread sender{[&] {
    const std::string text = "hello";
    for (int i = 0; i < messages; ++i) acknowledged += code_when([&] { m.send(mortal::mail, text).get(); }).empty();
  }};
  for (int i = 0; i < 300; ++i) {
    code_when([&] { read += m.call<&mortal::read>().get().size(); });
    code_when([&] { m.call<&mortal::end>().get(); });
  }
  sender.join();
  read += m.call<&mortal::read>().get().size();
  CHECK(acknowledged == read + lost);  // those that came between the last look and the end are told of
  CHECK(mortal::ran_on_the_dying == 0);
}
