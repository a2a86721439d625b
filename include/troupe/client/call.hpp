// SPDX-License-Identifier: Apache-2.0
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

#include <troupe/actor/action.hpp>
#include <troupe/actor/arguments.hpp>
#include <troupe/client/awaited_value.hpp>
#include <troupe/client/call_wait.hpp>
#include <troupe/client/handle_core.hpp>
#include <troupe/client/plain_action.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/runtime/turn.hpp>

namespace troupe {
inline namespace v0 {

/// A time-out for calls: `handle.with(timeout{2s})`. It counts from the call to its reply, commit included; the default
/// is `options::action_timeout`. `timeout{never}` waits for ever. A time-out of zero, or less, is over before the call
/// begins: the call fails with `actor.action_timed_out`, and its action does not run.
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
  void run_elsewhere() noexcept {
    elsewhere_ = true;
    if (stage_ == stage::fresh) stage_ = stage::leaving;
  }

 protected:
  enum class stage : std::uint8_t {
    fresh,
    leaving,  ///< the same, but not to run within `await_ready`
    ran,      ///< has run on the caller's thread, or failed; conclude() is to be called
    waiting,  ///< `waiting_` has the answer, or will have
    done,     ///< the value is here, and there is nothing more to do
  };

  explicit call_core(const handle_core& borrowed, inline_mode m = inline_mode::never, bool changes = true) noexcept
      : inline_mode_{m}, changes_{changes}, handle_{&borrowed} {}
  explicit call_core(handle_core&& owned, inline_mode m = inline_mode::never, bool changes = true) noexcept
      : inline_mode_{m}, changes_{changes}, owned_{std::move(owned)}, handle_{&*owned_} {}
  call_core(call_core&& other) noexcept;  // before it begins
  ~call_core() = default;

  [[nodiscard]] const handle_core& target() const noexcept { return *handle_; }

  /// Makes the invocation, with the arguments moved into it. Throws what is wrong with them.
  virtual invocation* make(executor& home) = 0;
  /// Runs a plain action in the cell that is held, without an invocation. `depends_on` is what the call can depend on.
  virtual void run_plain(cell& c, thread_state& thread, epoch_number depends_on) noexcept;
  /// Makes the coroutine of an action that is one.
  virtual std::coroutine_handle<> begin_body(activation& a);
  /// Takes the value of a coroutine that has ended, or throws its failure; frees it.
  virtual void end_body(activation& a, std::coroutine_handle<> body);
  /// Gives a coroutine that has begun to the invocation that make() has made.
  virtual void keep_body(activation& a, std::coroutine_handle<> body, invocation& in);

  /// The error of a call whose time-out has passed.
  [[nodiscard]] virtual errc when_late() const noexcept;
  /// Of the action, for those that run on their caller's thread.
  [[nodiscard]] virtual std::string_view action_name() const noexcept;

  /// The cell, held, if the action may run there at once; else null. No allocation, no lock but the cell's word, no
  /// clock.
  [[nodiscard, gnu::always_inline]] inline cell* hold(bool changes) const noexcept {
    if (handle_->is_guarded()) [[unlikely]]
      return handle_->hold(changes);
    cell* const c = handle_->known();
    if (c == nullptr || !c->try_lock()) return nullptr;
    if (!(changes && c->refuses_changes())) [[likely]]
      return c;
    c->unlock();
    return nullptr;
  }

  /// After an action has run on a host's thread: whether the caller may go on at once.
  [[nodiscard]] bool settled(cell& c, thread_state& thread) noexcept {
    const bool has_share_left = thread.count_call();
    if (has_share_left && !failure_ && c.lets_out(dependency_)) [[likely]] {
      stage_ = stage::done;
      return true;
    }
    return settle_slowly(c, thread);
  }

  /// Runs a coroutine action on a host's thread, if it may run there: true if it is over, and the caller may go on.
  [[nodiscard]] bool run_coroutine_here(thread_state& thread) noexcept;

  // The steps of any other call.
  /// Throws `actor.invalid_operation` if the call has ended already, or was moved from.
  void begin_once() const {
    if (stage_ == stage::done) [[unlikely]]
      refuse_again();
  }
  bool suspend(std::coroutine_handle<> h);
  void block();
  /// Waits, in an actor's turn, for the answer to an invocation that the turn sends, and that keeps its reference.
  bool suspend_on(invocation& sent, std::coroutine_handle<> h);
  /// Ends the waiting; throws the failure, if there is one.
  void conclude();
  /// Throws `actor.aborted`, `when_late()` or why the connection is closed if the call was given up before it began.
  void require_wanted(const thread_state& thread) const;
  /// The call has failed before anything was sent.
  void fail(std::exception_ptr why) noexcept {
    stage_ = stage::ran;
    failure_ = std::move(why);
  }

  /// The invocation that has the value; null for an action that has run here.
  [[nodiscard]] invocation* record() const noexcept { return waiting_ ? waiting_->record() : nullptr; }

  stage stage_ = stage::fresh;
  bool elsewhere_ = false;
  std::exception_ptr failure_;
  epoch_number dependency_ = 0;  ///< of the answer, when the action has run here

 private:
  class inline_turn;

  [[noreturn]] void refuse_again() const;
  [[nodiscard]] bool settle_slowly(cell& c, thread_state& thread) noexcept;
  void launch(thread_state& thread);
  void launch_in(cell& c, thread_state& thread, epoch_number depends_on);
  void start_in(cell& c, thread_state& thread, epoch_number depends_on);
  void route(cell* c, thread_state& thread, epoch_number depends_on);
  void run_coroutine(cell& c, thread_state& thread, epoch_number depends_on) noexcept;
  call_wait& wait_for(invocation& inv, cell* c, const turn* mine, const fiber* from, epoch_number depends_on) noexcept;
  void wait_for_gate();
  [[nodiscard]] executor& home() const noexcept;

  const inline_mode inline_mode_;
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
      constexpr bool is_listed = A::actor::template place_in_list<M>.index < A::actor::size;
      static_assert(is_listed,
                    "troupe: this method is not in the actor's manifest `using actor = troupe::actor<...>`; list it "
                    "there to make it callable");
      return is_listed;
    }
  }
  return false;
}

// A parameter that is a string_view is stored as a string, which a string_view converts to only explicitly.
template <class P, class G>
inline constexpr bool fits_parameter =
    !cuts_fraction<P, G> &&
    (std::is_convertible_v<unwrapped<G>, stored_parameter<P>> ||
     (std::is_same_v<std::remove_cvref_t<P>, std::string_view> &&
      std::is_convertible_v<unwrapped<G>, std::string_view>));

template <class Parameters, class... Given>
struct fits : std::false_type {};
template <class... P, class... G>
  requires(sizeof...(P) == sizeof...(G))
struct fits<std::tuple<P...>, G...> : std::bool_constant<(fits_parameter<P, G> && ...)> {};

/// Whether the arguments are the members of the only parameter, and not that itself.
template <class Parameters, class... Given>
inline constexpr bool are_members = false;
template <class P, class... Given>
inline constexpr bool are_members<std::tuple<P>, Given...> =
    !fits<std::tuple<P>, Given...>::value && has_members<stored_parameter<P>, Given...>;

template <class Parameters, class... Given>
consteval bool check_arguments() {
  constexpr bool as_many = std::tuple_size_v<Parameters> == sizeof...(Given);
  constexpr bool of_members = are_members<Parameters, Given...>;
  constexpr bool cut = cuts_any<Parameters, Given...>;
  static_assert(as_many || of_members,
                "troupe: wrong number of arguments for this action (the context is not one of them), and they are not "
                "the members of its only parameter either");
  static_assert(!cut, "troupe: a floating-point number does not become an integer by itself; round it and convert it");
  constexpr bool fit = fits<Parameters, Given...>::value || of_members;
  static_assert(fit || cut || !as_many,
                "troupe: an argument does not convert implicitly to the type of the action's parameter");
  return fit;
}

/// The action, in the error about an argument that its parameter cannot hold.
template <auto M>
inline constexpr destination_name name_of_action{"action", member_name<M>()};

/// Makes the call, or the tuple, that carries the arguments of an action, converted to its parameters, with no copy on
/// the way. Throws `actor.invalid_request`.
template <auto M, class Parameters = call_parameters<M>,
          class Indices = std::make_index_sequence<std::tuple_size_v<Parameters>>>
struct binding;
template <auto M, class... P, std::size_t... I>
struct binding<M, std::tuple<P...>, std::index_sequence<I...>> {
  template <class... T>
  static constexpr bool of_members = are_members<std::tuple<P...>, T...>;
  using only = stored_parameter<typename first_of<P...>::type>;

  template <class Call, class Core, class Code, class... T>
  [[gnu::always_inline]] static inline Call make_call(Core&& core, const Code& code, T&&... given) {
    if constexpr (of_members<T...>) {
      return Call{std::forward<Core>(core), code, make_of_members<only>(name_of_action<M>, std::forward<T>(given)...)};
    } else {
      return Call{std::forward<Core>(core), code,
                  convert_argument<P>(name_of_action<M>, I + 1, std::forward<T>(given))...};
    }
  }
  template <class... T>
  [[gnu::always_inline]] static inline call_arguments<M> make_arguments(T&&... given) {
    if constexpr (of_members<T...>) {
      return call_arguments<M>{make_of_members<only>(name_of_action<M>, std::forward<T>(given)...)};
    } else {
      return call_arguments<M>{convert_argument<P>(name_of_action<M>, I + 1, std::forward<T>(given))...};
    }
  }
};

template <class V, class Arguments>
class typed_call;

/// What a call knows of its action: one constant per action.
template <class V, class Arguments>
struct call_code : action_code<V, Arguments> {
  using run_here_function = bool (*)(typed_call<V, Arguments>& call, thread_state& thread);

  run_here_function run_here;  ///< runs the action on a host's thread, if it may: true if the caller may go on
};

/// A call to an action with such a value and such arguments: see `troupe::call`.
template <class V, class Arguments>
class [[nodiscard("a call does nothing until it is awaited")]] typed_call final : public call_core,
                                                                                  public awaited_value<V> {
 public:
  using value_type = V;
  using code = call_code<V, Arguments>;

  template <class... T>
  explicit typed_call(const handle_core& h, const code& c, T&&... arguments)
      : call_core{h, c.how, c.writes}, arguments_{std::forward<T>(arguments)...}, code_{&c} {}
  template <class... T>
  explicit typed_call(handle_core&& h, const code& c, T&&... arguments)
      : call_core{std::move(h), c.how, c.writes}, arguments_{std::forward<T>(arguments)...}, code_{&c} {}
  typed_call(typed_call&& other) noexcept = default;

  // Inlined, and `code_` read before what the compiler does not see through: so it knows which action is called.
  [[nodiscard, gnu::always_inline]] inline bool await_ready() {
    const code& c = *code_;
    auto& thread = this_thread();
    return thread.in_turn == nullptr && stage_ == stage::fresh && !thread.is_cancelled() && c.run_here(*this, thread);
  }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  V await_resume() {
    if (stage_ == stage::done) [[likely]]
      return value_.take();
    conclude();
    auto* const r = record();
    return r != nullptr ? static_cast<typed_invocation<V, Arguments>*>(r)->take() : value_.take();
  }

  /// Calls from a plain thread and waits for the reply. Inside coroutines and on the runtime's own threads it throws
  /// `actor.invalid_operation`: `co_await` the call there.
  V get() {
    TROUPE_ASSERT(stage_ == stage::fresh, "a call is made once; make another one");
    const code& c = *code_;
    auto& thread = this_thread();
    if (!thread.is_plain() || !c.run_here(*this, thread)) block();
    return await_resume();
  }

  /// The way that most calls take, compiled for each action: nothing here has to be looked up.
  template <class A, auto M>
  static bool run_here(typed_call& self, thread_state& thread) {
    constexpr const auto& action = code_of<A, M>;
    if constexpr (action.how == inline_mode::function) {
      cell* const c = self.hold(action.writes);
      if (c == nullptr) return false;
      self.run_in(action, *c, thread, 0);
      c->unlock_unchanged();
      return self.settled(*c, thread);
    } else if constexpr (action.how == inline_mode::coroutine) {
      return self.run_coroutine_here(thread);
    } else {
      return false;
    }
  }

 private:
  // Inlined into run_here(), where the action is a constant, for which g++ finds it too large.
  [[gnu::always_inline]] inline void run_in(const action_code<V, Arguments>& action, cell& c, thread_state& thread,
                                            epoch_number depends_on) noexcept {
    turn t{c, nullptr, action.writes, thread};
    t.via = target().via().get();
    if (depends_on != 0) t.depend_on(depends_on);
    run_plain_action(t, action, arguments_, value_, failure_);
    dependency_ = t.end();
    if (t.has_failed()) [[unlikely]]
      failure_ = t.failure();
  }

  void run_plain(cell& c, thread_state& thread, epoch_number depends_on) noexcept override {
    run_in(*code_, c, thread, depends_on);
  }
  std::coroutine_handle<> begin_body(activation& a) override { return code_->begin(a, arguments_); }
  void end_body(activation& a, std::coroutine_handle<> body) override {
    typed_invocation<V, Arguments>::take_value(a, body, *code_, value_);
  }
  void keep_body(activation& a, std::coroutine_handle<> body, invocation& in) override {
    static_cast<typed_invocation<V, Arguments>&>(in).go_on(a, body);
  }
  std::string_view action_name() const noexcept override { return code_->name; }
  invocation* make(executor& home) override {
    return new typed_invocation<V, Arguments>{home, *code_, code_->how == inline_mode::never, std::move(arguments_)};
  }

  value_slot<V> value_;
  Arguments arguments_;
  const code* code_;
};

template <class A, auto M>
inline constexpr call_code<value_of<M>, call_arguments<M>> call_code_of{
    code_of<A, M>, &typed_call<value_of<M>, call_arguments<M>>::template run_here<A, M>};

}  // namespace detail

/// One call to an action, as `handle::call` makes it. It is awaited once, or waited for with `get()`; until then
/// nothing happens, and afterwards it is spent: to await it again is `actor.invalid_operation`, and to `get()` it again
/// the same, or a failed assertion. It borrows the handle unless that was a temporary.
///
/// Where the actor is awake and idle, the action runs at once on the calling thread. Otherwise the caller is suspended
/// and resumed where it belongs: on its executor or, inside an actor, in a turn of that actor.
///
/// Throws what the action threw; or `troupe::error`: `actor.not_found`, `actor.action_timed_out`, `actor.aborted` (stop
/// token, shutdown), `actor.overloaded`, `actor.starting`, `actor.destroying`, `store.unavailable`, `runtime.stopped`;
/// or, if the actor had to be woken, what its hooks threw.
template <class A, auto M>
using call = detail::typed_call<detail::value_of<M>, detail::call_arguments<M>>;

}  // namespace v0
}  // namespace troupe
