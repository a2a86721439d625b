#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <stop_token>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/define.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe::inline v0 {

/// A time-out for calls: `handle.with(timeout{2s})`. It counts from the call to its reply, commit included; the default
/// is `options::action_timeout`. `timeout{never}` waits for ever.
struct timeout {
  explicit constexpr timeout(std::chrono::nanoseconds d) noexcept : duration{d} {}
  std::chrono::nanoseconds duration;
};

namespace detail {

/// What is the same in handles of all types: the address, the cell once it is known, and the options of calls.
class handle_core {
 public:
  handle_core() noexcept = default;
  explicit handle_core(const address& a) noexcept : address_{&a} {}  // takes over the reference
  handle_core(const handle_core& other) noexcept;
  handle_core(handle_core&& other) noexcept;
  handle_core& operator=(handle_core other) noexcept;
  ~handle_core();

  [[nodiscard]] const address& where() const noexcept { return *address_; }
  [[nodiscard]] bool empty() const noexcept { return address_ == nullptr; }

  /// The cell, if it was found before.
  [[nodiscard]] cell* known() const noexcept { return cell_.load(std::memory_order_acquire); }
  /// The cell; null for an id that is not in memory. Throws `runtime.stopped`.
  [[nodiscard]] cell* find() const;
  /// Whether a held cell is the one that is meant: the handle of an id means no successor under the same key.
  [[nodiscard]] bool means(const cell& c) const noexcept {
    return address_->how != address::intent::by_id || c.is(address_->id);
  }

  [[nodiscard]] bool is_closed() const noexcept { return via && via->closed(); }

  std::chrono::nanoseconds time_limit{0};  ///< 0: the definition's
  std::shared_ptr<std::stop_token> stop;   ///< null: none. Behind a pointer, so that handles stay small.
  counted_ptr<connection_core> via;        ///< the connection that calls go over; null: none

 private:
  const address* address_ = nullptr;
  mutable std::atomic<cell*> cell_{nullptr};
};

class blocked_thread;

/// The waiting side of a call, whatever its type. Lives in the caller's frame.
class call_core : public wait, public reply_waiter {
 public:
  call_core(const call_core&) = delete;
  call_core& operator=(const call_core&) = delete;

  /// Do not run on the caller's thread: see `when_all`.
  void run_elsewhere() noexcept { elsewhere_ = true; }

 protected:
  explicit call_core(const handle_core& borrowed) noexcept : handle_{&borrowed} {}
  explicit call_core(handle_core&& owned) noexcept : owned_{std::move(owned)}, handle_{&owned_} {}
  call_core(call_core&& other) noexcept;
  ~call_core();

  [[nodiscard]] const handle_core& target() const noexcept { return *handle_; }

  /// Makes the invocation, with the arguments moved into it. Throws what is wrong with them.
  virtual invocation* make(executor& home) = 0;
  /// Runs a plain action in the cell that is held, without an invocation; false if this is not one. `learned` is what
  /// the call can depend on; sets dependency_.
  virtual bool run_plain(cell& c, thread_state& thread, epoch_number learned) noexcept = 0;

  // The steps of a call. After each but launch() the state tells what there is to do.
  bool suspend(std::coroutine_handle<> h);
  void block();
  /// Waits, in an actor's turn, for the answer to an invocation that the turn sends, and that keeps its reference.
  bool suspend_on(invocation& sent, std::coroutine_handle<> h);
  /// Ends the waiting; throws the failure, if there is one. Then the value is in `invocation_`, or it was run plainly.
  void conclude();
  /// After an action has run plainly on a host's thread: whether the caller may go on at once.
  [[nodiscard]] bool settled(cell& c) noexcept {
    const bool may_go_on = (++this_thread().inline_calls & inline_calls_max) != 0;
    if (may_go_on && c.lets_out(dependency_)) [[likely]] {
      stage_ = stage::answered;
      return true;
    }
    return settle_slowly(c);
  }
  [[nodiscard]] bool settle_slowly(cell& c) noexcept;

  /// So many calls a task may make in a row without giving others the thread.
  static constexpr unsigned inline_calls_max = 127;

  enum class stage : std::uint8_t { fresh, ran, waiting, answered };

  [[nodiscard]] invocation* record() const noexcept { return invocation_; }

  stage stage_ = stage::fresh;
  bool plain_ = false;         ///< the value, or failure, is in the call itself
  bool elsewhere_ = false;
  std::exception_ptr failure_;
  epoch_number dependency_ = 0;  ///< of the answer, when the action has run plainly

 private:
  struct alarm final : timer {
    explicit alarm(call_core& c) noexcept : timer{&alarm::ring}, owner{c} {}
    static void ring(timer& t) noexcept;
    call_core& owner;
  };
  enum class ending : std::uint8_t { none, timed_out, stopped, interrupted };

  // A stop token's callback, from when the call begins to wait until it has ended.
  struct stop_watch {
    struct on_stop {
      call_core* owner;
      void operator()() const noexcept { owner->give_up(ending::stopped); }
    };
    stop_watch(const std::stop_token& token, call_core& c) : callback{token, on_stop{&c}} {}
    std::stop_callback<on_stop> callback;
  };

  void answered() noexcept override { event(); }
  void interrupt() noexcept override { give_up(ending::interrupted); }
  void give_up(ending why) noexcept;
  void event() noexcept;
  bool launch(thread_state& thread);
  void route(cell* c, thread_state& thread, epoch_number learned);
  void start_in(cell& c, invocation& inv) noexcept;
  void wait_for_gate();
  bool begin_waiting();
  void prepare(invocation& inv, cell* c, const turn* mine, epoch_number learned) noexcept;
  [[noreturn]] void throw_ending();
  [[nodiscard]] executor& home() const noexcept;

  handle_core owned_;
  const handle_core* handle_;
  reply* reply_ = nullptr;            ///< what is waited for
  invocation* invocation_ = nullptr;  ///< the same, or null when the action has run plainly
  alarm alarm_{*this};
  std::unique_ptr<stop_watch> stop_watch_;
  blocked_thread* blocked_ = nullptr;
  std::atomic<std::uint8_t> outstanding_{2};  ///< the event, and our being ready for it
  ending ending_ = ending::none;
  bool timed_ = false;
};

/// Sends an invocation on its way without anybody waiting for it.
void launch_posted(const handle_core& to, invocation* (*make)(executor& home, void* arguments), void* arguments);

template <class A, auto M>
consteval bool check_call() {
  static_assert(std::is_member_function_pointer_v<decltype(M)>,
                "troupe: call<...> names a member function: call<&counter::increment>(...)");
  if constexpr (std::is_member_function_pointer_v<decltype(M)>) {
    static_assert(std::is_base_of_v<typename method_traits<decltype(M)>::object, A>,
                  "troupe: this is a method of another actor type than the handle's");
    if constexpr (has_manifest<A> && std::is_base_of_v<typename method_traits<decltype(M)>::object, A>) {
      static_assert(A::actor::template index_of<M> < A::actor::size,
                    "troupe: this method is not in the actor's manifest `using actor = troupe::actor<...>`; list it "
                    "there to make it callable");
      return A::actor::template index_of<M> < A::actor::size;
    }
  }
  return false;
}

// A parameter that is a string_view is stored as a string, which a string_view converts to only explicitly.
template <class P, class G>
inline constexpr bool fits_parameter =
    std::is_convertible_v<G, stored_parameter<P>> ||
    (std::is_same_v<std::remove_cvref_t<P>, std::string_view> && std::is_convertible_v<G, std::string_view>);

template <class Parameters, class... Given>
struct fits : std::false_type {};
template <class... P, class... G>
  requires(sizeof...(P) == sizeof...(G))
struct fits<std::tuple<P...>, G...> : std::bool_constant<(fits_parameter<P, G> && ...)> {};

template <auto M, class... Given>
consteval bool check_arguments() {
  using wanted = typename method_traits<decltype(M)>::parameters;
  static_assert(std::tuple_size_v<wanted> == sizeof...(Given),
                "troupe: wrong number of arguments for this action (the context is not one of them)");
  if constexpr (std::tuple_size_v<wanted> == sizeof...(Given)) {
    static_assert(fits<wanted, Given...>::value,
                  "troupe: an argument does not convert implicitly to the type of the action's parameter");
    return fits<wanted, Given...>::value;
  }
  return false;
}

template <class A, auto M>
constexpr bool is_exclusive_action = [] {
  bool result = false;
  A::actor::for_each([&]<auto Entry>(std::size_t) {
    if constexpr (same_method<entry_traits<Entry>::method, M>) result = entry_traits<Entry>::is_exclusive;
  });
  return result;
}();

}  // namespace detail

/// One call to an action, as `handle::call` makes it. It is awaited once, or waited for with `get()`; until then
/// nothing happens, and afterwards it is spent. It borrows the handle unless that was a temporary.
///
/// Where the actor is awake and idle, the action runs at once on the calling thread. Otherwise the caller is suspended
/// and resumed where it belongs: on its executor or, inside an actor, in a turn of that actor.
///
/// Throws what the action threw; or `troupe::error`: `actor.not_found`, `actor.action_timed_out`, `actor.aborted` (stop
/// token, shutdown), `actor.overloaded`, `actor.starting`, `actor.destroying`, `store.unavailable`, `runtime.stopped`;
/// or, if the actor had to be woken, what its hooks threw.
template <class A, auto M>
class [[nodiscard("a call does nothing until it is awaited")]] call final : public detail::call_core {
 public:
  using value_type = detail::value_of<M>;

  template <class... T>
  explicit call(const detail::handle_core& h, std::in_place_t, T&&... arguments)
      : call_core{h}, arguments_{std::forward<T>(arguments)...} {}
  template <class... T>
  explicit call(detail::handle_core&& h, std::in_place_t, T&&... arguments)
      : call_core{std::move(h)}, arguments_{std::forward<T>(arguments)...} {}
  call(call&& other) noexcept = default;

  [[nodiscard]] bool await_ready() {
    if constexpr (runs_plainly) {
      auto& thread = detail::this_thread();
      return thread.in_turn == nullptr && !elsewhere_ && run_here(thread);
    } else {
      return false;
    }
  }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  value_type await_resume() {
    if (stage_ != stage::answered || failure_) conclude();
    return take();
  }

  /// Calls from a plain thread and waits for the reply. Inside coroutines and on the runtime's own threads it throws
  /// `actor.invalid_operation`: `co_await` the call there.
  value_type get() {
    if constexpr (runs_plainly) {
      auto& thread = detail::this_thread();
      if (thread.here != nullptr || thread.in_turn != nullptr || !run_here(thread)) block();
    } else {
      block();
    }
    if (stage_ != stage::answered || failure_) conclude();
    return take();
  }

 private:
  using traits = detail::method_traits<decltype(M)>;
  static constexpr bool runs_plainly = !traits::is_coroutine && !detail::is_exclusive_action<A, M>;

  // The fast path: no allocation, no lock but the cell's word, no clock.
  bool run_here(detail::thread_state& thread) {
    detail::cell* const c = target().known();
    if (c == nullptr || target().is_closed() || !c->try_hold()) return false;
    if (!target().means(*c)) [[unlikely]] {
      c->let_go();
      return false;
    }
    if constexpr (!traits::is_const) {
      if (c->refuses_changes()) [[unlikely]] {
        c->let_go();
        return false;
      }
    }
    run_plain(*c, thread, 0);
    c->let_go();
    return settled(*c);
  }

  void run(detail::cell& c) noexcept {
    auto& live = static_cast<detail::typed_activation<A>&>(*c.live());
    plain_ = true;
    try {
      value_.set([&]() -> decltype(auto) { return detail::invoke_action<M>(live, arguments_); });
      if constexpr (!std::is_void_v<value_type>) detail::before_reply(live, member_name<M>(), value_.get());
    } catch (...) {
      failure_ = std::current_exception();
      detail::this_thread().in_turn->failed = true;
    }
  }

  bool run_plain([[maybe_unused]] detail::cell& c, [[maybe_unused]] detail::thread_state& thread,
                 [[maybe_unused]] detail::epoch_number learned) noexcept final {
    if constexpr (runs_plainly) {
      detail::turn t{c, nullptr, !traits::is_const, thread};
      t.via = target().via.get();
      if (learned != 0) t.learn(learned);
      run(c);
      dependency_ = t.end();
      if (t.failure) [[unlikely]]
        failure_ = t.failure;
    }
    return runs_plainly;
  }

  detail::invocation* make(executor& home) override {
    return std::apply(
        [&](auto&... each) {
          return new detail::typed_invocation<A, M>(home, detail::is_exclusive_action<A, M>, std::move(each)...);
        },
        arguments_);
  }

  value_type take() {
    if (plain_) return value_.take();
    return static_cast<detail::typed_invocation<A, M>*>(record())->take();
  }

  detail::call_arguments<M> arguments_;
  detail::value_slot<value_type> value_;
};

}  // namespace troupe::inline v0
