#pragma once

#include <type_traits>

#include <troupe/actor/signature.hpp>

/// \file
/// The lifecycle hooks: methods with fixed names, all optional, each plain or a coroutine. A hook whose signature does
/// not fit, or whose name is nearly right, does not compile.

namespace troupe::inline v0 {
namespace detail {

// A class that inherits a name twice makes it ambiguous: so a hook is found whatever its signature or overloads.
#define TROUPE_DETAIL_HOOK(name)                                                               \
  struct probe_##name {                                                                        \
    void name();                                                                               \
  };                                                                                           \
  template <class A>                                                                           \
  struct has_##name##_probe : A, probe_##name {};                                              \
  template <class A>                                                                           \
  inline constexpr bool has_##name = !requires { &has_##name##_probe<A>::name; };

TROUPE_DETAIL_HOOK(on_create)
TROUPE_DETAIL_HOOK(on_wake)
TROUPE_DETAIL_HOOK(on_sleep)
TROUPE_DETAIL_HOOK(on_destroy)
TROUPE_DETAIL_HOOK(on_state_change)
TROUPE_DETAIL_HOOK(on_before_reply)
TROUPE_DETAIL_HOOK(migrate)
TROUPE_DETAIL_HOOK(onCreate)
TROUPE_DETAIL_HOOK(onWake)
TROUPE_DETAIL_HOOK(onSleep)
TROUPE_DETAIL_HOOK(onDestroy)
TROUPE_DETAIL_HOOK(onStateChange)
TROUPE_DETAIL_HOOK(on_start)
TROUPE_DETAIL_HOOK(on_stop)
TROUPE_DETAIL_HOOK(on_awake)
TROUPE_DETAIL_HOOK(on_destroyed)
TROUPE_DETAIL_HOOK(on_created)

#undef TROUPE_DETAIL_HOOK

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

template <class A>
consteval bool check_hooks() {
  bool all_fit = true;
  static_assert(!has_onCreate<A> && !has_on_created<A>, "troupe: the hook is named on_create");
  static_assert(!has_onWake<A> && !has_on_awake<A> && !has_on_start<A>, "troupe: the hook is named on_wake");
  static_assert(!has_onSleep<A> && !has_on_stop<A>, "troupe: the hook is named on_sleep");
  static_assert(!has_onDestroy<A> && !has_on_destroyed<A>, "troupe: the hook is named on_destroy");
  static_assert(!has_onStateChange<A>, "troupe: the hook is named on_state_change");
  // `&A::hook` is well-formed for one method, and not for several.
  if constexpr (has_on_create<A>) {
    if constexpr (!requires { &A::on_create; }) {
      static_assert(!has_on_create<A>, "troupe: on_create may not be overloaded");
      all_fit = false;
    } else {
      static_assert(
          is_create_hook<A, decltype(&A::on_create)>,
          "troupe: on_create is `void on_create(troupe::context<Self>&)` or `(troupe::context<Self>&, input)`, "
          "or the same with troupe::task<>");
      if constexpr (is_create_hook<A, decltype(&A::on_create)>) {
        all_fit = check_action<&A::on_create>();
      } else {
        all_fit = false;
      }
    }
  }
  if constexpr (has_on_wake<A>) {
    if constexpr (!requires { &A::on_wake; }) {
      static_assert(!has_on_wake<A>, "troupe: on_wake may not be overloaded");
      all_fit = false;
    } else {
      static_assert(is_plain_hook<A, decltype(&A::on_wake)>,
                    "troupe: on_wake is `void on_wake(troupe::context<Self>&)`, or the same with troupe::task<>");
      all_fit = all_fit && is_plain_hook<A, decltype(&A::on_wake)>;
    }
  }
  if constexpr (has_on_sleep<A>) {
    if constexpr (!requires { &A::on_sleep; }) {
      static_assert(!has_on_sleep<A>, "troupe: on_sleep may not be overloaded");
      all_fit = false;
    } else {
      static_assert(is_plain_hook<A, decltype(&A::on_sleep)>,
                    "troupe: on_sleep is `void on_sleep(troupe::context<Self>&)`, or the same with troupe::task<>");
      all_fit = all_fit && is_plain_hook<A, decltype(&A::on_sleep)>;
    }
  }
  if constexpr (has_on_destroy<A>) {
    if constexpr (!requires { &A::on_destroy; }) {
      static_assert(!has_on_destroy<A>, "troupe: on_destroy may not be overloaded");
      all_fit = false;
    } else {
      static_assert(is_plain_hook<A, decltype(&A::on_destroy)>,
                    "troupe: on_destroy is `void on_destroy(troupe::context<Self>&)`, or the same with troupe::task<>");
      all_fit = all_fit && is_plain_hook<A, decltype(&A::on_destroy)>;
    }
  }
  if constexpr (has_on_state_change<A>) {
    if constexpr (!requires { &A::on_state_change; }) {
      static_assert(!has_on_state_change<A>, "troupe: on_state_change may not be overloaded");
      all_fit = false;
    } else {
      static_assert(
          is_watching_hook<A, decltype(&A::on_state_change)>,
          "troupe: on_state_change is `void on_state_change(troupe::context<Self>&) const`; it may look at the "
          "state but not change it, nor await");
      all_fit = all_fit && is_watching_hook<A, decltype(&A::on_state_change)>;
    }
  }
  return all_fit;
}

}  // namespace detail
}  // namespace troupe::inline v0
