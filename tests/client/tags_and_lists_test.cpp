// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"
#include "runtime/gated_store.hpp"

using namespace std::chrono_literals;
using troupe::context;
using troupe::key;
using troupe::tags;

namespace {

struct service {
  std::string greeting;

  void on_create(context<service>&, std::string input) { greeting = std::move(input); }
  void end(context<service>& c) { c.destroy(); }
  using actor = troupe::actor<service, &service::end>;
};

struct plain {
  int tag_count(context<plain>& c) const { return static_cast<int>(c.tags().size()); }
  std::string tag(context<plain>& c, const std::string& name) const {
    const auto found = c.tags().find(name);
    return found == c.tags().end() ? "none" : found->second;
  }
  void end(context<plain>& c) { c.destroy(); }
  void tag_with(context<plain>& c, const std::string& name, const std::string& value) {
    tags now = c.tags();
    now[name] = value;
    c.set_tags(std::move(now));
  }
  void clear_tags(context<plain>& c) { c.set_tags({}); }
  int look_and_tag(context<plain>& c) const {
    c.set_tags({{"looked", "yes"}});
    return static_cast<int>(c.tags().size());
  }
  using actor = troupe::actor<plain, &plain::tag_count, &plain::tag, &plain::end, &plain::tag_with, &plain::clear_tags,
                              &plain::look_and_tag>;
};

/// Tags itself while it is created, and while it ends.
struct labelled {
  int count = 0;
  void on_create(context<labelled>& c) { c.set_tags({{"stage", "new"}}); }
  void on_sleep(context<labelled>& c) { c.set_tags({{"stage", "asleep"}}); }
  int increment() { return ++count; }
  using actor = troupe::actor<labelled, &labelled::increment>;
};

/// Its tags follow its state.
struct member {
  std::string plan = "free";
  void on_state_change(context<member>& c) const { c.set_tags({{"plan", plan}}); }
  void choose(std::string now) { plan = std::move(now); }
  using actor = troupe::actor<member, &member::choose>;
};

/// Saved once a second, and never larger than some bytes.
struct draft {
  std::string text;
  void write(context<draft>& c, std::string now) {
    text = std::move(now);
    c.set_tags({{"length", std::to_string(text.size())}});
  }
  std::string length(context<draft>& c) const { return c.tags().empty() ? "none" : c.tags().at("length"); }
  static constexpr troupe::options options{.state_bytes_max = 100};
  using actor = troupe::actor<draft, &draft::write, &draft::length>;
};

struct relaxed_one {
  int count = 0;
  void tag_with(context<relaxed_one>& c, const std::string& value) {
    ++count;
    c.set_tags({{"v", value}});
  }
  static constexpr troupe::options options{.durability = troupe::durability::relaxed};
  using actor = troupe::actor<relaxed_one, &relaxed_one::tag_with>;
};

struct passing {
  int touch() { return 1; }
  std::string tag_with(context<passing>& c, const std::string& value) {
    c.set_tags({{"v", value}});
    return c.tags().at("v");
  }
  static constexpr troupe::options options{.durability = troupe::durability::ephemeral};
  using actor = troupe::actor<passing, &passing::touch, &passing::tag_with>;
};

struct world {
  world() : runtime{registry()} {}
  static troupe::registry registry() {
    troupe::registry r;
    r.use<plain>("plain");
    r.use<service>("service");
    r.use<passing>("passing");
    r.use<labelled>("labelled").use<draft>("draft").use<member>("member").use<relaxed_one>("relaxed");
    return r;
  }
  troupe::handle<plain> create(key k, tags labels) {
    runtime.advance(1ms);  // ids of one millisecond are in no order
    return runtime->run(client.create<plain>(std::move(k), std::move(labels)));
  }
  std::vector<std::string> found(tags labels) {
    std::vector<std::string> keys;
    for (const auto& a : runtime->run(client.find<plain>(std::move(labels)))) keys.push_back(a.key.canonical());
    return keys;
  }
  manual_runtime runtime;
  const troupe::client client = client_of(*runtime);
};

using keys = std::vector<std::string>;

}  // namespace

TEST_CASE("actors carry the tags that they were created with, asleep or awake", "[client]") {
  world w;
  const tags labels{{"owner", "api"}, {"region", "eu"}};
  auto one = w.create("one", labels);
  CHECK(one.call<&plain::tag>("owner").get() == "api");
  CHECK(one.call<&plain::tag>("colour").get() == "none");
  w.runtime.advance(60s);
  CHECK(one.call<&plain::tag>("region").get() == "eu");
  const tags others{{"owner", "nobody"}};
  auto again = w.client.get_or_create<plain>("one", others);
  CHECK(again.call<&plain::tag>("owner").get() == "api");
}

TEST_CASE("input and tags go together", "[client]") {
  world w;
  const tags labels{{"owner", "api"}};
  w.runtime->run(w.client.create<service>("a", "hello", labels));
  w.client.get_or_create<service>("b", "hello", labels).resolve().get();
  CHECK(w.runtime->run(w.client.find<service>(labels)).size() == 2);
}

TEST_CASE("find yields those that carry all of the tags", "[client]") {
  world w;
  w.create("a", tags{{"owner", "api"}, {"region", "eu"}});
  w.create("b", tags{{"owner", "api"}, {"region", "us"}});
  w.create("c", tags{{"owner", "web"}, {"region", "eu"}});
  w.create("d", tags{});
  CHECK(w.found(tags{{"owner", "api"}}) == keys{"a", "b"});
  CHECK(w.found(tags{{"region", "eu"}}) == keys{"a", "c"});
  CHECK(w.found(tags{{"owner", "api"}, {"region", "eu"}}) == keys{"a"});
  CHECK(w.found(tags{{"owner", "nobody"}}).empty());
  CHECK(w.found(tags{{"own", "api"}}).empty());
  CHECK(w.found(tags{}) == keys{"a", "b", "c", "d"});
  w.client.get<plain>("a").call<&plain::end>().get();
  w.runtime.settle();
  CHECK(w.found(tags{{"owner", "api"}}) == keys{"b"});
}

TEST_CASE("a listing goes on where the last page ended", "[client]") {
  world w;
  const auto before = w.runtime.clock().wall();
  for (int i = 0; i < 7; ++i) w.create(key{"n", std::to_string(i)}, tags{{"n", std::to_string(i)}});
  keys seen;
  std::optional<troupe::actor_id> last;
  std::vector<std::size_t> sizes;
  for (;;) {
    const auto page = w.runtime->run(w.client.list<plain>(last ? troupe::page{3, *last} : troupe::page{3}));
    sizes.push_back(page.size());
    if (page.empty()) break;
    for (const auto& a : page) {
      seen.push_back(a.key.segments().at(1));
      CHECK(a.tags.at("n") == a.key.segments().at(1));
      CHECK(a.created_at > before);
      CHECK(w.client.get_for_id<plain>(a.id).call<&plain::tag>("n").get() == a.key.segments().at(1));
    }
    last = page.back().id;
  }
  CHECK(sizes == std::vector<std::size_t>{3, 3, 1, 0});
  CHECK(seen == keys{"0", "1", "2", "3", "4", "5", "6"});
}

TEST_CASE("actors are listed and found by the name of their definition", "[client]") {
  world w;
  const auto id = w.runtime->run(w.create("a", tags{{"owner", "api"}}).resolve());
  w.create("b", {});
  const auto all = w.runtime->run(w.client.list("plain", troupe::page{}));
  CHECK(all.size() == 2);
  const auto owned = w.runtime->run(w.client.find("plain", tags{{"owner", "api"}}, troupe::page{}));
  REQUIRE(owned.size() == 1);
  CHECK(owned.front().id == id);
  CHECK(owned.front().tags == tags{{"owner", "api"}});
  CHECK_THROWS_WITH(w.runtime->run(w.client.list("plane", troupe::page{})), Catch::Matchers::Contains("not_registered"));
}

TEST_CASE("ephemeral actors are not listed", "[client]") {
  world w;
  CHECK(w.client.get_or_create<passing>("x").call<&passing::touch>().get() == 1);
  CHECK(w.runtime->run(w.client.list<passing>()).empty());
}

TEST_CASE("tags over their limits are refused", "[client]") {
  world w;
  tags most;
  for (int i = 0; i < 32; ++i) most.emplace("n" + std::to_string(i), std::string(128, 'v'));
  CHECK(w.create("most", most).call<&plain::tag_count>().get() == 32);
  auto too_many = most;
  too_many.emplace("n32", "");
  CHECK(code_of([&] { w.create("x", too_many); }) == "actor.invalid_request");
  CHECK(code_of([&] { w.create("x", tags{{std::string(129, 'n'), ""}}); }) == "actor.invalid_request");
  CHECK(code_of([&] { w.create("x", tags{{"n", std::string(129, 'v')}}); }) == "actor.invalid_request");
  CHECK(code_of([&] { w.create("x", tags{{"", "v"}}); }) == "actor.invalid_request");
}

TEST_CASE("an actor changes its tags as part of a turn, and is found by them", "[client]") {
  world w;
  auto a = w.create("a", tags{{"owner", "api"}, {"plan", "free"}});
  w.create("b", tags{{"plan", "free"}});
  a.call<&plain::tag_with>("plan", "pro").get();
  CHECK(a.call<&plain::tag>("plan").get() == "pro");
  CHECK(a.call<&plain::tag>("owner").get() == "api");
  CHECK(w.found(tags{{"plan", "pro"}}) == keys{"a"});
  CHECK(w.found(tags{{"plan", "free"}}) == keys{"b"});
  w.runtime.advance(60s);
  CHECK(a.call<&plain::tag>("plan").get() == "pro");
  a.call<&plain::clear_tags>().get();
  CHECK(a.call<&plain::tag_count>().get() == 0);
  CHECK(w.found(tags{{"plan", "pro"}}).empty());
  CHECK(w.found(tags{}) == keys{"a", "b"});
}

TEST_CASE("an action that does not change the state may change the tags", "[client]") {
  world w;
  auto a = w.create("a", {});
  CHECK(a.call<&plain::look_and_tag>().get() == 1);
  CHECK(w.found(tags{{"looked", "yes"}}) == keys{"a"});
}

TEST_CASE("hooks change the tags too", "[client]") {
  world w;
  auto a = w.runtime->run(w.client.create<labelled>("a", tags{{"stage", "given"}, {"owner", "api"}}));
  const auto found = w.runtime->run(w.client.find<labelled>(tags{{"stage", "new"}}));
  REQUIRE(found.size() == 1);
  CHECK(found.front().tags == tags{{"stage", "new"}});
  CHECK(a.call<&labelled::increment>().get() == 1);
  w.runtime.advance(60s);
  CHECK(w.runtime->run(w.client.find<labelled>(tags{{"stage", "asleep"}})).size() == 1);
}

TEST_CASE("changed tags over their limits are refused, and the tags are as before", "[client]") {
  world w;
  auto a = w.create("a", tags{{"owner", "api"}});
  CHECK(code_of([&] { a.call<&plain::tag_with>("", "v").get(); }) == "actor.invalid_request");
  CHECK(code_of([&] { a.call<&plain::tag_with>("n", std::string(129, 'v')).get(); }) == "actor.invalid_request");
  for (int i = 1; i < 32; ++i) a.call<&plain::tag_with>("n" + std::to_string(i), "").get();
  CHECK(code_of([&] { a.call<&plain::tag_with>("one more", "").get(); }) == "actor.invalid_request");
  CHECK(a.call<&plain::tag_count>().get() == 32);
  CHECK(w.found(tags{{"owner", "api"}}) == keys{"a"});
}

TEST_CASE("the tags of a turn that cannot be stored are as before it", "[client]") {
  world w;
  auto d = w.client.get_or_create<draft>("d");
  d.call<&draft::write>("short").get();
  CHECK(code_of([&] { d.call<&draft::write>(std::string(200, 'x')).get(); }) == "actor.state_too_large");
  CHECK(d.call<&draft::length>().get() == "5");
  CHECK(w.runtime->run(w.client.find<draft>(tags{{"length", "5"}})).size() == 1);
  CHECK(w.runtime->run(w.client.find<draft>(tags{{"length", "200"}})).empty());
  d.call<&draft::write>("longer").get();
  CHECK(w.runtime->run(w.client.find<draft>(tags{{"length", "6"}})).size() == 1);
}

TEST_CASE("a relaxed actor is found by its new tags after its next save", "[client]") {
  world w;
  auto a = w.client.get_or_create<relaxed_one>("a");
  a.call<&relaxed_one::tag_with>("1").get();
  a.call<&relaxed_one::tag_with>("2").get();
  CHECK(w.runtime->run(w.client.find<relaxed_one>(tags{{"v", "2"}})).empty());
  w.runtime.advance(2s);
  CHECK(w.runtime->run(w.client.find<relaxed_one>(tags{{"v", "2"}})).size() == 1);
  CHECK(w.runtime->run(w.client.find<relaxed_one>(tags{{"v", "1"}})).empty());
}

TEST_CASE("an ephemeral actor has the tags that it gives itself, for its life", "[client]") {
  world w;
  CHECK(w.client.get_or_create<passing>("x").call<&passing::tag_with>("1").get() == "1");
}

TEST_CASE("tags that follow the state belong to the turn that changed it", "[client]") {
  behaviour::gated_store store;
  manual_runtime runtime{world::registry(), {.store = store}};
  const auto client = client_of(*runtime);
  auto m = client.get_or_create<member>("m");
  m.call<&member::choose>("pro").get();
  REQUIRE(store.durable().size() == 1);
  CHECK(store.durable().begin()->second.labels == tags{{"plan", "pro"}});
  CHECK(runtime->run(client.find<member>(tags{{"plan", "pro"}})).size() == 1);
}
