// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "asking.hpp"
#include "generator.hpp"

// Verbs that ask an actor for something, and those of queues. See verbs.hpp.

namespace random_programs {

/// A host's script, while it runs.
struct host {
  std::uint32_t number = 0;
  seeded_random* random = nullptr;

  [[nodiscard]] asker as_asker() const {
    asker by{here->client()};
    by.beside = [](troupe::task<> t) { here->spawn(std::move(t)); };
    return by;
  }
};

template <class A>
asker asker_in(scene<A>& on) {
  asker by{on.c.client()};
  by.parent = on.me;
  by.actor = on.actor;
  by.id = on.c.id().str();
  by.beside = [&c = on.c](troupe::task<> t) { c.wait_until(std::move(t)); };
  return by;
}

/// Runs an awaitable step of an actor's script. What it throws ends the script, if the actor shuts down.
template <class A>
troupe::task<> in_turns(scene<A>& on, troupe::task<> what) {
  bool ends = false;
  try {
    co_await std::move(what);
  } catch (const troupe::user_error&) {
    throw;
  } catch (const troupe::error& e) {
    ends = ends_script(e);
  }
  here->rules.goes_on(on.me);
  if (ends) cut();
}

// --- calls ----------------------------------------------------------------------------------------------------------

/// act, alone or play; by name; get or id; stop_before or stop_later; deep; race: beside a delay of `after`.
struct verb_call {
  static constexpr std::string_view name = "call";
  static constexpr unsigned places = in_host | in_action | in_hook | in_errand | in_task;

  static step make(drawing& d) {
    step s = d.asking(name);
    if (d.may("deep_arguments") && d.chance(8)) s.how += " deep";
    if (d.may("race") && d.chance(6)) s.how += " race";
    return s;
  }

  static troupe::task<> run(asker by, step s) {
    if (s.is("race")) {
      auto calling = one(by, s);
      auto either = troupe::when_any(std::move(calling), troupe::delay(std::chrono::microseconds{s.after}));
      co_await std::move(either);
    } else {
      auto calling = one(std::move(by), std::move(s));
      co_await std::move(calling);
    }
  }
  template <class A>
  static troupe::task<> perform(scene<A>& on, step s) { return run(asker_in(on), std::move(s)); }
  static troupe::task<> act(host& h, step s) { return run(h.as_asker(), std::move(s)); }

  static troupe::task<> one(asker by, step s) {
    return with_type(kind_of(s.to), [&](auto type) {
      return call_one<typename decltype(type)::type>(std::move(by), std::move(s));
    });
  }
};

/// Two calls at the same time.
struct verb_both {
  static constexpr std::string_view name = "both";
  static constexpr unsigned places = in_host | in_action;

  static step make(drawing& d) {
    step s;
    s.verb = name;
    s.body.push_back(verb_call::make(d));
    s.body.push_back(verb_call::make(d));
    return s;
  }
  static troupe::task<> run(asker by, step s) {
    if (s.body.size() < 2) co_return;
    auto one = verb_call::run(by, s.body[0]);
    auto two = verb_call::run(by, s.body[1]);
    auto both = troupe::when_all(std::move(one), std::move(two));
    co_await std::move(both);
  }
  template <class A>
  static troupe::task<> perform(scene<A>& on, step s) { return run(asker_in(on), std::move(s)); }
  static troupe::task<> act(host& h, step s) { return run(h.as_asker(), std::move(s)); }
};

struct verb_post {
  static constexpr std::string_view name = "post";
  static constexpr unsigned places = in_host | in_action | in_hook | in_job | in_errand | in_task;

  static step make(drawing& d) {
    step s = d.asking(name);
    s.us = -1;
    return s;
  }
  static void run(const asker& by, const step& s) {
    with_type(kind_of(s.to), [&](auto type) { post_one<typename decltype(type)::type>(by, s); });
  }
  template <class A>
  static void perform(scene<A>& on, const step& s) { run(asker_in(on), s); }
  static troupe::task<> act(host& h, step s) {
    run(h.as_asker(), s);
    co_return;
  }
};

/// A call with `get()` inside of an actor.
struct verb_get {
  static constexpr std::string_view name = "get";
  static constexpr unsigned places = in_action | in_hook | in_job | in_errand | in_task | in_plain;

  static step make(drawing& d) {
    step s = d.asking(name);
    s.us = -1;
    return s;
  }
  template <class A>
  static void perform(scene<A>& on, const step& s) {
    with_type(kind_of(s.to), [&](auto type) { call_where_refused<typename decltype(type)::type>(asker_in(on), s); });
  }
};

// --- queues ---------------------------------------------------------------------------------------------------------

/// wait: send_and_wait; errand: to the queue whose messages are handled in several turns; by name.
struct verb_send {
  static constexpr std::string_view name = "send";
  static constexpr unsigned places = in_host | in_action | in_hook | in_job | in_errand | in_task;

  static step make(drawing& d) {
    step s = d.asking(name);
    const bool is_errand = d.chance(3);
    if (is_errand) {
      s.how += " errand";
    } else if (d.chance(3)) {
      s.how += " wait";
    }
    s.body = d.body(is_errand ? in_errand : in_job);
    s.after = d.chance(3) ? d.us(100'000) : 0;
    return s;
  }
  static troupe::task<> run(asker by, step s, std::function<void(effect_id)> note) {
    return with_type(kind_of(s.to), [&](auto type) {
      return send_one<typename decltype(type)::type>(std::move(by), std::move(s), std::move(note));
    });
  }
  template <class A>
  static troupe::task<> perform(scene<A>& on, step s) {
    return run(asker_in(on), std::move(s), [&on](effect_id e) { on.note({e, part::sent}); });
  }
  static troupe::task<> act(host& h, step s) { return run(h.as_asker(), std::move(s), nullptr); }
};

/// To the actor itself, as a part of the turn.
struct verb_send_self {
  static constexpr std::string_view name = "send_self";
  static constexpr unsigned places = in_action | in_job | in_errand | in_plain;

  static step make(drawing& d) {
    step s;
    s.verb = name;
    s.body = d.body(in_job);
    s.after = d.chance(2) ? d.us(50'000) : 0;
    return s;
  }
  template <class A>
  static void perform(scene<A>& on, const step& s) {
    if constexpr (A::has_queues) {
      step own = s;
      own.to = on.actor;
      request r;
      r.body = s.body;
      r.effect = here->rules.ask(effect_of(asker_in(on), own, way::message));
      const auto id = r.effect;
      std::exception_ptr failure;
      try {
        on.c.queue().send(A::jobs, r, troupe::delayed{std::chrono::microseconds{s.after}});
        on.note({id, part::sent});
      } catch (...) {
        failure = std::current_exception();
      }
      here->rules.answered(id, failure);
    }
  }
};

/// Takes messages, or dead letters, in an action.
struct verb_take {
  static constexpr std::string_view name = "take";
  static constexpr unsigned places = in_action | in_plain;

  static step make(drawing& d) {
    step s;
    s.verb = name;
    if (d.chance(2)) s.how = "dead";
    return s;
  }
  template <class A>
  static void perform(scene<A>& on, const step& s) {
    if constexpr (A::has_queues) {
      const auto handle = [&](auto& found) {
        for (auto& m : found) {
          m.complete(m->effect);
          here->rules.taken(m->effect, on.c.id().str());
          on.note({m->effect, part::ended});
        }
      };
      if (s.is("dead")) {
        auto found = on.c.queue().try_next_batch(A::jobs.dead_letters(), 3);
        handle(found);
      } else {
        auto found = on.c.queue().try_next_batch(A::jobs, 2);
        handle(found);
      }
    }
  }
};

/// The message that is handled is given back.
struct verb_retry {
  static constexpr std::string_view name = "retry";
  static constexpr unsigned places = in_job | in_errand;
  static step make(drawing&) { return named(name); }
  template <class A>
  static void perform(scene<A>& on, const step&) { on.retries = on.in_message; }
};

struct verb_complete {
  static constexpr std::string_view name = "complete";
  static constexpr unsigned places = in_job | in_errand;
  static step make(drawing&) { return named(name); }
  template <class A>
  static void perform(scene<A>& on, const step&) { on.completes = on.in_message; }
};

/// The process dies of the message.
struct verb_kill {
  static constexpr std::string_view name = "kill";
  static constexpr unsigned places = in_job;
  static step make(drawing&) { return named(name); }
  template <class A>
  static void perform(scene<A>& on, const step&) {
    if (here->rules.may_kill(on.me)) here->kill();
  }
};

}  // namespace random_programs
