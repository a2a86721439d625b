// SPDX-License-Identifier: Apache-2.0
// Messages and creation input have versions: an older one is migrated, a newer one is left to a newer program, and one
// that cannot be decoded blocks nobody and can be looked at.

#include <catch2/catch.hpp>

#include <troupe/json.hpp>

#include "queue/world.hpp"

using namespace behaviour;

namespace {

// Three programs of one actor: "title" became "name" in version 2, and "name" the list "names" in version 3.
namespace first {
struct job {
  std::string title;
};
}  // namespace first
namespace second {
struct job {
  static constexpr int version = 2;
  std::string name;
  static void migrate(troupe::json& value, int) { value["name"] = value.at("title"); }
};
}  // namespace second
namespace third {
struct job {
  static constexpr int version = 3;
  std::vector<std::string> names;
  static void migrate(troupe::json& value, int from) {
    if (from < 2) value["name"] = value.at("title");
    if (value.at("name") == "bad") throw std::runtime_error{"no list of this"};
    value["names"] = troupe::json::array({value.at("name")});
  }
};
}  // namespace third
// Not a version: a member that has that name.
struct release {
  int version = 0;
  std::string title;
};

std::string text_of(const first::job& j) { return j.title; }
std::string text_of(const second::job& j) { return j.name; }
std::string text_of(const third::job& j) { return j.names.at(0) + "+"; }
std::string text_of(const release& r) { return r.title + std::to_string(r.version); }

/// Keeps its messages until it is told to take them.
template <class Job>
struct taker {
  static constexpr troupe::queue<"jobs", Job> jobs{{.messages_max = 3, .dead_letters_max = 2}};
  static constexpr troupe::queue<"handled", Job> handled{};
  std::string made_of;
  std::vector<std::string> done;

  void on_create(troupe::context<taker>&, Job input) { made_of = text_of(input); }
  void on_handled(const Job& j) { done.push_back(text_of(j)); }

  std::string made() const { return made_of; }
  std::vector<std::string> take(troupe::context<taker>& c) {
    for (auto& m : c.queue().try_next_batch(jobs, 100)) done.push_back(text_of(*m));
    return done;
  }
  troupe::task<std::string> next(troupe::context<taker>& c) {
    auto m = co_await c.queue().next(jobs);
    co_return text_of(*m);
  }
  std::vector<std::size_t> sizes(troupe::context<taker>& c) {
    return {c.queue().size(jobs), c.queue().size(jobs.dead_letters())};
  }
  std::vector<std::string> letters(troupe::context<taker>& c) {
    std::vector<std::string> all;
    for (const auto& d : c.queue().dead_letters(jobs)) {
      all.push_back(d.json + " v" + std::to_string(d.version) + " " + std::to_string(d.attempts) + ": " + d.why);
    }
    return all;
  }
  std::size_t typed_letters(troupe::context<taker>& c) {
    return c.queue().try_next_batch(jobs.dead_letters(), 10).size();
  }
  std::uint64_t first_letter(troupe::context<taker>& c) { return c.queue().dead_letters(jobs).at(0).id; }
  bool remove(troupe::context<taker>& c, std::uint64_t id) { return c.queue().remove(jobs.dead_letters(), id); }
  bool requeue(troupe::context<taker>& c, std::uint64_t id) { return c.queue().requeue(jobs.dead_letters(), id); }
  void drop(troupe::context<taker>& c) {
    auto m = c.queue().try_next(jobs);
    throw troupe::user_error{"no", "not this one"};
  }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<taker, jobs, troupe::consumes<handled, &taker::on_handled>, &taker::made,
                              &taker::take, &taker::next, &taker::sizes, &taker::letters, &taker::typed_letters,
                              &taker::first_letter, &taker::remove, &taker::requeue, &taker::drop>;
};

using old_worker = taker<first::job>;
using new_worker = taker<second::job>;
using newest_worker = taker<third::job>;

template <class Worker>
troupe::registry program() {
  troupe::registry r;
  r.use<Worker>("worker");
  return r;
}

// Runs one program on a store, and leaves what a crash would leave.
template <class Worker, class F>
gated_store run(const gated_store& store, F f) {
  world w{program<Worker>(), store};
  w.settle();
  f(w);
  w.settle();
  return store.after_crash();
}

first::job old_job(std::string title) {
  first::job j;
  j.title = std::move(title);
  return j;
}
second::job new_job(std::string name) {
  second::job j;
  j.name = std::move(name);
  return j;
}
third::job newest_job(std::string name) {
  third::job j;
  j.names.push_back(std::move(name));
  return j;
}

template <class Worker>
troupe::handle<Worker> of(world& w) {
  return w.client.get<Worker>("a");
}

gated_store with_old_messages(const std::vector<std::string>& titles) {
  return run<old_worker>(gated_store{}, [&](world& w) {
    const auto input = old_job("made");
    const auto a = w.client.get_or_create<old_worker>("a", input);
    for (const auto& title : titles) {
      const auto j = old_job(title);
      w.run(a.send(old_worker::jobs, j));
    }
  });
}

}  // namespace

TEST_CASE("Messages of an older version are migrated when they are taken") {
  const auto store = with_old_messages({"one", "two"});
  SECTION("by one version") {
    world w{program<new_worker>(), store};
    CHECK(w.run(of<new_worker>(w).call<&new_worker::take>()) == texts{"one", "two"});
    CHECK(w.errors.empty());
  }
  SECTION("by two versions, and mixed with newer ones") {
    const auto later = run<new_worker>(store, [](world& w) {
      const auto j = new_job("three");
      w.run(of<new_worker>(w).send(new_worker::jobs, j));
    });
    world w{program<newest_worker>(), later};
    CHECK(w.run(of<newest_worker>(w).call<&newest_worker::take>()) == texts{"one+", "two+", "three+"});
    CHECK(w.errors.empty());
  }
}

TEST_CASE("A message by name is of the program's version") {
  world w{program<new_worker>()};
  const auto input = new_job("made");
  const auto a = w.client.get_or_create<new_worker>("a", input);
  w.run(a.send("jobs", R"({"name":"by name"})"));
  CHECK(w.run(a.call<&new_worker::take>()) == texts{"by name"});
  CHECK(code_when([&] { a.send("jobs", R"({"name":1})").get(); }) == "actor.invalid_request");
}

TEST_CASE("A member that is named version makes no version") {
  world w{program<taker<release>>()};
  release r;
  r.version = 7;
  r.title = "r";
  const auto a = w.client.get_or_create<taker<release>>("a", r);
  w.run(a.send(taker<release>::jobs, r));
  CHECK(w.run(a.call<&taker<release>::take>()) == texts{"r7"});
}

TEST_CASE("Creation input of a type with a version reaches on_create") {
  const auto store = run<new_worker>(gated_store{}, [](world& w) {
    const auto input = new_job("made");
    w.run(w.client.get_or_create<new_worker>("a", input).resolve());
  });
  world w{program<new_worker>(), store};
  CHECK(w.run(of<new_worker>(w).call<&new_worker::made>()) == "made");
}

TEST_CASE("A message of a newer version waits for a newer program, and blocks nobody") {
  const auto store = run<new_worker>(gated_store{}, [](world& w) {
    const auto input = new_job("made");
    const auto a = w.client.get_or_create<new_worker>("a", input);
    const auto j = new_job("new");
    w.run(a.send(new_worker::jobs, j));
  });
  const auto later = run<old_worker>(store, [](world& w) {
    const auto a = of<old_worker>(w);
    const auto j = old_job("old");
    w.run(a.send(old_worker::jobs, j));
    CHECK(w.run(a.call<&old_worker::take>()) == texts{"old"});
    CHECK(w.run(a.call<&old_worker::sizes>()) == std::vector<std::size_t>{1, 0});
    CHECK(w.errors == texts{"queue \"jobs\" of worker/a: queue.newer_message"});
    w.pass(1h);
    CHECK(w.errors.size() == 1);
  });
  world w{program<new_worker>(), later};
  CHECK(w.run(of<new_worker>(w).call<&new_worker::take>()) == texts{"old", "new"});
}

TEST_CASE("A message that cannot be decoded is a dead letter at once, with a report, and blocks nobody") {
  const auto store = with_old_messages({"bad", "good", "bad"});
  world w{program<newest_worker>(), store};
  const auto a = of<newest_worker>(w);
  SECTION("taken at once") {
    CHECK(w.run(a.call<&newest_worker::take>()) == texts{"good+"});
  }
  SECTION("waited for") {
    CHECK(w.run(a.call<&newest_worker::next>()) == "good+");
    const auto waiting = w.start(a.call<&newest_worker::next>());  // buries the second, and waits on
    CHECK_FALSE(waiting.done());
    const auto j = newest_job("newest");
    w.start(a.send(newest_worker::jobs, j));
    CHECK(waiting.value() == "newest+");
  }
  CHECK(w.errors == texts(2, "queue \"jobs\" of worker/a: queue.dead_letter"));
  CHECK(w.run(a.call<&newest_worker::sizes>()) == std::vector<std::size_t>{0, 2});
  const auto letters = w.run(a.call<&newest_worker::letters>());
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].starts_with(R"({"title":"bad"} v1 0: )"));
  CHECK(letters[0].find("migrate from version 1 to 3: no list of this") != std::string::npos);
  CHECK(w.run(a.call<&newest_worker::typed_letters>()) == 0);  // they can be read as text only
  CHECK(w.run(a.call<&newest_worker::letters>()) == letters);
}

TEST_CASE("A handler's message that cannot be decoded blocks nobody either") {
  const auto store = run<old_worker>(gated_store{}, [](world& w) {
    const auto input = old_job("made");
    const auto a = w.client.get_or_create<old_worker>("a", input);
    for (const char* title : {"bad", "good"}) {
      const auto j = old_job(title);
      w.run(a.send(old_worker::handled, j, troupe::delayed{1h}));
    }
  });
  world w{program<newest_worker>(), store};
  w.pass(61min);
  CHECK(w.errors == texts{"queue \"handled\" of worker/a: queue.dead_letter"});
  CHECK(w.run(of<newest_worker>(w).call<&newest_worker::take>()) == texts{"good+"});
}

TEST_CASE("A dead letter can be removed, or put back, whether or not it can be decoded") {
  const auto store = with_old_messages({"bad", "good"});
  gated_store left;
  {
    world w{program<newest_worker>(), store};
    const auto a = of<newest_worker>(w);
    CHECK(w.run(a.call<&newest_worker::take>()) == texts{"good+"});
    const auto id = w.run(a.call<&newest_worker::first_letter>());
    SECTION("removed") {
      CHECK(w.run(a.call<&newest_worker::remove>(id)));
      CHECK_FALSE(w.run(a.call<&newest_worker::remove>(id)));
      CHECK_FALSE(w.run(a.call<&newest_worker::requeue>(id)));
      CHECK(w.run(a.call<&newest_worker::sizes>()) == std::vector<std::size_t>{0, 0});
      CHECK(store.durable().begin()->second.messages.empty());
      return;
    }
    SECTION("put back, and handled by a program that can") {
      CHECK(w.run(a.call<&newest_worker::requeue>(id)));
      CHECK(w.run(a.call<&newest_worker::sizes>()) == std::vector<std::size_t>{1, 0});
      left = store.after_crash();
    }
  }
  world w{program<new_worker>(), left};
  CHECK(w.run(of<new_worker>(w).call<&new_worker::take>()).back() == "bad");
}

TEST_CASE("Dead letters have a limit of their own, and leave the queue to new messages") {
  world w{program<old_worker>()};
  const auto input = old_job("made");
  const auto a = w.client.get_or_create<old_worker>("a", input);
  for (const char* title : {"1", "2", "3", "4"}) {
    const auto j = old_job(title);
    w.run(a.send(old_worker::jobs, j));
    for (int i = 0; i < 5; ++i) {
      CHECK(w.code(a.call<&old_worker::drop>()) == "user.no");
      w.pass(1min);
    }
  }
  CHECK(w.errors.size() == 6);  // four have died, two of them were dropped
  const auto letters = w.run(a.call<&old_worker::letters>());
  REQUIRE(letters.size() == 2);
  CHECK(letters[0] == R"({"title":"3"} v1 5: its attempts are used up)");
  CHECK(letters[1] == R"({"title":"4"} v1 5: its attempts are used up)");
  for (const char* title : {"5", "6", "7"}) {
    const auto j = old_job(title);
    CHECK(w.code(a.send(old_worker::jobs, j)).empty());
  }
  const auto j = old_job("8");
  CHECK(w.code(a.send(old_worker::jobs, j)) == "queue.full");
  const auto id = w.run(a.call<&old_worker::first_letter>());
  CHECK(w.code(a.call<&old_worker::requeue>(id)) == "queue.full");
}

namespace {

// An actor that a crash leaves before its on_create has come to its end: its input is in the store.
template <class Job>
struct slow_to_make {
  std::string made_of;
  troupe::task<> on_create(troupe::context<slow_to_make>& c, Job input) {
    made_of = text_of(input);
    if (slow) {
      co_await c.delay(1s);
    }
  }
  std::string made() const { return made_of; }
  static inline bool slow = false;
  using actor = troupe::actor<slow_to_make, &slow_to_make::made>;
};

template <class Job>
troupe::registry makers() {
  troupe::registry r;
  r.use<slow_to_make<Job>>("maker");
  return r;
}

template <class Job>
gated_store interrupted_creation(const Job& input) {
  gated_store store;
  world w{makers<Job>(), store};
  slow_to_make<Job>::slow = true;
  const auto making = w.start(w.client.get_or_create<slow_to_make<Job>>("a", input).resolve());
  w.settle();
  slow_to_make<Job>::slow = false;
  REQUIRE(store.durable().size() == 1);
  REQUIRE_FALSE(store.durable().begin()->second.initialised);
  return store.after_crash();
}

}  // namespace

TEST_CASE("Creation input that waits in the store is migrated, and a newer one is left to a newer program") {
  SECTION("older") {
    const auto store = interrupted_creation(old_job("old"));
    world w{makers<third::job>(), store};
    const auto a = w.client.get<slow_to_make<third::job>>("a");
    CHECK(w.run(a.call<&slow_to_make<third::job>::made>()) == "old+");
  }
  SECTION("newer") {
    const auto store = interrupted_creation(new_job("new"));
    {
      world w{makers<first::job>(), store};
      CHECK(w.code(w.client.get<slow_to_make<first::job>>("a").resolve()) == "actor.newer_state");
      CHECK(w.code(w.client.get<slow_to_make<first::job>>("a").resolve()) == "actor.newer_state");
    }
    world w{makers<second::job>(), store};
    const auto a = w.client.get<slow_to_make<second::job>>("a");
    CHECK(w.run(a.call<&slow_to_make<second::job>::made>()) == "new");
  }
}

TEST_CASE("The manifest shows the version of messages that have one") {
  const auto text = troupe::describe<new_worker>();
  CHECK(text.find(R"("result":null,"version":2})") != std::string::npos);
  CHECK(troupe::describe<old_worker>().find(R"("result":null,"version")") == std::string::npos);
}
