// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>

#include <troupe/actor/signature.hpp>

/// \file
/// The hooks: methods with fixed names, all optional, most of them plain or a coroutine. A hook whose signature does
/// not fit, whose name is nearly right or that is private does not compile.

namespace troupe {
inline namespace v0 {

template <class A>
class peer;

namespace detail {

// The names of hooks, those that are nearly right, and those of the other members that mean something.
#define TROUPE_DETAIL_HOOKS(HOOK)                                                                     \
  HOOK(on_create) HOOK(on_wake) HOOK(on_sleep) HOOK(on_destroy) HOOK(on_state_change)                 \
  HOOK(on_before_reply) HOOK(on_before_connect) HOOK(create_connection_state) HOOK(on_connect)        \
  HOOK(on_disconnect) HOOK(can_publish) HOOK(can_subscribe) HOOK(run) HOOK(migrate) HOOK(onCreate)    \
  HOOK(onWake) HOOK(onSleep) HOOK(onDestroy) HOOK(onStateChange) HOOK(on_start) HOOK(on_stop)         \
  HOOK(on_awake) HOOK(on_destroyed) HOOK(on_created) HOOK(onBeforeConnect) HOOK(createConnState)      \
  HOOK(create_conn_state) HOOK(onConnect) HOOK(on_connected) HOOK(onDisconnect)                       \
  HOOK(on_disconnected) HOOK(canPublish) HOOK(canSubscribe) HOOK(version) HOOK(options) HOOK(actor)

// A class that inherits a name twice makes it ambiguous: so a hook is found whatever its signature or overloads. One
// class has all the names, since a class for each and every actor would cost the compiler more.
#define TROUPE_DETAIL_HOOK(name) void name();
struct every_hook {
  TROUPE_DETAIL_HOOKS(TROUPE_DETAIL_HOOK)
};
#undef TROUPE_DETAIL_HOOK
template <class A>
  requires(!std::is_final_v<A>)
struct hook_probe : A, every_hook {};

#define TROUPE_DETAIL_HOOK(name) \
  template <class A>             \
  inline constexpr bool has_##name = !std::is_final_v<A> && !requires { &hook_probe<A>::name; };
TROUPE_DETAIL_HOOKS(TROUPE_DETAIL_HOOK)
#undef TROUPE_DETAIL_HOOK
#undef TROUPE_DETAIL_HOOKS

template <class R>
inline constexpr bool is_hook_result = std::is_void_v<R> || std::is_same_v<R, task<void>>;

template <class A, class M>
inline constexpr bool is_create_hook = false;
template <class A, known_method M>
inline constexpr bool is_create_hook<A, M> =
    takes_context_of<A, M> && std::tuple_size_v<typename method_traits<M>::parameters> <= 1 &&
    is_hook_result<typename method_traits<M>::result>;

template <class A, class M>
inline constexpr bool is_plain_hook = false;
template <class A, known_method M>
inline constexpr bool is_plain_hook<A, M> =
    is_create_hook<A, M> && std::tuple_size_v<typename method_traits<M>::parameters> == 0;

template <class A, class M>
inline constexpr bool is_watching_hook = false;
template <class A, known_method M>
inline constexpr bool is_watching_hook<A, M> =
    is_plain_hook<A, M> && method_traits<M>::is_const && !method_traits<M>::is_coroutine;

template <class A, class M>
inline constexpr bool is_run_hook = false;
template <class A, known_method M>
inline constexpr bool is_run_hook<A, M> = is_plain_hook<A, M> && method_traits<M>::is_coroutine;

// on_before_connect: what a connection brings, or nothing of it.
template <class A, class M>
inline constexpr bool is_preflight_hook = is_create_hook<A, M>;

template <class A, class M>
inline constexpr bool is_connection_state_hook = false;
template <class A, known_method M>
inline constexpr bool is_connection_state_hook<A, M> =
    takes_context_of<A, M> && std::tuple_size_v<typename method_traits<M>::parameters> <= 1 &&
    !std::is_void_v<typename method_traits<M>::value> &&
    (method_traits<M>::is_coroutine || !std::is_reference_v<typename method_traits<M>::result>);

template <class A, class M>
inline constexpr bool is_peer_hook = false;
template <class A, known_method M>
inline constexpr bool is_peer_hook<A, M> = [] {
  using traits = method_traits<M>;
  if constexpr (takes_context_of<A, M> && is_hook_result<typename traits::result> &&
                std::tuple_size_v<typename traits::parameters> == 1) {
    using parameter = std::tuple_element_t<0, typename traits::parameters>;
    return std::is_same_v<parameter, peer<A>> ||
           (std::is_same_v<parameter, const peer<A>&> && !traits::is_coroutine);
  }
  return false;
}();

template <class A, class M>
inline constexpr bool is_permission_hook = false;
template <class A, known_method M>
inline constexpr bool is_permission_hook<A, M> =
    takes_context_of<A, M> && std::is_same_v<typename method_traits<M>::value, bool> &&
    std::is_same_v<typename method_traits<M>::parameters, std::tuple<std::string_view>>;

// The input type of on_create, found from the method's own type.
template <class A>
struct input_of {
  using type = void;
};
template <class A>
  requires(has_on_create<A> && requires { requires known_method<decltype(&A::on_create)>; })
struct input_of<A> {
  using traits = method_traits<decltype(&A::on_create)>;
  template <class T>
  struct only {
    using type = void;
  };
  template <class P>
  struct only<std::tuple<P>> {
    using type = std::remove_cvref_t<P>;
  };
  using type = typename only<typename traits::parameters>::type;
};

template <class A>
using input_type = typename input_of<A>::type;

// What a connection brings: the parameter of on_before_connect and create_connection_state, or void.
template <class M>
struct brought {
  using type = void;
};
template <known_method M>
  requires(std::tuple_size_v<typename method_traits<M>::parameters> == 1)
struct brought<M> {
  using type = std::remove_cvref_t<std::tuple_element_t<0, typename method_traits<M>::parameters>>;
};
template <class A>
struct connection_types {
  static constexpr auto before = [] {
    if constexpr (requires { &A::on_before_connect; }) {
      return std::type_identity<typename brought<decltype(&A::on_before_connect)>::type>{};
    } else {
      return std::type_identity<void>{};
    }
  }();
  static constexpr auto creating = [] {
    if constexpr (requires { &A::create_connection_state; }) {
      return std::type_identity<typename brought<decltype(&A::create_connection_state)>::type>{};
    } else {
      return std::type_identity<void>{};
    }
  }();
  using first = typename decltype(before)::type;
  using second = typename decltype(creating)::type;
  using params = std::conditional_t<std::is_void_v<first>, second, first>;
  static constexpr bool agree = std::is_void_v<first> || std::is_void_v<second> || std::is_same_v<first, second>;
  static constexpr auto made = [] {
    if constexpr (requires { typename method_traits<decltype(&A::create_connection_state)>::value; }) {
      return std::type_identity<typename method_traits<decltype(&A::create_connection_state)>::value>{};
    } else {
      return std::type_identity<void>{};
    }
  }();
  using state = typename decltype(made)::type;
};

/// The type of what `connect` takes, and of `peer::params()`; void if the actor asks for nothing.
template <class A>
using connection_params = typename connection_types<A>::params;
/// The type of `peer::state()`, or void.
template <class A>
using connection_state = typename connection_types<A>::state;

// The arguments of a hook beside the context.
struct any_argument {
  template <class T>
  operator T() const;
};

// `&A::hook` is well-formed for one public method, and not for several. One of several can mostly be called.
#define TROUPE_DETAIL_CHECK_HOOK(name, shape, sentence)                                  \
  if constexpr (has_##name<A>) {                                                         \
    if constexpr (!requires { &A::name; }) {                                             \
      using given = troupe::context<A>&;                                                 \
      constexpr bool is_seen =                                                           \
          requires(A& a, given c) { a.name(c); } || requires(A& a) { a.name(); } ||      \
          requires(A& a, given c, any_argument any) { a.name(c, any); } ||               \
          requires(A& a, given c, const peer<A>& p) { a.name(c, p); } ||                 \
          requires(A& a, given c, std::string_view text) { a.name(c, text); };           \
      static_assert(!is_seen, "troupe: " #name " may not be overloaded");                \
      static_assert(is_seen, "troupe: " #name                                            \
                             " is private, or overloaded; it must be one public method");\
      all_fit = false;                                                                   \
    } else {                                                                             \
      static_assert(shape<A, decltype(&A::name)>, "troupe: " #name " is " sentence);     \
      all_fit = all_fit && shape<A, decltype(&A::name)>;                                 \
    }                                                                                    \
  }

template <class A>
consteval bool check_connection_hooks() {
  bool all_fit = true;
  static_assert(!has_onBeforeConnect<A>, "troupe: the hook is named on_before_connect");
  static_assert(!has_createConnState<A> && !has_create_conn_state<A>,
                "troupe: the hook is named create_connection_state");
  static_assert(!has_onConnect<A> && !has_on_connected<A>, "troupe: the hook is named on_connect");
  static_assert(!has_onDisconnect<A> && !has_on_disconnected<A>, "troupe: the hook is named on_disconnect");
  static_assert(!has_canPublish<A>, "troupe: the hook is named can_publish");
  static_assert(!has_canSubscribe<A>, "troupe: the hook is named can_subscribe");
  TROUPE_DETAIL_CHECK_HOOK(on_before_connect, is_preflight_hook,
                           "`void on_before_connect(troupe::context<Self>&)` or `(troupe::context<Self>&, const "
                           "params&)`, or the same with troupe::task<>")
  TROUPE_DETAIL_CHECK_HOOK(create_connection_state, is_connection_state_hook,
                           "`state create_connection_state(troupe::context<Self>&)` or `(troupe::context<Self>&, const "
                           "params&)`, or the same with troupe::task<state>")
  TROUPE_DETAIL_CHECK_HOOK(on_connect, is_peer_hook,
                           "`void on_connect(troupe::context<Self>&, troupe::peer<Self>)`, or the same with "
                           "troupe::task<>")
  TROUPE_DETAIL_CHECK_HOOK(on_disconnect, is_peer_hook,
                           "`void on_disconnect(troupe::context<Self>&, troupe::peer<Self>)`, or the same with "
                           "troupe::task<>")
  TROUPE_DETAIL_CHECK_HOOK(can_publish, is_permission_hook,
                           "`bool can_publish(troupe::context<Self>&, std::string_view queue)`, or the same with "
                           "troupe::task<bool>")
  TROUPE_DETAIL_CHECK_HOOK(can_subscribe, is_permission_hook,
                           "`bool can_subscribe(troupe::context<Self>&, std::string_view event)`, or the same with "
                           "troupe::task<bool>")
  if constexpr (requires { connection_types<A>::agree; }) {
    static_assert(connection_types<A>::agree,
                  "troupe: on_before_connect and create_connection_state take the same type: what a connection brings");
    all_fit = all_fit && connection_types<A>::agree;
  }
  return all_fit;
}

template <class A>
consteval bool check_hooks() {
  bool all_fit = check_connection_hooks<A>();
  static_assert(!has_onCreate<A> && !has_on_created<A>, "troupe: the hook is named on_create");
  static_assert(!has_onWake<A> && !has_on_awake<A> && !has_on_start<A>, "troupe: the hook is named on_wake");
  static_assert(!has_onSleep<A> && !has_on_stop<A>, "troupe: the hook is named on_sleep");
  static_assert(!has_onDestroy<A> && !has_on_destroyed<A>, "troupe: the hook is named on_destroy");
  static_assert(!has_onStateChange<A>, "troupe: the hook is named on_state_change");
  TROUPE_DETAIL_CHECK_HOOK(on_create, is_create_hook,
                           "`void on_create(troupe::context<Self>&)` or `(troupe::context<Self>&, input)`, "
                           "or the same with troupe::task<>")
  if constexpr (requires { requires is_create_hook<A, decltype(&A::on_create)>; }) {
    all_fit = check_action<&A::on_create>() && all_fit;
  }
  TROUPE_DETAIL_CHECK_HOOK(on_wake, is_plain_hook,
                           "`void on_wake(troupe::context<Self>&)`, or the same with troupe::task<>")
  TROUPE_DETAIL_CHECK_HOOK(on_sleep, is_plain_hook,
                           "`void on_sleep(troupe::context<Self>&)`, or the same with troupe::task<>")
  TROUPE_DETAIL_CHECK_HOOK(on_destroy, is_plain_hook,
                           "`void on_destroy(troupe::context<Self>&)`, or the same with troupe::task<>")
  TROUPE_DETAIL_CHECK_HOOK(on_state_change, is_watching_hook,
                           "`void on_state_change(troupe::context<Self>&) const`; it may look at the state but not "
                           "change it, nor await")
  TROUPE_DETAIL_CHECK_HOOK(run, is_run_hook,
                           "the actor's run loop, `troupe::task<> run(troupe::context<Self>&)`; another method needs "
                           "another name")
  return all_fit;
}

#undef TROUPE_DETAIL_CHECK_HOOK

}  // namespace detail
}  // namespace v0
}  // namespace troupe
