// SPDX-License-Identifier: Apache-2.0
// A connection by name does what a typed one does: the same hooks, the same events, once, in order and after their
// commit, as CBOR arrays.

#include <atomic>
#include <future>
#include <optional>
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

using texts = std::vector<std::string>;

/// Counts how often a value of it is encoded.
struct picture {
  int pixels = 0;
  static inline std::atomic<int> encoded = 0;
  static inline bool is_broken = false;
};

}  // namespace

template <>
struct troupe::codec<picture> {
  static void write(cbor_writer& out, const picture& p) {
    if (picture::is_broken) throw user_error{"torn", "cannot be shown"};
    ++picture::encoded;
    out.integer(p.pixels);
  }
  static void read(cbor_reader& in, picture& p) { p.pixels = in.integer<int>(); }
};

namespace {

struct wall {
  struct ticket {
    std::string name;
    int seats = 1;
  };
  static constexpr troupe::event<"said", std::string, int> said{};
  static constexpr troupe::event<"shown", picture> shown{};
  static constexpr troupe::event<"cleared"> cleared{};
  static constexpr troupe::event<"secret", int> secret{};

  int count = 0;
  std::vector<std::string> log;

  void on_before_connect(troupe::context<wall>&, const ticket& t) {
    if (t.name.empty()) throw troupe::user_error{"no_name", "Who are you?"};
  }
  std::string create_connection_state(troupe::context<wall>&, const ticket& t) {
    return t.name + " x" + std::to_string(t.seats);
  }
  void on_connect(troupe::context<wall>&, troupe::peer<wall> p) { log.push_back("came " + p.state()); }
  void on_disconnect(troupe::context<wall>&, troupe::peer<wall> p) { log.push_back("left " + p.state()); }
  bool can_subscribe(troupe::context<wall>&, std::string_view event) { return event != "secret"; }

  int say(troupe::context<wall>& c, std::string text) {
    c.broadcast(said, text, ++count);
    return count;
  }
  void show(troupe::context<wall>& c, int pixels) { c.broadcast(shown, picture{pixels}); }
  void clear(troupe::context<wall>& c) { c.broadcast(cleared); }
  void whisper(troupe::context<wall>& c) { c.connection()->send(said, "to you", 0); }
  void turn_out(troupe::context<wall>& c) {
    for (const auto& p : c.connections()) p.disconnect(troupe::user_error{"closing", "Good night"});
  }
  std::string whoami(troupe::context<wall>& c) const {
    const auto p = c.connection();
    return p ? p->state() : "nobody";
  }
  texts history() const { return log; }
  void end(troupe::context<wall>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = troupe::never, .connection_events_max = 4};
  using actor = troupe::actor<wall, &wall::say, &wall::show, &wall::clear, &wall::whisper, &wall::turn_out,
                              &wall::whoami, &wall::history, &wall::end, said, shown, cleared, secret>;
};

/// Asks for nothing.
struct plain {
  static constexpr troupe::event<"ticked", int> ticked{};
  int n = 0;
  void tick(troupe::context<plain>& c) { c.broadcast(ticked, ++n); }
  int there(troupe::context<plain>& c) const { return static_cast<int>(c.connections().size()); }
  using actor = troupe::actor<plain, &plain::tick, &plain::there, ticked>;
};

/// What its connections bring cannot come as bytes.
struct narrow {
  void on_before_connect(troupe::context<narrow>&, std::promise<int>* const&) {}
  void nothing() {}
  using actor = troupe::actor<narrow, &narrow::nothing>;
};

/// Takes params that may be missing.
struct lenient {
  void on_connect(troupe::context<lenient>&, troupe::peer<lenient> p) { seen = p.params().value_or("nothing"); }
  void on_before_connect(troupe::context<lenient>&, const std::optional<std::string>&) {}
  std::string seen;
  std::string get() const { return seen; }
  using actor = troupe::actor<lenient, &lenient::get>;
};

/// Listens by name to another actor.
struct follower {
  struct line {
    explicit line(troupe::untyped_connection c) : connection{std::move(c)} {}
    troupe::untyped_connection connection;
    troupe::subscription heard;
  };
  texts heard;
  troupe::transient<std::optional<line>> source;
  troupe::task<> follow(troupe::context<follower>& c, std::string whom) {
    auto connected = co_await c.client().open_or_create("plain", whom).connect();
    source->emplace(std::move(connected));
    (*source)->heard = (*source)->connection.on("ticked", [this](bytes_view v) { heard.push_back(troupe::to_json(v)); });
  }
  texts all() const { return heard; }
  using actor = troupe::actor<follower, &follower::follow, &follower::all>;
};

struct fixture {
  fixture() {
    picture::encoded = 0;
    picture::is_broken = false;
  }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<wall>("wall").use<plain>("plain").use<narrow>("narrow").use<lenient>("lenient").use<follower>("follower");
    return r;
  }
  troupe::untyped_connection connect(std::string_view params = R"({"name":"ann"})") {
    return w.run(h.connect(troupe::from_json(params)));
  }
  auto noting(texts& into) {
    return [&into](bytes_view values) { into.push_back(troupe::to_json(values)); };
  }
  void call(std::string_view action, std::string_view arguments = "[]") {
    w.run(h.call(action, arguments));
    w.settle();
  }
  gated_store store;
  world w{registry(), store};
  troupe::untyped_handle h = w.client.open_or_create("wall", "w");
  troupe::handle<wall> typed = w.client.get_or_create<wall>("w");
  texts heard;
};

}  // namespace

// --- opening and ending ---------------------------------------------------------------------------------------------

TEST_CASE_METHOD(fixture, "params come as bytes, and the hooks get them as they are") {
  {
    const auto conn = connect(R"({"seats":3,"name":"ann"})");
    CHECK(conn.connected());
    CHECK(w.run(conn.call("whoami", "[]")) == R"("ann x3")");
    CHECK(w.run(conn.actor().call("whoami", "[]")) == R"("ann x3")");
    CHECK(w.run(h.call("whoami", "[]")) == R"("nobody")");
  }
  w.settle();
  CHECK(w.run(typed.call<&wall::history>()) == texts{"came ann x3", "left ann x3"});
}

TEST_CASE_METHOD(fixture, "params that do not fit are refused at once, and no hook has run") {
  const auto refusal = [&](std::string_view params) {
    return text_of(failure_of([&] { static_cast<void>(h.connect(troupe::from_json(params))); }));
  };
  CHECK_THAT(refusal("[1]"), Contains("actor.invalid_request") && Contains("wall, the params of the connection"));
  CHECK_THAT(refusal(R"({"name":"ann","seats":"three"})"), Contains("seats"));
  CHECK_THAT(text_of(failure_of([&] { static_cast<void>(h.connect()); })), Contains("actor.invalid_request"));
  const troupe::bytes cut{std::byte{0xA1}, std::byte{0x64}};
  CHECK(code_when([&] { static_cast<void>(h.connect(cut)); }) == "actor.invalid_request");
  CHECK(w.run(typed.call<&wall::history>()).empty());
}

TEST_CASE_METHOD(fixture, "an actor that asks for nothing takes nothing, or null") {
  const auto p = w.client.open_or_create("plain", "p");
  const auto conn = w.run(p.connect());
  const auto other = w.run(p.connect(troupe::from_json("null")));
  CHECK(w.run(p.call("there", "[]")) == "2");
  CHECK_THAT(text_of(failure_of([&] { static_cast<void>(p.connect(troupe::from_json("{}"))); })),
             Contains("actor.invalid_request") && Contains("none are taken"));
}

TEST_CASE_METHOD(fixture, "params that may be missing are, where none are given") {
  const auto l = w.client.open_or_create("lenient", "l");
  const auto one = w.run(l.connect());
  CHECK(w.run(l.call("get", "[]")) == R"("nothing")");
  const auto two = w.run(l.connect(troupe::from_json(R"("hello")")));
  CHECK(w.run(l.call("get", "[]")) == R"("hello")");
}

TEST_CASE_METHOD(fixture, "params that no bytes can be are for typed handles only") {
  const auto n = w.client.open_or_create("narrow", "n");
  CHECK_THAT(text_of(failure_of([&] { static_cast<void>(n.connect()); })),
             Contains("actor.invalid_request") && Contains("no codec"));
  CHECK(w.run(n.call("nothing", "[]")) == "null");
}

TEST_CASE_METHOD(fixture, "what a hook throws is the caller's, and there is no connection") {
  CHECK(w.code(h.connect(troupe::from_json(R"({"name":""})"))) == "user.no_name");
  CHECK(w.code(w.client.open("wall", "none").connect(troupe::from_json(R"({"name":"a"})"))) == "actor.not_found");
  CHECK(w.run(typed.call<&wall::history>()).empty());
}

TEST_CASE_METHOD(fixture, "either side ends it: calls, streams and on_close know why") {
  auto conn = connect();
  std::string reason = "none";
  const auto ended = conn.on_close([&](const std::exception_ptr& why) { reason = code_of(why); });
  auto lines = conn.stream("said");
  call("turn_out");
  CHECK(reason == "user.closing");
  CHECK_FALSE(conn.connected());
  CHECK(w.code(conn.call("whoami", "[]")) == "user.closing");
  CHECK(w.code(lines.next()) == "user.closing");
  CHECK(code_when([&] { static_cast<void>(conn.on("said", noting(heard))); }) == "user.closing");

  auto second = connect();
  second.close();
  CHECK(w.code(second.call("whoami", "[]")) == "connection.closed");
  CHECK(code_when([&] { static_cast<void>(second.stream("said")); }) == "connection.closed");
  auto third = connect();
  call("end");
  CHECK_FALSE(third.connected());
}

TEST_CASE_METHOD(fixture, "a connection that was moved from says so, and one that is assigned to is closed first") {
  auto one = connect(R"({"name":"one"})");
  auto two = connect(R"({"name":"two"})");
  one = std::move(two);
  w.settle();
  CHECK(w.run(typed.call<&wall::history>()).back() == "left one x1");
  CHECK(w.run(one.call("whoami", "[]")) == R"("two x1")");
  CHECK(code_when([&] { static_cast<void>(two.on("said", noting(heard))); }) == "actor.invalid_operation");
  CHECK_FALSE(two.connected());
}

// --- events ---------------------------------------------------------------------------------------------------------

TEST_CASE_METHOD(fixture, "handlers hear what an event carries, in order, until they go") {
  const auto conn = connect();
  auto on = conn.on("said", noting(heard));
  const auto once = conn.once("cleared", noting(heard));
  w.run(on.ready());
  call("say", R"(["a"])");
  call("clear");
  call("clear");
  call("say", R"(["b"])");
  CHECK(heard == texts{R"(["a",1])", "[]", R"(["b",2])"});
  w.run(conn.call("whisper", "[]"));
  w.settle();
  CHECK(heard.back() == R"(["to you",0])");
  on.reset();
  call("say", R"(["c"])");
  CHECK(heard.size() == 4);
}

TEST_CASE_METHOD(fixture, "next and stream yield what an event carries") {
  auto conn = connect();
  auto lines = conn.stream("said");
  auto coming = conn.next("said");
  w.run(lines.ready());
  call("say", R"(["a"])");
  call("say", R"(["b"])");
  CHECK(troupe::to_json(w.run(std::move(coming))) == R"(["a",1])");
  CHECK(troupe::to_json(w.run(lines.next()).value()) == R"(["a",1])");
  CHECK(troupe::to_json(w.run(lines.next()).value()) == R"(["b",2])");
  auto last = conn.next("said");
  conn.close();
  CHECK(w.run(lines.next()) == std::nullopt);
  CHECK(w.code(std::move(last)) == "connection.closed");
}

TEST_CASE_METHOD(fixture, "an event is encoded once for all that listen by name, and not for those who have its type") {
  const auto by_type = w.run(typed.connect(wall::ticket{"typed"}));
  int pixels = 0;
  const auto seen = by_type.on(wall::shown, [&](const picture& p) { pixels += p.pixels; });
  w.run(seen.ready());
  call("show", "[1]");
  CHECK(pixels == 1);
  CHECK(picture::encoded == 0);

  const auto one = connect();
  const auto two = connect(R"({"name":"bob"})");
  const auto first = one.on("shown", noting(heard));
  const auto second = two.on("shown", noting(heard));
  auto third = two.stream("shown");
  w.run(third.ready());
  call("show", "[2]");
  CHECK(troupe::to_json(w.run(third.next()).value()) == "[2]");
  CHECK(heard == texts{"[2]", "[2]"});
  CHECK(pixels == 3);
  CHECK(picture::encoded == 1);
  call("show", "[3]");
  CHECK(picture::encoded == 2);
}

TEST_CASE_METHOD(fixture, "an event that cannot be encoded fails for those who listen by name, and for nobody else") {
  const auto by_type = w.run(typed.connect(wall::ticket{"typed"}));
  int pixels = 0;
  const auto seen = by_type.on(wall::shown, [&](const picture& p) { pixels += p.pixels; });
  const auto conn = connect();
  const auto on = conn.on("shown", noting(heard));
  auto stream = conn.stream("shown");
  w.run(seen.ready());
  w.run(stream.ready());
  picture::is_broken = true;
  call("show", "[1]");
  CHECK(w.code(stream.next()) == "user.torn");
  picture::is_broken = false;
  CHECK(pixels == 1);
  CHECK(heard.empty());
  REQUIRE(w.errors.size() == 1);
  CHECK_THAT(w.errors.front(), Contains("user.torn"));
  CHECK(conn.connected());
  call("show", "[2]");
  CHECK(heard == texts{"[2]"});
  CHECK(troupe::to_json(w.run(stream.next()).value()) == "[2]");
}

TEST_CASE_METHOD(fixture, "an unknown event is named, with those that there are") {
  const auto conn = connect();
  const auto missing = failure_of([&] { static_cast<void>(conn.on("sung", noting(heard))); });
  CHECK(code_of(missing) == "event.not_declared");
  CHECK_THAT(text_of(missing), Contains(R"(wall, "sung"; there are "said", "shown", "cleared", "secret")"));
  CHECK(code_when([&] { static_cast<void>(conn.stream("")); }) == "event.not_declared");
  CHECK(code_when([&] { static_cast<void>(conn.next("Said")); }) == "event.not_declared");
  CHECK(conn.connected());
}

TEST_CASE_METHOD(fixture, "a listener that can_subscribe denies hears nothing, and the connection stays") {
  const auto conn = connect();
  const auto denied = conn.on("secret", noting(heard));
  CHECK(w.code(denied.ready()) == "auth.forbidden");
  CHECK(w.code(conn.next("secret")) == "auth.forbidden");
  CHECK(conn.connected());
}

TEST_CASE_METHOD(fixture, "an event leaves after its commit") {
  const auto conn = connect();
  const auto on = conn.on("said", noting(heard));
  w.run(on.ready());
  store.hold();
  const auto saying = w.start(h.call("say", R"(["a"])"));
  CHECK(heard.empty());
  CHECK_FALSE(saying.done());
  store.let_go();
  w.settle();
  CHECK(heard == texts{R"(["a",1])"});
  CHECK(saying.done());
}

TEST_CASE_METHOD(fixture, "a listener that does not keep up loses its connection") {
  const auto conn = connect();
  auto lines = conn.stream("said");
  w.run(lines.ready());
  for (int i = 0; i < 5; ++i) call("say", R"(["x"])");
  CHECK_FALSE(conn.connected());
  for (int i = 0; i < 4; ++i) CHECK(w.run(lines.next()).has_value());
  CHECK(w.code(lines.next()) == "connection.lagging");
}

TEST_CASE_METHOD(fixture, "an actor that listens by name hears in turns of its own") {
  const auto f = w.client.get_or_create<follower>("f");
  w.run(f.call<&follower::follow>("p"));
  const auto p = w.client.open("plain", "p");
  w.run(p.call("tick", "[]"));
  w.run(p.call("tick", "[]"));
  w.settle();
  CHECK(w.run(f.call<&follower::all>()) == texts{"[1]", "[2]"});
}

TEST_CASE("listeners on many threads share one encoding") {
  picture::encoded = 0;
  picture::is_broken = false;
  constexpr int listeners = 8;
  constexpr int events = 4;
  troupe::runtime runtime{fixture::registry()};
  const auto h = client_of(runtime).open_or_create("wall", "w");
  std::vector<troupe::untyped_connection> connections;
  std::vector<troupe::subscription> subscriptions;
  std::atomic<int> heard = 0;
  std::promise<void> all;
  for (int i = 0; i < listeners; ++i) {
    connections.push_back(h.connect(troupe::from_json(R"({"name":"n"})")).get());
    subscriptions.push_back(connections.back().on("shown", [&](bytes_view values) {
      if (troupe::to_json(values) == "[7]" && ++heard == listeners * events) all.set_value();
    }));
    runtime.run(subscriptions.back().ready());
  }
  for (int i = 0; i < events; ++i) static_cast<void>(h.call("show", "[7]").get());
  all.get_future().wait();
  CHECK(picture::encoded == events);
}
