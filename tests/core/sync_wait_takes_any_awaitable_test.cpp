// SPDX-License-Identifier: Apache-2.0
#include <coroutine>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/failures.hpp"

namespace {

struct counter {
  int count = 0;
  int increment(int by) { return count += by; }
  troupe::task<int> later(int by) { co_return count += by; }
  int fail() { throw troupe::user_error{"full", "no more"}; }
  using actor = troupe::actor<counter, &counter::increment, &counter::later, &counter::fail>;
};

/// Another library, which resumes coroutines on threads of its own. It ends before a runtime that they post to.
class other_library {
 public:
  other_library() = default;
  other_library(const other_library&) = delete;
  ~other_library() {
    std::vector<std::jthread> threads;
    const std::lock_guard lock{mutex_};
    threads.swap(threads_);
  }

  // Out of line, and of no coroutine: what is suspended may have ended before this returns. So may the wait for it,
  // and the test: the destructor waits for the lock.
  [[gnu::noinline]] void resume(std::coroutine_handle<> h) {
    const std::lock_guard lock{mutex_};
    threads_.emplace_back([h] { h.resume(); });
  }

 private:
  std::mutex mutex_;
  std::vector<std::jthread> threads_;
};

class elsewhere {
 public:
  elsewhere(other_library& of, std::string text) : of_{of}, text_{std::move(text)} {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) { of_.resume(h); }
  std::string await_resume() {
    if (text_.empty()) throw std::runtime_error{"nothing to say"};
    return std::move(text_);
  }

 private:
  other_library& of_;
  std::string text_;
};

struct with_operator {
  int value;
  auto operator co_await() const noexcept {
    struct awaiter {
      int value;
      bool await_ready() const noexcept { return true; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      int await_resume() const noexcept { return value; }
    };
    return awaiter{value};
  }
};

struct only_moved {
  std::unique_ptr<int> value = std::make_unique<int>(5);
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  std::unique_ptr<int> await_resume() { return std::move(value); }
};

/// Cannot be moved, and notices whose `this` it gets.
class fixed {
 public:
  fixed() = default;
  fixed(const fixed&) = delete;
  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
  bool await_resume() const noexcept { return self_ == this; }

 private:
  const fixed* self_ = this;
};

struct of_nothing {
  bool* awaited;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept { *awaited = true; }
};

}  // namespace

TEST_CASE("sync_wait takes calls, awaitables of other libraries and tasks", "[core][task]") {
  troupe::registry registry;
  registry.use<counter>("counter");
  troupe::runtime runtime{registry};
  auto h = runtime.client().get_or_create<counter>("a");
  CHECK(troupe::sync_wait(h.call<&counter::increment>(2)) == 2);
  CHECK(troupe::sync_wait(h.call<&counter::later>(3)) == 5);
  CHECK(code_of([&] { troupe::sync_wait(h.call<&counter::fail>()); }) == "user.full");
  auto named = h.call<&counter::increment>(1);
  CHECK(troupe::sync_wait(named) == 6);

  other_library other;
  CHECK(troupe::sync_wait(elsewhere{other, "from another thread"}) == "from another thread");
  CHECK_THROWS_WITH(troupe::sync_wait(elsewhere{other, ""}), "nothing to say");
  CHECK(troupe::sync_wait(with_operator{4}) == 4);
  const with_operator kept{5};
  CHECK(troupe::sync_wait(kept) == 5);
  CHECK(*troupe::sync_wait(only_moved{}) == 5);
  CHECK(troupe::sync_wait(fixed{}));
  bool awaited = false;
  troupe::sync_wait(of_nothing{&awaited});
  CHECK(awaited);
}

TEST_CASE("a runtime runs any awaitable too", "[core][task]") {
  troupe::registry registry;
  troupe::runtime runtime{registry};
  other_library other;
  CHECK(runtime.run(elsewhere{other, "from another thread"}) == "from another thread");
  CHECK(runtime.run(with_operator{4}) == 4);
}
