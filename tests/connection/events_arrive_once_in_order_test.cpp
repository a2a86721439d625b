// SPDX-License-Identifier: Apache-2.0
// A live connection hears each event of its subscriptions once, in the order of sending: by on, once, stream and next.

#include <catch2/catch.hpp>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

using lines = std::vector<std::string>;

/// Counts its copies.
struct parcel {
  static inline int copies = 0;
  std::string content;

  parcel() = default;
  explicit parcel(std::string c) : content{std::move(c)} {}
  parcel(const parcel& other) : content{other.content} { ++copies; }
  parcel(parcel&&) noexcept = default;
  parcel& operator=(const parcel& other) {
    content = other.content;
    ++copies;
    return *this;
  }
  parcel& operator=(parcel&&) noexcept = default;
  ~parcel() = default;
};

}  // namespace

template <>
struct troupe::codec<parcel> {
  static void write(cbor_writer& out, const parcel& p) { troupe::write(out, p.content); }
  static void read(cbor_reader& in, parcel& p) { troupe::read(in, p.content); }
};

namespace {

struct radio {
  static constexpr troupe::event<"number", int> number{};
  static constexpr troupe::event<"words", std::string, int, std::vector<int>> words{};
  static constexpr troupe::event<"ping"> ping{};
  static constexpr troupe::event<"post", parcel> post{};
  int sent = 0;

  void on_connect(troupe::context<radio>& c, troupe::peer<radio> p) {
    p.send(number, -1);
    c.broadcast(number, -2);
    p.send(words, "welcome", 1, std::vector<int>{});
  }
  void on_disconnect(troupe::context<radio>& c, const troupe::peer<radio>&) {
    c.broadcast(words, "left", 0, std::vector<int>{});
  }
  void on_sleep(troupe::context<radio>& c) { c.broadcast(words, "sleep", 0, std::vector<int>{}); }

  int play(troupe::context<radio>& c, int count) {
    for (int i = 0; i < count; ++i) c.broadcast(number, ++sent);
    return sent;
  }
  void tell_caller(troupe::context<radio>& c, int n) const { c.connection()->send(number, n); }
  bool tell(troupe::context<radio>& c, troupe::actor_id id, int n) const {
    for (const auto& p : c.connections()) {
      if (p.id() == id) return p.send(number, n), true;
    }
    return false;
  }
  void mixed(troupe::context<radio>& c) const {
    c.broadcast(words, "a", 1, std::vector<int>{1, 2});
    c.broadcast(ping);
    c.broadcast(number, 7);
    c.broadcast(words, "b", 2, std::vector<int>{});
  }
  int deliver(troupe::context<radio>& c, int times) const {
    const parcel p{"content"};
    parcel::copies = 0;
    for (int i = 0; i < times; ++i) c.broadcast(post, p);
    return parcel::copies;
  }
  void rest(troupe::context<radio>& c) { c.sleep(); }
  using actor = troupe::actor<radio, &radio::play, &radio::tell_caller, &radio::tell, &radio::mixed, &radio::deliver,
                              &radio::rest, number, words, ping, post>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<radio>("radio");
    return r;
  }
  /// A connection whose greetings have been heard.
  troupe::connection<radio> connect() {
    auto conn = w.run(h.connect());
    {
      const auto numbers = conn.on(radio::number, [](int) {});
      const auto words = conn.on(radio::words, [](const std::string&, int, const std::vector<int>&) {});
      w.settle();
    }
    return conn;
  }

  world w{registry()};
  troupe::handle<radio> h = w.client.get_or_create<radio>("r");
};

auto into(std::vector<int>& heard) {
  return [&heard](int n) { heard.push_back(n); };
}

}  // namespace

TEST_CASE_METHOD(fixture, "events are heard in the order of sending, whoever made the actor send them") {
  const auto conn = connect();
  std::vector<int> heard;
  const auto s = conn.on(radio::number, into(heard));
  w.run(conn.call<&radio::play>(3));
  w.run(h.call<&radio::play>(2));
  w.run(conn.call<&radio::tell_caller>(100));
  w.run(conn.call<&radio::play>(1));
  w.settle();
  CHECK(heard == std::vector{1, 2, 3, 4, 5, 100, 6});
}

TEST_CASE_METHOD(fixture, "a subscription hears from when it was made: the very next call already") {
  const auto conn = connect();
  w.run(h.call<&radio::play>(1));
  std::vector<int> heard;
  const auto s = conn.on(radio::number, into(heard));
  w.run(h.call<&radio::play>(1));
  w.settle();
  CHECK(heard == std::vector{2});
}

TEST_CASE_METHOD(fixture, "once hears once, and costs nothing after that") {
  const auto conn = connect();
  std::vector<int> heard;
  const auto s = conn.once(radio::number, into(heard));
  w.run(h.call<&radio::play>(3));
  w.run(h.call<&radio::play>(3));
  w.settle();
  CHECK(heard == std::vector{1});
  const auto p = conn.once(radio::post, [](const parcel&) {});
  CHECK(w.run(h.call<&radio::deliver>(1)) == 1);
  CHECK(w.run(h.call<&radio::deliver>(1)) == 0);
}

TEST_CASE_METHOD(fixture, "next is the event after the call, whenever it is awaited") {
  const auto conn = connect();
  auto first = conn.next(radio::number);
  w.run(h.call<&radio::play>(1));
  auto second = conn.next(radio::number);
  w.run(h.call<&radio::play>(2));
  CHECK(w.run(std::move(first)) == 1);
  CHECK(w.run(std::move(second)) == 2);
}

TEST_CASE_METHOD(fixture, "a stream misses nothing from when it was made") {
  const auto conn = connect();
  auto stream = conn.stream(radio::number);
  w.run(h.call<&radio::play>(3));
  auto heard = [&]() -> troupe::task<std::vector<int>> {
    std::vector<int> all;
    while (all.size() < 5) {
      const auto n = co_await stream.next();
      all.push_back(*n);
    }
    co_return all;
  };
  const auto all = w.start(heard());
  CHECK_FALSE(all.done());
  w.run(h.call<&radio::play>(2));
  w.settle();
  REQUIRE(all.done());
  CHECK(all.value() == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE_METHOD(fixture, "a stream that two coroutines wait on serves the first") {
  const auto conn = connect();
  auto stream = conn.stream(radio::number);
  const auto first = w.start(stream.next());
  CHECK(w.code(stream.next()) == "actor.invalid_operation");
  w.run(h.call<&radio::play>(1));
  w.settle();
  CHECK(first.value() == 1);
}

TEST_CASE_METHOD(fixture, "a stream can be moved between two events, and let go while somebody waits") {
  const auto conn = connect();
  std::optional<troupe::event_stream<troupe::event<"number", int>>> moved;
  {
    auto stream = conn.stream(radio::number);
    w.run(h.call<&radio::play>(1));
    moved.emplace(std::move(stream));
  }
  CHECK(w.run(moved->next()) == 1);
  const auto waiting = w.start(moved->next());
  moved.reset();
  w.settle();
  REQUIRE(waiting.done());
  CHECK_FALSE(waiting.value().has_value());
}

TEST_CASE_METHOD(fixture, "events carry several values, one, or none") {
  const auto conn = connect();
  lines heard;
  const auto words = conn.on(radio::words, [&](const std::string& s, int n, const std::vector<int>& v) {
    heard.push_back(s + std::to_string(n) + ":" + std::to_string(v.size()));
  });
  const auto ping = conn.on(radio::ping, [&] { heard.emplace_back("ping"); });
  const auto number = conn.on(radio::number, [&](long n) { heard.push_back(std::to_string(n)); });
  auto tuples = conn.stream(radio::words);
  auto empty = conn.next(radio::ping);
  w.run(h.call<&radio::mixed>());
  w.settle();
  CHECK(heard == lines{"a1:2", "ping", "7", "b2:0"});
  const auto first = w.run(tuples.next());
  CHECK(first == std::tuple{std::string{"a"}, 1, std::vector{1, 2}});
  CHECK(w.run(std::move(empty)) == std::tuple<>{});
}

TEST_CASE_METHOD(fixture, "what is sent to one connection is heard by its listeners alone") {
  const auto first = connect();
  const auto second = connect();
  std::vector<int> heard_first, heard_again, heard_second;
  const auto a = first.on(radio::number, into(heard_first));
  const auto b = first.on(radio::number, into(heard_again));
  const auto c = second.on(radio::number, into(heard_second));
  CHECK(w.run(h.call<&radio::tell>(first.id(), 5)));
  w.run(second.call<&radio::tell_caller>(6));
  w.settle();
  CHECK(heard_first == std::vector{5});
  CHECK(heard_again == std::vector{5});
  CHECK(heard_second == std::vector{6});
  CHECK_FALSE(w.run(h.call<&radio::tell>(troupe::actor_id{}, 1)));
}

TEST_CASE_METHOD(fixture, "what is sent to a connection that does not listen is not kept") {
  const auto conn = connect();
  w.run(conn.call<&radio::tell_caller>(6));
  std::vector<int> heard;
  const auto s = conn.on(radio::number, into(heard));
  w.settle();
  CHECK(heard.empty());
}

TEST_CASE_METHOD(fixture, "what was sent in on_connect waits for the first listener of each event, and for it alone") {
  const auto conn = w.run(h.connect());
  w.settle();
  std::vector<int> heard, second;
  const auto a = conn.on(radio::number, into(heard));
  const auto b = conn.on(radio::number, into(second));
  w.run(h.call<&radio::play>(1));
  w.settle();
  CHECK(heard == std::vector{-1, -2, 1});
  CHECK(second == std::vector{1});
  auto words = conn.stream(radio::words);
  const auto welcome = w.run(words.next());
  CHECK(std::get<0>(*welcome) == "welcome");
}

TEST_CASE_METHOD(fixture, "what others do while on_connect runs is not lost to the newcomer") {
  const auto first = connect();
  std::vector<int> heard;
  const auto s = first.on(radio::number, into(heard));
  const auto second = w.run(h.connect());
  w.settle();
  CHECK(heard == std::vector{-2});  // of second's on_connect
}

TEST_CASE_METHOD(fixture, "events of on_disconnect reach those who stay, those of on_sleep all") {
  const auto stays = connect();
  auto leaves = connect();
  lines heard, heard_by_leaver;
  const auto a = stays.on(radio::words, [&](const std::string& s, int, const auto&) { heard.push_back(s); });
  const auto b = leaves.on(radio::words, [&](const std::string& s, int, const auto&) { heard_by_leaver.push_back(s); });
  leaves.close();
  w.settle();
  CHECK(heard == lines{"left"});
  w.run(h.call<&radio::rest>());
  w.pass(1s);
  CHECK(heard == lines{"left", "sleep"});
  CHECK(heard_by_leaver.empty());
}

TEST_CASE_METHOD(fixture, "an event is copied once, however many listen, and not at all for nobody") {
  CHECK(w.run(h.call<&radio::deliver>(3)) == 0);
  const auto conn = connect();
  CHECK(w.run(h.call<&radio::deliver>(3)) == 0);
  std::vector<troupe::connection<radio>> others;
  std::vector<troupe::subscription> all;
  int heard = 0;
  for (int i = 0; i < 10; ++i) {
    others.push_back(connect());
    all.push_back(others.back().on(radio::post, [&](const parcel& p) { heard += p.content == "content" ? 1 : 0; }));
  }
  CHECK(w.run(h.call<&radio::deliver>(3)) == 3);
  w.settle();
  CHECK(heard == 30);
  CHECK(parcel::copies == 3);
  all.clear();
  CHECK(w.run(h.call<&radio::deliver>(3)) == 0);
}
