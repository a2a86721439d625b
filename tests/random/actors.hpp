// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/troupe.hpp>

#include "oracle.hpp"
#include "program.hpp"

// Actors that do what they are told: an action, a message and a hook bring a script, and perform it.

namespace random_programs {

using namespace std::chrono_literals;

inline constexpr nanoseconds action_timeout = 400ms;

/// What an action or a message brings.
struct request {
  effect_id effect = 0;
  script body;
  std::vector<nest> deep;
};

/// Where a program runs. One at a time; see `here`.
class place {
 public:
  explicit place(oracle& o) : rules{o} {}
  place(const place&) = delete;
  place& operator=(const place&) = delete;

  oracle& rules;
  [[nodiscard]] virtual troupe::client client() = 0;
  /// Runs a coroutine beside everything else.
  virtual void spawn(troupe::task<> t) = 0;
  /// Kills the process, where it can be killed.
  virtual void kill() = 0;
  [[nodiscard]] virtual nanoseconds now() const = 0;

 protected:
  ~place() = default;
};

/// The place of the program that runs.
extern place* here;

[[nodiscard]] inline std::string key_of(std::uint32_t actor) { return fmt::format("a{}", actor); }
[[nodiscard]] std::uint32_t actor_of(const troupe::key& k);

/// A script that is being performed, in turns of an actor.
template <class A>
struct scene {
  troupe::context<A>& c;
  A& self;
  std::uint32_t actor;
  effect_id me;
  bool in_message = false;
  bool retries = false;    ///< the message is to be given back
  bool completes = false;  ///< the message is to be completed before its handler ends

  void note(entry what) {
    self.content.id = c.id().str();
    self.content.entries.push_back(what);
  }
};

template <class A>
[[nodiscard]] troupe::task<> perform(scene<A>& on, script body);
template <class A>
void perform_plainly(scene<A>& on, const script& body);

[[noreturn]] inline void cut() { throw troupe::user_error{"cut", "The rest was not performed"}; }

/// The code of `what` is that of an actor which is being shut down.
[[nodiscard]] inline bool ends_script(const troupe::error& what) {
  return what.is(troupe::errc::aborted) || what.is(troupe::errc::runtime_stopped);
}

inline void take(book& content, std::uint32_t actor, const request& r) {
  if (r.deep.empty()) return;
  here->rules.store_failed_turn(actor);
  content.kept.deep.nests = r.deep;
}

// --- actions --------------------------------------------------------------------------------------------------------

template <class A>
std::uint64_t act_in(troupe::context<A>& c, A& self, const request& r) {
  scene<A> on{c, self, actor_of(c.key()), r.effect};
  here->rules.begins(r.effect, c.id().str(), self.is_awake());
  on.note({r.effect, part::begun});
  take(self.content, on.actor, r);
  try {
    perform_plainly(on, r.body);
  } catch (...) {
    on.note({r.effect, part::ended});
    here->rules.ends(r.effect);
    throw;
  }
  on.note({r.effect, part::ended});
  here->rules.ends(r.effect);
  return r.effect;
}

template <class A>
troupe::task<std::uint64_t> play_in(troupe::context<A>& c, A& self, request r) {
  scene<A> on{c, self, actor_of(c.key()), r.effect};
  here->rules.begins(r.effect, c.id().str(), self.is_awake());
  on.note({r.effect, part::begun});
  take(self.content, on.actor, r);
  try {
    auto performing = perform(on, std::move(r.body));
    co_await std::move(performing);
  } catch (const troupe::user_error& e) {
    if (e.code() == "thrown") {
      on.note({r.effect, part::ended});
      here->rules.ends(r.effect);
    } else {
      here->rules.stops(r.effect);
    }
    throw;
  } catch (...) {
    here->rules.stops(r.effect);
    throw;
  }
  on.note({r.effect, part::ended});
  here->rules.ends(r.effect);
  co_return r.effect;
}

/// Runs what the program says of a hook, or of a background task.
template <class A>
troupe::task<> perform_beside(troupe::context<A>& c, A& self, effect e, script body) {
  const auto id = here->rules.ask(std::move(e));
  scene<A> on{c, self, actor_of(c.key()), id};
  here->rules.begins(id, c.id().str(), true);
  on.note({id, part::begun});
  try {
    auto performing = perform(on, std::move(body));
    co_await std::move(performing);
  } catch (...) {
    here->rules.stops(id);
    throw;
  }
  here->rules.ends(id);
}

template <class A>
troupe::task<> run_hook(troupe::context<A>& c, A& self, std::string name) {
  const auto actor = actor_of(c.key());
  auto body = here->rules.next_hook(actor, name);
  if (body.empty()) co_return;
  effect e;
  e.how = way::hook;
  e.to = actor;
  here->rules.find_cause(e, name);
  try {
    auto performing = perform_beside(c, self, std::move(e), std::move(body));
    co_await std::move(performing);
  } catch (const troupe::user_error&) {
    throw troupe::user_error{"hook", name};
  }
}

[[nodiscard]] inline bool hook_throws(std::uint32_t actor, const char* name) {
  return !here->rules.next_hook(actor, name).empty();
}

// --- the actors -----------------------------------------------------------------------------------------------------

inline constexpr troupe::options actor_options{.sleep_after = 100ms,
                                               .sleep_grace_period = 200ms,
                                               .save_interval = 50ms,
                                               .action_timeout = action_timeout,
                                               .on_create_timeout = 1s,
                                               .on_wake_timeout = 1s,
                                               .on_connect_timeout = 200ms,
                                               .connection_events_max = 8,
                                               .run_restart_min = 1ms,
                                               .run_restart_max = 20ms,
                                               .mailbox_calls_max = 6};

[[nodiscard]] constexpr troupe::options with_durability(troupe::durability d) {
  troupe::options o = actor_options;
  o.durability = d;
  return o;
}

inline constexpr std::uint32_t attempts_max = 3;
inline constexpr std::uint32_t spins_max = 12;

// Written to disk before the handler runs, where queues can do that: so a message that kills the process is counted.
template <class Options>
[[nodiscard]] constexpr Options job_options() {
  Options o;
  o.messages_max = 4;
  o.attempts_max = attempts_max;
  o.retry_min = 2ms;
  o.retry_max = 20ms;
  if constexpr (requires { o.attempt_first; }) o.attempt_first = true;
  return o;
}

/// Connections of an actor to others, whatever their type.
using kept_lines = std::vector<std::shared_ptr<void>>;

struct bare_actor {
  using self = bare_actor;
  static constexpr bool has_queues = false;
  static constexpr troupe::event<"told", std::uint64_t, std::uint64_t, std::string> told{};

  book content;
  troupe::transient<kept_lines> lines;

  [[nodiscard]] bool is_awake() const noexcept { return true; }

  std::uint64_t act(troupe::context<self>& c, request r) { return act_in(c, *this, r); }
  troupe::task<std::uint64_t> play(troupe::context<self>& c, request r) { return play_in(c, *this, std::move(r)); }
  troupe::task<std::uint64_t> alone(troupe::context<self>& c, request r) { return play_in(c, *this, std::move(r)); }
  std::vector<entry> look() const { return content.entries; }
  book show() const { return content; }
  void tidy() { content.kept = {}; }

  static constexpr troupe::options options = with_durability(troupe::durability::committed);
  using actor = troupe::actor<self, &self::act, &self::play, troupe::exclusive<&self::alone>, &self::look, &self::show,
                              &self::tidy, told>;
};

template <troupe::durability D>
struct full_actor {
  using self = full_actor;
  static constexpr bool has_queues = true;
  static constexpr troupe::event<"told", std::uint64_t, std::uint64_t, std::string> told{};
  static constexpr troupe::queue<"jobs", request, std::uint64_t> jobs{job_options<troupe::queue_options>()};
  static constexpr troupe::queue<"errands", request, std::uint64_t> errands{
      {.messages_max = 8,
       .attempts_max = attempts_max,
       .retry_min = 1ms,
       .retry_max = 10ms,
       .visibility_timeout = 150ms}};

  book content;
  troupe::transient<bool> awake;
  troupe::transient<kept_lines> lines;

  [[nodiscard]] bool is_awake() const noexcept { return *awake; }

  troupe::task<> on_create(troupe::context<self>& c) { return run_hook(c, *this, "on_create"); }
  troupe::task<> on_wake(troupe::context<self>& c) {
    auto running = run_hook(c, *this, "on_wake");
    co_await std::move(running);
    *awake = true;
  }
  troupe::task<> on_sleep(troupe::context<self>& c) { return run_hook(c, *this, "on_sleep"); }
  troupe::task<> on_destroy(troupe::context<self>& c) { return run_hook(c, *this, "on_destroy"); }
  void on_state_change(troupe::context<self>& c) const {
    if (hook_throws(actor_of(c.key()), "on_state_change")) throw troupe::user_error{"state_change", "a hook threw"};
  }
  void on_before_reply(troupe::context<self>& c, std::string_view, std::uint64_t&) const {
    if (hook_throws(actor_of(c.key()), "on_before_reply")) throw troupe::user_error{"reply", "a hook threw"};
  }
  troupe::task<> on_before_connect(troupe::context<self>& c) { return run_hook(c, *this, "on_before_connect"); }
  troupe::task<> on_connect(troupe::context<self>& c, troupe::peer<self>) { return run_hook(c, *this, "on_connect"); }
  troupe::task<> on_disconnect(troupe::context<self>& c, troupe::peer<self>) {
    return run_hook(c, *this, "on_disconnect");
  }
  bool can_publish(troupe::context<self>& c, std::string_view) {
    const auto actor = actor_of(c.key());
    here->rules.lets_in(actor, c.id().str());
    return !hook_throws(actor, "can_publish");
  }
  troupe::task<bool> can_subscribe(troupe::context<self>& c, std::string_view) {
    auto running = run_hook(c, *this, "can_subscribe");
    co_await std::move(running);
    co_return true;
  }

  /// Takes messages one by one, in batches or from a stream, as the actor's place says.
  troupe::task<> run(troupe::context<self>& c) {
    const auto how = actor_of(c.key()) % 3;
    if (how == 0) return take_in_batches(c);
    return how == 1 ? take_from_stream(c) : take_one_by_one(c);
  }

  std::uint64_t act(troupe::context<self>& c, request r) { return act_in(c, *this, r); }
  troupe::task<std::uint64_t> play(troupe::context<self>& c, request r) { return play_in(c, *this, std::move(r)); }
  troupe::task<std::uint64_t> alone(troupe::context<self>& c, request r) { return play_in(c, *this, std::move(r)); }
  std::vector<entry> look() const { return content.entries; }
  book show() const { return content; }
  void tidy(troupe::context<self>& c) {
    content.kept = {};
    // Dead letters take the places of those that wait.
    for (auto& m : c.queue().try_next_batch(jobs.dead_letters(), errands.dead_letters(), 100)) {
      std::visit([this, &c](auto& each) { this->bury(c, each); }, m);
    }
  }

  static constexpr troupe::options options = with_durability(D);
  using actor = troupe::actor<self, &self::act, &self::play, troupe::exclusive<&self::alone>, &self::look, &self::show,
                              &self::tidy, told, jobs, errands>;

 private:
  troupe::task<> take_one_by_one(troupe::context<self>& c) {
    for (;;) {
      auto message = co_await c.queue().next(jobs, errands);
      if (auto* const job = std::get_if<0>(&message)) {
        auto handling = handle(c, *job, false, true);
        co_await std::move(handling);
      } else {
        auto handling = handle(c, std::get<1>(message), false, false);
        co_await std::move(handling);
      }
    }
  }
  troupe::task<> take_in_batches(troupe::context<self>& c) {
    for (;;) {
      auto batch = co_await c.queue().next_batch(jobs, errands, 3);
      for (auto& message : batch) {
        if (auto* const job = std::get_if<0>(&message)) {
          auto handling = handle(c, *job, true, true);
          co_await std::move(handling);
        } else {
          auto handling = handle(c, std::get<1>(message), true, false);
          co_await std::move(handling);
        }
      }
    }
  }
  troupe::task<> take_from_stream(troupe::context<self>& c) {
    auto stream = c.queue().messages(jobs, errands);
    for (;;) {
      auto message = co_await stream.next();
      if (!message) co_return;
      if (auto* const job = std::get_if<0>(&*message)) {
        auto handling = handle(c, *job, false, true);
        co_await std::move(handling);
      } else {
        auto handling = handle(c, std::get<1>(*message), false, false);
        co_await std::move(handling);
      }
    }
  }

  template <class Message>
  void bury(troupe::context<self>& c, Message& m) {
    m.complete();
    here->rules.taken(m->effect, c.id().str());
    content.id = c.id().str();
    content.entries.push_back({m->effect, part::ended});
  }

  template <class Message>
  troupe::task<> handle(troupe::context<self>& c, Message& m, bool completes, bool deaths_count) {
    const request r = *m;
    scene<self> on{c, *this, actor_of(c.key()), r.effect, true, false, completes};
    here->rules.begins(r.effect, c.id().str(), is_awake());
    here->rules.attempted(r.effect, m.attempts(), attempts_max, deaths_count);
    const bool spins = here->rules.times_begun(r.effect) > spins_max;
    if (spins) {
      here->rules.spins(r.effect);
      content.kept = {};  // whatever keeps the turn from being stored
    }
    on.note({r.effect, part::begun});
    take(content, on.actor, r);
    try {
      auto performing = perform(on, spins ? script{} : r.body);
      co_await std::move(performing);
      if (on.retries) {
        m.retry();
      } else if (on.completes) {
        m.complete(r.effect);
      }
    } catch (...) {
      here->rules.stops(r.effect);
      throw;
    }
    if (on.retries) {
      here->rules.stops(r.effect);
      co_return;
    }
    on.note({r.effect, part::ended});
    here->rules.ends(r.effect);
  }
};

using committed_actor = full_actor<troupe::durability::committed>;
using relaxed_actor = full_actor<troupe::durability::relaxed>;
using ephemeral_actor = full_actor<troupe::durability::ephemeral>;

/// Calls `f` with a pointer of the actor's type.
template <class F>
decltype(auto) with_type(kind k, F f) {
  switch (k) {
    case kind::bare: return f(std::type_identity<bare_actor>{});
    case kind::committed: return f(std::type_identity<committed_actor>{});
    case kind::relaxed: return f(std::type_identity<relaxed_actor>{});
    default: return f(std::type_identity<ephemeral_actor>{});
  }
}

[[nodiscard]] troupe::registry registry();

}  // namespace random_programs
