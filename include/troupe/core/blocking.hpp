// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/intrusive_list.hpp>
#include <troupe/core/late_value.hpp>
#include <troupe/core/task.hpp>
#include <troupe/core/temporaries.hpp>
#include <troupe/core/work.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class blocking_threads;

/// A function that waits for a thread which it may block, or has one. As `work` it is the order to run it.
///
/// | from    | to      | by                                                           |
/// |---------|---------|--------------------------------------------------------------|
/// | waiting | running | `run_now`                                                    |
/// | waiting | dropped | `drop`: the coroutine that waited gave up; `refuse`          |
///
/// A function that runs is never taken back: its result is dropped if nothing waits any more.
class blocking_job : public work {
 public:
  void retain() noexcept { result_.retain(); }
  void release() noexcept { result_.release(); }

  /// Runs the function, unless it was dropped.
  void run_now() noexcept {
    if (leave_waiting(state::running)) call();
  }
  /// Fails with `why` in the place of running the function, unless it was dropped.
  void refuse(std::exception_ptr why) noexcept;
  void drop() noexcept;

  /// For people: the action and the actor that it was begun by. Set before other threads see the job.
  std::string name;
  /// The threads that run it, once it has begun to wait for one, and its place among those that wait.
  blocking_threads* threads = nullptr;
  list_link<blocking_job> waiting;

 protected:
  explicit blocking_job(late_base& result) noexcept : result_{result} {}
  ~blocking_job() = default;

 private:
  enum class state : std::uint8_t { waiting, running, dropped };

  [[nodiscard]] bool leave_waiting(state to) noexcept {
    auto seen = state::waiting;
    return state_.compare_exchange_strong(seen, to, std::memory_order_acq_rel);
  }
  virtual void call() noexcept = 0;

  late_base& result_;
  std::atomic<state> state_{state::waiting};
};

/// The threads that blocking functions of a runtime run on.
class blocking_threads {
 public:
  /// Runs `job` on one of them, soon. From any thread. Takes a reference of its own.
  virtual void run(blocking_job& job) noexcept = 0;
  /// The job was dropped: it need not wait any longer. Its coroutine has a reference.
  virtual void forget(blocking_job& job) noexcept = 0;

 protected:
  ~blocking_threads() = default;
};

/// Has `job` run for the coroutine that is being suspended: by its runtime; or here and now, for a coroutine that a
/// plain thread drives, since nothing else wants that thread.
void begin_blocking(blocking_job& job) noexcept;
/// Throws `actor.invalid_operation`: there is no function, or no coroutine of troupe that waits for it.
void require_blocking(bool has_function);

/// A function with its arguments, and the result.
template <class R, class F, class... A>
class blocking_function final : public late_value<R>, public blocking_job {
 public:
  template <class... G>
  explicit blocking_function(G&&... given)
      : blocking_job{static_cast<late_base&>(*this)}, parts_{std::in_place, std::forward<G>(given)...} {}

 private:
  void begun() noexcept override { begin_blocking(*this); }
  void given_up() noexcept override { drop(); }

  void call() noexcept override {
    TROUPE_ASSERT(parts_.has_value(), "a blocking function is called once");
    try {
      if constexpr (std::is_void_v<R>) {
        std::apply([](F& f, A&... a) { std::invoke(std::move(f), std::move(a)...); }, *parts_);
      } else {
        this->value.emplace(
            std::apply([](F& f, A&... a) -> R { return std::invoke(std::move(f), std::move(a)...); }, *parts_));
      }
    } catch (...) {
      this->failure = std::current_exception();
    }
    parts_.reset();  // on the thread that has used them, and before the coroutine goes on
    static_cast<void>(this->claim());
    this->publish();
  }

  std::optional<std::tuple<F, A...>> parts_;
};

/// Whether an awaited expression may not have a function object of type `F&&` in it, since this compiler destroys it
/// twice if it is a lambda that captures.
template <class F>
inline constexpr bool is_unsafe_function =
    destroys_temporaries_twice && std::is_object_v<F> && !is_moved_argument<F> && !std::is_trivially_destructible_v<F>;

}  // namespace detail

/// A function that runs while a coroutine awaits it: see `blocking`.
template <class R>
class [[nodiscard("co_await this")]] blocking_call final : private detail::late_wait {
 public:
  using native_awaitable = void;

  /// Made by `blocking`.
  explicit blocking_call(detail::counted_ptr<detail::late_value<R>> job) noexcept : job_{std::move(job)} {}
  /// Until it is awaited, so that `when_any` can take it.
  blocking_call(blocking_call&& other) noexcept : job_{std::move(other.job_)} {}
  blocking_call& operator=(blocking_call&&) = delete;

  using detail::late_wait::await_ready;
  using detail::late_wait::await_suspend;
  R await_resume() {
    const auto last = std::move(job_);
    end_late("waiting for a blocking function");
    return last->take();
  }

 private:
  [[nodiscard]] detail::late_base& source() override {
    detail::require_blocking(static_cast<bool>(job_));
    return *job_;
  }
  [[nodiscard]] std::string describe() const override { return "a blocking function"; }

  detail::counted_ptr<detail::late_value<R>> job_;
};

namespace detail {

/// The types that `blocking` works with for `F&&` and `A&&...`.
template <class F, class... A>
struct blocking_parts {
  using result = std::remove_cv_t<std::invoke_result_t<std::decay_t<unwrapped<F>>, std::decay_t<unwrapped<A>>...>>;
  using function = blocking_function<result, std::decay_t<unwrapped<F>>, std::decay_t<unwrapped<A>>...>;
  using type = std::conditional_t<is_unsafe_function<F> || (is_unsafe_temporary<A> || ...),
                                  given_temporary<blocking_call<result>>, blocking_call<result>>;
};

template <class F, class... A>
consteval bool check_blocking() {
  constexpr bool callable = std::is_invocable_v<std::decay_t<unwrapped<F>>, std::decay_t<unwrapped<A>>...>;
  static_assert(callable, "troupe: blocking(f, arguments...) calls f with copies of the arguments, which it must take");
  if constexpr (callable) {
    using result = std::invoke_result_t<std::decay_t<unwrapped<F>>, std::decay_t<unwrapped<A>>...>;
    static_assert(!is_task<result>, "troupe: blocking takes a plain function; a task is awaited as it is");
    static_assert(!std::is_reference_v<result>,
                  "troupe: a blocking function returns a value: a reference would leave its thread");
    return !is_task<result> && !std::is_reference_v<result>;
  }
  return callable;
}

}  // namespace detail

/// Runs a function that blocks its thread, on a thread that is there for that, while the coroutine waits:
///
///     const std::string text = co_await troupe::blocking(read_file, path);
///
/// The function and its arguments are copied, or moved, as by `std::thread`. It runs outside of all actors, beside the
/// turns of the one that waits: it must not touch the actor, nor anything else that it does not own or share safely.
/// Calls of actors are for the coroutine: in the function `call.get()` is refused. Its result, or the exception that it
/// throws, comes back where the coroutine belongs: in an actor in a turn of it, which has served others meanwhile.
///
/// At most `runtime_options::blocking_threads` run at once; the others wait, first come, first served. In a simulation
/// they run on its one thread, one after the other, in order. A coroutine that a plain thread drives with `sync_wait`
/// runs its function at once.
///
/// A coroutine that is interrupted does not wait any longer: a function that has not begun is dropped then; one that
/// runs goes on to its end, and its result is dropped. The runtime's shutdown waits for it within its limit, and logs
/// the names of those that it had to leave behind; without threads it waits until they return.
///
/// With g++ before 13 a lambda that captures more than trivial types must be named before: see docs/compilers.md.
///
/// Errors: what the function throws; `actor.aborted` when the actor that waits is being shut down or the task is a
/// loser of `when_any`; `runtime.stopped` if the runtime ends before the function has begun; `actor.overloaded` if the
/// system has no thread to give; `actor.invalid_operation` where no coroutine of troupe runs, and for a call that is
/// awaited again.
template <class F, class... A>
[[nodiscard("co_await this")]] auto blocking(F&& function, A&&... arguments) {
  if constexpr (detail::check_blocking<F, A...>()) {
    using parts = detail::blocking_parts<F, A...>;
    using late = detail::counted_ptr<detail::late_value<typename parts::result>>;
    return typename parts::type{late::adopt(new typename parts::function{
        detail::unwrap(std::forward<F>(function)), detail::unwrap(std::forward<A>(arguments))...})};
  }
}

}  // namespace v0
}  // namespace troupe
