// SPDX-License-Identifier: Apache-2.0
// An actor may use the client of another runtime of its process. Epochs of the one mean nothing to the other: what
// passes between them waits at the gate that it leaves by, and at no other.

#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;
using texts = std::vector<std::string>;

namespace {

/// In the runtime that is called.
struct board {
  static constexpr troupe::event<"posted", std::string> posted{};
  static constexpr troupe::queue<"notes", std::string> notes{};

  texts all;

  int pin(troupe::context<board>& c, std::string text) {
    all.push_back(text);
    c.broadcast(posted, text);
    return static_cast<int>(all.size());
  }
  troupe::task<int> pin_slowly(troupe::context<board>&, std::string text) {
    co_await troupe::delay(1ms);
    all.push_back(text);
    co_return static_cast<int>(all.size());
  }
  texts read() const { return all; }
  std::optional<std::string> take(troupe::context<board>& c) {
    auto m = c.queue().try_next(notes);
    if (!m) return std::nullopt;
    return **m;
  }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<board, posted, notes, &board::pin, &board::pin_slowly, &board::read, &board::take>;
};

std::optional<troupe::client> abroad;  // the client of the other runtime, in the test that runs

/// In the runtime that calls.
struct caller {
  int calls = 0;
  texts heard;

  troupe::task<int> pin(std::string text) {
    ++calls;
    const auto b = abroad->get_or_create<board>("b");
    const int n = co_await b.call<&board::pin>(text);
    ++calls;
    co_return n;
  }
  troupe::task<int> pin_slowly(std::string text) {
    ++calls;
    const auto b = abroad->get_or_create<board>("b");
    const int n = co_await b.call<&board::pin_slowly>(text);
    ++calls;
    co_return n;
  }
  troupe::task<texts> look() const {
    const auto b = abroad->get_or_create<board>("b");
    auto found = co_await b.call<&board::read>();
    co_return found;
  }
  void post(std::string text) {
    ++calls;
    abroad->get_or_create<board>("b").post<&board::pin>(text);
  }
  troupe::task<> send(std::string text) {
    ++calls;
    const auto b = abroad->get_or_create<board>("b");
    co_await b.send(board::notes, text);
  }
  troupe::task<> listen(troupe::context<caller>& c) {
    auto line = co_await abroad->get_or_create<board>("b").connect();
    auto events = line.stream(board::posted);
    while (heard.size() < 2) {
      auto e = co_await events.next();
      if (!e) break;
      heard.push_back(*e);
      co_await c.save();
    }
  }
  int count() const { return calls; }
  texts told() const { return heard; }

  static constexpr troupe::options options{.sleep_after = troupe::never, .action_timeout = 5s};
  using actor = troupe::actor<caller, &caller::pin, &caller::pin_slowly, &caller::look, &caller::post, &caller::send,
                              &caller::listen, &caller::count, &caller::told>;
};

template <class A>
const troupe::registry& only(const char* name) {
  static const troupe::registry all = [name] {
    troupe::registry r;
    r.use<A>(name);
    return r;
  }();
  return all;
}

struct fixture {
  fixture() {
    abroad.emplace(theirs.client);
    mine.run(a.resolve());
    theirs.run(b.resolve());
  }
  ~fixture() { abroad.reset(); }
  fixture(const fixture&) = delete;

  void settle() {
    bool is_quiet = false;
    while (!is_quiet) is_quiet = mine.runtime.poll() == 0 && theirs.runtime.poll() == 0;
  }
  template <class A>
  auto start(A awaitable) {
    auto out = mine.start(std::move(awaitable));
    settle();
    theirs.clock->advance(10ms);
    settle();
    return out;
  }
  /// Epochs of the other runtime run far ahead.
  void move_their_epochs_on() {
    for (int i = 0; i < 20; ++i) theirs.run(b.call<&board::pin>("old"));
  }
  texts pinned() {
    auto all = theirs.run(b.call<&board::read>());
    std::erase(all, "old");
    return all;
  }

  gated_store my_store, their_store;
  world mine{only<caller>("caller"), my_store};
  world theirs{only<board>("board"), their_store};
  troupe::handle<caller> a = mine.client.get_or_create<caller>("a");
  troupe::handle<board> b = theirs.client.get_or_create<board>("b");
};

}  // namespace

TEST_CASE_METHOD(fixture, "an answer of another runtime delays no answer of this one", "[runtime]") {
  move_their_epochs_on();
  const auto looking = start(a.call<&caller::look>());
  REQUIRE(looking.done());
  CHECK(looking.value().size() == 20);
  const auto pinning = start(a.call<&caller::pin>("here"));
  REQUIRE(pinning.done());
  CHECK(pinning.value() == 21);
  const auto slowly = start(a.call<&caller::pin_slowly>("there"));
  REQUIRE(slowly.done());
  CHECK(slowly.value() == 22);
}

TEST_CASE_METHOD(fixture, "turns between answers of another runtime are stored in their order", "[runtime]") {
  move_their_epochs_on();
  my_store.hold();
  std::vector<outcome<int>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(start(a.call<&caller::pin>("n")));
    move_their_epochs_on();
    my_store.let_one_go();
    settle();
  }
  my_store.let_go();
  settle();
  for (const auto& each : all) CHECK(each.done());
  CHECK(mine.run(a.call<&caller::count>()) == 6);
  world again{only<caller>("caller"), my_store.after_crash()};
  CHECK(again.run(again.client.get<caller>("a").call<&caller::count>()) == 6);
}

TEST_CASE_METHOD(fixture, "calls, posts and messages go to another runtime once their cause is durable", "[runtime]") {
  my_store.hold();
  const auto pinning = start(a.call<&caller::pin>("call"));
  const auto posting = start(a.call<&caller::post>("post"));
  const auto sending = start(a.call<&caller::send>("message"));
  CHECK(pinned().empty());
  CHECK(theirs.run(b.call<&board::take>()) == std::nullopt);
  my_store.let_go();
  settle();
  CHECK(pinned().size() == 2);
  CHECK(theirs.run(b.call<&board::take>()) == "message");
  CHECK(pinning.done());
  CHECK(posting.done());
  CHECK(sending.done());
}

TEST_CASE_METHOD(fixture, "a call to another runtime is refused when its cause is lost", "[runtime]") {
  my_store.hold();
  const auto pinning = start(a.call<&caller::pin>("call"));
  my_store.lose_track();
  my_store.let_go();
  settle();
  CHECK(pinned().empty());
  CHECK(pinning.failed());
}

TEST_CASE_METHOD(fixture, "an answer of another runtime leaves once it is durable there", "[runtime]") {
  their_store.hold();
  const auto pinning = start(a.call<&caller::pin>("call"));
  const auto looking = start(a.call<&caller::look>());
  CHECK_FALSE(pinning.done());
  CHECK_FALSE(looking.done());
  their_store.let_go();
  settle();
  CHECK(pinning.done());
  CHECK(looking.done());
}

TEST_CASE_METHOD(fixture, "an event of another runtime is heard once it is durable there", "[runtime]") {
  const auto listening = start(a.call<&caller::listen>());
  their_store.hold();
  const auto first = theirs.start(b.call<&board::pin>("one"));
  settle();
  CHECK(mine.run(a.call<&caller::told>()).empty());
  their_store.let_go();
  settle();
  CHECK(mine.run(a.call<&caller::told>()) == texts{"one"});
  const auto second = theirs.start(b.call<&board::pin>("two"));
  settle();
  CHECK(listening.done());
  CHECK(first.done());
  CHECK(second.done());
}
