// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/listener_wait.hpp>
#include <troupe/client/call.hpp>

namespace troupe {
inline namespace v0 {

template <class A>
class handle;

namespace detail {

template <class F>
class typed_callback final : public event_callback {
 public:
  explicit typed_callback(F f) : f_{std::move(f)} {}
  void operator()(const event_record* e) override { f_(e); }

 private:
  F f_;
};

template <class F>
std::unique_ptr<event_callback> make_callback(F f) {
  return std::make_unique<typed_callback<F>>(std::move(f));
}

/// Listens; asks can_subscribe if the actor has one. Throws why the connection is closed.
[[nodiscard]] counted_ptr<listener> listen(connection_core& to, std::uint32_t event, listener::kind kind,
                                           std::unique_ptr<event_callback> call);

[[noreturn]] void refuse_moved_connection();

/// The invocation that opens a connection. If nobody takes the connection from it, it closes it again.
class opening : public invocation {
 public:
  using invocation::invocation;
  bool taken = false;
};
/// The actor that connects, if one does, is the owner of `c`. In its turn: when the call leaves, that is paused.
void note_owner(connection_core& c);
[[nodiscard]] opening* make_opening(executor& home, const handle_core& to, connection_core& c);
/// Notes that the connection has been taken from an `opening` that has succeeded.
void take_connection(invocation* opened) noexcept;

template <class F, class Values>
inline constexpr bool hears_values = false;
template <class F, class... T>
inline constexpr bool hears_values<F, std::tuple<T...>> = std::is_invocable_v<F&, const T&...>;

}  // namespace detail

/// Listens as long as it lives. When it has gone, its handler is not called any more: if that is running on another
/// thread just then, the destructor waits for it to return, as that of std::stop_callback does. Movable. It may outlive
/// its connection.
class [[nodiscard("a subscription ends when this object goes")]] subscription {
 public:
  subscription() noexcept = default;
  subscription(subscription&& other) noexcept = default;
  subscription& operator=(subscription&& other) noexcept {
    if (this != &other) {
      reset();
      listener_ = std::move(other.listener_);
    }
    return *this;
  }
  ~subscription() { reset(); }

  /// Ends it now.
  void reset() noexcept {
    if (!listener_) return;
    listener_->of->unlisten(*listener_);
    listener_ = {};
  }

  /// Whether it is one, not moved from and not reset.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(listener_); }

  /// `co_await heard.ready()`: continues once every further event will be heard. That is so from the start, unless the
  /// actor has a `can_subscribe`; then this throws `auth.forbidden` if that says no, or what it throws.
  [[nodiscard("co_await this")]] task<> ready() const { return settle(listener_); }

  explicit subscription(detail::counted_ptr<detail::listener> l) noexcept : listener_{std::move(l)} {}

 private:
  template <class Event>
  friend class event_stream;
  friend class untyped_event_stream;

  static task<> settle(detail::counted_ptr<detail::listener> l);
  [[noreturn]] static void refuse_empty();

  detail::counted_ptr<detail::listener> listener_;
};

/// The events of one kind on one connection, one after another, from the moment that this was made.
///
///     auto messages = room.stream(chat_room::new_message);
///     for (;;) {
///       const auto m = co_await messages.next();
///       if (!m) break;
///       ...
///     }
///
/// Movable. Read by one coroutine at a time. Events that nobody reads count against `options::connection_events_max`.
template <class Event>
class [[nodiscard("a stream ends when this object goes")]] event_stream {
 public:
  /// The value of the event; a tuple if that is not one value.
  using value_type = typename detail::event_value<typename Event::values>::type;

  /// The next event; nothing once the connection was closed and all of its events are read.
  /// Errors: `connection.lagging` and any other reason for which the actor's side closed the connection;
  /// `auth.forbidden`; `actor.aborted`; `actor.invalid_operation` if another coroutine waits on this stream, or it was
  /// moved from.
  [[nodiscard("co_await this")]] task<std::optional<value_type>> next() { return take(subscription_.listener_); }

  /// As `subscription::ready`.
  [[nodiscard("co_await this")]] task<> ready() const { return subscription_.ready(); }

  explicit event_stream(detail::counted_ptr<detail::listener> l) noexcept : subscription_{std::move(l)} {}

 private:
  template <class A>
  friend class connection;

  /// Throws `connection.closed`, naming the actor.
  [[noreturn]] void throw_ended() const { subscription_.listener_->of->throw_closed(); }

  static task<std::optional<value_type>> take(detail::counted_ptr<detail::listener> from) {
    if (!from) subscription::refuse_empty();
    detail::listener_wait wait{*from, detail::listener_wait::until::heard};
    detail::event_record* const heard = co_await wait;
    const auto record = detail::counted_ptr<detail::event_record>::adopt(heard);
    std::optional<value_type> value;
    if (heard != nullptr) {
      const auto& values = static_cast<const detail::typed_event<typename Event::values>*>(heard)->values;
      if constexpr (std::is_same_v<value_type, typename Event::values>) {
        value.emplace(values);
      } else {
        value.emplace(std::get<0>(values));
      }
    }
    co_return value;
  }

  subscription subscription_;
};

namespace detail {

/// The common base of typed and untyped connections: the core, which is closed when this goes.
class connection_end {
 public:
  connection_end(connection_end&&) noexcept = default;
  connection_end& operator=(connection_end&& other) noexcept {
    if (this != &other) {
      close();
      core_ = std::move(other.core_);
    }
    return *this;
  }

  /// Unique, never reused; the actor sees the same one.
  [[nodiscard]] const actor_id& id() const { return core().id; }

  /// Calls `f` when the connection has ended, after all of its events: with null if both sides parted in good order,
  /// else with the reason. `f` is `void(const std::exception_ptr&)`.
  template <class F>
  subscription on_close(F f) const {
    static_assert(std::is_invocable_v<F&, const std::exception_ptr&>,
                  "troupe: on_close takes a function of const std::exception_ptr&");
    auto tell = [f = std::move(f), c = &core()](const event_record*) mutable { f(c->listeners.reason()); };
    return subscription{core().listen(0, listener::kind::end, make_callback(std::move(tell)))};
  }

  /// False once one of the two sides has closed it.
  [[nodiscard]] bool connected() const noexcept { return core_ && !core_->closed(); }

  /// Closes it now: nothing more is heard, and the actor's `on_disconnect` runs soon. Twice is once.
  void close() noexcept {
    if (core_) core_->close(nullptr, true);
  }

 protected:
  explicit connection_end(counted_ptr<connection_core> c) noexcept : core_{std::move(c)} {}
  ~connection_end() { close(); }

  [[nodiscard]] connection_core& core() const {
    if (!core_) [[unlikely]]
      refuse_moved_connection();
    return *core_;
  }

 private:
  counted_ptr<connection_core> core_;
};

/// A call that opens a connection: the common base of the typed and the untyped one.
class connect_core : public call_core {
 protected:
  connect_core(const handle_core& h, counted_ptr<connection_core> c)
      : call_core{handle_core{h}}, opened_{std::move(c)} {}
  connect_core(connect_core&&) noexcept = default;
  ~connect_core() = default;

  [[nodiscard]] bool suspend(std::coroutine_handle<> h) {
    if (opened_) note_owner(*opened_);
    return call_core::suspend(h);
  }

  /// Ends the call: the connection is open and the caller's, or the failure is thrown.
  [[nodiscard]] const counted_ptr<connection_core>& take() {
    conclude();
    take_connection(record());
    return opened_;
  }
  /// The actor over this connection.
  [[nodiscard]] handle_core over() const {
    handle_core bound{target()};
    bound.set_via(opened_);
    return bound;
  }

 private:
  invocation* make(executor& home) override { return make_opening(home, target(), *opened_); }

  counted_ptr<connection_core> opened_;
};

}  // namespace detail

/// A reference to an actor that stays: it hears the actor's events, and the actor knows it (`peer`). It outlives the
/// actor's sleep, but not the actor, nor the runtime. It is closed when this object goes.
///
///     auto room = co_await client.get_for_id<chat_room>(id).connect();
///     auto heard = room.on(chat_room::new_message, [](const message& m) { fmt::print("{}\n", m.text); });
///
/// A live connection hears every event of its subscriptions once, in the order in which the actor sent them, and none
/// before the change that caused it is durable. One that does not take its events is closed with `connection.lagging`:
/// connect again, and read what has changed.
///
/// Handlers run on the runtime's executor, those of one connection one after another; they may not block. Those of a
/// connection that an actor made run in turns of that actor, and so may use its state. What they throw goes to
/// `runtime_options::on_error`.
///
/// Movable; all const members may be called from any thread. A connection that was moved from throws
/// `actor.invalid_operation` from all members except `connected` and `close`.
template <class A>
class [[nodiscard("a connection is closed when this object goes")]] connection : public detail::connection_end {
 public:
  /// The actor over this connection, with all that handles can do: inside the calls made with it, `c.connection()` is
  /// this one. Once the connection is closed they fail with `connection.closed`, or the reason.
  [[nodiscard]] const handle<A>& actor() const noexcept { return handle_; }

  /// As `handle::call`, over this connection.
  template <auto M, class... T>
  [[nodiscard]] auto call(T&&... arguments) const {
    return handle_.template call<M>(std::forward<T>(arguments)...);
  }

  /// Calls `f` with the values of each event from now on, until the subscription goes. Does not wait; see
  /// `subscription::ready`. Throws why the connection is closed, if it is.
  template <class Event, class F>
  subscription on(const Event& e, F&& f) const {
    return listen(e, detail::listener::kind::handler, std::forward<F>(f));
  }

  /// The same for the next event only.
  template <class Event, class F>
  subscription once(const Event& e, F&& f) const {
    return listen(e, detail::listener::kind::once, std::forward<F>(f));
  }

  /// The events from now on, to be awaited one by one.
  template <class Event>
  event_stream<Event> stream(const Event& e) const {
    return listen(e, detail::listener::kind::stream);
  }

  /// The next event that the actor sends after this call, whenever it is awaited. For all of them use `stream`, which
  /// misses none. Errors: as `event_stream::next`; `connection.closed` instead of nothing.
  template <class Event>
  [[nodiscard("co_await this")]] task<typename event_stream<Event>::value_type> next(const Event& e) const {
    return first_of(listen(e, detail::listener::kind::next));
  }

  connection(handle<A> h, detail::counted_ptr<detail::connection_core> c) noexcept
      : connection_end{std::move(c)}, handle_{std::move(h)} {}

 private:
  template <class Event>
  static consteval bool listed() {
    if constexpr (detail::is_event<Event>) {
      return A::actor::template place_of<Event> < A::actor::size;
    } else {
      return false;
    }
  }
  template <class Event>
  static constexpr std::uint32_t place() noexcept {
    return static_cast<std::uint32_t>(A::actor::template place_of<Event>);
  }

  template <class Event>
  event_stream<Event> listen(const Event&, detail::listener::kind kind) const {
    static_assert(listed<Event>(), "troupe: this event is not in the actor's manifest");
    return event_stream<Event>{detail::listen(core(), place<Event>(), kind, nullptr)};
  }
  template <class Event, class F>
  subscription listen(const Event&, detail::listener::kind kind, F&& f) const {
    static_assert(listed<Event>(), "troupe: this event is not in the actor's manifest");
    if constexpr (listed<Event>()) {
      using values = typename Event::values;
      constexpr bool fits = detail::hears_values<std::decay_t<F>, values>;
      static_assert(fits, "troupe: the handler does not take the values that the event carries, as const references");
      if constexpr (fits) {
        return subscription{detail::listen(
            core(), place<Event>(), kind,
            detail::make_callback([f = std::forward<F>(f)](const detail::event_record* e) mutable {
              std::apply(f, static_cast<const detail::typed_event<values>*>(e)->values);
            }))};
      }
    }
    return {};
  }

  template <class Event>
  static task<typename event_stream<Event>::value_type> first_of(event_stream<Event> events) {
    auto heard = std::move(events);  // a local ends with the body, a parameter with the task
    auto value = co_await heard.next();
    if (!value) heard.throw_ended();
    co_return std::move(*value);
  }

  handle<A> handle_;
};

/// The result of `handle::connect`: awaited once, or waited for with `get()`. Throws what `on_before_connect`,
/// `create_connection_state` or `on_connect` threw, or `actor.callback_timed_out` if one of them took too long; and all
/// that a call throws.
template <class A>
class [[nodiscard("a connection is not opened until this is awaited")]] connect_call final
    : public detail::connect_core {
 public:
  connect_call(const detail::handle_core& h, detail::counted_ptr<detail::connection_core> c)
      : connect_core{h, std::move(c)} {}
  connect_call(connect_call&&) noexcept = default;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  connection<A> await_resume() {
    auto opened = take();
    return connection<A>{handle<A>{over()}, std::move(opened)};
  }
  connection<A> get() {
    block();
    return await_resume();
  }
};

}  // namespace v0
}  // namespace troupe
