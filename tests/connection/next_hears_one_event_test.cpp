// SPDX-License-Identifier: Apache-2.0
// `next` is one event: what comes after it is not kept, so a `next` that nobody awaits for long costs a connection
// nothing.

#include <catch2/catch.hpp>

#include "runtime/world.hpp"

using namespace behaviour;

namespace {

struct source {
  static constexpr troupe::options options{.connection_events_max = 3};
  static constexpr troupe::event<"item", int> item{};
  void produce(troupe::context<source>& c, int n) { c.broadcast(item, n); }
  using actor = troupe::actor<source, &source::produce, item>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<source>("source");
    return r;
  }
  void produce(int from, int to) {
    for (int n = from; n <= to; ++n) w.run(h.call<&source::produce>(n));
  }
  world w{registry()};
  troupe::handle<source> h = w.client.get_or_create<source>("s");
};

}  // namespace

TEST_CASE_METHOD(fixture, "a next that waits to be awaited has the first event, and none of the many behind it") {
  const auto conn = w.run(h.connect());
  auto coming = conn.next(source::item);
  produce(1, 10);
  CHECK(conn.connected());
  CHECK(w.run(std::move(coming)) == 1);
}

TEST_CASE_METHOD(fixture, "a next that was awaited listens no more, though its task still lives") {
  const auto conn = w.run(h.connect());
  const auto events = conn.stream(source::item);
  const auto two = [](const troupe::connection<source>& from, troupe::handle<source> to) -> troupe::task<int> {
    auto coming = from.next(source::item);
    co_await to.call<&source::produce>(1);
    const int first = co_await std::move(coming);
    co_await to.call<&source::produce>(2);
    co_await to.call<&source::produce>(3);
    co_return first;
  };
  CHECK(w.run(two(conn, h)) == 1);
  CHECK(conn.connected());
}
