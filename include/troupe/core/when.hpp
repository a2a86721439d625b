// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// What a branch without a value leaves in a tuple or variant.
template <class T>
using join_value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

class join;

/// One of several tasks that a fiber waits for together: a fiber itself, since it has a wait of its own.
class branch final : public fiber, private work {
 public:
  branch(join& whole, std::coroutine_handle<> body, promise_base& promise) noexcept;
  branch(branch&&) = delete;
  ~branch() { body_.destroy(); }

  void resume_later(work& w) noexcept override;
  [[nodiscard]] const fiber* whole() const noexcept override;
  [[nodiscard]] fiber& root() noexcept override;
  void part_ended(const fiber& part, const fiber& whole) noexcept override;
  [[nodiscard]] bool may_be_overtaken() const noexcept override;

 private:
  friend class join;
  static void begin(work& w) noexcept;
  static void ended(promise_base& p) noexcept;

  join& whole_;
  std::coroutine_handle<> body_;
};

/// Waits until all branches have ended. `first()` tells which ended first.
///
/// Where the parts of a fiber may run beside one another, its thread begins with the first branch and goes on to the
/// next one when that has ended. Meanwhile it offers the rest, as one piece of work, to whoever has nothing to do.
/// So a tree of joins is walked in depth, with as few branches begun at a time as there are threads, and costs no
/// queue while nobody helps. Where they take turns, each branch begins in a turn of its own.
class join final : public wait {
 public:
  enum class until : bool { all, first };  // `first` cancels the others

  join(until u, std::size_t count);
  join(const join&) = delete;
  ~join();

  template <class T>
  void add(task<T> body) {
    body.require_runnable("when_all or when_any");
    const auto handle = body.release();
    ::new (static_cast<void*>(branches_ + count_)) branch{*this, handle, handle.promise()};
    ++count_;
  }

  [[nodiscard]] bool await_ready() const noexcept { return count_ == 0; }
  void await_suspend(std::coroutine_handle<> h);
  void await_resume() noexcept { end(); }

  /// The value of the branch; throws its failure. Once.
  template <class T>
  T take(std::size_t index) {
    const auto body = std::coroutine_handle<promise<T>>::from_address(branches_[index].body_.address());
    return body.promise().take();
  }

  /// Interrupts every branch that has not ended. From any thread, as long as the join waits.
  void cancel_all() noexcept;

  [[nodiscard]] std::size_t first() const noexcept { return first_.load(std::memory_order_relaxed); }

 private:
  friend class branch;

  struct rest_of final : work {
    explicit rest_of(join& j) noexcept : work{&rest_of::take_up}, whole{j} {}
    static void take_up(work& w) noexcept { static_cast<rest_of&>(w).whole.help(); }
    join& whole;
  };

  void offer() noexcept;
  [[nodiscard]] bool took_back() noexcept;
  void help() noexcept;
  [[nodiscard]] branch* claim() noexcept;
  void go_on_with(branch& b) noexcept;
  void branch_ended(branch& b) noexcept;
  void interrupt() noexcept override { cancel_all(); }
  [[nodiscard]] std::string describe() const override;

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  fiber& parent_;
  fiber& root_;
  branch* branches_ = nullptr;
  std::size_t capacity_;
  std::size_t count_ = 0;
  std::atomic<std::size_t> begun_{0};
  std::atomic<std::size_t> left_{0};  // branches that have not ended, and the offer while it is out
  std::atomic<std::size_t> first_{none};
  rest_of rest_{*this};
  until until_;
};

/// Throws `actor.invalid_operation` unless a fiber runs: a join needs one to come back to.
void require_fiber(const char* operation);

/// An awaitable as a task. It stays where it is.
///
/// A call to an idle actor runs on the caller's thread, and other threads take up the branches behind it meanwhile. But
/// a fiber without an executor has the one thread: there calls run elsewhere, or nothing would be parallel.
template <class A>
task<await_result<A>> as_task(A& awaitable) {
  if constexpr (requires { awaitable.run_elsewhere(); }) {
    if (this_thread().here->home() == nullptr) awaitable.run_elsewhere();
  }
  co_return co_await std::move(awaitable);
}
template <class T>
task<T> as_task(task<T>& t) noexcept {
  return std::move(t);
}

template <class T>
join_value<T> take_from(join& all, std::size_t index) {
  if constexpr (std::is_void_v<T>) {
    all.take<T>(index);
    return {};
  } else {
    return all.take<T>(index);
  }
}

}  // namespace detail

/// Awaits all of these at once and yields their values as a tuple (`std::monostate` for void). Calls to actors run in
/// parallel on the executor; tasks do too, except inside an actor, where they take turns.
///
///     auto both = co_await troupe::when_all(a.call<&mapper::map>(x), b.call<&mapper::map>(y));
///
/// If any fail, it waits for the rest and then throws the failure of the first of them in the order of the arguments.
/// A task that is empty, or was awaited before, is `actor.invalid_operation`, before any has begun.
template <class... A>
[[nodiscard]] task<std::tuple<detail::join_value<detail::await_result<A>>...>> when_all(A... awaitables) {
  detail::require_fiber("when_all");
  detail::join all{detail::join::until::all, sizeof...(A)};
  (all.add(detail::as_task(awaitables)), ...);
  co_await all;
  co_return [&]<std::size_t... I>(std::index_sequence<I...>) {
    // Taken in the order of the braces, so it is the first failure that is thrown.
    return std::tuple<detail::join_value<detail::await_result<A>>...>{
        detail::take_from<detail::await_result<A>>(all, I)...};
  }(std::index_sequence_for<A...>{});
}

/// The same for any number of one kind; the values come in the order of the arguments.
template <class A>
[[nodiscard]] auto when_all(std::vector<A> awaitables)
    -> task<std::conditional_t<std::is_void_v<detail::await_result<A>>, void,
                               std::vector<detail::join_value<detail::await_result<A>>>>> {
  using value = detail::await_result<A>;
  detail::require_fiber("when_all");
  const std::size_t count = awaitables.size();
  detail::join all{detail::join::until::all, count};
  for (auto& each : awaitables) all.add(detail::as_task(each));
  co_await all;
  if constexpr (std::is_void_v<value>) {
    for (std::size_t i = 0; i != count; ++i) all.take<value>(i);
  } else {
    std::vector<value> values;
    values.reserve(count);
    for (std::size_t i = 0; i != count; ++i) values.push_back(all.take<value>(i));
    co_return values;
  }
}

/// Awaits these at once until the first has ended, and yields its value (the variant's index tells which) or throws its
/// failure. The others are cancelled: what they wait for ends with `actor.aborted`, and a call not yet begun never
/// runs. It returns when they have ended too, so nothing goes on behind its back.
template <class... A>
[[nodiscard]] task<std::variant<detail::join_value<detail::await_result<A>>...>> when_any(A... awaitables) {
  static_assert(sizeof...(A) > 0, "troupe: when_any needs at least one thing to wait for");
  detail::require_fiber("when_any");
  using result = std::variant<detail::join_value<detail::await_result<A>>...>;
  detail::join any{detail::join::until::first, sizeof...(A)};
  (any.add(detail::as_task(awaitables)), ...);
  co_await any;
  std::optional<result> value;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto take = [&]<std::size_t N, class T>(std::in_place_index_t<N> at, std::type_identity<T>) {
      if (any.first() == N) value.emplace(at, detail::take_from<T>(any, N));
    };
    (take(std::in_place_index<I>, std::type_identity<detail::await_result<A>>{}), ...);
  }(std::index_sequence_for<A...>{});
  co_return std::move(*value);
}

}  // namespace v0
}  // namespace troupe
