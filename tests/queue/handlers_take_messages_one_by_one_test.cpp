// SPDX-License-Identifier: Apache-2.0
// Handlers of queues (`troupe::consumes`): each message is handled, acknowledged and retried by itself.

#include <catch2/catch.hpp>

#include <algorithm>
#include <stdexcept>

#include "queue/world.hpp"

using namespace behaviour;

namespace {

struct job {
  int number = 0;
  int fails = 0;  ///< in so many of its attempts
};

job of(int number, int fails = 0) {
  job j;
  j.number = number;
  j.fails = fails;
  return j;
}

/// Plain handlers, in each form.
struct clerk {
  static constexpr troupe::queue<"jobs", job, int> jobs{
      {.messages_max = 2'000, .attempts_max = 3, .retry_min = 1s, .retry_max = 1s}};
  static constexpr troupe::queue<"notes", std::string> notes{};
  static constexpr troupe::queue<"looks", std::string> looks{{.attempts_max = 2, .retry_min = 1s}};
  static constexpr troupe::queue<"shelf", std::string> shelf{};  ///< without a handler

  std::vector<int> done;
  std::vector<std::string> read;
  std::map<int, int> begun;

  int on_job(troupe::context<clerk>&, const job& j) {
    if (++begun[j.number] <= j.fails) throw troupe::user_error{"bad", "a bad one"};
    done.push_back(j.number);
    return j.number * 2;
  }
  void on_note(std::string note) { read.push_back(std::move(note)); }
  void on_look(troupe::context<clerk>& c, troupe::message_of<looks>& m) {
    if (*m == "later" && m.attempts() == 1) return m.retry(10s);
    if (*m == "sleep") c.sleep();
    if (*m == "end") c.destroy();
    read.push_back(*m + " " + std::to_string(m.attempts()));
    if (*m == "now") m.complete();
  }

  std::vector<int> numbers() const { return done; }
  std::vector<std::string> texts_read() const { return read; }
  int attempts_at(int number) const { return begun.contains(number) ? begun.at(number) : 0; }
  std::vector<std::size_t> sizes(troupe::context<clerk>& c) {
    return {c.queue().size(jobs), c.queue().size(jobs.dead_letters()), c.queue().size(notes)};
  }
  troupe::task<> hold(troupe::context<clerk>& c) { co_await c.delay(10s); }
  void rest(troupe::context<clerk>& c) { c.sleep(); }

  static constexpr troupe::options options{.sleep_after = 4s};
  using actor = troupe::actor<clerk, troupe::consumes<jobs, &clerk::on_job>, troupe::consumes<notes, &clerk::on_note>,
                              troupe::consumes<looks, &clerk::on_look>, shelf, &clerk::numbers, &clerk::texts_read,
                              &clerk::attempts_at, &clerk::sizes, troupe::exclusive<&clerk::hold>, &clerk::rest>;
};

/// Coroutine handlers.
struct team {
  static constexpr troupe::queue<"one", int, int> one{{.attempts_max = 3, .retry_min = 1s, .retry_max = 1s}};
  static constexpr troupe::queue<"three", int> three{{.concurrency = 3}};
  static constexpr troupe::queue<"lent", int> lent{{.attempts_max = 9, .visibility_timeout = 5s}};

  std::vector<int> done;
  std::vector<std::uint32_t> attempts;
  int at_work = 0;
  int most = 0;

  troupe::task<int> on_one(troupe::context<team>& c, int number) {
    co_await c.delay(1s);
    if (number < 0) throw std::runtime_error{"negative"};
    done.push_back(number);
    co_return number + 1;
  }
  troupe::task<> on_three(int number) {
    most = std::max(most, ++at_work);
    const std::chrono::seconds time{number};
    co_await troupe::delay(time);
    --at_work;
    done.push_back(number);
  }
  troupe::task<> on_lent(troupe::context<team>& c, troupe::message_of<lent>& m) {
    attempts.push_back(m.attempts());
    const int number = *m;
    const bool slow = number == 1 && m.attempts() == 1;
    const auto time = slow ? 60s : 1s;
    co_await c.delay(time);
    done.push_back(number);
  }
  std::vector<int> numbers() const { return done; }
  std::vector<std::uint32_t> tries() const { return attempts; }
  int most_at_work() const { return most; }
  void rest(troupe::context<team>& c) { c.sleep(); }

  static constexpr troupe::options options{.sleep_after = 4s, .sleep_grace_period = 100ms};
  using actor = troupe::actor<team, troupe::consumes<one, &team::on_one>, troupe::consumes<three, &team::on_three>,
                              troupe::consumes<lent, &team::on_lent>, &team::numbers, &team::tries,
                              &team::most_at_work, &team::rest>;
};

/// Adds up, in each kind of durability.
template <troupe::durability How>
struct adder {
  static constexpr troupe::queue<"numbers", int> numbers{{.retry_min = 1s}};
  int sum = 0;
  int count = 0;
  void on_number(const int& n) {
    if (n < 0 && count++ == 0) throw std::runtime_error{"not at once"};
    sum += n;
  }
  int total() const { return sum; }
  void rest(troupe::context<adder>& c) { c.sleep(); }
  static constexpr troupe::options options{.sleep_after = 4s, .durability = How};
  using actor =
      troupe::actor<adder, troupe::consumes<numbers, &adder::on_number>, &adder::total, &adder::rest>;
};
using committed_adder = adder<troupe::durability::committed>;
using relaxed_adder = adder<troupe::durability::relaxed>;
using ephemeral_adder = adder<troupe::durability::ephemeral>;

/// Text that the codec cannot write once it is too long.
struct brittle_text {
  std::string text;
};

}  // namespace

template <>
struct troupe::codec<brittle_text> {
  static constexpr std::string_view schema = R"("text")";
  static void write(cbor_writer& out, const brittle_text& value) {
    if (value.text.find('!') != std::string::npos) throw std::runtime_error{"it cannot be written"};
    out.text(value.text);
  }
  static void read(cbor_reader& in, brittle_text& value) { in.text_into(value.text); }
};

namespace {

/// Its state cannot be stored while it has a "!" in it.
struct brittle {
  static constexpr troupe::queue<"words", std::string> words{{.attempts_max = 3, .retry_min = 1s, .retry_max = 4s}};
  static inline int tries = 0;  ///< outside of the state, which is undone
  brittle_text all;
  void on_word(const std::string& word) {
    ++tries;
    all.text += word;
  }
  std::string text() const { return all.text; }
  int count() const { return tries; }
  void wipe() { std::erase(all.text, '!'); }
  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<brittle, troupe::consumes<words, &brittle::on_word>, &brittle::text, &brittle::count,
                              &brittle::wipe>;
};

troupe::registry registry() {
  troupe::registry r;
  r.use<clerk>("clerk").use<team>("team").use<brittle>("brittle");
  r.use<committed_adder>("committed").use<relaxed_adder>("relaxed").use<ephemeral_adder>("ephemeral");
  return r;
}

std::vector<int> up_to(int last) {
  std::vector<int> all;
  for (int i = 1; i <= last; ++i) all.push_back(i);
  return all;
}

}  // namespace

TEST_CASE("A handler gets the messages in the order of arrival, and its value answers the sender") {
  world w{registry()};
  const auto a = w.client.get_or_create<clerk>("a");
  for (int i = 1; i <= 50; ++i) {
    const job j = of(i);
    w.run(a.send(clerk::jobs, j));
  }
  const job last = of(51);
  const auto answer = w.start(a.send_and_wait(clerk::jobs, last));
  REQUIRE(answer.done());
  CHECK(answer.value() == 102);
  CHECK(w.run(a.call<&clerk::numbers>()) == up_to(51));
  CHECK(w.run(a.call<&clerk::sizes>()) == std::vector<std::size_t>{0, 0, 0});
  CHECK(w.errors.empty());
}

TEST_CASE("A message that fails delays no other") {
  world w{registry()};
  const auto a = w.client.get_or_create<clerk>("a");
  std::vector<int> good;
  for (int i = 1; i <= 1'000; ++i) {
    const bool bad = i % 20 == 0;  // 50 of them
    if (!bad) good.push_back(i);
    const job j = of(i, bad ? 9 : 0);
    w.run(a.send(clerk::jobs, j));
  }
  w.settle();  // no time passes
  CHECK(w.run(a.call<&clerk::numbers>()) == good);
  CHECK(w.run(a.call<&clerk::sizes>())[0] == 50);
  CHECK(w.errors.size() == 50);
  w.pass(3s);
  CHECK(w.run(a.call<&clerk::sizes>()) == std::vector<std::size_t>{0, 50, 0});
  CHECK(w.run(a.call<&clerk::attempts_at>(20)) == 3);
  CHECK(w.errors.size() == 200);  // three failures and the end of each
}

TEST_CASE("A message that failed comes again by itself, and the report names it") {
  world w{registry()};
  const auto a = w.client.get_or_create<clerk>("a");
  const job weak = of(7, 2);
  const auto answer = w.start(a.send_and_wait(clerk::jobs, weak));
  REQUIRE(w.errors.size() == 1);
  CHECK(w.errors[0].starts_with("on_job of clerk/a, message "));
  CHECK(w.errors[0].ends_with(" of queue \"jobs\": user.bad"));
  w.pass(990ms);
  CHECK(w.run(a.call<&clerk::attempts_at>(7)) == 1);
  w.pass(2s);
  REQUIRE(answer.done());
  CHECK(answer.value() == 14);
}

TEST_CASE("Handlers take messages by value, or with their attempts") {
  world w{registry()};
  const auto a = w.client.get_or_create<clerk>("a");
  w.run(a.send(clerk::notes, "a note"));
  w.run(a.send(clerk::looks, "later"));
  w.run(a.send(clerk::looks, "now"));
  w.run(a.send(clerk::looks, "left"));
  w.settle();
  CHECK(w.run(a.call<&clerk::texts_read>()) == texts{"a note", "now 1", "left 1"});
  w.pass(11s);
  CHECK(w.run(a.call<&clerk::texts_read>()) == texts{"a note", "now 1", "left 1", "later 2"});
  CHECK(w.errors.empty());
}

TEST_CASE("An actor with handlers sleeps when idle, and messages wake it when they are due") {
  gated_store store;
  world w{registry(), store};
  const auto a = w.client.get_or_create<clerk>("a");
  w.run(a.resolve());
  CHECK(w.reason(a) == "awake: idle, sleeps soon");
  w.run(a.send(clerk::notes, "later", troupe::delayed{1h}));
  w.pass(6s);
  CHECK(w.phase(a) == phase::asleep);
  w.pass(1h - 8s);
  CHECK(w.phase(a) == phase::asleep);
  w.pass(4s);
  CHECK(w.phase(a) == phase::awake);
  CHECK(w.run(a.call<&clerk::texts_read>()) == texts{"later"});
  w.pass(6s);
  REQUIRE(w.phase(a) == phase::asleep);
  w.run(a.send(clerk::notes, "at once"));
  CHECK(w.run(a.call<&clerk::texts_read>()) == texts{"later", "at once"});
  CHECK(w.errors.empty());
}

TEST_CASE("A message of a queue without a handler wakes nobody") {
  world w{registry()};
  const auto a = w.client.get_or_create<clerk>("a");
  w.run(a.send(clerk::shelf, "later", troupe::delayed{1min}));
  w.pass(6s);
  REQUIRE(w.phase(a) == phase::asleep);
  w.pass(2min);
  CHECK(w.phase(a) == phase::asleep);
}

TEST_CASE("A handler that puts its actor to sleep, or ends it, is the last of its messages") {
  gated_store store;
  world w{registry(), store};
  const auto a = w.client.get_or_create<clerk>("a");
  w.run(a.resolve());
  SECTION("asleep: those behind it wake the actor again") {
    for (const char* each : {"sleep", "next"}) w.run(a.send(clerk::looks, each));
    w.settle();
    w.pass(1s);
    CHECK(w.run(a.call<&clerk::texts_read>()) == texts{"sleep 1", "next 1"});
  }
  SECTION("destroyed") {
    w.run(a.send(clerk::looks, "end"));
    w.settle();
    CHECK(store.durable().empty());
  }
  CHECK(w.errors.empty());
}

TEST_CASE("An exclusive action keeps handlers out") {
  world w{registry()};
  const auto a = w.client.get_or_create<clerk>("a");
  const auto holding = w.start(a.call<&clerk::hold>());
  w.start(a.send(clerk::notes, "a note"));
  w.pass(9s);
  CHECK_FALSE(holding.done());
  w.pass(2s);
  CHECK(holding.done());
  CHECK(w.run(a.call<&clerk::texts_read>()) == texts{"a note"});
}

TEST_CASE("A plain handler's changes and the acknowledgement are one commit") {
  gated_store store;
  world w{registry(), store};
  const auto a = w.client.get_or_create<committed_adder>("a");
  w.run(a.resolve());
  int commits = 0;
  store.after_commit([&](const gated_store::contents& durable) {
    ++commits;
    const auto& record = durable.begin()->second;
    int sum = troupe::decode<committed_adder>(record.state).sum;
    for (const auto& m : record.messages) sum += troupe::decode<int>(m.body);
    CHECK(sum % 5 == 0);  // each message is 5: it is either in the queue or in the sum
  });
  for (int i = 0; i < 20; ++i) w.start(a.send(committed_adder::numbers, 5));
  w.settle();
  CHECK(w.run(a.call<&committed_adder::total>()) == 100);
  CHECK(commits > 0);

  store.hold();
  w.start(a.send(committed_adder::numbers, 5));
  world after{registry(), store.after_crash()};
  CHECK(after.run(after.client.get<committed_adder>("a").call<&committed_adder::total>()) == 100);
  store.let_go();
  w.settle();
  world later{registry(), store.after_crash()};
  CHECK(later.run(later.client.get<committed_adder>("a").call<&committed_adder::total>()) == 105);
  store.after_commit({});
}

TEMPLATE_TEST_CASE("Handlers work with every durability", "", committed_adder, relaxed_adder, ephemeral_adder) {
  world w{registry()};
  const auto a = w.client.get_or_create<TestType>("a");
  for (const int n : {1, -2, 4}) w.run(a.send(TestType::numbers, n));
  w.settle();
  CHECK(w.run(a.template call<&TestType::total>()) == 5);
  w.pass(1100ms);
  CHECK(w.run(a.template call<&TestType::total>()) == 3);
  CHECK(w.errors.size() == 1);
}

TEST_CASE("What an earlier process left in a queue is handled when the runtime begins") {
  gated_store store;
  std::optional<gated_store> left;
  {
    world w{registry(), store};
    const job j = of(1, 1);  // fails once, so that it is still there
    w.run(w.client.get_or_create<clerk>("a").send(clerk::jobs, j));
    w.settle();
    left = store.after_crash();
  }
  world w{registry(), *left};
  w.pass(2s);
  CHECK(w.run(w.client.get<clerk>("a").call<&clerk::numbers>()) == std::vector<int>{1});
}

TEST_CASE("A coroutine handler takes the next message when it has ended, or several at a time") {
  world w{registry()};
  const auto a = w.client.get_or_create<team>("a");
  SECTION("one") {
    for (const int n : {3, 1, 2}) w.run(a.send(team::one, n));
    CHECK(w.reason(a) == "awake: on_one not ended");
    w.pass(2500ms);
    CHECK(w.run(a.call<&team::numbers>()) == std::vector{3, 1});
    const auto answer = w.start(a.send_and_wait(team::one, 10));
    w.pass(2s);
    REQUIRE(answer.done());
    CHECK(answer.value() == 11);
    CHECK(w.run(a.call<&team::numbers>()) == std::vector{3, 1, 2, 10});
  }
  SECTION("three") {
    for (const int n : {5, 1, 2, 3}) w.run(a.send(team::three, n));
    w.pass(10s);
    CHECK(w.run(a.call<&team::numbers>()) == std::vector{1, 2, 3, 5});  // the fourth began when the second had ended
    CHECK(w.run(a.call<&team::most_at_work>()) == 3);
  }
  CHECK(w.errors.empty());
}

TEST_CASE("A coroutine handler that fails delays its own message alone") {
  world w{registry()};
  const auto a = w.client.get_or_create<team>("a");
  for (const int n : {-1, 1, 2}) w.run(a.send(team::one, n));
  w.pass(1900ms);  // it fails after 1 s, and comes again after 2 s
  CHECK(w.errors.size() == 1);
  w.pass(200ms);
  CHECK(w.run(a.call<&team::numbers>()) == std::vector{1});
  w.pass(10s);
  CHECK(w.run(a.call<&team::numbers>()) == std::vector{1, 2});
  CHECK(w.errors.size() == 4);  // three attempts, and the dead letter
}

TEST_CASE("A coroutine handler that a shutdown cuts short has made no attempt") {
  world w{registry()};
  const auto a = w.client.get_or_create<team>("a");
  for (int i = 0; i < 5; ++i) {  // attempts_max is 3
    if (i == 0) w.run(a.send(team::one, 4));
    w.pass(500ms);
    w.run(a.call<&team::rest>());
    w.settle();
  }
  w.pass(2s);
  CHECK(w.run(a.call<&team::numbers>()) == std::vector{4});
  CHECK(w.errors.empty());
}

TEST_CASE("A handler that holds a message for too long loses it, and its place, to another") {
  world w{registry()};
  const auto a = w.client.get_or_create<team>("a");
  for (const int n : {1, 2}) w.run(a.send(team::lent, n));
  w.pass(4s);
  CHECK(w.run(a.call<&team::numbers>()).empty());
  w.pass(4s);
  CHECK(w.run(a.call<&team::numbers>()) == std::vector{1, 2});
  CHECK(w.run(a.call<&team::tries>()) == std::vector<std::uint32_t>{1, 2, 1});
  w.pass(60s);  // the slow one ends, and takes nothing more
  w.run(a.send(team::lent, 3));
  w.pass(2s);
  CHECK(w.run(a.call<&team::numbers>()) == std::vector{1, 2, 1, 3});
}

TEST_CASE("A message whose handling cannot be stored waits for its back-off, and delays no call") {
  world w{registry()};
  const auto a = w.client.get_or_create<brittle>("a");
  brittle::tries = 0;
  w.run(a.send(brittle::words, "a"));
  w.run(a.send(brittle::words, "!"));
  w.settle();
  CHECK(w.run(a.call<&brittle::count>()) == 2);
  w.pass(900ms);
  CHECK(w.run(a.call<&brittle::count>()) == 2);
  w.pass(200ms);
  CHECK(w.run(a.call<&brittle::count>()) == 3);
  CHECK(w.run(a.call<&brittle::text>()) == "a");
  w.pass(10s);  // two seconds to the last attempt, and four until it is known to be that
  CHECK(w.run(a.call<&brittle::count>()) == 4);
  w.pass(1min);
  CHECK(w.run(a.call<&brittle::count>()) == 4);
  CHECK(w.errors.back() == "queue \"words\" of brittle/a: queue.dead_letter");
}
