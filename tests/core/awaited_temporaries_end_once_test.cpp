// SPDX-License-Identifier: Apache-2.0
// The shapes of an awaited expression that the library and its documents rely on (docs/compilers.md): each object in
// one is destroyed once. Those that are refused on some compilers are tried on all others.

#include <coroutine>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include <catch2/catch.hpp>

#include <troupe/core/task.hpp>

namespace {

/// Notices when it is copied bit by bit, or destroyed twice.
class probe {
 public:
  probe() { live().insert(this); }
  probe(const char*) : probe{} {}  // NOLINT: implicit, as in a message that is made of a literal
  probe(const probe& other) : probe{} { other.check(); }
  probe(probe&& other) noexcept : probe{} { other.check(); }
  probe& operator=(const probe&) = default;
  ~probe() {
    check();
    live().erase(this);
  }

  static std::set<const probe*>& live() {
    static std::set<const probe*> all;
    return all;
  }
  static int& faults() {
    static int count = 0;
    return count;
  }

 private:
  void check() const noexcept {
    if (self_ != this || !live().contains(this)) ++faults();
  }
  const probe* self_ = this;
};

struct job {
  probe what;
  int times = 0;
};
struct nested {
  job inner;
  int more = 0;
};

/// Keeps its arguments by value, as a call does.
template <class... T>
class keeping {
 public:
  template <class... G>
  explicit keeping(std::in_place_t, G&&... given) : kept_{std::forward<G>(given)...} {}
  using native_awaitable = void;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return 1; }

 private:
  std::tuple<T...> kept_;
};
template <class... G>
auto keep(G&&... given) {
  return keeping<std::decay_t<G>...>{std::in_place, std::forward<G>(given)...};
}
template <class T>
auto keep_moved(troupe::detail::moved_argument<T> given) {
  return keeping<T>{std::in_place, given.get()};
}
job make_job() { return job{"made", 1}; }

void run(troupe::task<> body) {
  probe::faults() = 0;
  troupe::sync_wait(std::move(body));
  CHECK(probe::faults() == 0);
  CHECK(probe::live().empty());
}

// Not spelled out, since the rule against it is checked in the text.
#define AWAIT(...) co_await __VA_ARGS__

troupe::task<> members() { co_await keep("x", 3); }
troupe::task<> name() {
  job j{"x", 1};
  co_await keep(j);
}
troupe::task<> moved_name() {
  job j{"x", 1};
  co_await keep_moved(troupe::moved(j));
}
troupe::task<> returned() { co_await keep(make_job()); }
troupe::task<> named_awaitable() {
  auto call = keep(job{"x", 1});
  co_await call;
}

troupe::task<> temporary() { AWAIT(keep(job{"x", 1})); }
troupe::task<> temporary_of_nothing() { AWAIT(keep(job{})); }
troupe::task<> temporary_of_moved() {
  probe p;
  AWAIT(keep(job{std::move(p), 2}));
}
troupe::task<> nested_temporary() { AWAIT(keep(nested{{"x", 1}, 2})); }
troupe::task<> temporary_in_pair() { AWAIT(keep(std::pair<int, job>{1, job{"x", 1}})); }
troupe::task<> temporary_in_optional() { AWAIT(keep(std::optional<job>{job{"x", 1}})); }

}  // namespace

TEST_CASE("what stands in an awaited expression in the forms that are allowed everywhere ends once", "[core][compiler]") {
  run(members());
  run(name());
  run(moved_name());
  run(returned());
  run(named_awaitable());
}

TEST_CASE("where aggregate temporaries may be awaited, they end once", "[core][compiler]") {
  using troupe::detail::destroys_temporaries_twice;
  using troupe::detail::is_unsafe_temporary;
  static_assert(is_unsafe_temporary<job> == destroys_temporaries_twice);
  static_assert(!is_unsafe_temporary<job&>);
  static_assert(!is_unsafe_temporary<probe>, "it has constructors");
  if (destroys_temporaries_twice) return;  // the call does not compile: compile_fail/actor/await_call_of_temporary.cpp
  run(temporary());
  run(temporary_of_nothing());
  run(temporary_of_moved());
  run(nested_temporary());
  run(temporary_in_pair());
  run(temporary_in_optional());
}
