// SPDX-License-Identifier: Apache-2.0
// Handles, clients and calls that were moved from, and calls that are made twice.

#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/last_words.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"

using troupe::task;

namespace {

const std::string refused = "actor.invalid_operation";

struct tray {
  static constexpr troupe::queue<"papers", std::string> papers{};
  std::vector<std::string> kept;

  int put(std::string paper) {
    kept.push_back(std::move(paper));
    return static_cast<int>(kept.size());
  }
  task<int> put_later(std::string paper) {
    kept.push_back(std::move(paper));
    co_return static_cast<int>(kept.size());
  }
  task<int> put_alone(std::string paper) {
    kept.push_back(std::move(paper));
    co_return static_cast<int>(kept.size());
  }
  int count() const { return static_cast<int>(kept.size()); }
  std::size_t waiting(troupe::context<tray>& c) { return c.queue().size(papers); }

  using actor = troupe::actor<tray, &tray::put, &tray::put_later, troupe::exclusive<&tray::put_alone>, &tray::count,
                              &tray::waiting, papers>;
};

using tray_handle = troupe::handle<tray>;

/// The error of each use of a handle, as "group.code".
std::vector<std::string> codes_of_uses(const tray_handle& h) {
  return {code_of([&] { static_cast<void>(h.call<&tray::put>("x").get()); }),
          code_of([&] { static_cast<void>(h.call<&tray::put_later>("x").get()); }),
          code_of([&] { static_cast<void>(h.call<&tray::put_alone>("x").get()); }),
          code_of([&] { static_cast<void>(tray_handle{h}.call<&tray::put>("x").get()); }),
          code_of([&] { static_cast<void>(h.with(troupe::timeout{troupe::never}).call<&tray::count>().get()); }),
          code_of([&] { h.post<&tray::put>("x"); }),
          code_of([&] { h.post<&tray::put_later>("x"); }),
          code_of([&] { h.send(tray::papers, "x").get(); }),
          code_of([&] { h.send("papers", "\"x\"").get(); }),
          code_of([&] { static_cast<void>(h.send_and_wait(tray::papers, "x").get()); }),
          code_of([&] { static_cast<void>(h.call("put", R"(["x"])").get()); }),
          code_of([&] { static_cast<void>(h.resolve().get()); }),
          code_of([&] { static_cast<void>(h.status().get()); }),
          code_of([&] { static_cast<void>(h.connect().get()); })};
}

template <class Call>
task<std::string> code_of_await(Call call) {
  try {
    co_await std::move(call);
  } catch (const troupe::error& e) {
    co_return e.group() + "." + e.code();
  }
  co_return "nothing";
}

/// Awaits one call twice. Returns the error of the second await.
template <class Call>
task<std::string> code_of_second_await(Call call) {
  co_await std::move(call);
  try {
    co_await std::move(call);
  } catch (const troupe::error& e) {
    co_return e.group() + "." + e.code();
  }
  co_return "nothing";
}

/// Uses trays from within an actor.
struct clerk {
  task<std::vector<std::string>> use_moved_from(troupe::context<clerk>& c) {
    auto there = c.client().get_or_create<tray>("t");
    const auto here = std::move(there);
    std::vector<std::string> codes;
    auto plain = code_of_await(there.call<&tray::put>("x"));
    codes.push_back(co_await std::move(plain));
    auto coroutine = code_of_await(there.call<&tray::put_later>("x"));
    codes.push_back(co_await std::move(coroutine));
    auto exclusive = code_of_await(there.call<&tray::put_alone>("x"));
    codes.push_back(co_await std::move(exclusive));
    auto id = code_of_await(there.resolve());
    codes.push_back(co_await std::move(id));
    codes.push_back(code_of([&] { there.post<&tray::put>("x"); }));
    codes.push_back(code_of([&] { there.send(tray::papers, "x").get(); }));
    co_return codes;
  }
  task<std::string> call_twice(troupe::context<clerk>& c) {
    auto there = c.client().get_or_create<tray>("t");
    auto twice = code_of_second_await(there.call<&tray::put>("once"));
    co_return co_await std::move(twice);
  }
  std::string send_twice(troupe::context<clerk>& c) {
    auto there = c.client().get_or_create<tray>("t");
    auto call = there.send(tray::papers, "once");
    call.get();
    return code_of([&] { call.get(); });
  }
  using actor = troupe::actor<clerk, &clerk::use_moved_from, &clerk::call_twice, &clerk::send_twice>;
};

struct office {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<tray>("tray").use<clerk>("clerk");
    return r;
  }
  troupe::runtime runtime{registry()};
  tray_handle t = client_of(runtime).get_or_create<tray>("t");
  int papers() { return t.call<&tray::count>().get(); }
};

}  // namespace

TEST_CASE("a handle that was moved from refuses everything, whether its actor was found or not", "[client]") {
  office o;
  if (GENERATE(false, true)) CHECK(o.t.call<&tray::put>("first").get() == 1);
  const auto before = o.papers();
  const tray_handle here = std::move(o.t);
  CHECK(codes_of_uses(o.t) == std::vector<std::string>(14, refused));
  CHECK_THAT(message_of([&] { o.t.post<&tray::put>("x"); }), Catch::Contains("moved from"));
  CHECK(here.call<&tray::count>().get() == before);
  o.t = here;  // and may be given an actor again
  CHECK(o.papers() == before);
}

TEST_CASE("it does so for coroutines and for actors, which go on", "[client]") {
  office o;
  auto there = o.t;
  const tray_handle here = std::move(there);
  CHECK(o.runtime.run(code_of_await(there.call<&tray::put>("x"))) == refused);
  CHECK(o.runtime.run(code_of_await(there.call<&tray::put_later>("x"))) == refused);
  CHECK(code_of([&] { o.runtime.run(there.send(tray::papers, "x")); }) == refused);
  const auto a = client_of(o.runtime).get_or_create<clerk>("a");
  CHECK(a.call<&clerk::use_moved_from>().get() == std::vector<std::string>(6, refused));
  CHECK(a.call<&clerk::use_moved_from>().get().size() == 6);
  CHECK(o.papers() == 0);
}

TEST_CASE("a client that was moved from stays usable", "[client]") {
  office o;
  auto first = client_of(o.runtime);
  const auto second = std::move(first);
  CHECK(first.get_or_create<tray>("t").call<&tray::put>("one").get() == 1);
  CHECK(second.get_or_create<tray>("t").call<&tray::put>("two").get() == 2);
  CHECK(first.list<tray>().get().size() == 1);
}

TEST_CASE("a call that is awaited twice is made once", "[client]") {
  office o;
  SECTION("by the host, of an actor that is awake") {
    CHECK(o.papers() == 0);
    CHECK(o.runtime.run(code_of_second_await(o.t.call<&tray::put>("once"))) == refused);
    CHECK(o.papers() == 1);
  }
  SECTION("by the host, of one that is not") {
    CHECK(o.runtime.run(code_of_second_await(o.t.call<&tray::put>("once"))) == refused);
    CHECK(o.papers() == 1);
  }
  SECTION("of a coroutine") {
    CHECK(o.papers() == 0);
    CHECK(o.runtime.run(code_of_second_await(o.t.call<&tray::put_later>("once"))) == refused);
    CHECK(o.papers() == 1);
  }
  SECTION("by name") {
    CHECK(o.runtime.run(code_of_second_await(o.t.call("put", R"(["once"])"))) == refused);
    CHECK(o.papers() == 1);
  }
  SECTION("by an actor") {
    CHECK(client_of(o.runtime).get_or_create<clerk>("a").call<&clerk::call_twice>().get() == refused);
    CHECK(o.papers() == 1);
  }
  SECTION("a message, by the host") {
    CHECK(o.runtime.run(code_of_second_await(o.t.send(tray::papers, "once"))) == refused);
    CHECK(o.t.call<&tray::waiting>().get() == 1);
  }
  SECTION("a message, by an actor") {
    CHECK(client_of(o.runtime).get_or_create<clerk>("a").call<&clerk::send_twice>().get() == refused);
    CHECK(o.t.call<&tray::waiting>().get() == 1);
  }
}

TEST_CASE("a call that was moved from is spent", "[client]") {
  office o;
  auto call = o.t.call<&tray::put>("once");
  auto other = std::move(call);
  CHECK(o.runtime.run(code_of_await(std::move(other))) == "nothing");
  CHECK(o.runtime.run(code_of_await(std::move(call))) == refused);
  CHECK(o.papers() == 1);
  auto lookup = o.t.resolve();
  CHECK(lookup.get() == o.t.resolve().get());
  CHECK(code_of([&] { static_cast<void>(lookup.get()); }) == refused);
}

#if TROUPE_ASSERTIONS
TEST_CASE("to get a call twice fails an assertion", "[client]") {
  const auto end = end_of_process([] {
    office o;
    auto call = o.t.call<&tray::put>("once");
    static_cast<void>(call.get());
    static_cast<void>(call.get());
  });
  CHECK(end.aborted);
  CHECK_THAT(end.words, Catch::Contains("a call is made once"));
}
#endif
