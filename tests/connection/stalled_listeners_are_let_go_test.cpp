// SPDX-License-Identifier: Apache-2.0
// Who does not take its events is told so and let go; the actor and everybody else go on as if nothing had happened.

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "loopback/client_of.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

struct source {
  static constexpr troupe::options options{.connection_events_max = 10};
  static constexpr troupe::event<"item", int> item{};
  static constexpr troupe::event<"other", int> other{};
  int n = 0;
  int left = 0;
  void on_disconnect(troupe::context<source>&, const troupe::peer<source>&) { ++left; }
  int produce(troupe::context<source>& c, int count) {
    for (int i = 0; i < count; ++i) c.broadcast(item, ++n);
    return n;
  }
  void produce_other(troupe::context<source>& c) const { c.broadcast(other, n); }
  void whisper(troupe::context<source>& c, int count) const {
    for (int i = 0; i < count; ++i) c.connections().front().send(item, -i);
  }
  int there(troupe::context<source>& c) const { return static_cast<int>(c.connections().size()); }
  int gone() const { return left; }
  using actor = troupe::actor<source, &source::produce, &source::produce_other, &source::whisper, &source::there,
                              &source::gone, item, other>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<source>("source");
    return r;
  }
  int produce(int count) { return w.run(h.call<&source::produce>(count)); }
  template <class S>
  std::vector<int> rest_of(S& stream, std::string& end) {
    std::vector<int> all;
    end = w.code([](S& from, std::vector<int>& into) -> troupe::task<> {
      for (;;) {
        const auto n = co_await from.next();
        if (!n) break;
        into.push_back(*n);
      }
    }(stream, all));
    return all;
  }
  world w{registry()};
  troupe::handle<source> h = w.client.get_or_create<source>("s");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a stream that is not read is closed with connection.lagging, after what it had") {
  const auto slow = w.run(h.connect());
  const auto quick = w.run(h.connect());
  auto unread = slow.stream(source::item);
  std::vector<int> heard;
  const auto s = quick.on(source::item, [&](int n) { heard.push_back(n); });
  std::string end;
  const auto closed = slow.on_close([&](const std::exception_ptr& e) { end = code_of(e); });
  for (int i = 0; i < 10; ++i) {
    produce(1);
    w.settle();
  }
  CHECK(slow.connected());
  produce(1);
  w.settle();
  CHECK_FALSE(slow.connected());
  CHECK(end == "connection.lagging");
  CHECK(w.run(h.call<&source::there>()) == 1);
  CHECK(w.run(h.call<&source::gone>()) == 1);
  produce(5);
  w.settle();
  CHECK(heard.size() == 16);
  CHECK(quick.connected());
  CHECK(rest_of(unread, end) == std::vector{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(end == "connection.lagging");
  CHECK(w.code(slow.call<&source::there>()) == "connection.lagging");
  CHECK(w.errors.empty());
}

TEST_CASE_METHOD(fixture, "the limit counts what waits, not what was heard") {
  const auto conn = w.run(h.connect());
  auto stream = conn.stream(source::item);
  for (int round = 0; round < 20; ++round) {
    produce(10);
    for (int i = 0; i < 10; ++i) w.run(stream.next());
  }
  CHECK(conn.connected());
}

TEST_CASE_METHOD(fixture, "all streams and handlers of one connection count together") {
  const auto conn = w.run(h.connect());
  auto first = conn.stream(source::item);
  auto second = conn.stream(source::item);
  produce(5);
  w.settle();
  CHECK(conn.connected());
  w.run(h.call<&source::produce_other>());
  CHECK(conn.connected());
  produce(1);
  CHECK_FALSE(conn.connected());
  std::string end;
  CHECK(rest_of(first, end).size() == 5);
  CHECK(rest_of(second, end).size() == 5);
}

TEST_CASE_METHOD(fixture, "a stream that is let go counts no more") {
  const auto conn = w.run(h.connect());
  {
    const auto unread = conn.stream(source::item);
    produce(10);
  }
  auto stream = conn.stream(source::item);
  produce(10);
  CHECK(conn.connected());
}

TEST_CASE_METHOD(fixture, "more in one turn than may wait closes who hears by handler, too") {
  const auto conn = w.run(h.connect());
  std::vector<int> heard;
  std::string end;
  const auto s = conn.on(source::item, [&](int n) { heard.push_back(n); });
  const auto closed = conn.on_close([&](const std::exception_ptr& e) { end = code_of(e); });
  produce(11);
  w.settle();
  CHECK(end == "connection.lagging");
  CHECK(heard.size() == 10);
}

TEST_CASE_METHOD(fixture, "what is sent to one connection alone counts as well") {
  const auto conn = w.run(h.connect());
  auto stream = conn.stream(source::item);
  w.run(h.call<&source::whisper>(11));
  w.settle();
  CHECK_FALSE(conn.connected());
}

TEST_CASE_METHOD(fixture, "who was let go may connect again") {
  auto conn = w.run(h.connect());
  auto stream = conn.stream(source::item);
  produce(20);
  CHECK_FALSE(conn.connected());
  conn = w.run(h.connect());
  auto fresh = conn.stream(source::item);
  produce(1);
  CHECK(w.run(fresh.next()) == 21);
}

TEST_CASE("a handler that blocks its thread holds up neither the actor nor other connections") {
  troupe::registry r;
  r.use<source>("source");
  troupe::runtime_options options;
  options.threads = 3;
  troupe::runtime runtime{r, options};
  const auto h = client_of(runtime).get_or_create<source>("s");
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::promise<std::string> ended;
  std::atomic<int> heard{0}, heard_by_stalled{0};
  {
    const auto stalled = h.connect().get();
    const auto lively = h.connect().get();
    const auto a = stalled.on(source::item, [&](int) {
      released.wait();
      ++heard_by_stalled;
    });
    const auto b = lively.on(source::item, [&](int) {
      ++heard;
      heard.notify_all();
    });
    const auto c = stalled.on_close([&](const std::exception_ptr& e) { ended.set_value(code_of(e)); });
    for (int i = 1; i <= 30; ++i) {
      CHECK(h.call<&source::produce>(1).get() == i);
      for (int seen = heard; seen < i; seen = heard) heard.wait(seen);
    }
    CHECK_FALSE(stalled.connected());
    CHECK(heard == 30);
    release.set_value();
    CHECK(ended.get_future().get() == "connection.lagging");
    CHECK(heard_by_stalled >= 10);
    CHECK(heard_by_stalled <= 11);
  }
  runtime.shutdown();
}
