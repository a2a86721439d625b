// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/client/client.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/core/kept_task.hpp>
#include <troupe/runtime/runtime.hpp>
#include <troupe/testing/faults.hpp>
#include <troupe/testing/seeded_random.hpp>
#include <troupe/testing/test_door.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {

class simulated_disk;
class simulation;

/// How a simulation runs.
struct simulation_options {
  /// The run is a function of this, and of the program.
  std::uint64_t seed = 1;

  testing::faults faults{};

  /// What the program would give its runtime. `store` is kept over crashes: `memory{}`, or one on a simulated disk, or
  /// your own, if it answers before its functions return. Executor, clock and random source are the simulation's.
  /// Copies of these options share their store: make them anew for each simulation.
  runtime_options runtime{};

  /// With `commit_cut::per_actor` the store commits the changes of each actor by themselves, as one on another machine
  /// does, and its answers come in any order. By default as `runtime.store` does.
  std::optional<commit_cut> cut{};

  /// Where `runtime.store` lies, so that a crash and a power cut can do to it what they do.
  std::shared_ptr<simulated_disk> disk = nullptr;

  /// What the program does whenever its process starts: at the beginning, and after each crash. Most call
  /// `simulation::spawn` here.
  std::function<void(simulation&)> on_start = nullptr;

  /// What one `run` may take, in virtual time and in pieces of work, before it fails with `simulation.endless`.
  std::chrono::nanoseconds time_max = std::chrono::hours{24 * 30};
  std::uint64_t steps_max = 10'000'000;

  /// Hears what happens, line by line. By default that goes to stderr if TROUPE_TRACE is set in the environment.
  std::function<void(std::string_view)> trace = nullptr;
};

namespace detail {

/// What became of an awaitable.
template <class T>
class simulated_outcome {
 public:
  bool done = false;

  template <class A>
  static task<> watch(A awaitable, std::shared_ptr<simulated_outcome> out) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(awaitable);
      } else {
        auto value = co_await std::move(awaitable);
        out->value_.emplace(std::move(value));
      }
    } catch (...) {
      out->failure_ = std::current_exception();
    }
    out->done = true;
  }

  T take() {
    if (failure_) std::rethrow_exception(failure_);
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

 private:
  std::optional<std::conditional_t<std::is_void_v<T>, char, T>> value_;
  std::exception_ptr failure_;
};

}  // namespace detail

/// What an actor has told one connection; see `simulation::record`. It keeps what it has heard over a crash.
template <class A, class Event>
class [[nodiscard("a recording ends when this object goes")]] recording {
 public:
  using value_type = typename event_stream<Event>::value_type;

  /// So far, in the order of arrival.
  [[nodiscard]] const std::vector<value_type>& events() const noexcept { return *heard_; }
  [[nodiscard]] const troupe::connection<A>& connection() const noexcept { return connection_; }

  recording(troupe::connection<A> c, const Event& e)
      : connection_{std::move(c)}, subscription_{connection_.on(e, [to = heard_](const auto&... values) {
          to->push_back(value_type{values...});
        })} {}

 private:
  std::shared_ptr<std::vector<value_type>> heard_ = std::make_shared<std::vector<value_type>>();
  troupe::connection<A> connection_;
  subscription subscription_;
};

/// A whole program on troupe, run on one thread in virtual time: which of all that could run next does run next is up
/// to the seed, and so is what goes wrong. The same seed and program give the same run, with every compiler and in
/// every build type, as long as the program takes time and chance from here, and starts no threads. What crashes is the
/// simulated process: its memory is gone, what was durable stays, and the program starts again.
///
///     troupe::testing::simulation sim{registry, {.seed = 42}};
///     auto a = sim.client().get_or_create<reminder>("a");
///     sim.run(a.call<&reminder::remind_in>(24h, "tea"));
///     sim.advance(24h);                                       // no waiting
///     sim.crash();
///     auto b = sim.client().get<reminder>("a");               // handles go with their process
///     sim.run(b.call<&reminder::pending>());
///
/// Code that waits when its process dies is told so, as a client of that process would be: its calls fail with
/// `store.unavailable`, `runtime.stopped` or `actor.aborted`, whose message names the simulated crash, and what it does
/// then leads nowhere. Hooks do not run.
///
/// Not thread-safe. What is said below of virtual time holds for everything that the runtime's clock rules: time-outs,
/// sleep, grace periods, delays, retries.
///
/// After FoundationDB (Zhou et al., SIGMOD 2021, section 4) and TigerBeetle's VOPR.
class simulation {
 public:
  /// Starts the program. Errors: those of `troupe::runtime`.
  explicit simulation(const registry& served) : simulation{served, simulation_options{}} {}
  simulation(const registry& served, simulation_options options);
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;
  /// Kills the process; see `finish`.
  ~simulation();

  /// Of the process that runs now. After a crash, ask again. Throws `runtime.stopped` after `finish`.
  [[nodiscard]] const troupe::client& client() const;

  // --- running ---

  /// Runs the program until a task, a call or another awaitable has ended, and gives its value or throws its failure.
  /// Virtual time passes as needed. Errors: `simulation.stuck` if it cannot end any more, since nothing is ready and no
  /// timer is armed: a deadlock, or a lost wake-up; `simulation.endless` if it has not ended within the limits. An
  /// actor that waits for ever looks at the clock all the time to see whether it may sleep, so a deadlock of actors
  /// without time-outs is endless.
  template <class Awaitable>
  auto run(Awaitable awaitable) {
    using value = troupe::detail::await_result<Awaitable>;
    using base = troupe::detail::awaitable_base<Awaitable>;
    const auto out = std::make_shared<detail::simulated_outcome<value>>();
    spawn(out->template watch<base>(std::move(awaitable), out));
    drive(out->done);
    return out->take();
  }

  /// Runs a coroutine beside everything else. It ends with its process at the latest. What it throws goes to `errors`.
  void spawn(task<> t);
  /// The same with a function object that returns the task, as `runtime::spawn`.
  template <troupe::detail::not_a_task F>
  void spawn(F&& function) {
    static_assert(troupe::detail::returns_task<F>(),
                  "troupe: spawn takes a task<>, or a function object that returns one and takes no arguments");
    if constexpr (troupe::detail::returns_task<F>()) {
      spawn(troupe::detail::keep_with_task(std::forward<F>(function), "spawn"));
    }
  }

  /// Runs until nothing is left that could run without time passing.
  void settle();

  /// Lets so much virtual time pass, and runs what becomes due. A program that never rests is left a moment later.
  void advance(std::chrono::nanoseconds by);

  /// The same until a condition holds, which is looked at after each piece of work; at most for so long. Returns
  /// whether it holds.
  bool advance_until(const std::function<bool()>& holds, std::chrono::nanoseconds at_most);

  /// One piece of work, or a step in time if there is none; false if there is neither.
  bool step();

  // --- the process ---

  /// Kills it, as SIGKILL does, and starts it again a while later. Called from within the program, it happens as soon
  /// as the present piece of work has ended. Errors: `simulation.endless` if code that is told to end does not; then
  /// this object is good for nothing but its destruction.
  void crash();
  /// The machine loses power: on a `simulated_disk`, what was not synced vanishes or tears.
  void power_cut();
  /// The next commit kills it: nothing of that is stored.
  void crash_before_next_commit() noexcept;
  /// The next commit is stored, and kills the process before anybody is told.
  void crash_after_next_commit() noexcept;
  /// Ends it in good order, and starts it again.
  void restart();
  /// Ends it in good order, without faults, and checks that nothing is left: `simulation.left_over` names what is. The
  /// last that happens in a simulation.
  void finish();

  /// What may go wrong from now on.
  [[nodiscard]] testing::faults& faults() noexcept;
  /// Nothing goes wrong any more: no faults from now on, and commits that failed go through. What `fault::most` counts
  /// begins anew.
  void heal() noexcept;

  // --- looking in ---

  /// The actor as a crash would leave it: nothing if it does not exist there. Of an actor that has not run its
  /// `on_create` to the end, the state as it began. Touches neither the actor nor the run. Errors:
  /// `actor.unreadable_state`.
  template <class A>
  [[nodiscard]] std::optional<A> stored(const handle<A>& of) {
    std::optional<A> state{std::in_place};
    const auto& actor = test_door::core_of(of).where();
    if (!load(actor, false, [&](bytes_view stored) { decode_into(*state, stored); })) return std::nullopt;
    return state;
  }

  /// The same for the messages that wait in one of its queues.
  template <class A, class Queue>
  [[nodiscard]] auto stored_messages(const handle<A>& of, const Queue&) {
    return messages<Queue>(test_door::core_of(of).where(), false);
  }
  /// The same for its dead letters.
  template <class A, class Queue>
  [[nodiscard]] auto stored_dead_letters(const handle<A>& of, const Queue&) {
    return messages<Queue>(test_door::core_of(of).where(), true);
  }

  /// Messages between actors that have been sent, durably, and have not arrived.
  [[nodiscard]] std::size_t stored_on_their_way();

  /// Connects to an actor and notes all events of a kind that it sends from now on. `params` as for `handle::connect`.
  template <class A, class Event, class... P>
  [[nodiscard]] auto record(const handle<A>& of, const Event& e, P&&... params) {
    auto connection = run(of.connect(std::forward<P>(params)...));
    return recording<A, std::remove_cv_t<Event>>{std::move(connection), e};
  }

  /// Puts an actor to sleep in good order, whatever its options say, and waits for that. Does nothing if it sleeps.
  template <class A>
  void put_to_sleep(const handle<A>& which) {
    put_down(test_door::core_of(which));
  }
  /// Whether the actor is in memory, or about to be.
  template <class A>
  [[nodiscard]] bool is_awake(const handle<A>& which) {
    return is_up(test_door::core_of(which));
  }

  /// What the runtime's error handler heard: "where: message", since the beginning.
  [[nodiscard]] const std::vector<std::string>& errors() const noexcept;

  [[nodiscard]] std::uint64_t seed() const noexcept;
  /// Random numbers for the program, from the seed.
  [[nodiscard]] seeded_random& random() noexcept;
  /// Virtual time since the beginning.
  [[nodiscard]] std::chrono::nanoseconds elapsed() const noexcept;
  /// Pieces of work that have run.
  [[nodiscard]] std::uint64_t steps() const noexcept;
  /// How often the process has died.
  [[nodiscard]] std::uint32_t crashes() const noexcept;
  /// All that happened so far as one number: every choice, commit and fault.
  [[nodiscard]] std::uint64_t trace_hash() const noexcept;
  /// Makes something a part of the trace.
  void note(std::string_view what, std::uint64_t number = 0);

 private:
  struct world;

  void drive(const bool& done);
  [[nodiscard]] std::optional<actor_record> load(const troupe::detail::address& which, bool with_messages,
                                                 const std::function<void(bytes_view)>& decode);
  void put_down(const troupe::detail::handle_core& which);
  [[nodiscard]] bool is_up(const troupe::detail::handle_core& which);

  template <class Queue>
  std::vector<typename Queue::message_type> messages(const troupe::detail::address& which, bool dead) {
    std::vector<typename Queue::message_type> found;
    const auto record = load(which, true, nullptr);
    if (!record) return found;
    for (const auto& m : record->messages) {
      if (m.queue == Queue::name && m.dead == dead) {
        found.push_back(troupe::detail::decode_stored<typename Queue::message_type>(m.body));
      }
    }
    return found;
  }

  std::unique_ptr<world> world_;
};

}  // namespace testing
}  // namespace v0
}  // namespace troupe
