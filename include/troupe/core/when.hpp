#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/core/task.hpp>

namespace troupe::inline v0 {
namespace detail {

/// What a branch without a value leaves in a tuple or variant.
template <class T>
using join_value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

class join;

/// One of several things that a fiber waits for together: a fiber itself, since it has a wait of its own.
class branch final : public fiber, private work {
 public:
  branch(fiber& parent, join& whole, std::size_t index, task<void> body) noexcept;
  branch(branch&&) = delete;
  ~branch();

  void start() noexcept { resume_later(*this); }
  void resume_later(work& w) noexcept override { parent_.resume_later(w); }
  [[nodiscard]] const fiber* whole() const noexcept override { return &parent_; }
  void part_ended(const fiber& part, const fiber& whole) noexcept override { parent_.part_ended(part, whole); }

 private:
  static void begin(work& w) noexcept;
  static void ended(promise_base& p) noexcept;

  fiber& parent_;
  join& whole_;
  std::size_t index_;
  std::coroutine_handle<promise<void>> body_;
};

/// Waits until all branches have ended. `first()` tells which ended first.
class join final : public wait {
 public:
  enum class until : bool { all, first };  // `first` cancels the others

  join(until u, std::size_t count) noexcept : until_{u}, left_{count} { branches_.reserve(count); }

  void add(task<void> body) {
    fiber& parent = this_thread().here->lasting();
    branches_.push_back(std::make_unique<branch>(parent, *this, branches_.size(), std::move(body)));
  }

  [[nodiscard]] bool await_ready() const noexcept { return branches_.empty(); }
  bool await_suspend(std::coroutine_handle<> h);
  void await_resume() noexcept { end(); }

  /// Interrupts every branch that has not ended. From any thread, as long as the join waits.
  void cancel_all() noexcept;

  [[nodiscard]] std::size_t first() const noexcept { return first_.load(std::memory_order_relaxed); }

 private:
  friend class branch;
  void branch_ended(std::size_t index) noexcept;
  void interrupt() noexcept override { cancel_all(); }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  until until_;
  std::atomic<std::size_t> left_;
  std::atomic<std::size_t> first_{none};
  std::vector<std::unique_ptr<branch>> branches_;
};

/// Throws `actor.invalid_operation` unless a fiber runs: a join needs one to come back to.
void require_fiber(const char* operation);

template <class T>
struct outcome {
  std::optional<join_value<T>> value;
  std::exception_ptr failure;
};

// A call to an idle actor runs on the caller's thread; beside others it shall run elsewhere, or nothing is parallel.
template <class A>
void prefer_parallel(A& a) noexcept {
  if constexpr (requires { a.run_elsewhere(); }) a.run_elsewhere();
}

template <class A>
task<void> branch_body(A awaitable, outcome<await_result<A>>& out) {
  prefer_parallel(awaitable);
  try {
    if constexpr (std::is_void_v<await_result<A>>) {
      co_await std::move(awaitable);
      out.value.emplace();
    } else {
      auto value = co_await std::move(awaitable);
      out.value.emplace(std::move(value));
    }
  } catch (...) {
    out.failure = std::current_exception();
  }
}

}  // namespace detail

/// Awaits all of these at once and yields their values as a tuple (`std::monostate` for void). Calls to actors run in
/// parallel on the executor; tasks do too, except inside an actor, where they take turns.
///
///     auto both = co_await troupe::when_all(a.call<&mapper::map>(x), b.call<&mapper::map>(y));
///
/// If any fail, it waits for the rest and then throws the failure of the first of them in the order of the arguments.
template <class... A>
[[nodiscard]] task<std::tuple<detail::join_value<detail::await_result<A>>...>> when_all(A... awaitables) {
  detail::require_fiber("when_all");
  std::tuple<detail::outcome<detail::await_result<A>>...> outcomes;
  detail::join all{detail::join::until::all, sizeof...(A)};
  std::apply([&](auto&... out) { (all.add(detail::branch_body<A>(std::move(awaitables), out)), ...); }, outcomes);
  co_await all;
  co_return std::apply(
      [](auto&... out) {
        ((out.failure ? std::rethrow_exception(out.failure) : void()), ...);
        return std::tuple<detail::join_value<detail::await_result<A>>...>{std::move(*out.value)...};
      },
      outcomes);
}

/// The same for any number of one kind; the values come in the order of the arguments.
template <class A>
[[nodiscard]] auto when_all(std::vector<A> awaitables)
    -> task<std::conditional_t<std::is_void_v<detail::await_result<A>>, void,
                               std::vector<detail::join_value<detail::await_result<A>>>>> {
  using value = detail::await_result<A>;
  detail::require_fiber("when_all");
  std::vector<detail::outcome<value>> outcomes(awaitables.size());
  detail::join all{detail::join::until::all, awaitables.size()};
  for (std::size_t i = 0; i < awaitables.size(); ++i) {
    all.add(detail::branch_body<A>(std::move(awaitables[i]), outcomes[i]));
  }
  co_await all;
  for (auto& out : outcomes) {
    if (out.failure) std::rethrow_exception(out.failure);
  }
  if constexpr (!std::is_void_v<value>) {
    std::vector<value> values;
    values.reserve(outcomes.size());
    for (auto& out : outcomes) values.push_back(std::move(*out.value));
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
  std::tuple<detail::outcome<detail::await_result<A>>...> outcomes;
  detail::join any{detail::join::until::first, sizeof...(A)};
  std::apply([&](auto&... out) { (any.add(detail::branch_body<A>(std::move(awaitables), out)), ...); }, outcomes);
  co_await any;
  std::optional<result> value;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto take = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
      if (any.first() != N) return;
      auto& out = std::get<N>(outcomes);
      if (out.failure) std::rethrow_exception(out.failure);
      value.emplace(std::in_place_index<N>, std::move(*out.value));
    };
    (take(std::integral_constant<std::size_t, I>{}), ...);
  }(std::index_sequence_for<A...>{});
  co_return std::move(*value);
}

}  // namespace troupe::inline v0
