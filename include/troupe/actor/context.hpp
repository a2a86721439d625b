#pragma once

#include <chrono>
#include <stop_token>
#include <string_view>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/delay.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>
#include <troupe/core/task.hpp>

namespace troupe::inline v0 {

class client;

namespace detail {

class activation;
class durable_wait;

/// The part of a context that does not depend on the actor's type.
class context_base {
 public:
  explicit context_base(activation& a) noexcept : activation_{a} {}
  context_base(const context_base&) = delete;
  context_base& operator=(const context_base&) = delete;

  [[nodiscard]] const actor_id& id() const noexcept;
  [[nodiscard]] const troupe::key& key() const noexcept;
  /// The definition's wire name.
  [[nodiscard]] std::string_view name() const noexcept;
  /// As given when the actor was created.
  [[nodiscard]] const troupe::tags& tags() const noexcept;

  /// Handles of other actors of this runtime.
  [[nodiscard]] const troupe::client& client() const noexcept;

  /// The runtime's clock and wall clock: use these, so that tests and simulations can set the time.
  [[nodiscard]] time_point now() const noexcept;
  [[nodiscard]] wall_time wall() const noexcept;

  /// Triggered when the actor begins to shut down and, inside a call, also when its caller has given up (time-out, stop
  /// token). The action is not interrupted: it looks at the token, or awaits things that end with `actor.aborted` once
  /// the grace period is over.
  [[nodiscard]] std::stop_token stop_token() const;

  /// Asks for the actor to be put to sleep after this turn; the next call wakes it.
  /// Errors: `actor.starting` in `on_create` and `on_wake`, `actor.stopping` once the actor shuts down. Calling it
  /// twice is calling it once.
  void sleep();

  /// Asks for the actor to be destroyed after this turn: `on_destroy` runs, then everything it has is deleted and its
  /// key is free. The reply of the calling action is still delivered.
  /// Errors: `actor.starting` in `on_create` and `on_wake`, `actor.destroying` if it is under way.
  void destroy();

  /// Runs a task in the actor's background, from after this turn on. The actor does not sleep before it has ended. When
  /// the actor shuts down, it has until the end of the grace period. What it throws goes to the error handler.
  void keep_awake(task<> background);

  /// The same, but it does not keep an idle actor from sleeping.
  void wait_until(task<> background);

  /// `co_await c.save()`: ends the turn, and continues when all that the actor has done up to here is durable, also in
  /// a `relaxed` actor. Errors: `store.unavailable`; `actor.aborted`.
  [[nodiscard("co_await this")]] task<> save();

  /// Writes to the runtime's log, with the actor's name and key in front.
  void log(std::string_view message) const;

 private:
  activation& activation_;
};

}  // namespace detail

/// What an action or hook learns about its actor, and asks of the runtime. It is injected where the first parameter is
/// `troupe::context<Self>&`, and lives as long as the actor is awake.
///
/// May be used only by the actor's own code, that is, within its turns.
template <class A>
class context final : public detail::context_base {
 public:
  using detail::context_base::context_base;
};

}  // namespace troupe::inline v0
