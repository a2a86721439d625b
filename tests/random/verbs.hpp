// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

#include "living_verbs.hpp"

// The verbs. One is a struct with a name, the places where it may stand, and up to three functions:
//
//   make        how it is generated;
//   perform     what an actor does: a plain function, or a coroutine if it waits for something;
//   act         what a host does.
//
// What the oracle learns of it stands in these as well. A verb is listed in `all_verbs`, at the end, and nowhere else.

namespace random_programs {

template <class... Verb>
struct verb_list {
  /// Calls `f` with the verb of this name.
  template <class F>
  static void find(std::string_view name, F f) {
    static_cast<void>(((Verb::name == name && (f(std::type_identity<Verb>{}), true)) || ...));
  }
  static std::vector<verb_entry> entries() { return {verb_entry{Verb::name, Verb::places, &Verb::make}...}; }
};

using all_verbs =
    verb_list<verb_call, verb_both, verb_post, verb_get, verb_send, verb_send_self, verb_take, verb_retry,
              verb_complete, verb_kill, verb_wait, verb_until_stopped, verb_save, verb_destroy, verb_sleep,
              verb_background, verb_grow, verb_throw, verb_look, verb_tell, verb_disconnect, verb_follow,
              verb_listen>;

template <class Verb, class A>
concept plain_verb = requires(scene<A>& on, const step& s) {
  { Verb::perform(on, s) } -> std::same_as<void>;
};
template <class Verb, class A>
concept waiting_verb = requires(scene<A>& on, step s) {
  { Verb::perform(on, s) } -> std::same_as<troupe::task<>>;
};
template <class Verb>
concept host_verb = requires(host& h, step s) {
  { Verb::act(h, s) } -> std::same_as<troupe::task<>>;
};

template <class A>
void perform_plainly(scene<A>& on, const script& body) {
  for (const step& s : body) {
    all_verbs::find(s.verb, [&](auto verb) {
      using type = typename decltype(verb)::type;
      if constexpr (plain_verb<type, A>) type::perform(on, s);
    });
  }
}

template <class A>
troupe::task<> perform(scene<A>& on, script body) {
  for (const step& s : body) {
    troupe::task<> waiting;
    all_verbs::find(s.verb, [&](auto verb) {
      using type = typename decltype(verb)::type;
      if constexpr (plain_verb<type, A>) {
        type::perform(on, s);
      } else if constexpr (waiting_verb<type, A>) {
        waiting = in_turns(on, type::perform(on, s));
      }
    });
    if (waiting) {
      co_await std::move(waiting);
    }
  }
}

/// One step of a host.
[[nodiscard]] inline troupe::task<> act(host& h, const step& s) {
  troupe::task<> acting;
  all_verbs::find(s.verb, [&](auto verb) {
    using type = typename decltype(verb)::type;
    if constexpr (host_verb<type>) acting = type::act(h, s);
  });
  return acting;
}

}  // namespace random_programs
