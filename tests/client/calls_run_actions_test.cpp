// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using troupe::task;

namespace {

struct odd_failure {
  int number;
};

struct desk {
  std::vector<std::string> notes;

  void write(const std::string& note) { notes.push_back(note); }
  std::size_t count() const noexcept { return notes.size(); }
  std::string joined(std::string_view separator) const {
    std::string all;
    for (const auto& n : notes) all += all.empty() ? n : std::string{separator} + n;
    return all;
  }
  task<std::string> write_later(std::string note) {
    co_await troupe::delay(0ns);
    notes.push_back(note);
    co_return note + "!";
  }
  task<> write_at_once(std::string note) {
    notes.push_back(std::move(note));
    co_return;
  }
  std::string who(troupe::context<desk>& c) const { return std::string{c.name()} + " " + c.key().canonical(); }
  task<std::string> who_later(troupe::context<desk>& c, std::optional<int> ending) {
    co_await troupe::delay(0ns);
    co_return c.id().str() + std::to_string(ending.value_or(0));
  }
  double half(double x) { return x / 2; }

  void refuse(const std::string& why) { throw std::invalid_argument(why); }
  void refuse_oddly() { throw odd_failure{7}; }
  task<int> refuse_later(std::string code) {
    co_await troupe::delay(0ns);
    throw troupe::user_error(code, "later", R"({"n":1})");
  }

  using actor =
      troupe::actor<desk, &desk::write, &desk::count, &desk::joined, &desk::write_later, &desk::write_at_once,
                    &desk::who, &desk::who_later, &desk::half, &desk::refuse, &desk::refuse_oddly, &desk::refuse_later>;
};

// Calls are the same whoever runs them: workers, or the host that pumps.
struct served {
  served() : pumped{GENERATE(false, true)}, runtime{registry(), options(pumped)} {}
  static troupe::registry registry() {
    troupe::registry r;
    r.use<desk>("desk");
    return r;
  }
  static troupe::runtime_options options(bool pumped) {
    troupe::runtime_options o;
    if (pumped) o.executor = std::make_shared<troupe::manual_executor>();
    return o;
  }
  bool pumped;
  troupe::runtime runtime;
  troupe::handle<desk> mine = client_of(runtime).get_or_create<desk>("mine");
};

task<std::string> all_kinds(troupe::handle<desk> d) {
  co_await d.call<&desk::write>("a");
  co_await d.call<&desk::write_at_once>("b");
  auto later = co_await d.call<&desk::write_later>("c");
  auto all = co_await d.call<&desk::joined>(",");
  co_return all + later;
}

}  // namespace

TEST_CASE("calls of every kind, from a plain thread", "[client]") {
  served s;
  s.mine.call<&desk::write>("one").get();
  s.mine.call<&desk::write_at_once>("two").get();
  CHECK(s.mine.call<&desk::write_later>("three").get() == "three!");
  CHECK(s.mine.call<&desk::count>().get() == 3);
  CHECK(s.mine.call<&desk::joined>(", ").get() == "one, two, three");
}

TEST_CASE("calls of every kind, from a coroutine", "[client]") {
  served s;
  CHECK(s.runtime.run(all_kinds(s.mine)) == "a,b,cc!");
  CHECK(s.runtime.run(s.mine.call<&desk::count>()) == 3);
  if (!s.pumped) CHECK(all_kinds(s.mine).get() == "a,b,c,a,b,cc!");  // sync_wait pumps nothing
}

TEST_CASE("a call of a temporary handle keeps what it needs", "[client]") {
  served s;
  auto call = client_of(s.runtime).get_or_create<desk>("other").call<&desk::write_later>("x");
  CHECK(call.get() == "x!");
}

TEST_CASE("arguments are bound by value when the call is made", "[client]") {
  served s;
  std::string note = "as it was, and long enough to be allocated somewhere";
  auto call = s.mine.call<&desk::write>(note);
  note = "changed since";
  call.get();
  std::string separator = "-";
  auto joined = s.mine.call<&desk::joined>(std::string_view{separator});
  separator = "+";
  CHECK(joined.get() == "as it was, and long enough to be allocated somewhere");
}

TEST_CASE("arguments convert implicitly", "[client]") {
  served s;
  CHECK(s.mine.call<&desk::half>(3).get() == 1.5);
  CHECK(s.mine.call<&desk::who_later>(5).get().back() == '5');
  CHECK(s.mine.call<&desk::who_later>(std::nullopt).get().back() == '0');
}

TEST_CASE("the context is injected and is no part of the call", "[client]") {
  served s;
  CHECK(s.mine.call<&desk::who>().get() == "desk mine");
  CHECK(s.mine.call<&desk::who_later>(0).get() == s.mine.resolve().get().str() + "0");
}

TEST_CASE("callers in the process get the original exception", "[client]") {
  served s;
  for (int twice = 0; twice < 2; ++twice) {  // of a sleeping actor, of an idle one
    CHECK_THROWS_AS(s.mine.call<&desk::refuse>("no").get(), std::invalid_argument);
    CHECK_THROWS_WITH(s.mine.call<&desk::refuse>("no").get(), "no");
    CHECK_THROWS_AS(s.mine.call<&desk::refuse_oddly>().get(), odd_failure);
    CHECK_THROWS_AS(s.mine.call<&desk::refuse_later>("tired").get(), troupe::user_error);
  }
  const auto e = failure_of([&] { s.mine.call<&desk::refuse_later>("tired").get(); });
  REQUIRE(e);
  CHECK(e->code() == "tired");
  CHECK(e->metadata() == R"({"n":1})");
  CHECK(s.mine.call<&desk::count>().get() == 0);
}

TEST_CASE("a call that nobody awaits does nothing", "[client]") {
  served s;
  { [[maybe_unused]] const auto unused = s.mine.call<&desk::write>("lost"); }
  CHECK(s.mine.call<&desk::count>().get() == 0);
}
