// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/manual_runtime.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

task<std::string> code_of(troupe::future<int> f) {
  std::string code;
  try {
    const int value = co_await std::move(f);
    code = std::to_string(value);
  } catch (const troupe::error& e) {
    code = e.group() + "." + e.code();
  } catch (const std::exception& e) {
    code = e.what();
  }
  co_return code;
}

task<> note(troupe::future<std::string> f, std::vector<std::string>& heard) {
  auto said = co_await std::move(f);
  heard.push_back(std::move(said));
}

task<std::size_t> first_of(troupe::future<int> f) {
  auto first = troupe::when_any(std::move(f), troupe::delay(0s));
  const auto ended = co_await std::move(first);
  co_return ended.index();
}

task<int> await_unique(troupe::future<std::unique_ptr<int>> f) {
  const auto value = co_await std::move(f);
  co_return *value;
}

struct refuses_to_be_made {
  explicit refuses_to_be_made(int) { throw std::runtime_error("not made"); }
};

task<std::string> await_unmade(troupe::future<refuses_to_be_made> f) {
  std::string heard;
  try {
    const auto value = co_await std::move(f);
    static_cast<void>(value);
  } catch (const std::runtime_error& e) {
    heard = e.what();
  }
  co_return heard;
}

struct listener {
  int heard = 0;
  int others = 0;
  task<int> listen(int rounds);
  int look() { return ++others; }
  using actor = troupe::actor<listener, &listener::listen, &listener::look>;
};

// Another library's callbacks, on a thread of its own.
class sensor {
 public:
  void read(std::function<void(int)> then) {
    thread_ = std::jthread{[then = std::move(then)] { then(5); }};
  }

 private:
  std::jthread thread_;
};

task<int> listener::listen(int rounds) {
  sensor s;
  for (int i = 0; i != rounds; ++i) {
    troupe::promise<int> measured;
    auto answer = measured.get_future();
    s.read([measured](int value) { measured.set_value(value); });
    const int value = co_await std::move(answer);
    heard += value;
  }
  co_return heard;
}

}  // namespace

TEST_CASE("a promise is set once, before it is awaited or after") {
  manual_runtime runtime{troupe::registry{}};
  std::vector<std::string> heard;
  const troupe::promise<std::string> before;
  CHECK(before.set_value("early"));
  CHECK_FALSE(before.set_value("again"));
  CHECK_FALSE(before.set_exception(std::make_exception_ptr(std::runtime_error("late"))));
  auto early = before.get_future();
  CHECK(early.is_ready());
  runtime->spawn(note(std::move(early), heard));
  runtime.settle();
  CHECK(heard == std::vector<std::string>{"early"});

  const troupe::promise<std::string> after;
  auto late = after.get_future();
  CHECK_FALSE(late.is_ready());
  runtime->spawn(note(std::move(late), heard));
  runtime.settle();
  CHECK(heard.size() == 1);
  const auto copy = after;
  CHECK(copy.set_value("late"));
  runtime.settle();
  CHECK(heard == std::vector<std::string>{"early", "late"});
}

TEST_CASE("a future throws what its promise was given") {
  const troupe::promise<int> p;
  CHECK(p.set_exception(std::make_exception_ptr(std::runtime_error("no answer"))));
  CHECK(troupe::sync_wait(code_of(p.get_future())) == "no answer");
}

TEST_CASE("when the last copy of a promise goes unset, its future says so") {
  manual_runtime runtime{troupe::registry{}};
  std::optional<troupe::promise<int>> p{std::in_place};
  std::optional<troupe::promise<int>> copy{*p};
  auto f = p->get_future();
  p.reset();
  CHECK_FALSE(f.is_ready());
  copy.reset();
  CHECK(f.is_ready());
  CHECK(runtime->run(code_of(std::move(f))) == "actor.broken_promise");
}

TEST_CASE("a promise gives out one future, which is awaited once") {
  const troupe::promise<int> p;
  auto f = p.get_future();
  CHECK_THROWS_WITH(p.get_future(), Catch::Contains("actor.invalid_operation"));
  auto moved = std::move(f);
  p.set_value(1);
  CHECK(troupe::sync_wait(code_of(std::move(f))) == "actor.invalid_operation");
  CHECK(troupe::sync_wait(code_of(std::move(moved))) == "1");
}

TEST_CASE("a loser of a race leaves its promise, which may still be set") {
  troupe::runtime runtime{troupe::registry{}};
  const troupe::promise<int> p;
  CHECK(runtime.run(first_of(p.get_future())) == 1);
  CHECK(p.set_value(3));
}

TEST_CASE("a value may be of a type that only moves, and a promise of nothing is a moment") {
  const troupe::promise<std::unique_ptr<int>> p;
  p.set_value(std::make_unique<int>(9));
  CHECK(troupe::sync_wait(await_unique(p.get_future())) == 9);
  const troupe::promise<> moment;
  CHECK(moment.set_value());
  CHECK_FALSE(moment.set_value());
  troupe::sync_wait(moment.get_future());
}

TEST_CASE("a value that cannot be made is the promise's failure") {
  const troupe::promise<refuses_to_be_made> p;
  CHECK(p.set_value(1));
  CHECK(troupe::sync_wait(await_unmade(p.get_future())) == "not made");
}

TEST_CASE("a thread of another library sets what an actor awaits, which goes on in its turns") {
  troupe::runtime runtime{troupe::registry{}.use<listener>("listener")};
  const auto l = runtime.client().get_or_create<listener>("l");
  CHECK(l.call<&listener::listen>(200).get() == 1000);
  CHECK(l.call<&listener::look>().get() == 1);
}

TEST_CASE("of many threads one sets a promise") {
  for (int round = 0; round != 200; ++round) {
    const troupe::promise<int> p;
    std::atomic<int> set{0};
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i != 4; ++i) {
        threads.emplace_back([&set, p, i] {
          if (p.set_value(i)) ++set;
        });
      }
      CHECK(troupe::sync_wait(code_of(p.get_future())).size() == 1);
    }
    CHECK(set == 1);
  }
}
