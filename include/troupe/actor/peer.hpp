// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/arguments.hpp>
#include <troupe/actor/connection_core.hpp>
#include <troupe/actor/event.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Whether these are the values that an event carries, or the members of its one value.
template <class Values, class... T>
inline constexpr bool takes_values =
    std::tuple_size_v<Values> == sizeof...(T) && std::is_constructible_v<Values, unwrapped<T>...>;
template <class Values, class... T>
inline constexpr bool makes_value = false;
template <class Value, class... T>
inline constexpr bool makes_value<std::tuple<Value>, T...> = has_members<Value, T...>;

/// The place of an event in A's manifest; a sentence if it has none there, or the values do not fit.
template <class A, class Event, class... T>
consteval bool check_event() {
  constexpr bool listed = A::actor::template place_of<Event> < A::actor::size;
  static_assert(listed, "troupe: this event is not in the actor's manifest `using actor = troupe::actor<...>`; list it "
                        "there to send it");
  using values = typename Event::values;
  constexpr bool cut = cuts_any<values, T...>;
  static_assert(!cut, "troupe: a floating-point number does not become an integer by itself; round it and convert it");
  constexpr bool fits = !cut && (takes_values<values, T...> || makes_value<values, T...>);
  static_assert(fits || cut, "troupe: these are not the values that the event carries");
  return listed && fits;
}

template <class A, class Event, class... T>
event_record* make_event(T&&... given) {
  using values = typename Event::values;
  static constexpr destination_name where{"event", Event::name};
  constexpr auto place = static_cast<std::uint32_t>(A::actor::template place_of<Event>);
  if constexpr (takes_values<values, T...>) {
    return [&]<class... V, std::size_t... I>(std::type_identity<std::tuple<V...>>, std::index_sequence<I...>) {
      return new typed_event<values>(place, convert_argument<V>(where, I + 1, std::forward<T>(given))...);
    }(std::type_identity<values>{}, std::index_sequence_for<T...>{});
  } else {
    using value = std::tuple_element_t<0, values>;
    return new typed_event<values>(place, make_of_members<value>(where, std::forward<T>(given)...));
  }
}

}  // namespace detail

/// An actor's end of a connection: who is there. Cheap to copy. A move copies, so a peer that was moved from
/// stays usable. After the connection has ended it is still valid, and sends nothing.
///
/// Used only by the actor's own code, that is, within its turns. Elsewhere, and before `on_connect`, `send` and
/// `disconnect` throw `actor.invalid_operation`, and `state` fails an assertion.
template <class A>
class peer {
 public:
  peer(const peer&) noexcept = default;
  peer& operator=(const peer&) noexcept = default;
  ~peer() = default;

  /// Unique, never reused.
  [[nodiscard]] const actor_id& id() const noexcept { return core_->id; }

  /// What the other end brought: what `on_before_connect` and `create_connection_state` take.
  [[nodiscard]] const auto& params() const noexcept {
    static_assert(!std::is_void_v<detail::connection_params<A>>,
                  "troupe: connections of this actor bring nothing; give on_before_connect or create_connection_state "
                  "a parameter for it");
    return *typed().params;
  }

  /// What `create_connection_state` returned. It lives as long as the connection, also while the actor sleeps, and no
  /// longer than the process. Before that hook has returned it is `actor.invalid_operation`.
  [[nodiscard]] auto& state() const {
    static_assert(!std::is_void_v<detail::connection_state<A>>,
                  "troupe: connections of this actor have no state; give the actor a create_connection_state");
    TROUPE_ASSERT(core_->in_actors_turn(), "a connection's state belongs to the actor's own code, in its turns");
    if (!typed().state) {
      throw error(errc::invalid_operation,
                  "a connection has no state before the actor's create_connection_state has returned");
    }
    return *typed().state;
  }

  /// Sends an event to this connection alone, subscribed or not: who has no listener for it does not hear it. It leaves
  /// when the turn has ended and is durable.
  template <class Event, class... T>
  void send(const Event&, T&&... values) const {
    static_assert(detail::is_event<Event>, "troupe: send takes an event of the actor, then its values");
    if constexpr (detail::is_event<Event>) {
      if constexpr (detail::check_event<A, Event, T...>()) {
        core_->send(detail::make_event<A, Event>(std::forward<T>(values)...));
      }
    }
  }

  /// Ends the connection, after what was sent in this turn. `on_disconnect` runs next. The other end learns of it when
  /// the turn is durable, and sees the reason, if there is one, as the error of whatever it awaits. Twice is once.
  void disconnect() const { core_->disconnect(nullptr); }
  template <class Error>
    requires std::derived_from<Error, error>
  void disconnect(const Error& reason) const {
    core_->disconnect(std::make_exception_ptr(reason));
  }

  /// False once one of the ends has closed it.
  [[nodiscard]] bool connected() const noexcept { return !core_->disconnected(); }

  friend bool operator==(const peer& a, const peer& b) noexcept { return a.core_.get() == b.core_.get(); }

  explicit peer(detail::connection_core& core) noexcept : core_{core} {}

 private:
  [[nodiscard]] auto& typed() const noexcept { return static_cast<detail::typed_connection<A>&>(*core_); }
  detail::counted_ptr<detail::connection_core> core_;
};

}  // namespace v0
}  // namespace troupe
