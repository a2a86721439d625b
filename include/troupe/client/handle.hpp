#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/client/call.hpp>
#include <troupe/client/connection.hpp>
#include <troupe/client/lookup.hpp>
#include <troupe/client/post.hpp>
#include <troupe/client/send.hpp>

#if defined(__has_cpp_attribute) && __has_cpp_attribute(clang::lifetimebound)
#define TROUPE_BORROWS_THIS [[clang::lifetimebound]]
#else
#define TROUPE_BORROWS_THIS
#endif

namespace troupe::inline v0 {

namespace testing {
class simulation;
}

/// A lazy reference to an actor of type A: cheap to copy, usable from any thread at once. While a handle lives, its
/// actor's place in memory stays (160 to 320 bytes), asleep or not; the actor's state does not.
///
/// A handle made from a key follows the key: once the actor is destroyed, `get` finds none and `get_or_create` makes
/// the next one. A handle made from an id means that actor only. Operations of a handle that was moved from throw
/// `actor.invalid_operation`.
template <class A>
class handle {
 public:
  /// A call of action M. The arguments are bound by value and convert implicitly or not at all.
  ///
  ///     std::int64_t n = co_await visits.call<&counter::increment>(1);
  template <auto M, class... T>
  [[nodiscard]] auto call(T&&... arguments) const& TROUPE_BORROWS_THIS {
    return make_call<M>(core_, std::forward<T>(arguments)...);
  }
  template <auto M, class... T>
  [[nodiscard]] auto call(T&&... arguments) && {
    return make_call<M>(std::move(core_), std::forward<T>(arguments)...);
  }

  /// The untyped form, for tools and remote clients: an action by wire name, with arguments as the text of a JSON array
  /// and the result as JSON text. Errors, besides the call's: `actor.action_not_found`; `actor.invalid_request`, naming
  /// the argument that does not fit.
  [[nodiscard]] named_call<std::string> call(std::string_view action, std::string_view json_arguments) const {
    return named_call<std::string>{core_, action, json_arguments};
  }
  /// The same with a CBOR array, and the result as CBOR.
  [[nodiscard]] named_call<bytes> call(std::string_view action, bytes_view cbor_arguments) const {
    return named_call<bytes>{core_, action, cbor_arguments};
  }

  /// Calls without waiting. Inside an actor it goes out at the end of the turn. If the action fails, or the call cannot
  /// be delivered, the runtime's error handler hears of it.
  template <auto M, class... T>
  void post(T&&... arguments) const {
    if constexpr (detail::check_call<A, M>()) {
      if constexpr (detail::check_arguments<detail::call_parameters<M>, T...>()) {
        detail::post(core_, detail::code_of<A, M>, detail::call_arguments<M>{std::forward<T>(arguments)...});
      }
    }
  }

  /// Opens a connection, which hears the actor's events. `params` is what the actor's `on_before_connect` and
  /// `create_connection_state` take; it converts implicitly, and is left out if they take nothing.
  ///
  ///     auto room = co_await client.get<chat_room>("lobby").connect(login);
  template <class... P>
  [[nodiscard]] auto connect(P&&... params) const {
    using wanted = detail::connection_params<A>;
    auto core = detail::counted_ptr<detail::typed_connection<A>>::adopt(new detail::typed_connection<A>);
    if constexpr (std::is_void_v<wanted>) {
      static_assert(sizeof...(P) == 0,
                    "troupe: connections of this actor bring nothing; give its on_before_connect or "
                    "create_connection_state a parameter for it");
    } else {
      constexpr bool fits = sizeof...(P) == 1 && (std::is_convertible_v<P, wanted> && ...);
      static_assert(fits,
                    "troupe: connect takes one value, of the type that the actor's on_before_connect and "
                    "create_connection_state take, or one that converts to it implicitly");
      if constexpr (fits) core->params.emplace(std::forward<P>(params)...);
    }
    return connect_call<A>{core_, detail::counted_ptr<detail::connection_core>{*core}};
  }

  /// Sends a message to one of the actor's queues: see `send_call`. It converts implicitly or not at all.
  ///
  ///     co_await w.send(worker::work, job{"mow the lawn"});
  ///     co_await w.send(worker::work, job{"water the flowers"}, troupe::delayed(10min));
  template <class Queue, class Message>
    requires detail::is_queue<Queue>
  [[nodiscard]] auto send(const Queue& to, const Message& body) const {
    return send(to, body, delayed{std::chrono::nanoseconds{0}});
  }
  template <class Queue, class Message>
    requires detail::is_queue<Queue>
  [[nodiscard]] auto send(const Queue&, const Message& body, delayed by) const {
    if constexpr (detail::check_message<Queue, const Message&>()) {
      return send_call{core_, detail::queue_place<A, Queue>(),
                       detail::encode_as<typename Queue::message_type>(body), by};
    } else {
      return task<>{};
    }
  }

  /// Sends a message and waits for its answer: see `send_and_wait_call`. The time-out is that of calls.
  template <class Queue, class Message>
  [[nodiscard]] auto send_and_wait(const Queue& to, const Message& body) const {
    return send_and_wait(to, body, delayed{std::chrono::nanoseconds{0}});
  }
  template <class Queue, class Message>
  [[nodiscard]] auto send_and_wait(const Queue&, const Message& body, delayed by) const {
    static_assert(detail::is_queue<Queue>, "troupe: send_and_wait takes a queue of the actor, then the message");
    if constexpr (detail::is_queue<Queue>) {
      if constexpr (detail::check_message<Queue, const Message&>()) {
        return send_and_wait_call<Queue>{core_, detail::queue_place<A, Queue>(),
                                         detail::encode_as<typename Queue::message_type>(body), by};
      } else {
        return task<>{};
      }
    } else {
      return task<>{};
    }
  }

  /// The untyped form: a queue by wire name, the message as JSON text or CBOR. Errors, besides those of `send_call`:
  /// `queue.not_declared`; `actor.invalid_request`, naming what does not fit.
  [[nodiscard]] send_call send(std::string_view queue, std::string_view json) const {
    return send_call{core_, queue, json, delayed{std::chrono::nanoseconds{0}}};
  }
  [[nodiscard]] send_call send(std::string_view queue, std::string_view json, delayed by) const {
    return send_call{core_, queue, json, by};
  }
  [[nodiscard]] send_call send(std::string_view queue, bytes_view cbor) const {
    return send_call{core_, queue, cbor, delayed{std::chrono::nanoseconds{0}}};
  }

  /// The actor's id; creates the actor if this is a `get_or_create` handle. `co_await h.resolve()` or `.get()`.
  [[nodiscard]] lookup_call resolve() const { return lookup_call{core_}; }

  /// Whether the actor is awake, and why; does not wake it. `co_await h.status()` or `.get()`.
  [[nodiscard]] status_call status() const { return status_call{core_}; }

  /// The same handle with a time-out, or a stop token, for its calls.
  [[nodiscard]] handle with(troupe::timeout limit) const {
    handle copy{*this};
    copy.core_.set_time_limit(limit.duration);
    return copy;
  }
  [[nodiscard]] handle with(std::stop_token token) const {
    handle copy{*this};
    copy.core_.set_stop(std::move(token));
    return copy;
  }

  explicit handle(detail::handle_core core) noexcept : core_{std::move(core)} {}

 private:
  friend class testing::simulation;

  template <auto M, class Core, class... T>
  static auto make_call(Core&& core, T&&... arguments) {
    if constexpr (detail::check_call<A, M>()) {
      if constexpr (detail::check_arguments<detail::call_parameters<M>, T...>()) {
        return troupe::call<A, M>{std::forward<Core>(core), detail::call_code_of<A, M>, std::forward<T>(arguments)...};
      } else {
        return task<detail::value_of<M>>{};
      }
    } else {
      return task<>{};
    }
  }

  detail::handle_core core_;
};

}  // namespace troupe::inline v0
