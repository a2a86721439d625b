// SPDX-License-Identifier: Apache-2.0
// An integer reaches the action as it was given, or the call is refused before anything runs.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"

using Catch::Matchers::Contains;
using troupe::context;

namespace {

enum plain_colour { red, blue = 300 };

struct order {
  std::string item;
  std::uint16_t count = 1;
};

struct meter {
  static constexpr troupe::queue<"numbers", std::uint8_t> numbers{};
  static constexpr troupe::queue<"orders", order, std::int16_t> orders{};
  static constexpr troupe::event<"read", std::int8_t> read{};

  int calls = 0;
  std::int64_t last = 0;

  std::int64_t keep(std::int64_t v) {
    ++calls;
    return last = v;
  }
  std::int64_t add_signed(std::int32_t v) { return keep(v); }
  std::int64_t add_unsigned(std::uint32_t v) { return keep(v); }
  std::int64_t add_small(std::string_view, std::uint8_t v) { return keep(v); }
  std::int64_t add_signed_64(std::int64_t v) { return keep(v); }
  std::int64_t add_optional(std::optional<std::uint8_t> v) { return keep(v.value_or(7)); }
  std::int64_t set(bool v) { return keep(v ? 1 : 0); }
  double measure(double v) { return v; }
  std::int64_t put(order o) { return keep(o.count); }
  void tell(context<meter>& c, int v) {
    ++calls;
    c.broadcast(read, v);
  }
  void send_on(context<meter>& c, int v) {
    ++calls;
    c.queue().send(numbers, v);
  }
  int times_called() const { return calls; }
  troupe::task<std::uint8_t> take(context<meter>& c) {
    auto m = co_await c.queue().next(numbers);
    co_return *m;
  }
  troupe::task<> answer(context<meter>& c, int v) {
    auto m = co_await c.queue().next(orders);
    m.complete(v);
  }

  using actor = troupe::actor<meter, &meter::add_signed, &meter::add_unsigned, &meter::add_small, &meter::add_signed_64,
                              &meter::add_optional, &meter::set, &meter::measure, &meter::put, &meter::tell,
                              &meter::send_on, &meter::times_called, &meter::take, &meter::answer, numbers, orders, read>;
};

struct jar {
  std::int8_t size = 0;
  void on_create(context<jar>&, std::int8_t n) { size = n; }
  void on_before_connect(context<jar>&, std::uint16_t) {}
  int get() const { return size; }
  using actor = troupe::actor<jar, &jar::get>;
};

troupe::registry everything() {
  troupe::registry r;
  r.use<meter>("meter");
  r.use<jar>("jar");
  return r;
}

struct fixture {
  troupe::registry served = everything();
  manual_runtime runtime{served};
  troupe::handle<meter> m = client_of(*runtime).get_or_create<meter>("m");
};

}  // namespace

TEST_CASE("an integer that the parameter cannot hold is refused, and nothing runs", "[client][arguments]") {
  fixture f;
  auto& m = f.m;
  const int negative = -1;
  const auto failure = failure_of([&] { f.runtime->run(m.call<&meter::add_unsigned>(negative)); });
  REQUIRE(failure);
  CHECK(failure->is(troupe::errc::invalid_request));
  CHECK_THAT(failure->message(), Contains("argument 1 of action 'add_unsigned' is -1, and must be from 0 to 4294967295"));

  const std::int64_t large = std::int64_t{1} << 31;
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::add_signed>(large)); }),
             Contains("argument 1 of action 'add_signed' is 2147483648, and must be from -2147483648 to 2147483647"));
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::add_small>("x", 256)); }),
             Contains("argument 2 of action 'add_small' is 256, and must be from 0 to 255"));
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::add_signed_64>(std::uint64_t{1} << 63)); }),
             Contains("is 9223372036854775808, and must be from -9223372036854775808 to 9223372036854775807"));
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::add_optional>(-3)); }), Contains("is -3, and must be from 0"));
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::add_small>("x", blue)); }), Contains("is 300"));
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::set>(2)); }), Contains("is 2, and must be from 0 to 1"));
  CHECK_THAT(message_of([&] { m.post<&meter::add_unsigned>(-1); }), Contains("action 'add_unsigned' is -1"));
  f.runtime.settle();
  CHECK(f.runtime->run(m.call<&meter::times_called>()) == 0);
}

TEST_CASE("every integer that the parameter can hold arrives", "[client][arguments]") {
  fixture f;
  auto& m = f.m;
  CHECK(f.runtime->run(m.call<&meter::add_unsigned>(0)) == 0);
  CHECK(f.runtime->run(m.call<&meter::add_unsigned>(std::int64_t{4'294'967'295})) == 4'294'967'295);
  CHECK(f.runtime->run(m.call<&meter::add_signed>(std::int64_t{-2'147'483'648})) == -2'147'483'648);
  CHECK(f.runtime->run(m.call<&meter::add_signed>(std::uint64_t{2'147'483'647})) == 2'147'483'647);
  CHECK(f.runtime->run(m.call<&meter::add_signed_64>(std::numeric_limits<std::int64_t>::max())) ==
        std::numeric_limits<std::int64_t>::max());
  CHECK(f.runtime->run(m.call<&meter::add_small>("x", std::int8_t{127})) == 127);
  CHECK(f.runtime->run(m.call<&meter::add_small>("x", 'a')) == 'a');
  CHECK(f.runtime->run(m.call<&meter::add_small>("x", true)) == 1);
  CHECK(f.runtime->run(m.call<&meter::add_small>("x", red)) == 0);
  CHECK(f.runtime->run(m.call<&meter::add_optional>(255)) == 255);
  CHECK(f.runtime->run(m.call<&meter::add_optional>(std::nullopt)) == 7);
  CHECK(f.runtime->run(m.call<&meter::set>(1)) == 1);
  CHECK(f.runtime->run(m.call<&meter::measure>(3)) == 3.0);
}

TEST_CASE("integers in messages, events, inputs and connections are looked at in the same way", "[client][arguments]") {
  fixture f;
  auto& m = f.m;
  const auto& client = client_of(*f.runtime);
  CHECK_THAT(message_of([&] { f.runtime->run(m.send(meter::numbers, 256)); }),
             Contains("argument 1 of a message to queue 'numbers' is 256, and must be from 0 to 255"));
  CHECK_THAT(message_of([&] { f.runtime->run(m.send(meter::orders, "apple", -2)); }),
             Contains("argument 2 of a message to queue 'orders' is -2, and must be from 0 to 65535"));
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::put>("apple", 65'536)); }),
             Contains("argument 2 of action 'put' is 65536, and must be from 0 to 65535"));
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::send_on>(-1)); }), Contains("queue 'numbers' is -1"));
  CHECK_THAT(message_of([&] { static_cast<void>(client.get_or_create<jar>("j", 128)); }),
             Contains("argument 1 of the input of actor 'jar' is 128, and must be from -128 to 127"));
  CHECK_THAT(message_of([&] { static_cast<void>(f.runtime->run(client.create<jar>("j", -129))); }), Contains("actor 'jar' is -129"));
  auto j = client.get_or_create<jar>("j", -128);
  CHECK(f.runtime->run(j.call<&jar::get>()) == -128);
  CHECK_THAT(message_of([&] { static_cast<void>(f.runtime->run(j.connect(-1))); }), Contains("a connection to actor 'jar' is -1"));

  f.runtime->run(m.send(meter::numbers, 255));
  CHECK(f.runtime->run(m.call<&meter::take>()) == 255);

  auto heard = f.runtime->run(m.connect());
  auto stream = heard.stream(meter::read);
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::tell>(200)); }),
             Contains("argument 1 of event 'read' is 200, and must be from -128 to 127"));
  f.runtime->run(m.call<&meter::tell>(-128));
  CHECK(f.runtime->run(stream.next()) == std::int8_t{-128});

  f.runtime->run(m.send(meter::orders, "apple", 65'535));
  CHECK_THAT(message_of([&] { f.runtime->run(m.call<&meter::answer>(40'000)); }),
             Contains("argument 1 of an answer of queue 'orders' is 40000, and must be from -32768 to 32767"));
}
