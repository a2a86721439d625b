// SPDX-License-Identifier: Apache-2.0
// An actor may connect to another: it hears events in turns of its own, and its connections end with its life.

#include <catch2/catch.hpp>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

using lines = std::vector<std::string>;

lines diary;

struct sensor {
  static constexpr troupe::event<"reading", int> reading{};
  int value = 0;
  int left = 0;
  void on_connect(troupe::context<sensor>&, troupe::peer<sensor> p) { p.send(reading, value); }
  void on_disconnect(troupe::context<sensor>&, const troupe::peer<sensor>&) {
    ++left;
    diary.emplace_back("parted");
  }
  void measure(troupe::context<sensor>& c, int v) {
    value = v;
    c.broadcast(reading, v);
  }
  int there(troupe::context<sensor>& c) const { return static_cast<int>(c.connections().size()); }
  int gone() const { return left; }
  void kick(troupe::context<sensor>& c) const {
    for (const auto& p : c.connections()) p.disconnect(troupe::user_error{"kicked", "out"});
  }
  void end(troupe::context<sensor>& c) { c.destroy(); }
  using actor = troupe::actor<sensor, &sensor::measure, &sensor::there, &sensor::gone, &sensor::kick, &sensor::end,
                              reading>;
};

/// What a recorder has besides its state. It is not stored: the recorder opens it anew when it wakes.
struct line_in {
  std::optional<troupe::connection<sensor>> conn;
  troupe::subscription heard, closed;
};
std::map<std::string, std::unique_ptr<line_in>> open_lines;

struct recorder {
  static constexpr troupe::options options{.sleep_after = 20s};
  static constexpr troupe::event<"recorded", int> recorded{};
  std::vector<int> values;
  std::string ended;

  static line_in& mine(const troupe::context<recorder>& c) { return *open_lines[c.key().canonical()]; }

  troupe::task<> follow(troupe::context<recorder>& c, std::string key) {
    open_lines[c.key().canonical()] = std::make_unique<line_in>();
    const auto from = c.client().get_or_create<sensor>(key);
    auto opened = co_await from.connect();
    line_in& in = mine(c);
    in.conn.emplace(std::move(opened));
    in.heard = in.conn->on(sensor::reading, [this, &c](int v) {
      values.push_back(v);
      c.broadcast(recorded, v);
    });
    in.closed = in.conn->on_close([this](const std::exception_ptr& e) { ended = e ? code_of(e) : "in good order"; });
  }
  void on_sleep(troupe::context<recorder>& c) {
    diary.emplace_back("recorder sleeps");
    open_lines.erase(c.key().canonical());
  }
  void on_destroy(troupe::context<recorder>& c) { open_lines.erase(c.key().canonical()); }

  troupe::task<int> take(troupe::context<recorder>& c, std::string key, int count) {
    const auto from = c.client().get_or_create<sensor>(key);
    const auto conn = co_await from.connect();
    auto readings = conn.stream(sensor::reading);
    int sum = 0;
    for (int i = 0; i < count; ++i) {
      const auto v = co_await readings.next();
      sum += *v;
      values.push_back(*v);
    }
    co_return sum;
  }
  troupe::task<int> measure_and_hear(troupe::context<recorder>& c, int v) {
    const auto& conn = *mine(c).conn;
    co_await conn.call<&sensor::measure>(v);
    co_await conn.call<&sensor::measure>(v + 1);
    co_await c.delay(1ms);
    co_return static_cast<int>(values.size());
  }
  std::vector<int> get() const { return values; }
  std::string end_of_line() const { return ended; }
  void hang_up(troupe::context<recorder>& c) const { mine(c).conn->close(); }
  void rest(troupe::context<recorder>& c) { c.sleep(); }
  void end(troupe::context<recorder>& c) { c.destroy(); }
  using actor = troupe::actor<recorder, &recorder::follow, &recorder::take, &recorder::measure_and_hear, &recorder::get,
                              &recorder::end_of_line, &recorder::hang_up, &recorder::rest, &recorder::end, recorded>;
};

/// Connects to itself.
struct friendly {
  static constexpr troupe::event<"hello", int> hello{};
  int heard = 0;
  troupe::task<int> greet_self(troupe::context<friendly>& c) {
    const auto self = c.client().get<friendly>(c.key());
    const auto conn = co_await self.connect();
    auto hellos = conn.stream(hello);
    c.broadcast(hello, 3);
    const auto n = co_await hellos.next();
    co_return *n;
  }
  using actor = troupe::actor<friendly, &friendly::greet_self, hello>;
};

/// Is never stored, and has nothing that would outlive it.
struct passer_by {
  static constexpr troupe::options options{.durability = troupe::durability::ephemeral};
  troupe::task<int> look_in(troupe::context<passer_by>& c) {
    const auto to = c.client().get_or_create<sensor>("s");
    const auto conn = co_await to.connect();
    const auto there = co_await conn.call<&sensor::there>();
    co_return there;
  }
  using actor = troupe::actor<passer_by, &passer_by::look_in>;
};

struct fixture {
  fixture() { diary.clear(); }
  ~fixture() { open_lines.clear(); }
  static troupe::registry registry() {
    troupe::registry r;
    r.use<sensor>("sensor").use<recorder>("recorder").use<passer_by>("passerBy");
    return r;
  }
  gated_store store;
  world w{registry(), store};
  troupe::handle<sensor> s = w.client.get_or_create<sensor>("s");
  troupe::handle<recorder> r = w.client.get_or_create<recorder>("r");
};

}  // namespace

TEST_CASE_METHOD(fixture, "an actor's handlers run in its turns: they change its state, and that is stored") {
  w.run(r.call<&recorder::follow>("s"));
  w.run(s.call<&sensor::measure>(5));
  w.run(s.call<&sensor::measure>(6));
  w.settle();
  CHECK(w.run(r.call<&recorder::get>()) == std::vector{0, 5, 6});
  w.run(r.call<&recorder::rest>());
  w.pass(1s);
  REQUIRE(w.phase(r) == phase::asleep);
  CHECK(w.run(r.call<&recorder::get>()) == std::vector{0, 5, 6});
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "an actor that is never stored may connect, too") {
  CHECK(w.run(w.client.get_or_create<passer_by>("p").call<&passer_by::look_in>()) == 1);
  w.settle();
  CHECK(w.run(s.call<&sensor::there>()) == 0);
}

TEST_CASE_METHOD(fixture, "an actor reads a stream of another's events") {
  const auto sum = w.start(r.call<&recorder::take>("s", 3));
  CHECK_FALSE(sum.done());
  w.run(s.call<&sensor::measure>(5));
  w.run(s.call<&sensor::measure>(6));
  w.settle();
  CHECK(sum.value() == 11);
  w.settle();
  CHECK(w.run(s.call<&sensor::there>()) == 0);
  CHECK(w.run(s.call<&sensor::gone>()) == 1);
}

TEST_CASE_METHOD(fixture, "an actor hears what it makes another send, too") {
  w.run(r.call<&recorder::follow>("s"));
  const auto call = w.start(r.call<&recorder::measure_and_hear>(1));
  w.pass(10ms);
  CHECK(call.value() == 3);
  CHECK(w.run(r.call<&recorder::get>()) == std::vector{0, 1, 2});
}

TEST_CASE_METHOD(fixture, "an event goes to actors at once; what they make of it is durable no sooner than its cause") {
  w.run(r.call<&recorder::follow>("s"));
  const auto watcher = w.run(r.connect());
  std::vector<int> heard;
  const auto h = watcher.on(recorder::recorded, [&](int v) { heard.push_back(v); });
  bool effect_without_cause = false;
  store.after_commit([&](const gated_store::contents& all) {
    std::optional<sensor> cause;
    std::optional<recorder> effect;
    for (const auto& [id, record] : all) {
      if (record.name == "sensor") cause = troupe::decode<sensor>(record.state);
      if (record.name == "recorder") effect = troupe::decode<recorder>(record.state);
    }
    if (effect && !effect->values.empty() && effect->values.back() > cause->value) effect_without_cause = true;
  });
  store.hold();
  const auto measured = w.start(s.call<&sensor::measure>(7));
  w.pass(100ms);
  CHECK(heard.empty());  // the recorder has heard it, the world has not
  for (int i = 8; i < 20; ++i) {
    w.start(s.call<&sensor::measure>(i));
    store.let_one_go();
    w.settle();
  }
  store.let_go();
  w.settle();
  CHECK(heard.size() == 13);
  CHECK(std::ranges::is_sorted(heard));
  CHECK_FALSE(effect_without_cause);
}

TEST_CASE_METHOD(fixture, "an actor's connections end with its life") {
  w.run(r.call<&recorder::follow>("s"));
  CHECK(w.run(s.call<&sensor::there>()) == 1);
  SECTION("when it sleeps") { w.run(r.call<&recorder::rest>()); }
  SECTION("when it is idle for long: being connected keeps nobody awake") { w.pass(1min); }
  SECTION("when it is destroyed") { w.run(r.call<&recorder::end>()); }
  w.pass(1s);
  CHECK(w.run(s.call<&sensor::there>()) == 0);
  CHECK(w.run(s.call<&sensor::gone>()) == 1);
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "a connection in an action's frame ends when the action does, however that is") {
  const auto sum = w.start(r.call<&recorder::take>("s", 30));
  CHECK(w.run(s.call<&sensor::there>()) == 1);
  w.run(r.call<&recorder::rest>());
  w.pass(30s);
  CHECK(sum.code() == "actor.aborted");
  CHECK(w.phase(r) == phase::asleep);
  CHECK(w.run(s.call<&sensor::there>()) == 0);
}

TEST_CASE_METHOD(fixture, "events wake no actor that connected and went to sleep") {
  w.run(r.call<&recorder::follow>("s"));
  const auto kept = std::move(open_lines["r"]);  // somebody holds on to what is no longer theirs
  open_lines.clear();
  open_lines["r"] = std::make_unique<line_in>();
  w.run(r.call<&recorder::rest>());
  w.pass(1s);
  REQUIRE(w.phase(r) == phase::asleep);
  w.run(s.call<&sensor::measure>(1));
  w.settle();
  CHECK(w.phase(r) == phase::asleep);
  CHECK(w.run(r.call<&recorder::get>()).size() == 1);
}

TEST_CASE_METHOD(fixture, "the end of a connection is heard in a turn, too") {
  w.run(r.call<&recorder::follow>("s"));
  SECTION("kicked out") {
    w.run(s.call<&sensor::kick>());
    w.settle();
    CHECK(w.run(r.call<&recorder::end_of_line>()) == "user.kicked");
  }
  SECTION("destroyed") {
    w.run(s.call<&sensor::end>());
    w.settle();
    CHECK(w.run(r.call<&recorder::end_of_line>()) == "actor.destroying");
  }
  SECTION("by itself") {
    w.run(r.call<&recorder::hang_up>());
    w.settle();
    CHECK(w.run(r.call<&recorder::end_of_line>()) == "in good order");
  }
}

TEST_CASE("an actor may be connected to itself") {
  troupe::registry reg;
  reg.use<friendly>("friendly");
  world other{reg};
  CHECK(other.run(other.client.get_or_create<friendly>("f").call<&friendly::greet_self>()) == 3);
}

TEST_CASE_METHOD(fixture, "the runtime ends whoever is connected to whom") {
  w.run(r.call<&recorder::follow>("s"));
  const auto r2 = w.client.get_or_create<recorder>("r2");
  w.run(r2.call<&recorder::follow>("s"));
  const auto reading = w.start(r2.call<&recorder::take>("s", 100));
  w.runtime.shutdown();
  CHECK(reading.failed());
  CHECK(w.errors.empty());
}
