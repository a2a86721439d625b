// SPDX-License-Identifier: Apache-2.0
// A forked child has a copy of the runtime, and none of its threads. Calls there fail instead of waiting for ever, and
// its end does no harm to the parent.

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include <unistd.h>

#include <troupe/troupe.hpp>

#include "loopback/client_of.hpp"
#include "store/child_process.hpp"
#include "store/temporary_directory.hpp"
#include "world.hpp"

using namespace behaviour;
using Catch::Matchers::Contains;

namespace {

struct tally {
  int total = 0;

  int add(int n) { return total += n; }
  int get() const { return total; }
  troupe::task<int> add_later(int n) { co_return total += n; }
  troupe::task<int> get_later() const {
    co_await troupe::delay(1h);
    co_return total;
  }

  using actor = troupe::actor<tally, &tally::add, &tally::get, &tally::add_later, &tally::get_later>;
};

struct fixture {
  static troupe::registry registry() {
    troupe::registry r;
    r.use<tally>("tally");
    return r;
  }
  fixture() { one.call<&tally::add>(1).get(); }

  temporary_directory directory;
  std::unique_ptr<troupe::runtime> runtime =
      std::make_unique<troupe::runtime>(registry(), troupe::runtime_options{.store = troupe::sqlite{directory / "a.db"}});
  troupe::handle<tally> one = client_of(*runtime).get_or_create<tally>("one");
};

/// Runs `f` in a forked child, which is killed if that takes too long. True if `f` returned true.
template <class F>
bool holds_in_child(const F& f) {
  child_process child{[&](const child_process::mouth&) {
    ::alarm(60);
    return f();
  }};
  return child.wait() == 0;
}

bool is_refused(const std::exception_ptr& failure) {
  return code_of(failure) == "runtime.stopped" && text_of(failure).find("forked") != std::string::npos;
}
template <class F>
bool refuses(F&& f) {
  return is_refused(failure_of(std::forward<F>(f)));
}

troupe::task<> nothing() { co_return; }

}  // namespace

TEST_CASE_METHOD(fixture, "every call that would wait in a forked child fails at once, with any time-out") {
  const auto patient = one.with(troupe::timeout{troupe::never});
  const auto& client = client_of(*runtime);
  CHECK(holds_in_child([&] { return refuses([&] { one.call<&tally::add>(1).get(); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { patient.call<&tally::add>(1).get(); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { patient.call<&tally::add_later>(1).get(); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { patient.call<&tally::get_later>().get(); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { patient.call("get", "[]").get(); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { client.get_or_create<tally>("new").call<&tally::get>().get(); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { one.post<&tally::add>(1); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { runtime->run(one.call<&tally::add>(1)); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { runtime->spawn(nothing()); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { runtime->backup(directory / "b.db"); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { static_cast<void>(one.status().get()); }); }));
  CHECK(holds_in_child([&] { return refuses([&] { static_cast<void>(one.resolve().get()); }); }));
  CHECK(one.call<&tally::add>(1).get() == 2);
}

TEST_CASE_METHOD(fixture, "a read in a forked child has the copy's value, or is refused") {
  CHECK(holds_in_child([&] {
    int value = 1;
    const auto failure = failure_of([&] { value = one.call<&tally::get>().get(); });
    return value == 1 && (failure == nullptr || is_refused(failure));
  }));
}

TEST_CASE_METHOD(fixture, "a forked child's health says why nothing is stored there") {
  CHECK(holds_in_child([&] {
    const auto health = runtime->health();
    return !health.store_ok && !health.accepts_changes && health.store_error.find("forked") != std::string::npos;
  }));
  CHECK(runtime->health().store_ok);
}

TEST_CASE_METHOD(fixture, "a forked child can destroy its copies, and the parent does not notice") {
  CHECK(holds_in_child([&] {
    runtime->shutdown();
    { const auto gone = std::move(one); }
    runtime.reset();
    return true;
  }));
  CHECK(one.call<&tally::add>(1).get() == 2);
  { const auto gone = std::move(one); }
  runtime.reset();
  troupe::runtime again{registry(), {.store = troupe::sqlite{directory / "a.db"}}};
  CHECK(client_of(again).get<tally>("one").call<&tally::get>().get() == 2);
}

TEST_CASE("a forked child can destroy its copies of executors that the host made") {
  auto pool = std::make_shared<troupe::thread_pool>(2U);
  auto manual = std::make_shared<troupe::manual_executor>();
  auto first = std::make_unique<troupe::runtime>(fixture::registry(), troupe::runtime_options{.executor = pool});
  auto second = std::make_unique<troupe::runtime>(fixture::registry(), troupe::runtime_options{.executor = manual});
  second->run(client_of(*second).get_or_create<tally>("one").call<&tally::add>(1));
  CHECK(holds_in_child([&] {
    first.reset();
    second.reset();
    pool->stop();
    manual->stop();
    pool.reset();
    manual.reset();
    return true;
  }));
  CHECK(second->run(client_of(*second).get<tally>("one").call<&tally::get>()) == 1);
}

// ThreadSanitizer starts no threads after a fork.
#if !defined(__has_feature)
#define TROUPE_TEST_THREADS_AFTER_FORK 1
#elif !__has_feature(thread_sanitizer)
#define TROUPE_TEST_THREADS_AFTER_FORK 1
#endif
#ifdef TROUPE_TEST_THREADS_AFTER_FORK
TEST_CASE_METHOD(fixture, "a forked child may run a runtime of its own") {
  CHECK(holds_in_child([&] {
    troupe::runtime own{registry()};
    const auto mine = client_of(own).get_or_create<tally>("mine");
    const bool runs = mine.call<&tally::add>(1).get() == 1;
    own.shutdown();
    return runs;
  }));
}
#endif
