// SPDX-License-Identifier: Apache-2.0
// A context outside of its actor's turns: on another thread, in the host, in another actor.

#include <future>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "../core/last_words.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

struct open_book;
troupe::context<open_book>* leaked = nullptr;  ///< kept outside of the actor, by mistake

struct open_book {
  static constexpr troupe::event<"page", int> page{};
  int pages = 0;

  int open(troupe::context<open_book>& c) {
    leaked = &c;
    return pages;
  }
  void turn(troupe::context<open_book>& c) { c.broadcast(page, ++pages); }
  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<open_book, &open_book::open, &open_book::turn, page>;
};

troupe::task<> nothing() { co_return; }

/// The codes of all that a context offers to the actor's turns, one after another.
std::vector<std::string> codes_of_leaked() {
  auto& c = *leaked;
  return {code_when([&] { static_cast<void>(c.stop_token()); }),
          code_when([&] { c.sleep(); }),
          code_when([&] { c.destroy(); }),
          code_when([&] { c.keep_awake(nothing()); }),
          code_when([&] { c.wait_until(nothing()); }),
          code_when([&] { c.keep_awake([] { return nothing(); }); }),
          code_when([&] { c.wait_until([] { return nothing(); }); }),
          code_when([&] { static_cast<void>(c.connection()); }),
          code_when([&] { static_cast<void>(c.connections()); }),
          code_when([&] { c.broadcast(open_book::page, 1); })};
}
const std::vector<std::string> all_refused(10, "actor.invalid_operation");

/// Another actor, that uses it.
struct thief {
  std::vector<std::string> read() { return codes_of_leaked(); }
  troupe::task<std::string> save() {
    try {
      co_await leaked->save();
    } catch (const troupe::error& e) {
      co_return e.message();
    }
    co_return "saved";
  }
  troupe::task<std::string> wait() {
    try {
      co_await leaked->delay(1ms);
    } catch (const troupe::error& e) {
      co_return e.message();
    }
    co_return "waited";
  }
  using actor = troupe::actor<thief, &thief::read, &thief::save, &thief::wait>;
};

struct fixture {
  fixture() { CHECK(w.run(book.call<&open_book::open>()) == 0); }
  ~fixture() { leaked = nullptr; }
  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;
  static troupe::registry registry() {
    troupe::registry r;
    r.use<open_book>("book").use<thief>("thief");
    return r;
  }
  world w{registry()};
  troupe::handle<open_book> book = w.client.get_or_create<open_book>("b");
  troupe::connection<open_book> reader = w.run(book.connect());
  int heard = 0;
  troupe::subscription pages = reader.on(open_book::page, [this](int) { ++heard; });
};

}  // namespace

TEST_CASE_METHOD(fixture, "outside of its actor's turns a context refuses the operations of turns") {
  SECTION("in the host") { CHECK(codes_of_leaked() == all_refused); }
  SECTION("on another thread") {
    std::vector<std::string> codes;
    std::thread{[&] { codes = codes_of_leaked(); }}.join();
    CHECK(codes == all_refused);
  }
  SECTION("in another actor") {
    CHECK(w.run(w.client.get_or_create<thief>("t").call<&thief::read>()) == all_refused);
  }
  w.settle();
  CHECK(heard == 0);
  CHECK(w.phase(book) == phase::awake);
  w.run(book.call<&open_book::turn>());
  w.settle();
  CHECK(heard == 1);
}

TEST_CASE_METHOD(fixture, "its awaitables are refused there as well, by the actor's name") {
  CHECK(w.code(leaked->save()) == "actor.invalid_operation");
  CHECK(w.code(leaked->delay(1s)) == "actor.invalid_operation");
  const auto t = w.client.get_or_create<thief>("t");
  CHECK_THAT(w.run(t.call<&thief::save>()), Catch::Contains("book/b") && Catch::Contains("save"));
  CHECK_THAT(w.run(t.call<&thief::wait>()), Catch::Contains("book/b"));
}

TEST_CASE_METHOD(fixture, "the constant data of a context may be read anywhere") {
  CHECK(leaked->name() == "book");
  CHECK(leaked->key() == troupe::key{"b"});
  CHECK(leaked->id() == w.run(book.resolve()));
}

#if TROUPE_ASSERTIONS
TEST_CASE("a broadcast outside of a turn that nobody hears fails an assertion") {
  const auto end = end_of_process([] {
    world w{fixture::registry()};
    w.run(w.client.get_or_create<open_book>("b").call<&open_book::open>());
    leaked->broadcast(open_book::page, 1);
  });
  CHECK(end.aborted);
  CHECK_THAT(end.words, Catch::Contains("broadcast may be used only by the actor's own code"));
}
#endif
