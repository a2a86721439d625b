// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <troupe/actor/registry.hpp>
#include <troupe/actor/services.hpp>
#include <troupe/core/executor.hpp>
#include <troupe/core/kept_task.hpp>
#include <troupe/core/random.hpp>
#include <troupe/core/sync_wait.hpp>
#include <troupe/core/when.hpp>
#include <troupe/runtime/observer.hpp>
#include <troupe/runtime/status.hpp>
#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>
#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {

class client;

class runtime;
namespace detail {
class runtime_assembly;
}  // namespace detail
namespace testing {
struct test_door;
}  // namespace testing

enum class log_level : std::uint8_t { debug, info, warning, error };

/// How a runtime runs. Everything has a default; the default store is `memory{}`.
///
///     troupe::runtime runtime{registry, {.store = troupe::sqlite{"app.db"}}};
struct runtime_options {
  /// Where actors live while they are not in memory: `troupe::sqlite{"app.db"}`, `troupe::memory{}`, or your own.
  store_factory store = memory{};

  /// Worker threads of the default executor; 0: as many as can run at once, see `thread_pool`.
  unsigned threads = 0;

  /// As many functions given to `troupe::blocking` run at once, each on a thread of its own; the threads are started
  /// when there is something for them. 0: they run on the executor's lane for blocking I/O, one after the other, and
  /// commits and the end of the runtime wait for them.
  unsigned blocking_threads = 8;

  /// Objects of the program that actors reach with `c.service<T>()`. Errors: `config.invalid` if an actor of the
  /// registry needs one that is not there.
  troupe::services services = {};

  /// Instead of the default executor, a `thread_pool`; it brings its own clock. A `manual_executor` is pumped with
  /// `runtime::poll`.
  std::shared_ptr<troupe::executor> executor = nullptr;

  /// Where ids come from; by default the operating system.
  std::shared_ptr<random_source> random = nullptr;

  /// Hears what has no caller to go to: a posted call that failed, a throw in `on_sleep`, a failed commit. Called on
  /// any thread, one at a time; may not throw. By default such errors are logged. They are counted in any case.
  std::function<void(const std::exception_ptr& failure, std::string_view where)> on_error = nullptr;

  /// Gets the log, line by line; called on any thread, one at a time. By default warnings and errors go to stderr.
  std::function<void(log_level, std::string_view)> logger = nullptr;

  /// Is told what happens, for metrics and traces. None by default: then nothing is measured.
  std::shared_ptr<troupe::observer> observer = nullptr;

  /// Encoded changes that may wait for a store that fails; beyond it, calls that would change something are refused
  /// with `store.refuses_changes`.
  std::size_t backlog_bytes_max = 256U << 20;

  /// Back-off between tries of a commit that failed: from the first to the second, doubling.
  std::chrono::nanoseconds commit_retry_min = std::chrono::milliseconds{10};
  std::chrono::nanoseconds commit_retry_max = std::chrono::seconds{5};

  /// What `runtime::shutdown` may take. After three quarters of it actors that still run something are
  /// interrupted, as at the end of a grace period, so that they can be saved; after all of it the rest is cut off: what
  /// is not saved is lost, which the log says. The default is longer than that of `options::sleep_grace_period`, and
  /// shorter than the 30 s that Kubernetes gives a process before it kills it. Docker gives 10 s: where that is not
  /// changed, set this to 8 s. Counted by the executor's clock, and by the machine's if that goes faster.
  std::chrono::nanoseconds shutdown_limit = std::chrono::seconds{25};
};

/// What `runtime::shutdown` may take beyond `runtime_options::shutdown_limit`, to end what has been cut off. Only code
/// that blocks a thread and never returns, of an actor or of the store, can hold it up for longer: no thread can be
/// ended from outside.
inline constexpr std::chrono::nanoseconds shutdown_overrun_max = std::chrono::seconds{2};

/// A registry that runs: actors come to life in it. Several may live in one process, each with a store of its own.
class runtime {
 public:
  /// Opens the store and starts. Errors: those of `store_factory`; `config.invalid`.
  explicit runtime(const registry& served) : runtime{served, runtime_options{}} {}
  runtime(const registry& served, runtime_options options);
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  /// `shutdown()`, if that has not been called. Where that is refused the runtime would wait for the very code that
  /// destroys it: the process ends with a sentence on stderr, and std::terminate.
  ~runtime();

  /// Makes handles of the runtime's actors (`troupe/client/client.hpp`).
  [[nodiscard]] const troupe::client& client() const noexcept { return *client_; }

  /// Puts every actor to sleep (running actions have their grace period), commits what is left, closes the store and
  /// ends the threads. Calls made from now on fail with `runtime.stopped`. Calling it again does nothing.
  ///
  /// Blocks, for at most `runtime_options::shutdown_limit` and `shutdown_overrun_max` together. Refused with
  /// `actor.invalid_operation` where it would wait for its caller: on the threads of the runtime's executor, in its
  /// actors, in its error handler and logger. In an actor or a coroutine of another runtime it works, and takes that
  /// runtime a thread, and the actor, for as long as it takes.
  void shutdown();

  /// Runs a coroutine on the runtime's executor and waits for its value. For plain threads; with a `manual_executor`
  /// this pumps it meanwhile.
  template <class T>
  T run(task<T> t) {
    t.require_runnable("runtime::run");
    struct frame {
      std::coroutine_handle<detail::promise<T>> handle;
      ~frame() { handle.destroy(); }
    } const f{t.release()};
    run_coroutine(f.handle, f.handle.promise());
    return f.handle.promise().take();
  }
  /// The same for a call or another awaitable: `runtime.run(room.call<&chat_room::history>())`.
  template <class Awaitable>
    requires detail::other_awaitable<Awaitable>
  auto run(Awaitable awaitable) {
    return run(await_one<detail::awaitable_base<Awaitable>>(std::move(awaitable)));
  }

  /// Runs a coroutine on the executor, waited for by nobody. What it throws goes to `on_error`. `shutdown` waits for
  /// it. Errors: `runtime.stopped`; `actor.invalid_operation` for an empty task.
  void spawn(task<> t);
  /// The same with a function object that returns the task, called at once and kept until the task has ended. So a
  /// lambda that is a coroutine may capture, which it may not if it is called first.
  template <detail::not_a_task F>
  void spawn(F&& function) {
    static_assert(detail::returns_task<F>(),
                  "troupe: spawn takes a task<>, or a function object that returns one and takes no arguments");
    if constexpr (detail::returns_task<F>()) spawn(detail::keep_with_task(std::forward<F>(function), "spawn"));
  }

  /// With a `manual_executor`: runs what is ready and returns how many pieces of work that was. With others: 0.
  std::size_t poll();
  /// The same, and waits for more until `limit` has passed.
  std::size_t poll_for(std::chrono::nanoseconds limit);

  [[nodiscard]] runtime_health health() const;

  /// A consistent copy of the store, made while the runtime runs; blocks.
  void backup(const std::string& path);

 private:
  friend struct testing::test_door;

  template <class Awaitable>
  static auto await_one(Awaitable awaitable) -> task<detail::await_result<Awaitable>> {
    co_return co_await std::move(awaitable);
  }
  void run_coroutine(std::coroutine_handle<> h, detail::promise_base& p);

  std::shared_ptr<detail::runtime_assembly> core_;
  std::unique_ptr<const troupe::client> client_;
};

}  // namespace v0
}  // namespace troupe
