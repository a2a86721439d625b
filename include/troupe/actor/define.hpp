#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/context.hpp>
#include <troupe/actor/definition.hpp>
#include <troupe/actor/hooks.hpp>
#include <troupe/actor/manifest.hpp>
#include <troupe/actor/signature.hpp>
#include <troupe/actor/typed_activation.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/codec/reflect.hpp>
#include <troupe/codec/schema.hpp>
#include <troupe/core/error.hpp>

/// \file
/// From a user's struct to a `definition`: everything about an actor type that needs the type.

namespace troupe::inline v0 {
namespace detail {

template <class A>
concept has_manifest = requires { typename A::actor::state_type; };

template <class A>
consteval bool check_actor() {
  static_assert(std::is_class_v<A>, "troupe: an actor is a struct");
  if constexpr (std::is_class_v<A>) {
    static_assert(
        has_manifest<A>,
        "troupe: the actor has no manifest; give it `using actor = troupe::actor<Self, &Self::action, ...>;`");
  }
  if constexpr (has_manifest<A>) {
    constexpr bool own = std::is_same_v<typename A::actor::state_type, A>;
    constexpr bool makeable = std::is_default_constructible_v<A>;
    static_assert(own, "troupe: the first argument of troupe::actor<...> is the struct itself");
    static_assert(makeable, "troupe: an actor is made without arguments; set it up in on_create, from its input");
    return check_hooks<A>() && own && makeable;
  }
  return false;
}

// A value that the compiler knows: a member that is not static, or not constexpr, is none.
template <class A>
concept has_constant_options = requires {
  typename std::bool_constant<(static_cast<void>(troupe::options{A::options}), true)>;
};
template <class A>
concept has_constant_version = requires { typename std::bool_constant<(A::version >= 1)>; };

template <class A>
constexpr troupe::options options_of() {
  if constexpr (requires { A::options; }) {
    static_assert(has_constant_options<A>, "troupe: `options` is `static constexpr troupe::options options{...};`");
    if constexpr (has_constant_options<A>) return A::options;
  }
  return {};
}

template <class A>
constexpr std::uint32_t version_of() {
  if constexpr (requires { A::version; }) {
    if constexpr (has_constant_version<A>) {
      static_assert(std::is_integral_v<std::remove_cvref_t<decltype(A::version)>> && A::version >= 1,
                    "troupe: `version` is `static constexpr int version = 2;`, 1 or more");
      return static_cast<std::uint32_t>(A::version);
    } else {
      static_assert(has_constant_version<A>, "troupe: `version` is `static constexpr int version = 2;`, 1 or more");
    }
  }
  return 1;
}

/// Calls action M with stored arguments. Yields M's result, a value or a task.
template <auto M, class A, class Arguments>
decltype(auto) invoke_action(typed_activation<A>& a, Arguments& arguments) {
  return std::apply(
      [&](auto&... stored) -> decltype(auto) {
        if constexpr (method_traits<decltype(M)>::takes_context) {
          return (a.actor().*M)(a.context(), std::move(stored)...);
        } else {
          return (a.actor().*M)(std::move(stored)...);
        }
      },
      arguments);
}

template <class A, class V>
concept observes_reply = requires(A& a, troupe::context<std::remove_const_t<A>>& c, std::string_view name, V& value) {
  a.on_before_reply(c, name, value);
};

/// Gives the definition's on_before_reply a look at the value, if it has one for this type. It comes after read-only
/// actions too, and so may not change the state.
template <class A, class V>
void before_reply(typed_activation<A>& a, [[maybe_unused]] std::string_view action, [[maybe_unused]] V& value) {
  if constexpr (has_on_before_reply<A>) {
    static_assert(observes_reply<const A, V> || !observes_reply<A, V>,
                  "troupe: on_before_reply is `void on_before_reply(troupe::context<Self>&, std::string_view action, "
                  "value& reply) const`; it may change the reply but not the state");
    if constexpr (observes_reply<const A, V>) {
      std::as_const(a.actor()).on_before_reply(a.context(), action, value);
    }
  }
}

/// A place for an action's value, also for void.
template <class V>
class value_slot {
 public:
  template <class F>
  void set(F&& make) {
    value_.emplace(std::forward<F>(make)());
  }
  [[nodiscard]] V& get() noexcept { return *value_; }
  [[nodiscard]] const V& get() const noexcept { return *value_; }
  V take() { return std::move(*value_); }

 private:
  std::optional<V> value_;
};
template <>
class value_slot<void> {
 public:
  template <class F>
  void set(F&& make) {
    std::forward<F>(make)();
  }
  void take() const noexcept {}
};

/// Takes the value of an action's coroutine that has ended, or throws its failure; frees its frame.
template <auto M, class A>
void take_value(typed_activation<A>& a, std::coroutine_handle<> ended, value_slot<value_of<M>>& to) {
  using value = value_of<M>;
  struct guard {
    std::coroutine_handle<promise<value>> frame;
    ~guard() { frame.destroy(); }
  } const g{std::coroutine_handle<promise<value>>::from_address(ended.address())};
  to.set([&]() -> decltype(auto) { return g.frame.promise().take(); });
  if constexpr (!std::is_void_v<value>) before_reply(a, member_name<M>(), to.get());
}

template <class A, auto M>
class typed_invocation final : public untyped_invocation {
 public:
  using traits = method_traits<decltype(M)>;
  using value = value_of<M>;

  template <class... T>
  typed_invocation(executor& home, bool is_exclusive, T&&... arguments)
      : untyped_invocation{home}, arguments_{std::forward<T>(arguments)...} {
    writes = !traits::is_const;
    exclusive = is_exclusive;
  }

  std::coroutine_handle<> begin(activation* a) override {
    auto& mine = static_cast<typed_activation<A>&>(*a);
    if constexpr (traits::is_coroutine) {
      go_on(mine, invoke_action<M>(mine, arguments_).release());
      return coroutine_;
    } else {
      value_.set([&]() -> decltype(auto) { return invoke_action<M>(mine, arguments_); });
      if constexpr (!std::is_void_v<value>) before_reply(mine, member_name<M>(), value_.get());
      return nullptr;
    }
  }

  /// Takes over the action's coroutine, which may have begun.
  void go_on(typed_activation<A>& a, std::coroutine_handle<> body) noexcept {
    activation_ = &a;
    coroutine_ = body;
    adopt(std::coroutine_handle<promise<value>>::from_address(body.address()).promise());
  }

  void finish() override {
    if constexpr (traits::is_coroutine) take_value<M>(*activation_, std::exchange(coroutine_, nullptr), value_);
  }

  [[nodiscard]] const char* what() const noexcept override {
    static const std::string name{member_name<M>()};
    return name.c_str();
  }

  void encode_value(buffer& out) const override {
    if constexpr (std::is_void_v<value>) {
      cbor_writer{out}.null();
    } else {
      troupe::encode(value_.get(), out);
    }
  }

  value take() { return value_.take(); }

 private:
  call_arguments<M> arguments_;
  value_slot<value> value_;
  typed_activation<A>* activation_ = nullptr;  ///< of a coroutine
  std::coroutine_handle<> coroutine_;
};

/// The three throw `actor.invalid_request`, naming the action and, if it is one, the argument.
[[nodiscard]] bool open_arguments(cbor_reader& reader, std::string_view action, std::size_t wanted);
void close_arguments(cbor_reader& reader, std::string_view action, bool open_ended);
[[noreturn]] void refuse_argument(std::string_view action, std::size_t index, const error& why);

template <class Tuple>
void read_arguments(cbor_reader& reader, std::string_view action, Tuple& arguments) {
  const bool open_ended = open_arguments(reader, action, std::tuple_size_v<Tuple>);
  [[maybe_unused]] std::size_t index = 0;
  [[maybe_unused]] const auto one = [&](auto& argument) {
    try {
      read(reader, argument);
    } catch (const error& e) {
      refuse_argument(action, index, e);
    }
    ++index;
  };
  std::apply([&](auto&... each) { (one(each), ...); }, arguments);
  close_arguments(reader, action, open_ended);
}

template <class A, auto M>
untyped_invocation* make_untyped(executor& home, const action_entry& entry, bytes_view encoded) {
  call_arguments<M> arguments{};
  cbor_reader reader{encoded};
  read_arguments(reader, entry.name, arguments);
  return std::apply(
      [&](auto&... each) { return new typed_invocation<A, M>(home, entry.exclusive, std::move(each)...); }, arguments);
}

template <class A, auto Method>
consteval bool is_run_loop() {
  if constexpr (has_run<A> && requires { &A::run; }) return same_method<Method, &A::run>;
  return false;
}

template <class A, auto Method>
consteval bool check_entry() {
  if constexpr (!known_method<decltype(Method)>) {
    return false;  // entry_traits has said so
  } else {
    using traits = method_traits<decltype(Method)>;
    constexpr bool own = std::is_base_of_v<typename traits::object, A>;
    constexpr bool own_context = !traits::takes_context || takes_context_of<A, decltype(Method)>;
    static_assert(own, "troupe: the manifest lists a method of another struct");
    constexpr bool callable = !is_run_loop<A, Method>();
    static_assert(own_context, "troupe: the context of an action is that of its own actor: troupe::context<Self>&");
    static_assert(callable, "troupe: run is the actor's run loop, which begins by itself; it is not an action");
    return check_action<Method>() && own && own_context && callable;
  }
}

template <class Values>
std::string values_schema() {
  std::string out = "[";
  []<class... T>(std::string& text, std::type_identity<std::tuple<T...>>) {
    [[maybe_unused]] bool first = true;
    ((text += first ? "" : ",", text += type_schema<T>(), first = false), ...);
  }(out, std::type_identity<Values>{});
  return out += "]";
}

template <class T>
std::string value_schema() {
  if constexpr (std::is_void_v<T>) {
    return "null";
  } else {
    return type_schema<T>();
  }
}

template <auto M>
std::string action_schema() {
  std::string out = R"({"arguments":)";
  out += values_schema<call_arguments<M>>();
  out += R"(,"result":)";
  out += value_schema<value_of<M>>();
  return out += "}";
}

template <auto Entry>
event_entry make_event_entry() {
  using type = std::remove_cv_t<decltype(Entry)>;
  event_entry entry;
  entry.name = type::name;
  entry.schema = &values_schema<typename type::values>;
  return entry;
}

template <auto Entry>
queue_entry make_queue_entry() {
  using type = std::remove_cv_t<decltype(Entry)>;
  queue_entry entry;
  entry.name = type::name;
  entry.options = Entry.options();
  entry.check = [](bytes_view message) { static_cast<void>(troupe::decode<typename type::message_type>(message)); };
  entry.message_schema = &value_schema<typename type::message_type>;
  entry.result_schema = &value_schema<typename type::result_type>;
  return entry;
}

template <class A, auto Entry>
action_entry make_entry([[maybe_unused]] naming policy) {
  constexpr auto method = entry_traits<Entry>::method;
  action_entry entry;
  if constexpr (check_entry<A, method>()) {
    using traits = method_traits<std::remove_cv_t<decltype(method)>>;
    constexpr std::string_view own = entry_traits<Entry>::own_name;
    entry.name = own.empty() ? wire_name(member_name<method>(), policy) : std::string{own};
    entry.writes = !traits::is_const;
    entry.exclusive = entry_traits<Entry>::is_exclusive;
    entry.coroutine = traits::is_coroutine;
    entry.make = &make_untyped<A, method>;
    entry.schema = &action_schema<method>;
  }
  return entry;
}

/// Throws `config.invalid` for what only shows at run time: empty and duplicate names.
void check_definition(const definition& d);

template <class A>
definition define(std::string name, naming policy) {
  definition d;
  if constexpr (check_actor<A>()) {
    d.name = std::move(name);
    d.type = &type_tag<A>;
    d.options = options_of<A>();
    d.version = version_of<A>();
    d.activate = [](cell& owner) -> activation* { return new typed_activation<A>{owner}; };
    d.has_on_create = has_on_create<A>;
    d.takes_input = !std::is_void_v<input_type<A>>;
    d.has_on_wake = has_on_wake<A>;
    d.has_on_sleep = has_on_sleep<A>;
    d.has_on_destroy = has_on_destroy<A>;
    d.has_on_state_change = has_on_state_change<A>;
    if constexpr (has_migrate<A>) {
      static_assert(requires(json& state) { A::migrate(state, 1); },
                    "troupe: migrate is `static void migrate(troupe::json& state, int from)`");
      d.migrate = [](json& state, int from) { A::migrate(state, from); };
    }
    d.state_schema = &type_schema<A>;
    d.has_on_disconnect = has_on_disconnect<A>;
    d.has_can_publish = has_can_publish<A>;
    d.has_can_subscribe = has_can_subscribe<A>;
    d.has_run = has_run<A>;
    A::actor::for_each([&]<auto Entry>(std::size_t) {
      constexpr auto kind = entry_traits<Entry>::kind;
      if constexpr (kind == entry_kind::event) {
        d.events.push_back(make_event_entry<Entry>());
      } else if constexpr (kind == entry_kind::queue) {
        d.queues.push_back(make_queue_entry<Entry>());
      } else {
        d.actions.push_back(make_entry<A, Entry>(policy));
      }
    });
    check_definition(d);
  }
  return d;
}

}  // namespace detail

/// The manifest of an actor as JSON text: actions with their argument and result types, events, queues, state fields,
/// version. Names
/// on the wire and in the store are the identifiers in the source, so a rename is a data change: compare this with a
/// committed file (`troupe::testing::matches_file`) to notice.
template <class A>
[[nodiscard]] std::string describe() {
  return detail::describe(detail::define<A>(std::string{type_name<A>()}, naming::as_written));
}

}  // namespace troupe::inline v0
