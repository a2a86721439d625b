// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors.hpp"

// How calls, posts and messages are asked for, by hosts and by actors alike, and how the oracle hears of it.

namespace random_programs {

/// Who asks.
struct asker {
  explicit asker(troupe::client c) : client{std::move(c)} {}

  troupe::client client;
  effect_id parent = 0;           ///< what the asking actor performs; 0: a host
  std::uint32_t actor = 0;        ///< the asking actor
  std::string id;                 ///< its id
  std::function<void(troupe::task<>)> beside;  ///< runs a task beside the asker

  std::uint64_t line = 0;         ///< the connection that it uses

  [[nodiscard]] bool is_host() const noexcept { return parent == 0; }
};

/// So deep that it may be an argument, and that a state which has it cannot be stored.
inline constexpr int deep_levels = 62;

/// Not a member of anything that is copied into a coroutine's frame by mistake: it is made where it is used.
struct asked {
  effect e;
  request r;
};

[[nodiscard]] kind kind_of(std::uint32_t actor);
[[nodiscard]] std::vector<nest> deep_nest();
[[nodiscard]] bool handled_in_one_turn(const script& body);

/// What the oracle is to know of a step that asks for something.
[[nodiscard]] effect effect_of(const asker& by, const step& s, way how);

template <class A>
troupe::handle<A> handle_of(const troupe::client& client, const step& s) {
  return s.is("get") ? client.get<A>(key_of(s.to)) : client.get_or_create<A>(key_of(s.to));
}

/// The same by the name of its definition.
[[nodiscard]] troupe::untyped_handle named_handle_of(const troupe::client& client, const step& s);

[[nodiscard]] troupe::task<> trigger_later(std::stop_source source, nanoseconds when);

/// A handle with the time-out and the stop token that the step says.
template <class Handle>
Handle limited(const asker& by, Handle h, const step& s) {
  if (s.us >= 0) h = h.with(troupe::timeout{std::chrono::microseconds{s.us}});
  if (s.is("stop_before") || s.is("stop_later")) {
    std::stop_source source;
    h = h.with(source.get_token());
    if (s.is("stop_before")) {
      source.request_stop();
    } else {
      by.beside(trigger_later(source, std::chrono::microseconds{s.after}));
    }
  }
  return h;
}

/// The action that the step means, by name.
[[nodiscard]] inline std::string_view action_of(const step& s) {
  return s.is("act") ? "act" : s.is("alone") ? "alone" : "play";
}
[[nodiscard]] inline troupe::bytes arguments_of(request r) {
  const std::vector<request> arguments(1, std::move(r));
  return troupe::encode(arguments);
}

/// Calls by the action's name, over a handle of either kind. Yields the answer.
template <class Handle>
troupe::task<std::uint64_t> call_by_name(Handle h, step s, request r) {
  const auto arguments = arguments_of(std::move(r));
  auto calling = h.call(action_of(s), arguments);
  const auto answer = co_await std::move(calling);
  co_return troupe::decode<std::uint64_t>(answer);
}

/// Calls in the way that the step says.
template <class A>
troupe::task<> call_in_its_way(troupe::handle<A> h, step s, request r) {
  const auto id = r.effect;
  std::uint64_t answer = id;
  if (s.is("name")) {
    auto calling = call_by_name(std::move(h), s, std::move(r));
    answer = co_await std::move(calling);
  } else if (s.is("act")) {
    answer = co_await h.template call<&A::act>(troupe::moved(r));
  } else if (s.is("alone")) {
    answer = co_await h.template call<&A::alone>(troupe::moved(r));
  } else {
    answer = co_await h.template call<&A::play>(troupe::moved(r));
  }
  here->rules.expect("wrong_answer", answer == id, "call {} was answered with {}", id, answer);
}

/// Calls with `get()`.
template <class A>
void call_by_get(const troupe::handle<A>& h, const step& s, request r) {
  if (s.is("act")) {
    static_cast<void>(h.template call<&A::act>(std::move(r)).get());
  } else if (s.is("alone")) {
    static_cast<void>(h.template call<&A::alone>(std::move(r)).get());
  } else {
    static_cast<void>(h.template call<&A::play>(std::move(r)).get());
  }
}

/// Calls over a handle, and tells the oracle how it ended; throws only what ends the asker's script.
template <class A>
troupe::task<> call_over(troupe::handle<A> h, asker by, step s) {
  auto e = effect_of(by, s, way::call);
  request r;
  r.body = s.body;
  if (s.is("deep")) r.deep = deep_nest();
  e.deep = s.is("deep");
  r.effect = here->rules.ask(std::move(e));
  const auto id = r.effect;
  std::exception_ptr failure;
  try {
    if (s.is("name") && !s.is("id") && by.line == 0) {  // without the actor's type
      auto calling = call_by_name(limited(by, named_handle_of(by.client, s), s), s, std::move(r));
      const auto answer = co_await std::move(calling);
      here->rules.expect("wrong_answer", answer == id, "call {} was answered with {}", id, answer);
    } else {
      auto calling = call_in_its_way(limited(by, std::move(h), s), s, std::move(r));
      co_await std::move(calling);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  here->rules.answered(id, failure);
}

/// One call, as the step says.
template <class A>
troupe::task<> call_one(asker by, step s) {
  auto h = handle_of<A>(by.client, s);
  if (s.is("id")) {
    const auto id = co_await h.resolve();
    h = by.client.get_for_id<A>(id);
  }
  auto calling = call_over(std::move(h), std::move(by), std::move(s));
  co_await std::move(calling);
}

/// A call with `get()` where that must be refused.
template <class A>
void call_where_refused(const asker& by, const step& s) {
  auto e = effect_of(by, s, way::call);
  e.must_be_refused = true;
  request r;
  r.body = s.body;
  r.effect = here->rules.ask(std::move(e));
  const auto id = r.effect;
  std::exception_ptr failure;
  try {
    const auto h = handle_of<A>(by.client, s);
    call_by_get(h, s, std::move(r));
  } catch (...) {
    failure = std::current_exception();
  }
  here->rules.answered(id, failure);
}

template <class A>
void post_one(const asker& by, const step& s) {
  auto e = effect_of(by, s, way::post);
  request r;
  r.body = s.body;
  r.effect = here->rules.ask(std::move(e));
  const auto id = r.effect;
  const auto h = limited(by, handle_of<A>(by.client, s), s);
  try {
    if (s.is("name")) {
      limited(by, named_handle_of(by.client, s), s).post(action_of(s), arguments_of(std::move(r)));
    } else if (s.is("act")) {
      h.template post<&A::act>(std::move(r));
    } else if (s.is("alone")) {
      h.template post<&A::alone>(std::move(r));
    } else {
      h.template post<&A::play>(std::move(r));
    }
  } catch (...) {
    here->rules.answered(id, std::current_exception());
  }
}

/// A message, as the step says; in an actor it is a part of the turn, which notes it.
template <class A>
troupe::task<> send_one(asker by, step s, std::function<void(effect_id)> note) {
  auto e = effect_of(by, s, way::message);
  request r;
  r.body = s.body;
  r.effect = here->rules.ask(std::move(e));
  const auto id = r.effect;
  const troupe::delayed later{std::chrono::microseconds{s.after}};
  std::exception_ptr failure;
  try {
    const auto h = limited(by, handle_of<A>(by.client, s), s);
    if constexpr (A::has_queues) {
      if (s.is("name")) {
        const auto encoded = troupe::encode(r);
        const auto named = limited(by, named_handle_of(by.client, s), s);
        auto sending = named.send("jobs", encoded);
        co_await std::move(sending);
        if (note) note(id);
      } else if (s.is("wait")) {
        auto sending = h.send_and_wait(A::jobs, r, later);
        if (note) note(id);
        const auto answer = co_await std::move(sending);
        here->rules.expect("wrong_answer", !answer || *answer == id, "message {} was answered with {}", id,
                           answer.value_or(0));
      } else if (s.is("errand")) {
        auto sending = h.send(A::errands, r, later);
        co_await std::move(sending);
        if (note) note(id);
      } else {
        auto sending = h.send(A::jobs, r, later);
        co_await std::move(sending);
        if (note) note(id);
      }
    } else {
      auto sending = h.send("jobs", R"({"effect": 0})");
      co_await std::move(sending);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  here->rules.answered(id, failure);
}

}  // namespace random_programs
