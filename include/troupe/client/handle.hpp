// SPDX-License-Identifier: Apache-2.0
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

namespace troupe {
inline namespace v0 {

class client;

namespace testing {
struct test_door;
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
  /// A call of action M. The arguments are bound by value and convert implicitly or not at all. An integer that the
  /// parameter cannot hold throws `actor.invalid_request`, here and at once. In the place of an only parameter that is
  /// an aggregate may stand its members:
  ///
  ///     std::int64_t n = co_await visits.call<&counter::increment>(1);
  ///     co_await w.call<&worker::take>("mow the lawn", 3);        // take(job), where job has a text and a number
  ///     co_await w.call<&worker::take>(troupe::moved(finished));  // a job that has a name
  ///
  /// An aggregate with braces in an awaited expression is destroyed twice by g++ before 13, and so does not compile
  /// there (docs/compilers.md).
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
  /// be delivered, the runtime's error handler hears of it. The arguments are those of `call`.
  template <auto M, class... T>
  void post(T&&... arguments) const {
    if constexpr (detail::check_call<A, M>()) {
      if constexpr (detail::check_arguments<detail::call_parameters<M>, T...>()) {
        detail::post(core_, detail::code_of<A, M>, detail::binding<M>::make_arguments(std::forward<T>(arguments)...));
      }
    }
  }

  /// Opens a connection, which hears the actor's events. `params` is what the actor's `on_before_connect` and
  /// `create_connection_state` take; it converts implicitly, and is left out if they take nothing. In its place may
  /// stand the members of an aggregate.
  ///
  ///     auto room = co_await client.get<chat_room>("lobby").connect(login);
  template <class... P>
  [[nodiscard]] auto connect(P&&... params) const {
    using wanted = detail::connection_params<A>;
    using result = detail::awaitable_given<connect_call<A>, P...>;
    auto core = detail::counted_ptr<detail::typed_connection<A>>::adopt(new detail::typed_connection<A>);
    if constexpr (std::is_void_v<wanted>) {
      static_assert(sizeof...(P) == 0,
                    "troupe: connections of this actor bring nothing; give its on_before_connect or "
                    "create_connection_state a parameter for it");
    } else {
      constexpr bool fits = detail::passing_of<wanted, P...>() >= detail::passing::converted;
      static_assert(fits,
                    "troupe: connect takes one value, of the type that the actor's on_before_connect and "
                    "create_connection_state take, or one that converts to it implicitly, or its members");
      if constexpr (fits) {
        static constexpr detail::destination_name where{"a connection to actor", type_name<A>()};
        core->params.emplace(detail::make_value<wanted>(where, std::forward<P>(params)...));
      }
    }
    return result{core_, detail::counted_ptr<detail::connection_core>{*core}};
  }

  /// Sends a message to one of the actor's queues: see `send_call`. It converts implicitly or not at all; in its place
  /// may stand the members of an aggregate. Behind it may stand how much later it is to be received. An integer that
  /// does not fit throws `actor.invalid_request`, here and at once.
  ///
  ///     co_await w.send(worker::work, "mow the lawn", 3);  // a job, which has a text and a number
  ///     co_await w.send(worker::work, "water the flowers", 1, troupe::delayed(10min));
  ///     co_await w.send(worker::work, noted);              // a job that has a name
  ///
  /// For braces in an awaited expression see `call`.
  template <class Queue, class... Part>
    requires detail::is_queue<Queue>
  [[nodiscard]] auto send(const Queue&, Part&&... message) const {
    auto packed = detail::pack<Queue>(std::forward<Part>(message)...);
    using result = detail::awaitable_given<send_call, Part...>;
    return result{core_, detail::queue_place<A, Queue>(), std::move(packed.body), packed.by};
  }

  /// Sends a message and waits for its answer: see `send_and_wait_call`. The arguments are those of `send`, the
  /// time-out is that of calls.
  template <class Queue, class... Part>
  [[nodiscard]] auto send_and_wait(const Queue&, Part&&... message) const {
    static_assert(detail::is_queue<Queue>, "troupe: send_and_wait takes a queue of the actor, then the message");
    if constexpr (detail::is_queue<Queue>) {
      auto packed = detail::pack<Queue>(std::forward<Part>(message)...);
      using result = detail::awaitable_given<send_and_wait_call<Queue>, Part...>;
      return result{core_, detail::queue_place<A, Queue>(), std::move(packed.body), packed.by};
    } else {
      return task<>{};
    }
  }

  /// The untyped form: a queue by wire name, the message as JSON text or CBOR. Errors, besides those of `send_call`:
  /// `queue.not_declared`; `actor.invalid_request`, naming what does not fit.
  [[nodiscard]] send_call send(std::string_view queue, std::string_view json_message) const {
    return send_call{core_, queue, json_message, delayed{std::chrono::nanoseconds{0}}};
  }
  [[nodiscard]] send_call send(std::string_view queue, std::string_view json_message, delayed by) const {
    return send_call{core_, queue, json_message, by};
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
  friend class client;
  friend struct testing::test_door;

  template <auto M, class Core, class... T>
  static auto make_call(Core&& core, T&&... arguments) {
    if constexpr (detail::check_call<A, M>()) {
      if constexpr (detail::check_arguments<detail::call_parameters<M>, T...>()) {
        using result = detail::awaitable_given<troupe::call<A, M>, T...>;
        return detail::binding<M>::template make_call<result>(std::forward<Core>(core), detail::call_code_of<A, M>,
                                                              std::forward<T>(arguments)...);
      } else {
        return task<detail::value_of<M>>{};
      }
    } else {
      return task<>{};
    }
  }

  detail::handle_core core_;
};

}  // namespace v0
}  // namespace troupe
