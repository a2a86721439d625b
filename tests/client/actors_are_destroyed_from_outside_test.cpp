// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/client/untyped.hpp>
#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"
#include "runtime/gated_store.hpp"

using namespace std::chrono_literals;
using troupe::context;

namespace {

std::vector<std::string> diary;

struct guest {
  int count = 0;
  bool ends_slowly = false;
  troupe::task<> on_destroy(context<guest>&) {
    diary.push_back("destroyed with " + std::to_string(count));
    if (ends_slowly) {
      co_await troupe::delay(2s);
    }
  }
  void end_slowly() { ends_slowly = true; }
  int increment() { return ++count; }
  troupe::task<std::string> linger(context<guest>& c) {
    auto waiting = c.delay(30s);
    try {
      co_await std::move(waiting);
    } catch (const troupe::error& e) {
      co_return e.code();
    }
    co_return "stayed";
  }
  troupe::task<> end_itself(context<guest>& c) {
    auto ending = c.client().destroy(c.client().get<guest>(c.key()));
    co_await std::move(ending);
  }
  using actor = troupe::actor<guest, &guest::increment, &guest::linger, &guest::end_itself, &guest::end_slowly>;
};

struct host {
  troupe::task<std::string> throw_out(context<host>& c, std::string key) {
    auto ending = c.client().destroy(c.client().get<guest>(key));
    co_await std::move(ending);
    auto reading = c.client().read(c.client().get<guest>(key));
    const auto left = co_await std::move(reading);
    co_return left ? "still there" : "gone";
  }
  troupe::task<> end_circular(context<host>& c, std::string key);
  using actor = troupe::actor<host, &host::throw_out, &host::end_circular>;
};

/// Asks another actor to destroy it while it ends, and waits for that.
struct circular {
  int count = 0;
  troupe::task<> on_destroy(context<circular>& c) {
    auto asking = c.client().get_or_create<host>("h").call<&host::end_circular>(std::string{c.key().segments().front()});
    co_await asking;
  }
  int increment() { return ++count; }
  using actor = troupe::actor<circular, &circular::increment>;
  static constexpr troupe::options options{.sleep_grace_period = std::chrono::seconds{3}};
};

troupe::task<> host::end_circular(context<host>& c, std::string key) {
  auto ending = c.client().destroy(c.client().get<circular>(key));
  try {
    co_await std::move(ending);
  } catch (const troupe::error& e) {
    diary.push_back(e.code());
  }
}

struct passing {
  int count = 0;
  int increment() { return ++count; }
  static constexpr troupe::options options{.durability = troupe::durability::ephemeral};
  using actor = troupe::actor<passing, &passing::increment>;
};

struct stubborn {
  int count = 0;
  void on_wake(context<stubborn>&) { throw troupe::user_error{"no", "not today"}; }
  int increment() { return ++count; }
  using actor = troupe::actor<stubborn, &stubborn::increment>;
};

troupe::registry served() {
  troupe::registry r;
  r.use<guest>("guest").use<host>("host").use<passing>("passing").use<stubborn>("stubborn").use<circular>("circular");
  return r;
}

struct world {
  explicit world(troupe::runtime_options options = {}) : runtime{served(), std::move(options)} { diary.clear(); }
  /// Begins a task, and yields the code of its failure once it has ended; "": it has none.
  std::shared_ptr<std::optional<std::string>> start(troupe::task<> what) {
    auto out = std::make_shared<std::optional<std::string>>();
    runtime->spawn(watch(std::move(what), out));
    runtime.settle();
    return out;
  }
  static troupe::task<> watch(troupe::task<> what, std::shared_ptr<std::optional<std::string>> out) {
    std::string code;
    try {
      co_await std::move(what);
    } catch (const troupe::error& e) {
      code = e.group() + "." + e.code();
    }
    out->emplace(std::move(code));
  }
  manual_runtime runtime;
  const troupe::client client = client_of(*runtime);
};

}  // namespace

TEST_CASE("an actor that a client destroys runs its hook, and its key is free", "[client]") {
  world w;
  auto g = w.client.get_or_create<guest>("g");
  g.call<&guest::increment>().get();
  w.runtime->run(w.client.destroy(g));
  CHECK(diary == std::vector<std::string>{"destroyed with 1"});
  CHECK(w.runtime->run(w.client.list<guest>()).empty());
  CHECK(code_of([&] { w.client.get<guest>("g").resolve().get(); }) == "actor.not_found");
  CHECK(g.call<&guest::increment>().get() == 1);
}

TEST_CASE("an actor that is asleep is destroyed with its hook", "[client]") {
  world w;
  auto g = w.client.get_or_create<guest>("g");
  g.call<&guest::increment>().get();
  w.runtime.advance(60s);
  w.runtime->run(w.client.destroy(g));
  CHECK(diary == std::vector<std::string>{"destroyed with 1"});
  CHECK(w.runtime->run(w.client.list<guest>()).empty());
}

TEST_CASE("a destruction ends when the end is durable", "[client]") {
  behaviour::gated_store store;
  world w{{.store = store}};
  auto p = w.client.get_or_create<guest>("g");
  p.call<&guest::increment>().get();
  store.hold();
  const auto ending = w.start(w.client.destroy(p));
  CHECK_FALSE(*ending);
  CHECK(store.durable().size() == 1);
  store.let_go();
  w.runtime.settle();
  CHECK(*ending == "");
  CHECK(store.durable().empty());
}

TEST_CASE("what runs in a destroyed actor is told, and has its grace period", "[client]") {
  std::string heard;  // written as long as the runtime lives
  world w;
  auto g = w.client.get_or_create<guest>("g");
  w.runtime->spawn([](troupe::handle<guest> of, std::string& out) -> troupe::task<> {
    auto lingering = of.call<&guest::linger>();
    out = co_await lingering;
  }(g, heard));
  w.runtime.settle();
  w.runtime->run(w.client.destroy(g));
  CHECK(heard == "aborted");
}

TEST_CASE("where there is no actor, none is destroyed and none is created", "[client]") {
  world w;
  CHECK(code_of([&] { w.runtime->run(w.client.destroy(w.client.get<guest>("g"))); }) == "actor.not_found");
  CHECK(code_of([&] { w.runtime->run(w.client.destroy(w.client.get_or_create<guest>("g"))); }) == "actor.not_found");
  CHECK(code_of([&] { w.runtime->run(w.client.destroy(w.client.get_for_id<guest>({}))); }) == "actor.not_found");
  CHECK(w.runtime->run(w.client.list<guest>()).empty());
}

TEST_CASE("an id's handle destroys no successor", "[client]") {
  world w;
  auto first = w.runtime->run(w.client.create<guest>("g"));
  w.runtime->run(w.client.destroy(first));
  w.client.get_or_create<guest>("g").call<&guest::increment>().get();
  CHECK(code_of([&] { w.runtime->run(w.client.destroy(first)); }) == "actor.not_found");
  CHECK(w.runtime->run(w.client.list<guest>()).size() == 1);
}

TEST_CASE("of two that destroy an actor at once one finds it", "[client]") {
  world w;
  auto g = w.client.get_or_create<guest>("g");
  g.call<&guest::end_slowly>().get();
  const auto one = w.start(w.client.destroy(g));
  const auto other = w.start(w.client.destroy(g));
  w.runtime.advance(5s);
  CHECK(*one == "");
  CHECK(*other == "actor.not_found");
  CHECK(diary.size() == 1);
}

TEST_CASE("an actor destroys another and waits for its end", "[client]") {
  world w;
  w.client.get_or_create<guest>("g").call<&guest::increment>().get();
  CHECK(w.client.get_or_create<host>("h").call<&host::throw_out>("g").get() == "gone");
}

TEST_CASE("an actor is told that it cannot wait for its own end", "[client]") {
  world w;
  auto g = w.client.get_or_create<guest>("g");
  CHECK(code_of([&] { g.call<&guest::end_itself>().get(); }) == "actor.invalid_operation");
  CHECK(g.call<&guest::increment>().get() == 1);
}

TEST_CASE("an ephemeral actor is destroyed too", "[client]") {
  world w;
  auto p = w.client.get_or_create<passing>("p");
  CHECK(p.call<&passing::increment>().get() == 1);
  w.runtime->run(w.client.destroy(p));
  CHECK(p.call<&passing::increment>().get() == 1);
}

TEST_CASE("an actor that cannot wake is not destroyed, and its caller hears why", "[client]") {
  world w;
  CHECK(code_of([&] { w.client.get_or_create<stubborn>("s").call<&stubborn::increment>().get(); }) == "user.no");
  CHECK(code_of([&] { w.runtime->run(w.client.destroy(w.client.get<stubborn>("s"))); }) == "user.no");
}

TEST_CASE("a destruction that takes longer than its caller waits goes on", "[client]") {
  world w;
  auto g = w.client.get_or_create<guest>("g");
  g.call<&guest::end_slowly>().get();
  const auto ending = w.start(w.client.destroy(g.with(troupe::timeout{1s})));
  w.runtime.advance(1500ms);
  CHECK(ending->value_or("open") == "actor.action_timed_out");
  w.runtime.advance(5s);
  CHECK(w.runtime->run(w.client.list<guest>()).empty());
}

TEST_CASE("by name an actor is destroyed as well", "[client]") {
  world w;
  w.client.get_or_create<guest>("g").call<&guest::increment>().get();
  w.runtime->run(w.client.destroy(w.client.open("guest", "g")));
  CHECK(diary.size() == 1);
  CHECK(w.runtime->run(w.client.list<guest>()).empty());
}

TEST_CASE("a destruction that an actor's own end asks for is refused at once", "[client]") {
  world w;
  auto it = w.client.get_or_create<circular>("c");
  it.call<&circular::increment>().get();
  w.runtime->run(w.client.destroy(it));
  CHECK(diary == std::vector<std::string>{"destroying"});
  CHECK(w.runtime->run(w.client.list<circular>()).empty());
}

TEST_CASE("a destruction waits as long as its handle says", "[client]") {
  world w;
  auto g = w.client.get_or_create<guest>("g");
  g.call<&guest::end_slowly>().get();
  const auto ending = w.start(w.client.destroy(g.with(troupe::timeout{troupe::never})));
  CHECK_FALSE(*ending);
  w.runtime.advance(3s);
  CHECK(ending->value_or("open").empty());
}

TEST_CASE("a successor does not hold up the news of an actor's end", "[client]") {
  std::string heard;  // written as long as the runtime lives
  world w;
  auto g = w.client.get_or_create<guest>("g");
  g.call<&guest::end_slowly>().get();
  const auto ending = w.start(w.client.destroy(g));
  w.runtime->spawn([](troupe::handle<guest> of, std::string& out) -> troupe::task<> {
    auto lingering = of.call<&guest::linger>();
    out = co_await lingering;
  }(g, heard));
  w.runtime.advance(3s);
  CHECK(ending->value_or("open").empty());
  CHECK(heard.empty());
  CHECK(w.runtime->run(g.status()).running == std::vector<std::string>{"linger"});
}

TEST_CASE("an end that may not be durable is no end for who asked for it", "[client]") {
  behaviour::gated_store store;
  world w{{.store = store}};
  auto g = w.client.get_or_create<guest>("g");
  g.call<&guest::increment>().get();
  store.lose_track();
  const auto ending = w.start(w.client.destroy(g));
  CHECK(ending->value_or("open") == "store.unavailable");
  CHECK(diary.size() == 1);
}

TEST_CASE("over a connection only the actor is destroyed that was connected", "[client]") {
  world w;
  auto g = w.client.get_or_create<guest>("g");
  auto connection = w.runtime->run(g.connect());
  w.runtime->run(w.client.destroy(g));
  w.client.get_or_create<guest>("g").call<&guest::increment>().get();
  CHECK_FALSE(code_of([&] { w.runtime->run(w.client.destroy(connection.actor())); }) == "nothing");
  CHECK(w.runtime->run(w.client.list<guest>()).size() == 1);
}
