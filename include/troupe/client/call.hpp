#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/define.hpp>
#include <troupe/client/call_wait.hpp>
#include <troupe/client/handle_core.hpp>
#include <troupe/runtime/cell.hpp>

namespace troupe::inline v0 {

/// A time-out for calls: `handle.with(timeout{2s})`. It counts from the call to its reply, commit included; the default
/// is `options::action_timeout`. `timeout{never}` waits for ever.
struct timeout {
  explicit constexpr timeout(std::chrono::nanoseconds d) noexcept : duration{d} {}
  std::chrono::nanoseconds duration;
};

namespace detail {

/// A call, whatever its type. Lives in the caller's frame. An action that can run at once, on the calling thread, costs
/// no more than what stands here; what waits is `waiting_`.
class call_core {
 public:
  using native_awaitable = void;  ///< see `task`
  call_core(const call_core&) = delete;
  call_core& operator=(const call_core&) = delete;

  /// Do not run on the caller's thread: see `when_all`.
  void run_elsewhere() noexcept { elsewhere_ = true; }

 protected:
  /// How an action may run on its caller's thread.
  enum class manner : std::uint8_t { not_at_all, plainly, as_coroutine };
  enum class stage : std::uint8_t {
    fresh,
    ran,      ///< has run on the caller's thread, or failed; conclude() is to be called
    waiting,  ///< `waiting_` has the answer, or will have
    done,     ///< the value is here, and there is nothing more to do
  };

  explicit call_core(const handle_core& borrowed, manner m = manner::not_at_all, bool changes = true) noexcept
      : manner_{m}, changes_{changes}, handle_{&borrowed} {}
  explicit call_core(handle_core&& owned, manner m = manner::not_at_all, bool changes = true) noexcept
      : manner_{m}, changes_{changes}, owned_{std::move(owned)}, handle_{&*owned_} {}
  call_core(call_core&& other) noexcept;  // before it begins
  ~call_core() = default;

  [[nodiscard]] const handle_core& target() const noexcept { return *handle_; }

  /// Makes the invocation, with the arguments moved into it. Throws what is wrong with them.
  virtual invocation* make(executor& home) = 0;
  /// Runs a plain action in the cell that is held, without an invocation. `learned` is what the call can depend on.
  virtual void run_plain(cell& c, thread_state& thread, epoch_number learned) noexcept;
  /// Makes the coroutine of an action that is one.
  virtual std::coroutine_handle<> begin_body(activation& a);
  /// Takes the value of a coroutine that has ended, or throws its failure; frees it.
  virtual void end_body(activation& a, std::coroutine_handle<> body);
  /// Gives a coroutine that has begun to the invocation that make() has made.
  virtual void keep_body(activation& a, std::coroutine_handle<> body, invocation& in);

  /// The cell, held, if the action may run there at once; else null. No allocation, no lock but the cell's word, no
  /// clock.
  [[nodiscard]] cell* hold(bool changes) const noexcept {
    cell* const c = handle_->known();
    if (c == nullptr || handle_->is_closed() || !c->try_hold()) return nullptr;
    if (handle_->means(*c) && !(changes && c->refuses_changes())) [[likely]]
      return c;
    c->let_go();
    return nullptr;
  }

  /// After an action has run on a host's thread: whether the caller may go on at once.
  [[nodiscard]] bool settled(cell& c, thread_state& thread) noexcept {
    const bool has_share_left = (++thread.inline_calls & inline_calls_max) != 0;
    if (has_share_left && !failure_ && c.lets_out(dependency_)) [[likely]] {
      stage_ = stage::done;
      return true;
    }
    return settle_slowly(c, thread);
  }

  /// Runs a coroutine action on a host's thread, if it may run there: true if it is over, and the caller may go on.
  [[nodiscard]] bool run_coroutine_here(thread_state& thread) noexcept;

  // The steps of any other call.
  bool suspend(std::coroutine_handle<> h);
  void block();
  /// Waits, in an actor's turn, for the answer to an invocation that the turn sends, and that keeps its reference.
  bool suspend_on(invocation& sent, std::coroutine_handle<> h);
  /// Ends the waiting; throws the failure, if there is one.
  void conclude();

  /// The invocation that has the value; null for an action that has run here.
  [[nodiscard]] invocation* record() const noexcept { return waiting_ ? waiting_->record() : nullptr; }

  stage stage_ = stage::fresh;
  bool elsewhere_ = false;
  std::exception_ptr failure_;
  epoch_number dependency_ = 0;  ///< of the answer, when the action has run here

 private:
  class guest;

  [[nodiscard]] bool settle_slowly(cell& c, thread_state& thread) noexcept;
  void launch(thread_state& thread);
  void launch_in(cell& c, thread_state& thread, epoch_number learned);
  void route(cell* c, thread_state& thread, epoch_number learned);
  void run_coroutine(cell& c, thread_state& thread, epoch_number learned) noexcept;
  call_wait& wait_for(invocation& inv, cell* c, const turn* mine, epoch_number learned) noexcept;
  void wait_for_gate();
  [[nodiscard]] executor& home() const noexcept;

  const manner manner_;
  const bool changes_;                ///< the action may change the state
  std::optional<handle_core> owned_;  ///< of a temporary
  const handle_core* handle_;
  std::optional<call_wait> waiting_;  ///< once there is something to wait for
};

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
      : call_core{h, how, !traits::is_const}, arguments_{std::forward<T>(arguments)...} {}
  template <class... T>
  explicit call(detail::handle_core&& h, std::in_place_t, T&&... arguments)
      : call_core{std::move(h), how, !traits::is_const}, arguments_{std::forward<T>(arguments)...} {}
  call(call&& other) noexcept = default;

  [[nodiscard]] bool await_ready() {
    auto& thread = detail::this_thread();
    return thread.in_turn == nullptr && !elsewhere_ && run_here(thread);
  }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  value_type await_resume() {
    if (stage_ == stage::done) [[likely]]
      return value_.take();
    conclude();
    auto* const r = record();
    return r != nullptr ? static_cast<detail::typed_invocation<A, M>*>(r)->take() : value_.take();
  }

  /// Calls from a plain thread and waits for the reply. Inside coroutines and on the runtime's own threads it throws
  /// `actor.invalid_operation`: `co_await` the call there.
  value_type get() {
    auto& thread = detail::this_thread();
    if (thread.here != nullptr || thread.in_turn != nullptr || !run_here(thread)) block();
    return await_resume();
  }

 private:
  using traits = detail::method_traits<decltype(M)>;
  using activation = detail::typed_activation<A>;
  static constexpr manner how = detail::is_exclusive_action<A, M> ? manner::not_at_all
                                : traits::is_coroutine            ? manner::as_coroutine
                                                                  : manner::plainly;

  bool run_here([[maybe_unused]] detail::thread_state& thread) {
    if constexpr (how == manner::plainly) {
      detail::cell* const c = hold(!traits::is_const);
      if (c == nullptr) return false;
      call::run_plain(*c, thread, 0);
      c->leave();
      return settled(*c, thread);
    } else if constexpr (how == manner::as_coroutine) {
      return run_coroutine_here(thread);
    } else {
      return false;
    }
  }

  void run_plain([[maybe_unused]] detail::cell& c, [[maybe_unused]] detail::thread_state& thread,
                 [[maybe_unused]] detail::epoch_number learned) noexcept final {
    if constexpr (how == manner::plainly) {
      detail::turn t{c, nullptr, !traits::is_const, thread};
      t.via = target().via.get();
      if (learned != 0) t.learn(learned);
      auto& live = static_cast<activation&>(*c.live());
      try {
        value_.set([&]() -> decltype(auto) { return detail::invoke_action<M>(live, arguments_); });
        if constexpr (!std::is_void_v<value_type>) detail::before_reply(live, member_name<M>(), value_.get());
      } catch (...) {
        failure_ = std::current_exception();
        t.failed = true;
      }
      dependency_ = t.end();
      if (t.has_failed()) [[unlikely]]
        failure_ = t.failure();
    }
  }

  std::coroutine_handle<> begin_body([[maybe_unused]] detail::activation& a) final {
    if constexpr (how == manner::as_coroutine) {
      return detail::invoke_action<M>(static_cast<activation&>(a), arguments_).release();
    } else {
      return nullptr;
    }
  }

  void end_body([[maybe_unused]] detail::activation& a, [[maybe_unused]] std::coroutine_handle<> body) final {
    if constexpr (how == manner::as_coroutine) {
      detail::take_value<M>(static_cast<activation&>(a), body, value_);
    }
  }

  void keep_body([[maybe_unused]] detail::activation& a, [[maybe_unused]] std::coroutine_handle<> body,
                 [[maybe_unused]] detail::invocation& in) final {
    if constexpr (how == manner::as_coroutine) {
      static_cast<detail::typed_invocation<A, M>&>(in).go_on(static_cast<activation&>(a), body);
    }
  }

  detail::invocation* make(executor& home) final {
    return std::apply(
        [&](auto&... each) {
          return new detail::typed_invocation<A, M>(home, how == manner::not_at_all, std::move(each)...);
        },
        arguments_);
  }

  detail::call_arguments<M> arguments_;
  detail::value_slot<value_type> value_;
};

}  // namespace troupe::inline v0
