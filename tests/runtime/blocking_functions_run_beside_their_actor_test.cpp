// SPDX-License-Identifier: Apache-2.0
// `troupe::blocking` runs a function on a thread that it may block, while its actor serves others; what comes back comes
// back in a turn.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "core/manual_runtime.hpp"
#include "world.hpp"

using namespace behaviour;
using troupe::task;

namespace {

// A function that waits until the test lets it go on.
class gate {
 public:
  void pass() {
    ++begun_;
    begun_.notify_all();
    open_.wait(false);
  }
  void open() {
    open_ = true;
    open_.notify_all();
  }
  void wait_until_begun(int count) {
    for (int now = begun_; now < count; now = begun_) begun_.wait(now);
  }
  [[nodiscard]] int begun() const { return begun_; }

 private:
  std::atomic<int> begun_{0};
  std::atomic<bool> open_{false};
};

struct shared_world {
  gate one;
  std::atomic<int> ran{0};
  std::atomic<int> freed{0};
  std::vector<int> order;
};
std::unique_ptr<shared_world> world;

int add_slowly(int a, int b) {
  world->one.pass();
  ++world->ran;
  return a + b;
}

void note_order(int n) { world->order.push_back(n); }

struct adder {
  int sum = 0;
  int others = 0;

  task<int> add(int a, int b) {
    const int added = co_await troupe::blocking(add_slowly, a, b);
    sum += added;
    co_return sum;
  }
  int look() { return ++others; }
  task<std::string> fail() {
    std::string heard;
    try {
      co_await troupe::blocking([] { throw std::runtime_error("no such host"); });
    } catch (const std::runtime_error& e) {
      heard = e.what();
    }
    co_return heard;
  }
  task<int> number(int n) {
    co_await troupe::blocking(note_order, n);
    co_return n;
  }
  task<int> race() {
    auto first = troupe::when_any(troupe::blocking(add_slowly, 1, 2), troupe::delay(0s));
    const auto ended = co_await std::move(first);
    co_return static_cast<int>(ended.index());
  }
  task<> on_sleep(troupe::context<adder>&) {
    const int last = co_await troupe::blocking([] { return 40; });
    sum += last;
  }

  static constexpr troupe::options options{.sleep_grace_period = 50ms};
  using actor = troupe::actor<adder, &adder::add, &adder::look, &adder::fail, &adder::number, &adder::race>;
};

struct fixture {
  fixture() { world = std::make_unique<shared_world>(); }
  ~fixture() {
    world->one.open();
    runtime.reset();
  }
  troupe::client start(troupe::runtime_options options = {}) {
    options.store = store;
    options.logger = [this](troupe::log_level, std::string_view line) { log.emplace_back(line); };
    options.on_error = [](const std::exception_ptr&, std::string_view) {};
    runtime.emplace(troupe::registry{}.use<adder>("adder"), options);
    return runtime->client();
  }
  troupe::memory store;
  std::vector<std::string> log;
  std::optional<troupe::runtime> runtime;
};

struct counts_its_end {
  std::shared_ptr<int> held = std::make_shared<int>(7);
  counts_its_end() = default;
  counts_its_end(counts_its_end&&) noexcept = default;
  counts_its_end(const counts_its_end&) = default;
  ~counts_its_end() {
    if (held) ++world->freed;
  }
};

task<std::thread::id> thread_of_function() {
  const auto id = co_await troupe::blocking([] { return std::this_thread::get_id(); });
  co_return id;
}

task<std::unique_ptr<int>> made_elsewhere() {
  auto made = co_await troupe::blocking([] { return std::make_unique<int>(3); });
  co_return made;
}

task<int> length_of(std::string text) {
  auto measure = [text] { return static_cast<int>(text.size()); };
  const int copied = co_await troupe::blocking(measure);
  const int moved = co_await troupe::blocking(troupe::moved(measure));
  const int again = co_await troupe::blocking(&std::string::size, text);
  co_return copied + moved + again;
}

task<int> wait_for(troupe::blocking_call<int>& call) {
  const int sum = co_await std::move(call);
  co_return sum;
}

task<> hold(std::shared_ptr<counts_its_end> kept) {
  auto use = [kept] { world->one.pass(); };
  co_await troupe::blocking(troupe::moved(use));
}

task<std::string> await_again_after_a_race() {
  auto late = troupe::blocking(add_slowly, 1, 1);
  std::string code;
  auto first = troupe::when_any(wait_for(late), troupe::delay(0s));
  const auto ended = co_await std::move(first);
  code = std::to_string(ended.index());
  try {
    const int sum = co_await std::move(late);
    code += std::to_string(sum);
  } catch (const troupe::error& e) {
    code += e.code();
  }
  co_return code;
}

constexpr std::string_view refused = "actor.invalid_operation";

task<std::string> code_of_function(std::function<void()> f) {
  std::string code;
  try {
    co_await troupe::blocking(f);
  } catch (...) {
    code = code_of(std::current_exception());
  }
  co_return code;
}

task<bool> twice_awaited() {
  auto once = troupe::blocking([] { return 1; });
  const int first = co_await std::move(once);
  std::string code;
  try {
    const int second = co_await std::move(once);
    code = std::to_string(second);
  } catch (const troupe::error& e) {
    code = e.code();
  }
  co_return first == 1 && code == "invalid_operation";
}

}  // namespace

TEST_CASE_METHOD(fixture, "an actor serves others while its function runs, and goes on in a turn with the result") {
  auto client = start();
  auto a = client.get_or_create<adder>("a");
  auto sum = std::async(std::launch::async, [&] { return a.call<&adder::add>(2, 3).get(); });
  world->one.wait_until_begun(1);
  CHECK(a.call<&adder::look>().get() == 1);
  world->one.open();
  CHECK(sum.get() == 5);
  runtime->shutdown();
  auto later = start();
  CHECK(later.get<adder>("a").call<&adder::add>(0, 0).get() == 45);  // with that of on_sleep
}

TEST_CASE_METHOD(fixture, "a coroutine throws what its function throws") {
  CHECK(start().get_or_create<adder>("a").call<&adder::fail>().get() == "no such host");
}

TEST_CASE_METHOD(fixture, "functions of coroutines of the host run on threads of their own") {
  start();
  const auto id = runtime->run(thread_of_function());
  CHECK(id != std::this_thread::get_id());
  CHECK(*runtime->run(made_elsewhere()) == 3);
  CHECK(runtime->run(length_of("abc")) == 9);
  CHECK(runtime->run(troupe::blocking([] { return 4; })) == 4);
  CHECK(runtime->run(twice_awaited()));
}

TEST_CASE_METHOD(fixture, "a call that was interrupted is not awaited again") {
  start();
  CHECK(runtime->run(await_again_after_a_race()) == "1invalid_operation");
}

TEST_CASE_METHOD(fixture, "a function makes no blocking calls of actors, and does not end the runtime") {
  const unsigned threads = GENERATE(0U, 1U);
  troupe::runtime_options options;
  options.blocking_threads = threads;
  auto client = start(options);
  const auto a = client.get_or_create<adder>("a");
  CHECK(runtime->run(code_of_function([a] { static_cast<void>(a.call<&adder::look>().get()); })) == refused);
  CHECK(runtime->run(code_of_function([this] { runtime->shutdown(); })) == refused);
}

TEST_CASE_METHOD(fixture, "on a plain thread that drives a coroutine the function runs at once") {
  CHECK(troupe::sync_wait(thread_of_function()) == std::this_thread::get_id());
  world->one.open();
  CHECK(troupe::sync_wait(troupe::blocking(add_slowly, 1, 1)) == 2);
}

TEST_CASE_METHOD(fixture, "at most blocking_threads run at once, and the others wait") {
  troupe::runtime_options options;
  options.blocking_threads = 3;
  auto client = start(options);
  std::vector<std::future<int>> sums;
  for (int i = 0; i != 8; ++i) {
    sums.push_back(std::async(std::launch::async, [client, i] {
      return client.get_or_create<adder>(std::to_string(i)).call<&adder::add>(i, 1).get();
    }));
  }
  world->one.wait_until_begun(3);
  // The others have no thread to begin on: what has passed a whole action by now would have begun as well.
  for (int i = 0; i != 8; ++i) client.get_or_create<adder>(std::to_string(i)).call<&adder::look>().get();
  CHECK(world->one.begun() == 3);
  world->one.open();
  for (int i = 0; i != 8; ++i) CHECK(sums[static_cast<std::size_t>(i)].get() == i + 1);
}

TEST_CASE_METHOD(fixture, "without threads functions run in order where commits do") {
  troupe::runtime_options options;
  options.blocking_threads = 0;
  options.store = store;
  manual_runtime r{troupe::registry{}.use<adder>("adder"), options};
  for (int i = 0; i != 5; ++i) r->client().get_or_create<adder>(std::to_string(i)).post<&adder::number>(i);
  r.settle();
  CHECK(world->order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE_METHOD(fixture, "a function whose coroutine is gone before it begins does not run") {
  troupe::runtime_options options;
  options.blocking_threads = 1;
  auto client = start(options);
  auto held = client.get_or_create<adder>("held");
  auto sum = std::async(std::launch::async, [&] { return held.call<&adder::add>(1, 1).get(); });
  world->one.wait_until_begun(1);
  CHECK(client.get_or_create<adder>("loser").call<&adder::race>().get() == 1);
  world->one.open();
  CHECK(sum.get() == 2);
  CHECK(client.get_or_create<adder>("next").call<&adder::add>(1, 1).get() == 2);  // it came behind the loser's
  CHECK(world->ran == 2);
}

TEST_CASE_METHOD(fixture, "a function that runs when its coroutine is gone goes on to its end") {
  auto client = start();
  auto race = std::async(std::launch::async, [&] { return client.get_or_create<adder>("a").call<&adder::race>().get(); });
  CHECK(race.get() == 1);
  world->one.open();
  runtime->shutdown();  // waits for it
  CHECK(world->ran == world->one.begun());
}

TEST_CASE_METHOD(fixture, "shutdown leaves a function behind that does not end, names it, and begins no other") {
  troupe::runtime_options options;
  options.blocking_threads = 1;
  options.shutdown_limit = 200ms;
  auto client = start(options);
  client.get_or_create<adder>("a").post<&adder::add>(1, 1);
  world->one.wait_until_begun(1);
  client.get_or_create<adder>("b").post<&adder::add>(1, 1);  // there is no thread for it
  runtime->shutdown();
  const auto names_it = [](const std::string& line) {
    return line.find("a blocking function of add in adder/a") != std::string::npos;
  };
  CHECK(std::ranges::any_of(log, names_it));
  CHECK(world->ran == 0);
  world->one.open();
  while (world->ran == 0) std::this_thread::yield();  // it may end when the runtime is gone
  CHECK(world->one.begun() == 1);
}

TEST_CASE_METHOD(fixture, "the arguments of a function are freed before its coroutine goes on") {
  start();
  auto kept = std::make_shared<counts_its_end>();
  const std::weak_ptr<counts_its_end> seen = kept;
  world->one.open();
  runtime->run(hold(std::move(kept)));
  CHECK(seen.expired());
}
