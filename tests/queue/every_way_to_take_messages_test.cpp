// SPDX-License-Identifier: Apache-2.0
// Batches, streams and several queues, and who asks for what: the ways to take messages that the other tests pass by.

#include <catch2/catch.hpp>

#include "runtime/world.hpp"

using namespace behaviour;

namespace {

using texts = std::vector<std::string>;

std::string text_of_body(const std::string& body) { return body; }
std::string text_of_body(int body) { return std::to_string(body); }

struct visitor {
  std::string name;
};

/// One actor with many queues.
struct office {
  static constexpr troupe::queue<"a", std::string> a{};
  static constexpr troupe::queue<"b", int> b{};
  static constexpr troupe::queue<"c", std::string> c{};
  static constexpr troupe::queue<"d", std::string> d{};
  static constexpr troupe::queue<"e", std::string> e{};

  texts asked;

  visitor create_connection_state(troupe::context<office>&, const visitor& v) { return v; }
  bool can_publish(troupe::context<office>& ctx, std::string_view queue) {
    const auto from = ctx.connection();
    asked.push_back((from ? from->state().name : "nobody") + " " + std::string{queue});
    return from.has_value() || queue != "e";
  }

  // What is there of both, at most so many, after waiting for the first.
  troupe::task<texts> batch_of_two(troupe::context<office>& ctx, int most) {
    const auto all = co_await ctx.queue().next_batch(a, b, most);
    texts seen;
    for (const auto& m : all) {
      seen.push_back(m.index() == 0 ? *std::get<0>(m) : std::to_string(*std::get<1>(m)));
    }
    co_return seen;
  }
  troupe::task<int> batch_in_time(troupe::context<office>& ctx, std::chrono::milliseconds limit) {
    const auto all = co_await ctx.queue().next_batch(a, 10, limit);
    co_return static_cast<int>(all.size());
  }
  // Ends with its caller's patience, or the actor's.
  troupe::task<int> read_until_told(troupe::context<office>& ctx) {
    auto messages = ctx.queue().messages(a, ctx.stop_token());
    int count = 0;
    for (;;) {
      const auto m = co_await messages.next();
      if (!m) break;
      ++count;
    }
    ended = true;
    co_return count;
  }
  troupe::task<texts> drain_all(troupe::context<office>& ctx, int count) {
    texts seen;
    for (int i = 0; i != count; ++i) {
      const auto m = co_await ctx.queue().next(a, b, c, d, e);
      seen.push_back(std::visit([](const auto& each) { return text_of_body(*each); }, m));
    }
    co_return seen;
  }
  void answer_c(troupe::context<office>& ctx) {
    auto m = ctx.queue().try_next(c);
    if (m) m->complete();
  }
  texts questions() const { return asked; }
  bool has_ended() const { return ended; }
  void complain() const { throw troupe::user_error{"closed", "come back tomorrow", R"({"until":"9:00"})"}; }

  bool ended = false;

  static constexpr troupe::options options{.sleep_after = 1h};
  using actor = troupe::actor<office, &office::batch_of_two, &office::batch_in_time, &office::read_until_told,
                              &office::drain_all, &office::answer_c, &office::questions, &office::has_ended,
                              &office::complain, a, b, c, d, e>;
};

/// An actor without state, and without queues.
struct echo {
  std::string say(std::string text) const { return text; }
  using actor = troupe::actor<echo, &echo::say>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<office>("office").use<echo>("echo");
    return r;
  }
  world w{registry()};
  troupe::handle<office> h = w.client.get_or_create<office>("o");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a batch of several queues has what is there, in the order of arrival") {
  w.run(h.send(office::a, "one"));
  w.run(h.send(office::b, 2));
  w.run(h.send(office::c, "not asked for"));
  w.run(h.send(office::a, "three"));
  CHECK(w.run(h.call<&office::batch_of_two>(2)) == texts{"one", "2"});
  CHECK(w.run(h.call<&office::batch_of_two>(9)) == texts{"three"});
  const auto waiting = w.start(h.call<&office::batch_of_two>(9));
  CHECK_FALSE(waiting.done());
  w.run(h.send(office::b, 4));
  w.settle();
  REQUIRE(waiting.done());
  CHECK(waiting.value() == texts{"4"});
}

TEST_CASE_METHOD(fixture, "a batch that has waited long enough is empty") {
  const auto waiting = w.start(h.call<&office::batch_in_time>(500ms));
  w.pass(499ms);
  CHECK_FALSE(waiting.done());
  w.pass(5ms);
  REQUIRE(waiting.done());
  CHECK(waiting.value() == 0);
}

TEST_CASE_METHOD(fixture, "a stream ends when its stop token is triggered, and the messages stay") {
  std::stop_source caller;
  const auto reading = w.start(h.with(caller.get_token()).call<&office::read_until_told>());
  w.run(h.send(office::a, "read"));
  w.settle();
  caller.request_stop();
  w.settle();
  CHECK(reading.code() == "actor.aborted");
  CHECK(w.run(h.call<&office::has_ended>()));
  w.run(h.send(office::a, "left"));
  CHECK(w.run(h.call<&office::batch_of_two>(9)) == texts{"left"});
}

TEST_CASE_METHOD(fixture, "many queues of one actor are drained in the order of arrival") {
  const troupe::handle<office> known = w.run(w.client.create<office>("many"));
  const auto conn = w.run(known.connect(visitor{"ann"}));
  texts sent;
  for (int round = 0; round != 4; ++round) {
    const auto n = std::to_string(round);
    w.run(known.send(office::d, "d" + n));
    w.run(known.send(office::b, round));
    w.run(conn.actor().send(office::e, "e" + n));
    w.run(known.send(office::a, "a" + n));
    w.run(known.send(office::c, "c" + n));
    for (const auto& text : {"d" + n, n, "e" + n, "a" + n, "c" + n}) sent.push_back(text);
  }
  CHECK(w.run(known.call<&office::drain_all>(20)) == sent);
}

TEST_CASE_METHOD(fixture, "a message of a queue without results is completed without one, and its sender told") {
  const auto waiting = w.start(h.send_and_wait(office::c, "do it"));
  CHECK_FALSE(waiting.done());
  w.run(h.call<&office::answer_c>());
  w.settle();
  CHECK(waiting.done());
  CHECK_FALSE(waiting.failed());
}

TEST_CASE_METHOD(fixture, "can_publish sees the connection that a message comes over") {
  const auto conn = w.run(h.connect(visitor{"ann"}));
  w.run(conn.actor().send(office::e, "over a connection"));
  CHECK(w.code(h.send(office::e, "by a handle")) == "auth.forbidden");
  CHECK(w.run(h.call<&office::questions>()) == texts{"ann e", "nobody e"});
}

TEST_CASE_METHOD(fixture, "an action's failure is whole over a connection") {
  const auto conn = w.run(h.connect(visitor{"ann"}));
  try {
    w.run(conn.call<&office::complain>());
    FAIL("it returned");
  } catch (const troupe::user_error& e) {
    CHECK(e.code() == "closed");
    CHECK(e.message() == "come back tomorrow");
    CHECK(e.metadata() == R"({"until":"9:00"})");
  }
}

TEST_CASE_METHOD(fixture, "an actor without state answers, and one without queues takes no messages") {
  const auto e = w.client.get_or_create<echo>("e");
  CHECK(w.run(e.call<&echo::say>("hello")) == "hello");
  CHECK(code_when([&] { w.run(e.send("a", R"("lost")")); }) == "queue.not_declared");
}
