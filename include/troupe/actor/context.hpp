// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/actor/needs.hpp>
#include <troupe/actor/peer.hpp>
#include <troupe/actor/queues.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/delay.hpp>
#include <troupe/core/kept_task.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>
#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {

class client;

namespace detail {

class activation;
class durable_wait;

/// The part of a context that does not depend on the actor's type. Members documented as only for turns of the
/// actor throw `actor.invalid_operation` elsewhere.
class context_base {
 public:
  explicit context_base(activation& a) noexcept : activation_{a} {}
  context_base(const context_base&) = delete;
  context_base& operator=(const context_base&) = delete;

  [[nodiscard]] const actor_id& id() const;
  [[nodiscard]] const troupe::key& key() const noexcept;
  /// The definition's wire name.
  [[nodiscard]] std::string_view name() const noexcept;
  /// As given when the actor was created, or as `set_tags` has made them. Good until the next `set_tags`. Only in turns
  /// of the actor.
  [[nodiscard]] const troupe::tags& tags() const noexcept;
  /// Gives the actor other tags, in the place of all that it has. They are stored with the other changes of the turn,
  /// so that `client::find` sees them as soon as those are durable; of a `relaxed` actor that is its next save. Only in
  /// turns of the actor. Errors: `actor.invalid_request` for more than 32 tags, an empty name, or a name or value of
  /// more than 128 bytes; then the tags are as before.
  ///
  /// An `on_create` that was cut short by the end of its process runs again with the tags that it has made.
  ///
  ///     troupe::tags now = c.tags();
  ///     now["plan"] = "pro";
  ///     c.set_tags(std::move(now));
  void set_tags(troupe::tags now);

  /// Handles of other actors of this runtime.
  [[nodiscard]] const troupe::client& client() const noexcept;

  /// The runtime's clock and wall clock: use these, so that tests and simulations can set the time.
  [[nodiscard]] time_point now() const noexcept;
  [[nodiscard]] wall_time wall() const noexcept;

  /// Triggered when the actor begins to shut down and, inside a call, also when its caller has given up (time-out, stop
  /// token). The action is not interrupted: it looks at the token, or awaits things that end with `actor.aborted` once
  /// the grace period is over. Only in turns of the actor; the token may be used anywhere.
  [[nodiscard]] std::stop_token stop_token() const;

  /// Asks for the actor to be put to sleep after this turn; the next call wakes it. Only in turns of the actor.
  /// Errors: `actor.starting` in `on_create` and `on_wake`, `actor.stopping` once the actor shuts down. Calling it
  /// twice is calling it once.
  void sleep();

  /// Asks for the actor to be destroyed after this turn: `on_destroy` runs, then everything it has is deleted and its
  /// key is free. The reply of the calling action is still delivered. Only in turns of the actor.
  /// Errors: `actor.starting` in `on_create` and `on_wake`, `actor.destroying` if it is under way.
  void destroy();

  /// `co_await c.delay(2s)`: ends the turn, and continues after that long on the runtime's clock; `never` is allowed.
  /// Unlike `troupe::delay` it does not outlast the actor: it ends with `actor.aborted` as soon as the actor begins to
  /// shut down, so it is what a `run` loop waits with. In `on_sleep` and `on_destroy` it has the grace period.
  /// Errors: `actor.aborted`, also in a loser of `when_any`.
  [[nodiscard("co_await this")]] task<> delay(std::chrono::nanoseconds duration);

  /// Runs a task in the actor's background, from after this turn on. The actor does not sleep before it has ended. When
  /// the actor shuts down, it has until the end of the grace period. Its exceptions go to the error handler. Only in
  /// turns of the actor. An empty task is `actor.invalid_operation`.
  void keep_awake(task<> background);

  /// The same with a function object that returns the task, called at once and kept until the task has ended. So a
  /// lambda that is a coroutine may capture, which it may not if it is called first:
  ///
  ///     c.keep_awake([&c, order]() -> troupe::task<> { co_await ship(c, order); });
  ///
  /// Objects captured by reference have to live as long: the context and the actor do, a local variable does not.
  template <not_a_task F>
  void keep_awake(F&& function) {
    static_assert(returns_task<F>(),
                  "troupe: keep_awake takes a task<>, or a function object that returns one and takes no arguments");
    if constexpr (returns_task<F>()) {
      require_turn("keep_awake");
      keep_awake(keep_with_task(std::forward<F>(function), "keep_awake"));
    }
  }

  /// The same two, but the task does not keep an idle actor from sleeping.
  void wait_until(task<> background);
  template <not_a_task F>
  void wait_until(F&& function) {
    static_assert(returns_task<F>(),
                  "troupe: wait_until takes a task<>, or a function object that returns one and takes no arguments");
    if constexpr (returns_task<F>()) {
      require_turn("wait_until");
      wait_until(keep_with_task(std::forward<F>(function), "wait_until"));
    }
  }

  /// `co_await c.save()`: ends the turn, and continues when all that the actor has done up to here is durable, also in
  /// a `relaxed` actor. Errors: `store.unavailable`; `actor.aborted`.
  [[nodiscard("co_await this")]] task<> save();

  /// Writes to the runtime's log, with the actor's name and key in front.
  void log(std::string_view message) const;

 protected:
  [[nodiscard]] activation& own_activation() const noexcept { return activation_; }
  /// Throws `actor.invalid_operation` unless a turn of the actor runs on this thread.
  void require_turn(const char* operation) const;
  /// That of a service which the manifest lists.
  [[nodiscard]] void* service_of(const std::string_view& tag) const noexcept;
  [[nodiscard]] connection_core* caller() const;
  void for_each_connection(void (*f)(void* to, connection_core& c), void* to) const;
  [[nodiscard]] bool has_subscribers(std::uint32_t event) const noexcept;
  void send_to_all(event_record* e);

 private:
  activation& activation_;
};

}  // namespace detail

/// What an action or hook learns about its actor, and asks of the runtime. It is injected where the first parameter is
/// `troupe::context<Self>&`, and lives as long as the actor is awake.
///
/// Used only by the actor's own code, that is, within its turns. Elsewhere (on another thread, in another actor, after
/// an await that is not the actor's) its members throw `actor.invalid_operation`, except those that read constant data:
/// `id`, `key`, `name`, `client`, `service`, `now`, `wall`, `log`. The context is destroyed when the actor goes to
/// sleep.
template <class A>
class context final : public detail::context_base {
 public:
  using detail::context_base::context_base;

  /// Sends an event to every connection that has subscribed to it. It leaves when the turn has ended and is durable, in
  /// the order of sending; to other actors of this runtime it goes at once, and what they make of it is durable no
  /// sooner. With `relaxed` and `ephemeral` actors nothing waits.
  ///
  ///     c.broadcast(new_message, sent);
  ///
  /// The values convert implicitly, and are copied once however many listen. If nobody does, nothing is copied. In the
  /// place of one value that is an aggregate may stand its members.
  template <class Event, class... T>
  void broadcast(const Event&, T&&... values) {
    static_assert(detail::is_event<Event>, "troupe: broadcast takes an event of the actor, then its values");
    if constexpr (detail::is_event<Event>) {
      if constexpr (detail::check_event<A, Event, T...>()) {
        if (has_subscribers(static_cast<std::uint32_t>(A::actor::template place_of<Event>))) {
          send_to_all(detail::make_event<A, Event>(std::forward<T>(values)...));
        }
      }
    }
  }

  /// An object of the program, by the type under which `runtime_options::services` provides it. The manifest lists the
  /// type, with `troupe::needs<T>`. The object is the same for all actors, on all threads, and outlives them. It takes
  /// one comparison of pointers for each service that the runtime has.
  template <class T>
  [[nodiscard]] T& service() const noexcept {
    static_assert(detail::needs_service<A, T>(),
                  "troupe: the actor's manifest does not list this service; add troupe::needs<...> with its type to "
                  "`using actor = troupe::actor<...>`");
    return *static_cast<T*>(service_of(detail::service_tag<T>));
  }

  /// The actor's own queues.
  [[nodiscard]] troupe::queues<A> queue() noexcept { return troupe::queues<A>{own_activation()}; }

  /// The connection that this call came over; nothing for a call by a handle, and in the actor's own tasks and hooks,
  /// but for those about a connection.
  [[nodiscard]] std::optional<peer<A>> connection() const {
    if (auto* const c = caller(); c != nullptr) return peer<A>{*c};
    return std::nullopt;
  }

  /// All connections, in the order in which they were opened: from before on_connect until before on_disconnect.
  [[nodiscard]] std::vector<peer<A>> connections() const {
    std::vector<peer<A>> all;
    for_each_connection(
        [](void* to, detail::connection_core& c) { static_cast<std::vector<peer<A>>*>(to)->emplace_back(c); }, &all);
    return all;
  }
};

}  // namespace v0
}  // namespace troupe
