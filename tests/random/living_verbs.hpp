// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "asking_verbs.hpp"

// Verbs of time, of an actor's life, and of events. See verbs.hpp.

namespace random_programs {

// --- time -----------------------------------------------------------------------------------------------------------

/// own: the actor's `c.delay`, which ends when the actor shuts down.
struct verb_wait {
  static constexpr std::string_view name = "wait";
  static constexpr unsigned places = in_host | in_action | in_hook | in_errand | in_task;

  static step make(drawing& d) {
    step s = named(name);
    s.us = d.us(d.chance(4) ? 300'000 : 30'000);
    if (d.chance(2)) s.how = "own";
    return s;
  }
  static troupe::task<> measured(troupe::task<> delay, nanoseconds least) {
    const auto begun = here->now();
    co_await std::move(delay);
    const auto took = here->now() - begun;
    here->rules.expect("early", took >= least, "a delay of {} us took {}", least / 1us, took / 1us);
  }
  template <class A>
  static troupe::task<> perform(scene<A>& on, step s) {
    const std::chrono::microseconds length{std::max<std::int64_t>(s.us, 0)};
    return measured(s.is("own") ? on.c.delay(length) : waiting(length), length);
  }
  static troupe::task<> act(host&, step s) {
    const std::chrono::microseconds length{std::max<std::int64_t>(s.us, 0)};
    return measured(waiting(length), length);
  }
  static troupe::task<> waiting(nanoseconds length) {
    co_await troupe::delay(length);
  }
};

/// Until the action's stop token is triggered, for at most `us`.
struct verb_until_stopped {
  static constexpr std::string_view name = "until_stopped";
  static constexpr unsigned places = in_action | in_errand | in_task;

  static step make(drawing& d) {
    step s = named(name);
    s.us = d.us(300'000);
    return s;
  }
  static troupe::task<> looking(std::stop_token stop, nanoseconds most) {
    const auto until = here->now() + most;
    while (!stop.stop_requested() && here->now() < until) {
      co_await troupe::delay(5ms);
    }
  }
  template <class A>
  static troupe::task<> perform(scene<A>& on, step s) {
    return looking(on.c.stop_token(), std::chrono::microseconds{std::max<std::int64_t>(s.us, 0)});
  }
};

struct verb_save {
  static constexpr std::string_view name = "save";
  static constexpr unsigned places = in_action | in_errand | in_task;
  static step make(drawing&) { return named(name); }
  template <class A>
  static troupe::task<> perform(scene<A>& on, step) {
    co_await on.c.save();
    here->rules.saved(on.me, on.c.id().str());
  }
};

// --- life -----------------------------------------------------------------------------------------------------------

struct verb_destroy {
  static constexpr std::string_view name = "destroy";
  static constexpr unsigned places = in_action | in_hook | in_job | in_errand | in_task | in_plain;
  static step make(drawing&) { return named(name); }
  template <class A>
  static void perform(scene<A>& on, const step&) {
    try {
      on.c.destroy();
    } catch (const troupe::error&) {
      return;
    }
    here->rules.destroy_asked(on.actor, on.c.id().str());
  }
};

struct verb_sleep {
  static constexpr std::string_view name = "sleep";
  static constexpr unsigned places = in_action | in_hook | in_job | in_errand | in_task | in_plain;
  static step make(drawing&) { return named(name); }
  template <class A>
  static void perform(scene<A>& on, const step&) {
    here->rules.sleep_asked(on.actor);
    try {
      on.c.sleep();
    } catch (const troupe::error&) {
    }
  }
};

/// In the background: keep_awake, or wait_until if `how` says idle.
struct verb_background {
  static constexpr std::string_view name = "background";
  static constexpr unsigned places = in_action | in_hook | in_plain;

  static step make(drawing& d) {
    step s = named(name);
    if (d.chance(2)) s.how = "idle";
    s.body = d.body(in_task);
    return s;
  }
  template <class A>
  static void perform(scene<A>& on, const step& s) {
    effect e;
    e.how = way::background;
    e.to = on.actor;
    e.parent = on.me;
    auto running = perform_beside(on.c, on.self, std::move(e), s.body);
    s.is("idle") ? on.c.wait_until(std::move(running)) : on.c.keep_awake(std::move(running));
  }
};

/// Makes the state small or large.
struct verb_grow {
  static constexpr std::string_view name = "grow";
  static constexpr unsigned places = in_action | in_job | in_plain;

  static step make(drawing& d) {
    step s = named(name);
    s.us = d.chance(3) ? 0 : 4096 + d.us(4000);
    return s;
  }
  template <class A>
  static void perform(scene<A>& on, const step& s) {
    on.self.content.padding.assign(static_cast<std::size_t>(std::max<std::int64_t>(s.us, 0)), 'x');
  }
};

struct verb_throw {
  static constexpr std::string_view name = "throw";
  static constexpr unsigned places = in_action | in_hook | in_job | in_errand | in_task | in_plain;
  static step make(drawing&) { return named(name); }
  template <class A>
  static void perform(scene<A>&, const step&) {
    throw troupe::user_error{"thrown", "as the program says"};
  }
};

/// create, with tags or without; resolve; status; list; find; entries.
struct verb_look {
  static constexpr std::string_view name = "look";
  static constexpr unsigned places = in_host;

  static step make(drawing& d) {
    step s = named(name);
    s.to = d.actor();
    constexpr const char* hows[] = {"create", "create tags", "resolve", "status", "list", "find", "entries"};
    s.how = hows[d.random.below(std::size(hows))];
    return s;
  }
  template <class A>
  static troupe::task<> one(step s) {
    const auto client = here->client();
    auto h = client.get_or_create<A>(key_of(s.to));
    const troupe::tags labels{{"key", key_of(s.to)}};
    if (s.is("tags")) {
      auto creating = client.create<A>(key_of(s.to), labels);
      co_await std::move(creating);
    } else if (s.is("find")) {
      auto finding = client.find<A>(labels);
      const auto found = co_await std::move(finding);
      here->rules.expect("find", found.size() <= 1, "{} actors have the tag of {}", found.size(), key_of(s.to));
    } else if (s.is("create")) {
      co_await client.create<A>(key_of(s.to));
    } else if (s.is("resolve")) {
      co_await h.resolve();
    } else if (s.is("status")) {
      co_await h.status();
    } else if (s.is("list")) {
      co_await client.list<A>();
    } else {
      co_await h.template call<&A::look>();
    }
  }
  static troupe::task<> act(host&, step s) {
    return with_type(kind_of(s.to), [&](auto type) { return one<typename decltype(type)::type>(std::move(s)); });
  }
};

// --- events ---------------------------------------------------------------------------------------------------------

struct verb_tell {
  static constexpr std::string_view name = "tell";
  static constexpr unsigned places = in_action | in_job | in_errand | in_task | in_plain;
  static step make(drawing&) { return named(name); }
  template <class A>
  static void perform(scene<A>& on, const step&) {
    effect e;
    e.how = way::event;
    e.to = on.actor;
    e.parent = on.me;
    const auto id = here->rules.ask(std::move(e));
    on.note({id, part::told});
    on.c.broadcast(A::told, ++on.self.content.told, id, on.c.id().str());
  }
};

/// Ends all connections of the actor.
struct verb_disconnect {
  static constexpr std::string_view name = "disconnect";
  static constexpr unsigned places = in_action | in_plain;
  static step make(drawing&) { return named(name); }
  template <class A>
  static void perform(scene<A>& on, const step&) {
    for (auto& p : on.c.connections()) p.disconnect();
  }
};

/// Follows another actor's events, until this one sleeps.
struct verb_follow {
  static constexpr std::string_view name = "follow";
  static constexpr unsigned places = in_action;

  static step make(drawing& d) {
    step s = named(name);
    s.to = d.actor();
    return s;
  }
  template <class Other>
  struct line {
    explicit line(troupe::connection<Other> c) : connection{std::move(c)} {}
    troupe::connection<Other> connection;
    troupe::subscription heard;
  };
  template <class Other, class A>
  static troupe::task<> one(scene<A>& on, step s) {
    const auto h = on.c.client().template get_or_create<Other>(key_of(s.to));
    auto connecting = h.connect();
    auto connected = co_await std::move(connecting);
    auto kept = std::make_shared<line<Other>>(std::move(connected));
    const auto listener = here->rules.new_listener();
    here->rules.listens(listener);
    auto& content = on.self.content;
    kept->heard = kept->connection.on(Other::told, [&content, listener, to = s.to](std::uint64_t number, effect_id e,
                                                                                     const std::string& in) {
      ++content.heard;
      here->rules.heard(listener, to, in, number, e, false);
    });
    on.self.lines->push_back(std::move(kept));
  }
  template <class A>
  static troupe::task<> perform(scene<A>& on, step s) {
    return with_type(kind_of(s.to), [&](auto type) { return one<typename decltype(type)::type>(on, std::move(s)); });
  }
};

/// Connects, listens for `us`, and closes. At the first event the handler calls what `body` says, by `get()`; behind it
/// stand calls that go over the connection. name: without the actor's type.
struct verb_listen {
  static constexpr std::string_view name = "listen";
  static constexpr unsigned places = in_host;

  static step make(drawing& d) {
    step s = named(name);
    s.to = d.actor();
    s.us = d.us(200'000);
    if (d.chance(2)) s.how = d.chance(3) ? "next" : "stream";
    const bool calls = d.may("get_in_handler") && d.chance(2);
    if (calls) s.body.push_back(verb_get::make(d));
    if (calls || d.chance(2)) {
      s.body.push_back(verb_call::make(d));
      auto& how = s.body.back().how;
      if (how.ends_with(" race")) how.resize(how.size() - 5);
      if (calls || d.chance(2)) s.body.back().body.push_back(named("tell"));
    }
    if (d.may("name") && s.body.empty() && s.us % 2 == 1) s.how += " name";
    return s;
  }

  template <class F>
  static troupe::task<> read_all(troupe::untyped_event_stream stream, F hear) {
    auto events = std::move(stream);
    for (;;) {
      const auto each = co_await events.next();
      if (!each) break;
      hear(*each);
    }
  }

  template <class A>
  static troupe::task<> by_name(asker by, step s, std::uint64_t listener) {
    using told = typename std::remove_cvref_t<decltype(A::told)>::values;
    const auto hear = [listener, to = s.to](troupe::bytes_view values) {
      const auto [number, id, in] = troupe::decode<told>(values);
      here->rules.heard(listener, to, in, number, id, true);
    };
    const auto h = named_handle_of(by.client, s);
    auto conn = co_await h.connect();
    here->rules.listens(listener);
    const std::chrono::microseconds length{s.us};
    if (s.is("stream")) {
      auto reading = read_all(conn.stream("told"), hear);
      auto either = troupe::when_any(std::move(reading), troupe::delay(length));
      co_await std::move(either);
    } else if (s.is("next")) {
      auto coming = conn.next("told");
      auto either = troupe::when_any(std::move(coming), troupe::delay(length));
      const auto first = co_await std::move(either);
      if (const auto* const found = std::get_if<0>(&first)) hear(*found);
    } else {
      const auto heard = conn.on("told", hear);
      co_await troupe::delay(length);
    }
  }

  template <class A>
  static troupe::task<> read(troupe::connection<A>& conn, std::uint64_t listener, std::uint32_t actor) {
    auto stream = conn.stream(A::told);
    for (;;) {
      const auto each = co_await stream.next();
      if (!each) break;
      const auto& [number, id, in] = *each;
      here->rules.heard(listener, actor, in, number, id, true);
    }
  }

  template <class A>
  static troupe::task<> one(asker by, step s, std::uint64_t listener) {
    const auto h = by.client.get_or_create<A>(key_of(s.to));
    auto conn = co_await h.connect();
    here->rules.listens(listener);
    const std::chrono::microseconds length{std::max<std::int64_t>(s.us, 0)};
    if (s.is("stream")) {
      auto reading = read<A>(conn, listener, s.to);
      auto either = troupe::when_any(std::move(reading), troupe::delay(length));
      co_await std::move(either);
      co_return;
    }
    if (s.is("next")) {
      auto coming = conn.next(A::told);
      auto either = troupe::when_any(std::move(coming), troupe::delay(length));
      const auto first = co_await std::move(either);
      if (const auto* const found = std::get_if<0>(&first)) {
        const auto& [number, id, in] = *found;
        here->rules.heard(listener, s.to, in, number, id, true);
      }
      co_return;
    }
    bool first = true;
    const auto heard = conn.on(A::told, [&](std::uint64_t number, effect_id e, const std::string& in) {
      here->rules.heard(listener, s.to, in, number, e, true);
      if (!std::exchange(first, false)) return;
      for (const step& each : s.body) {
        if (each.verb != verb_get::name) continue;
        with_type(kind_of(each.to), [&](auto type) { call_where_refused<typename decltype(type)::type>(by, each); });
      }
    });
    for (const step& each : s.body) {
      if (each.verb != verb_call::name) continue;
      step over = each;
      over.to = s.to;
      asker over_line = by;
      over_line.line = listener;
      auto calling = call_over(conn.actor(), std::move(over_line), over);
      co_await std::move(calling);
    }
    co_await troupe::delay(length);
  }
  static troupe::task<> act(host& h, step s) {
    const auto listener = here->rules.new_listener();
    return with_type(kind_of(s.to), [&](auto type) {
      using actor = typename decltype(type)::type;
      return s.is("name") ? by_name<actor>(h.as_asker(), std::move(s), listener)
                          : one<actor>(h.as_asker(), std::move(s), listener);
    });
  }
};

}  // namespace random_programs
