// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "client/outcome.hpp"
#include "core/failures.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using troupe::context;
using troupe::key;
using troupe::task;

namespace {

struct room {
  int entries = 0;

  int enter() { return ++entries; }
  int look() const { return entries; }
  void tear_down(context<room>& c) { c.destroy(); }
  std::vector<std::string> own_key(context<room>& c) const { return c.key().segments(); }

  using actor = troupe::actor<room, &room::enter, &room::look, &room::tear_down, &room::own_key>;
};

struct cellar {
  int get() const { return 0; }
  using actor = troupe::actor<cellar, &cellar::get>;
};

struct unregistered {
  int get() const { return 0; }
  using actor = troupe::actor<unregistered, &unregistered::get>;
};

template <class T>
struct keeper {
  T kept{};
  int created = 0;

  void on_create(context<keeper>&, T input) {
    kept = std::move(input);
    ++created;
  }
  T get() const { return kept; }
  int times_created() const { return created; }
  using actor = troupe::actor<keeper, &keeper::get, &keeper::times_created>;
};

struct choosy {
  std::string name;

  void on_create(context<choosy>&, std::string input) {
    if (input == "bad") throw troupe::user_error("bad_name", "no");
    name = std::move(input);
  }
  std::string get() const { return name; }

  static constexpr troupe::options options{.input_bytes_max = 100};
  using actor = troupe::actor<choosy, &choosy::get>;
};

troupe::registry house() {
  troupe::registry r;
  r.use<room>("room");
  r.use<cellar>("cellar");
  r.use<choosy>("choosy");
  r.use<keeper<int>>("keepsInt");
  r.use<keeper<std::string>>("keepsString");
  r.use<keeper<bool>>("keepsBool");
  r.use<keeper<std::optional<int>>>("keepsOptional");
  return r;
}

struct served {
  served() : runtime{house()} {}
  manual_runtime runtime;
  const troupe::client client = client_of(*runtime);

  template <class A, class... T>
  troupe::handle<A> create(T&&... arguments) {
    return runtime->run(client.create<A>(std::forward<T>(arguments)...));
  }
  void tear_down(const key& k) {
    client.get<room>(k).call<&room::tear_down>().get();
    runtime.settle();
  }
};

}  // namespace

TEST_CASE("get creates nothing, and finds nothing", "[client]") {
  served s;
  auto h = s.client.get<room>("hall");
  CHECK(code_of([&] { h.call<&room::look>().get(); }) == "actor.not_found");
  CHECK_THAT(message_of([&] { h.call<&room::look>().get(); }), Contains("room/hall"));
  CHECK(code_of([&] { h.resolve().get(); }) == "actor.not_found");
  CHECK(code_of([&] { h.call("look", "[]").get(); }) == "actor.not_found");
  CHECK(s.runtime->run(s.client.list<room>()).empty());
}

TEST_CASE("get_or_create creates on first use only", "[client]") {
  served s;
  auto h = s.client.get_or_create<room>("hall");
  CHECK(s.runtime->run(s.client.list<room>()).empty());
  CHECK(h.call<&room::enter>().get() == 1);
  CHECK(s.client.get_or_create<room>("hall").call<&room::enter>().get() == 2);
  CHECK(s.client.get<room>("hall").call<&room::look>().get() == 2);
  CHECK(s.runtime->run(s.client.list<room>()).size() == 1);
}

TEST_CASE("create is at once, and a taken key is refused with the existing id", "[client]") {
  served s;
  auto first = s.create<room>("hall");
  const auto id = first.resolve().get();
  CHECK(s.runtime->run(s.client.list<room>()).size() == 1);
  const auto e = failure_of([&] { s.create<room>("hall"); });
  REQUIRE(e);
  CHECK(e->is(troupe::errc::duplicate_key));
  CHECK(e->metadata() == R"({"key":["hall"],"existing_actor_id":")" + id.str() + R"("})");
  CHECK(first.call<&room::enter>().get() == 1);
  SECTION("also when the actor is asleep") {
    s.runtime.advance(60s);
    CHECK(s.client.get<room>("hall").status().get().state == troupe::actor_status::phase::asleep);
    CHECK_THAT(failure_of([&] { s.create<room>("hall"); })->metadata(), Contains(id.str()));
  }
  SECTION("and after it is destroyed the key is free") {
    s.tear_down("hall");
    auto next = s.create<room>("hall");
    CHECK(next.resolve().get() != id);
    CHECK(next.call<&room::look>().get() == 0);
  }
}

TEST_CASE("keys are lists, and two types may share one", "[client]") {
  served s;
  s.create<room>("k").call<&room::enter>().get();
  const std::vector<std::string> as_list{"k"};
  CHECK(s.client.get<room>(key{as_list}).call<&room::look>().get() == 1);
  s.create<room>(key{"a", "b"});
  s.create<room>(key{"a/b"});
  s.create<room>(key{});
  s.create<room>(key{""});
  CHECK(s.client.get<room>(key{"a", "b"}).call<&room::own_key>().get() == std::vector<std::string>{"a", "b"});
  CHECK(s.client.get<room>(key{}).call<&room::own_key>().get().empty());
  CHECK(s.runtime->run(s.client.list<room>()).size() == 5);
  CHECK(code_of([&] { s.client.get<cellar>("k").call<&cellar::get>().get(); }) == "actor.not_found");
  s.create<cellar>("k");
  CHECK(s.client.get<cellar>("k").resolve().get() != s.client.get<room>("k").resolve().get());
}

TEST_CASE("an id finds its actor, awake or asleep, and no other", "[client]") {
  served s;
  const auto id = s.create<room>("hall").resolve().get();
  CHECK(s.client.get_for_id<room>(id).call<&room::enter>().get() == 1);
  CHECK(s.client.get_for_id<room>(id).resolve().get() == id);
  CHECK(code_of([&] { s.client.get_for_id<cellar>(id).call<&cellar::get>().get(); }) == "actor.not_found");
  s.runtime.advance(60s);
  CHECK(code_of([&] { s.client.get_for_id<cellar>(id).call<&cellar::get>().get(); }) == "actor.not_found");
  CHECK(s.client.get_for_id<room>(id).call<&room::enter>().get() == 2);
  const auto unknown = troupe::actor_id::make(1, 2, 3);
  CHECK(code_of([&] { s.client.get_for_id<room>(unknown).call<&room::look>().get(); }) == "actor.not_found");
  CHECK_THAT(message_of([&] { s.client.get_for_id<room>(unknown).call<&room::look>().get(); }),
             Contains(unknown.str()));
  CHECK(code_of([&] { s.client.get_for_id<room>(troupe::actor_id{}).resolve().get(); }) == "actor.not_found");
}

TEST_CASE("handles of a key follow the key; handles of an id do not", "[client]") {
  served s;
  auto following = s.client.get_or_create<room>("hall");
  auto getting = s.client.get<room>("hall");
  CHECK(following.call<&room::enter>().get() == 1);
  CHECK(getting.call<&room::enter>().get() == 2);
  const auto id = getting.resolve().get();
  auto pinned = s.client.get_for_id<room>(id);
  CHECK(pinned.call<&room::enter>().get() == 3);

  s.tear_down("hall");
  CHECK(code_of([&] { getting.call<&room::look>().get(); }) == "actor.not_found");
  CHECK(code_of([&] { pinned.call<&room::look>().get(); }) == "actor.not_found");
  CHECK(following.call<&room::enter>().get() == 1);
  CHECK(getting.call<&room::enter>().get() == 2);
  CHECK(getting.resolve().get() != id);
  CHECK(following.resolve().get() == getting.resolve().get());
  CHECK(code_of([&] { pinned.call<&room::look>().get(); }) == "actor.not_found");
  CHECK(code_of([&] { pinned.call<&room::enter>().get(); }) == "actor.not_found");
  CHECK(code_of([&] { pinned.call("enter", "[]").get(); }) == "actor.not_found");
  CHECK(code_of([&] { pinned.resolve().get(); }) == "actor.not_found");
  CHECK(getting.call<&room::look>().get() == 2);
}

TEST_CASE("the handle that create yields means the created actor", "[client]") {
  served s;
  auto created = s.create<room>("hall");
  created.call<&room::enter>().get();
  s.tear_down("hall");
  s.create<room>("hall");
  CHECK(code_of([&] { created.call<&room::enter>().get(); }) == "actor.not_found");
}

TEST_CASE("a falsy input is an input", "[client]") {
  served s;
  CHECK(s.create<keeper<int>>("k", 0).call<&keeper<int>::times_created>().get() == 1);
  CHECK(s.create<keeper<std::string>>("k", std::string{}).call<&keeper<std::string>::times_created>().get() == 1);
  CHECK(s.create<keeper<std::string>>("l", "").call<&keeper<std::string>::get>().get().empty());
  CHECK(s.create<keeper<bool>>("k", false).call<&keeper<bool>::times_created>().get() == 1);
  const std::optional<int> null;
  CHECK(s.create<keeper<std::optional<int>>>("k", null).call<&keeper<std::optional<int>>::times_created>().get() == 1);
  CHECK(s.client.get_or_create<keeper<int>>("m", 0).call<&keeper<int>::times_created>().get() == 1);
}

TEST_CASE("only the call that really creates has its input used", "[client]") {
  served s;
  CHECK(s.client.get_or_create<choosy>("k", "first").call<&choosy::get>().get() == "first");
  CHECK(s.client.get_or_create<choosy>("k", "second").call<&choosy::get>().get() == "first");
}

TEST_CASE("an input that is missing or too large creates nothing", "[client]") {
  served s;
  CHECK(code_of([&] { s.client.get_or_create<choosy>("k").call<&choosy::get>().get(); }) == "actor.missing_input");
  CHECK(code_of([&] { s.create<choosy>("k"); }) == "actor.missing_input");
  const std::string long_name(100, 'x');
  CHECK(code_of([&] { s.create<choosy>("k", long_name); }) == "actor.input_too_large");
  CHECK_THAT(message_of([&] { s.create<choosy>("k", long_name); }), Contains("input_bytes_max"));
  CHECK(s.runtime->run(s.client.list<choosy>()).empty());
}

TEST_CASE("an actor whose on_create throws has never been", "[client]") {
  served s;
  CHECK(code_of([&] { s.create<choosy>("k", "bad"); }) == "user.bad_name");
  CHECK(code_of([&] { s.client.get_or_create<choosy>("k", "bad").call<&choosy::get>().get(); }) == "user.bad_name");
  CHECK(code_of([&] { s.client.get<choosy>("k").resolve().get(); }) == "actor.not_found");
  CHECK(s.runtime->run(s.client.list<choosy>()).empty());
  CHECK(s.create<choosy>("k", "good").call<&choosy::get>().get() == "good");
}

TEST_CASE("creators that race converge on one actor", "[client]") {
  troupe::runtime runtime{house()};
  for (int round = 0; round < 20; ++round) {
    const key k{"contested", std::to_string(round)};
    std::atomic<int> created{0};
    std::atomic<int> duplicates{0};
    std::atomic<int> others{0};
    std::vector<troupe::actor_id> ids(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      threads.emplace_back([&, i] {
        try {
          if (i % 2 == 0) {
            ids[i] = client_of(runtime).get_or_create<room>(k).resolve().get();
          } else {
            auto h = client_of(runtime).create<room>(k).get();
            ids[i] = h.resolve().get();
            ++created;
          }
        } catch (const troupe::error& e) {
          e.is(troupe::errc::duplicate_key) ? ++duplicates : ++others;
        }
      });
    }
    for (auto& t : threads) t.join();
    std::set<troupe::actor_id> distinct;
    for (const auto& id : ids) {
      if (id) distinct.insert(id);
    }
    REQUIRE(distinct.size() == 1);
    REQUIRE(created <= 1);
    REQUIRE(created + duplicates == 2);
    REQUIRE(others == 0);
  }
}

TEST_CASE("a type that is not in the registry is refused at once", "[client]") {
  served s;
  CHECK(code_of([&] { static_cast<void>(s.client.get<unregistered>("x")); }) == "actor.not_registered");
  CHECK(code_of([&] { static_cast<void>(s.client.get_or_create<unregistered>("x")); }) == "actor.not_registered");
  CHECK(code_of([&] { static_cast<void>(s.client.get_for_id<unregistered>(troupe::actor_id{})); }) ==
        "actor.not_registered");
  CHECK(code_of([&] { s.create<unregistered>("x"); }) == "actor.not_registered");
  CHECK(code_of([&] { s.runtime->run(s.client.list<unregistered>()); }) == "actor.not_registered");
  CHECK_THAT(message_of([&] { static_cast<void>(s.client.get<unregistered>("x")); }), Contains("registry.use"));
}
