// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <troupe/actor/definition.hpp>
#include <troupe/client/awaited_value.hpp>
#include <troupe/client/connection.hpp>
#include <troupe/client/lookup.hpp>
#include <troupe/client/send.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/task.hpp>

/// \file
/// Actors by name: for tools, servers and other languages, which have names and bytes in the place of types.

namespace troupe {
inline namespace v0 {

class untyped_connection;

/// A message by name whose answer is waited for: see `untyped_handle::send_and_wait`. Awaited once, or waited for with
/// `get()`. Yields what the consumer completed the message with; nothing if it did so without a value.
/// Result is `std::string` for JSON, `bytes` for CBOR.
template <class Result>
class [[nodiscard("a message is not sent until this is awaited")]] named_send_and_wait final
    : public detail::send_core,
      public detail::awaited_value<std::optional<Result>> {
 public:
  named_send_and_wait(const detail::handle_core& to, std::string_view queue, std::string_view text, delayed by)
      : send_core{to, queue, text, by.duration, true} {}
  named_send_and_wait(const detail::handle_core& to, std::string_view queue, bytes_view cbor, delayed by)
      : send_core{to, queue, cbor, by.duration, true} {}
  named_send_and_wait(named_send_and_wait&&) noexcept = default;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend_for_answer(h); }
  std::optional<Result> await_resume();
  std::optional<Result> get() {
    block();
    return await_resume();
  }
};

extern template class named_send_and_wait<std::string>;
extern template class named_send_and_wait<bytes>;

/// The call that `untyped_handle::connect` makes: awaited once, or waited for with `get()`. Errors: as `connect_call`.
class [[nodiscard("a connection is not opened until this is awaited")]] untyped_connect_call final
    : public detail::connect_core {
 public:
  untyped_connect_call(const detail::handle_core& h, detail::counted_ptr<detail::connection_core> c)
      : connect_core{h, std::move(c)} {}
  untyped_connect_call(untyped_connect_call&&) noexcept = default;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  untyped_connection await_resume();
  untyped_connection get();
};

/// A lazy reference to an actor whose type this program knows by name only, as `client::open` makes it. It does what
/// `handle` does and promises the same. Values go in and out as CBOR, or as JSON text where that is said; a value that
/// does not fit is refused before anything runs.
///
///     auto room = client.open("chatRoom", "lobby");
///     const std::string sent = co_await room.call("send_message", R"(["alice", "hi"])");
///
/// Cheap to copy, usable from any thread at once. Operations of a handle that was moved from throw
/// `actor.invalid_operation`.
class untyped_handle {
 public:
  /// A call of an action by wire name, with arguments as the text of a JSON array and the result as JSON text. Errors,
  /// besides those of `troupe::call`: `actor.action_not_found`; `actor.invalid_request`, naming the argument that does
  /// not fit.
  [[nodiscard]] named_call<std::string> call(std::string_view action, std::string_view json_arguments) const {
    return named_call<std::string>{core_, action, json_arguments};
  }
  /// The same with a CBOR array, and the result as CBOR.
  [[nodiscard]] named_call<bytes> call(std::string_view action, bytes_view cbor_arguments) const {
    return named_call<bytes>{core_, action, cbor_arguments};
  }

  /// Calls without waiting: see `handle::post`. An unknown action, and arguments that do not fit, are thrown here and
  /// at once.
  void post(std::string_view action, std::string_view json_arguments) const;
  void post(std::string_view action, bytes_view cbor_arguments) const;

  /// Sends a message to a queue by wire name: see `send_call`. Errors, besides those: `queue.not_declared`;
  /// `actor.invalid_request`, naming what does not fit. Both are thrown here and at once.
  [[nodiscard]] send_call send(std::string_view queue, std::string_view json_message) const {
    return send(queue, json_message, at_once);
  }
  [[nodiscard]] send_call send(std::string_view queue, bytes_view cbor_message) const {
    return send(queue, cbor_message, at_once);
  }
  [[nodiscard]] send_call send(std::string_view queue, std::string_view json_message, delayed by) const {
    return send_call{core_, queue, json_message, by};
  }
  [[nodiscard]] send_call send(std::string_view queue, bytes_view cbor_message, delayed by) const {
    return send_call{core_, queue, cbor_message, by};
  }

  /// Sends a message and waits for its answer, which is of the form of the message: see `send_and_wait_call` for the
  /// errors besides those of `send`.
  [[nodiscard]] named_send_and_wait<std::string> send_and_wait(std::string_view queue,
                                                               std::string_view json_message) const {
    return named_send_and_wait<std::string>{core_, queue, json_message, at_once};
  }
  [[nodiscard]] named_send_and_wait<bytes> send_and_wait(std::string_view queue, bytes_view cbor_message) const {
    return named_send_and_wait<bytes>{core_, queue, cbor_message, at_once};
  }

  /// Opens a connection. `params` is what the actor's `on_before_connect` and `create_connection_state` take, as CBOR;
  /// empty, or null: nothing. `troupe::from_json` makes it of JSON text. Params that do not fit are
  /// `actor.invalid_request`, here and at once.
  [[nodiscard]] untyped_connect_call connect() const { return connect(bytes_view{}); }
  [[nodiscard]] untyped_connect_call connect(bytes_view params) const;

  /// The actor's id; creates the actor if this is an `open_or_create` handle. `co_await h.resolve()` or `.get()`.
  [[nodiscard]] lookup_call resolve() const { return lookup_call{core_}; }

  /// Whether the actor is awake, and why; does not wake it. `co_await h.status()` or `.get()`.
  [[nodiscard]] status_call status() const { return status_call{core_}; }

  /// The same handle with a time-out, or a stop token, for its calls.
  [[nodiscard]] untyped_handle with(troupe::timeout limit) const {
    untyped_handle copy{*this};
    copy.core_.set_time_limit(limit.duration);
    return copy;
  }
  [[nodiscard]] untyped_handle with(std::stop_token token) const {
    untyped_handle copy{*this};
    copy.core_.set_stop(std::move(token));
    return copy;
  }

  explicit untyped_handle(detail::handle_core core) noexcept : core_{std::move(core)} {}

 private:
  friend class client;

  static constexpr delayed at_once{std::chrono::nanoseconds{0}};

  detail::handle_core core_;
};

/// The events of one name on one connection, one after another, from the moment that this was made: see `event_stream`.
///
/// Movable. Read by one coroutine at a time.
class [[nodiscard("a stream ends when this object goes")]] untyped_event_stream {
 public:
  /// The values of the next event, as a CBOR array; nothing once the connection was closed and all of its events are
  /// read. Errors: as `event_stream::next`.
  [[nodiscard("co_await this")]] task<std::optional<bytes>> next() { return take(subscription_.listener_); }

  /// As `subscription::ready`.
  [[nodiscard("co_await this")]] task<> ready() const { return subscription_.ready(); }

  explicit untyped_event_stream(detail::counted_ptr<detail::listener> l) noexcept : subscription_{std::move(l)} {}

 private:
  friend class untyped_connection;

  static task<std::optional<bytes>> take(detail::counted_ptr<detail::listener> from);
  static task<bytes> take_first(untyped_event_stream events);

  subscription subscription_;
};

/// A connection to an actor whose type this program knows by name only. It does what `connection` does and promises
/// the same. An event is what it carries, as a CBOR array; it is encoded once, however many listen by name, and not at
/// all if there is no such listener. A name that the actor has no event of is `event.not_declared`.
///
///     auto room = co_await client.open("chatRoom", "lobby").connect();
///     auto heard = room.on("newMessage", [](troupe::bytes_view values) { show(troupe::to_json(values)); });
class [[nodiscard("a connection is closed when this object goes")]] untyped_connection
    : public detail::connection_end {
 public:
  /// The actor over this connection, with all that handles can do: inside the calls made with it, `c.connection()` is
  /// this one. Once the connection is closed they fail with `connection.closed`, or the reason.
  [[nodiscard]] const untyped_handle& actor() const noexcept { return handle_; }

  /// As `untyped_handle::call`, over this connection.
  [[nodiscard]] named_call<std::string> call(std::string_view action, std::string_view json_arguments) const {
    return handle_.call(action, json_arguments);
  }
  [[nodiscard]] named_call<bytes> call(std::string_view action, bytes_view cbor_arguments) const {
    return handle_.call(action, cbor_arguments);
  }

  /// Calls `f` with what each event carries from now on, until the subscription goes. `f` is `void(bytes_view)`; the
  /// bytes are there as long as it runs. Does not wait; see `subscription::ready`. Throws why the connection is
  /// closed, if it is.
  template <class F>
  subscription on(std::string_view event, F f) const {
    return listen(event, detail::listener::kind::handler, std::move(f));
  }

  /// The same for the next event only.
  template <class F>
  subscription once(std::string_view event, F f) const {
    return listen(event, detail::listener::kind::once, std::move(f));
  }

  /// The events from now on, to be awaited one by one.
  [[nodiscard]] untyped_event_stream stream(std::string_view event) const;

  /// The values of the next event that the actor sends after this call, whenever it is awaited. For all of them use
  /// `stream`, which misses none. Errors: as `connection::next`.
  [[nodiscard("co_await this")]] task<bytes> next(std::string_view event) const;

  untyped_connection(untyped_handle h, detail::counted_ptr<detail::connection_core> c) noexcept
      : connection_end{std::move(c)}, handle_{std::move(h)} {}

 private:
  [[nodiscard]] std::uint32_t place_of(std::string_view event) const;
  [[nodiscard]] const detail::event_entry& entry_of(std::uint32_t place) const;

  template <class F>
  subscription listen(std::string_view event, detail::listener::kind kind, F f) const {
    constexpr bool fits = std::is_invocable_v<F&, bytes_view>;
    static_assert(fits, "troupe: the handler of an event by name takes troupe::bytes_view, the values as a CBOR array");
    if constexpr (fits) {
      const auto place = place_of(event);
      auto call = [f = std::move(f), encode = entry_of(place).encode](const detail::event_record* e) mutable {
        f(e->encoded(encode));
      };
      return subscription{detail::listen(core(), place, kind, detail::make_callback(std::move(call)))};
    } else {
      return {};
    }
  }

  untyped_handle handle_;
};

}  // namespace v0
}  // namespace troupe
