// SPDX-License-Identifier: Apache-2.0
// A runtime tells its observer what happens, in order and with the right data, and an observer that throws harms
// nothing.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "runtime/world.hpp"

using namespace behaviour;
using troupe::context;
using troupe::observed_actor;
using troupe::task;

namespace {

using lines = std::vector<std::string>;

std::string name(const observed_actor& a) {
  return fmt::format("{}/{}", a.type, a.key != nullptr ? a.key->canonical() : a.id.str());
}

std::string code(const std::exception_ptr& why) { return code_of(why); }

/// Writes down what it is told.
class notes : public troupe::observer {
 public:
  explicit notes(bool turns) : turns_{turns} {}

  bool wants_turns() const override { return turns_; }
  void actor_woke(const observed_actor& a) override { note("woke " + name(a)); }
  void actor_slept(const observed_actor& a, ending how) override {
    note((how == ending::destroyed ? "destroyed " : "slept ") + name(a));
  }
  void turn_ended(const observed_actor& a, std::string_view what, std::chrono::nanoseconds took) override {
    note(fmt::format("turn {} of {}, {} ms", what, name(a), took / 1ms));
  }
  void commit_ended(const commit& c) override {
    using result = commit::result;
    const bool grows = c.epoch >= last_epoch;
    last_epoch = c.epoch;
    note(fmt::format("commit {} of {}{}{}", c.outcome == result::committed ? "done" : "failed", c.actors,
                     c.bytes > 0 ? "" : ", empty", grows ? "" : ", out of order"));
  }
  void call_refused(const observed_actor& a, std::string_view what, const std::exception_ptr& why) override {
    note(fmt::format("refused {} of {}: {}", what, name(a), code(why)));
  }
  void message_died(const observed_actor& a, std::string_view queue, std::uint64_t message,
                    const std::exception_ptr& why) override {
    note(fmt::format("died in {} of {}{}: {}", queue, name(a), message != 0 ? "" : ", no id", code(why)));
  }
  void connection_opened(const observed_actor& a, std::size_t count) override {
    note(fmt::format("opened {} of {}", count, name(a)));
  }
  void connection_closed(const observed_actor& a, std::size_t count) override {
    note(fmt::format("closed {} of {}", count, name(a)));
  }

  lines take() { return std::exchange(seen, {}); }

  lines seen;
  std::uint64_t last_epoch = 0;

 protected:
  virtual void note(std::string line) { seen.push_back(std::move(line)); }

 private:
  bool turns_;
};

/// Throws whenever it is told anything.
class angry final : public notes {
 public:
  using notes::notes;

 private:
  void note(std::string line) override {
    seen.push_back(std::move(line));
    throw std::runtime_error("not now");
  }
};

struct clerk {
  static constexpr troupe::queue<"jobs", int> jobs{{.attempts_max = 1}};
  int done = 0;

  int work() { return ++done; }
  int look() const { return done; }
  task<int> work_slowly() {
    co_await troupe::delay(10ms);
    co_return ++done;
  }
  task<int> ask(context<clerk>& c, std::string other) {
    auto to = c.client().get_or_create<clerk>(other);
    co_return co_await to.call<&clerk::work>();
  }
  void on_job(const int&) { throw troupe::user_error{"broken"}; }
  void rest(context<clerk>& c) { c.sleep(); }
  void end(context<clerk>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor = troupe::actor<clerk, troupe::consumes<jobs, &clerk::on_job>, &clerk::work, &clerk::look,
                              &clerk::work_slowly, &clerk::ask, &clerk::rest, &clerk::end>;
};

troupe::registry clerks() {
  troupe::registry r;
  r.use<clerk>("clerk");
  return r;
}

template <class Observer = notes>
struct observed {
  explicit observed(bool turns) : told{std::make_shared<Observer>(turns)}, w{clerks(), options()} {}
  troupe::runtime_options options() {
    troupe::runtime_options o;
    o.observer = told;
    return o;
  }
  std::shared_ptr<Observer> told;
  world w;
};

}  // namespace

TEST_CASE("an observer is told of wakes, commits, sleeps and ends, in order") {
  observed s{false};
  const auto a = s.w.client.get_or_create<clerk>("a");
  CHECK(s.w.run(a.call<&clerk::work>()) == 1);
  s.w.settle();
  CHECK(s.told->take() == lines{"woke clerk/a", "commit done of 1"});
  CHECK(s.w.run(a.call<&clerk::look>()) == 1);
  s.w.settle();
  CHECK(s.told->take().empty());  // nothing was changed, and turns are not asked for
  s.w.run(a.call<&clerk::rest>());
  s.w.settle();
  CHECK(s.told->take().back() == "slept clerk/a");
  s.w.run(a.call<&clerk::end>());
  s.w.settle();
  const auto seen = s.told->take();
  CHECK(seen.front() == "woke clerk/a");
  CHECK(seen.back() == "destroyed clerk/a");
}

TEST_CASE("an observer is told of calls that are refused, with the reason") {
  observed s{false};
  const auto missing = s.w.client.get<clerk>("nobody");
  CHECK(s.w.code(missing.call<&clerk::look>()) == "actor.not_found");
  CHECK(s.told->take() == lines{"refused look of clerk/nobody: actor.not_found"});
  const auto unknown = s.w.client.get_for_id<clerk>(troupe::actor_id::make(1, 2, 3));
  CHECK(s.w.code(unknown.call<&clerk::look>()) == "actor.not_found");
  REQUIRE(s.told->seen.size() == 1);
  CHECK(s.told->take().front().starts_with("refused look of clerk/"));
}

TEST_CASE("an observer is told of dead letters") {
  observed s{false};
  const auto a = s.w.client.get_or_create<clerk>("a");
  const int job = 1;
  s.w.run(a.send(clerk::jobs, job));
  s.w.settle();
  CHECK(std::ranges::count(s.told->seen, "died in jobs of clerk/a: user.user_error") +
            std::ranges::count(s.told->seen, "died in jobs of clerk/a: user.broken") ==
        1);
}

TEST_CASE("an observer is told of connections") {
  observed s{false};
  const auto a = s.w.client.get_or_create<clerk>("a");
  {
    auto one = s.w.run(a.connect());
    auto two = s.w.run(a.connect());
    CHECK(std::ranges::count(s.told->seen, "opened 1 of clerk/a") == 1);
    CHECK(s.told->take().back() == "opened 2 of clerk/a");
    two.close();
    s.w.settle();
    CHECK(s.told->take() == lines{"closed 1 of clerk/a"});
  }
  s.w.settle();
  CHECK(s.told->take() == lines{"closed 0 of clerk/a"});
}

TEST_CASE("an observer that wants turns is told of every one, with its time") {
  observed s{true};
  const auto a = s.w.client.get_or_create<clerk>("a");
  s.w.run(a.call<&clerk::work>());
  s.w.settle();
  s.told->take();
  s.w.run(a.call<&clerk::look>());
  CHECK(s.told->take() == lines{"turn look of clerk/a, 0 ms"});
  a.post<&clerk::work>();
  s.w.settle();
  CHECK(s.told->take().front() == "turn work of clerk/a, 0 ms");
  const auto slow = s.w.start(a.call<&clerk::work_slowly>());
  s.w.pass(20ms);
  CHECK(slow.done());
  CHECK(std::ranges::count(s.told->take(), "turn work_slowly of clerk/a, 0 ms") == 2);
  CHECK(s.w.run(a.call<&clerk::ask>("a")) == 4);
  const auto asked = s.told->take();
  CHECK(std::ranges::count(asked, "turn ask of clerk/a, 0 ms") == 2);
  CHECK(std::ranges::count(asked, "turn work of clerk/a, 0 ms") == 1);
}

TEST_CASE("an observer that throws is reported, and nothing else changes") {
  observed<angry> s{true};
  const auto a = s.w.client.get_or_create<clerk>("a");
  CHECK(s.w.run(a.call<&clerk::work>()) == 1);
  CHECK(s.w.run(a.call<&clerk::ask>("a")) == 2);
  s.w.run(a.call<&clerk::rest>());
  s.w.settle();
  CHECK(s.w.run(a.call<&clerk::look>()) == 2);
  CHECK(s.w.errors.size() == s.told->seen.size());
  CHECK(std::ranges::count(s.w.errors, "an observer: not now") == static_cast<std::ptrdiff_t>(s.w.errors.size()));
  CHECK(s.w.errors.size() > 5);
}
