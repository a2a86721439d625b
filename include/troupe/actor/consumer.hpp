// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/activation.hpp>
#include <troupe/actor/coroutine_invocation.hpp>
#include <troupe/actor/manifest.hpp>
#include <troupe/actor/queues.hpp>
#include <troupe/actor/signature.hpp>
#include <troupe/actor/typed_activation.hpp>
#include <troupe/codec/names.hpp>

/// \file
/// Handlers of queues: what `troupe::consumes` makes of a method.

namespace troupe {
inline namespace v0 {
namespace detail {

/// Hands messages of one queue to its handler, one after the other, each in a turn of its own. It exists while there
/// are messages to take.
class consumer : public coroutine_invocation {
 public:
  consumer(executor& home, std::uint32_t queue, bool may_write) noexcept;

  std::coroutine_handle<> begin(activation* a) final;
  void finish() final;

  /// It has held its message for too long: another consumer has the message, and the place among those at work.
  void lose_place() noexcept { has_place_ = false; }

 protected:
  /// Decodes the next message, or throws why that is impossible.
  virtual void open(receipt r) = 0;
  /// Calls the handler for it, and completes it with what the handler returns. A plain handler has run when this
  /// returns; a coroutine is still to be awaited.
  [[nodiscard]] virtual task<> handle(activation& a) = 0;
  virtual void close() noexcept = 0;

 private:
  [[nodiscard]] static task<> handle_when_durable(consumer* self, activation* a, receipt r);
  [[nodiscard]] std::coroutine_handle<promise<void>> handle_next(activation& a, receipt r);
  void end_message(const std::exception_ptr& failure) noexcept;
  void go_on() noexcept;
  void leave() noexcept;

  const std::uint32_t queue_;
  bool has_place_ = true;
  bool may_go_on_ = true;  ///< false once an attempt could not be committed
};

/// How the method of `troupe::consumes` takes and answers messages.
template <auto Entry>
struct handler_traits {
  using queue_type = listed_type<Entry>;
  using body_type = typename queue_type::message_type;
  using result_type = typename queue_type::result_type;
  using message_type = message<queue_type>;
  using method = method_traits<typename entry_traits<Entry>::handler_type>;
  using value = typename method::value;

  template <class Parameters>
  struct only {
    using type = void;
  };
  template <class P>
  struct only<std::tuple<P>> {
    using type = P;
  };
  using parameter = typename only<typename method::parameters>::type;

  static constexpr bool takes_message = std::is_same_v<parameter, message_type&>;
  static constexpr bool takes_reference = std::is_same_v<parameter, const body_type&>;
  static constexpr bool takes_value = std::is_same_v<parameter, body_type>;
  static constexpr bool is_coroutine = method::is_coroutine;
  static constexpr bool answers = !std::is_void_v<value>;
};

/// The static checks of a handler; every mistake is one sentence.
template <class A, auto Entry>
consteval bool check_handler() {
  using handler = typename entry_traits<Entry>::handler_type;
  if constexpr (!known_method<handler>) {
    static_assert(known_method<handler>,
                  "troupe: the handler of a queue is `void on_job(troupe::context<Self>&, const job&)`");
    return false;
  } else {
    using traits = handler_traits<Entry>;
    using method = typename traits::method;
    constexpr bool own = std::is_base_of_v<typename method::object, A>;
    constexpr bool own_context = !method::takes_context || takes_context_of<A, handler>;
    constexpr bool takes = traits::takes_message || traits::takes_reference || traits::takes_value;
    constexpr bool lends = traits::is_coroutine && traits::takes_reference;
    constexpr bool twice = traits::takes_message && traits::answers;
    constexpr bool answer_fits = [] {
      if constexpr (!traits::answers) {
        return true;
      } else if constexpr (std::is_void_v<typename traits::result_type>) {
        return false;
      } else {
        return std::is_convertible_v<const typename traits::value&, typename traits::result_type>;
      }
    }();
    static_assert(own, "troupe: the manifest lists a handler of another struct");
    static_assert(own_context, "troupe: the context of a handler is that of its own actor: troupe::context<Self>&");
    static_assert(takes,
                  "troupe: the handler of a queue takes its message as `const job&`, as `job` or as "
                  "`troupe::message_of<jobs>&`, after the context if it takes one, and nothing else");
    static_assert(!lends,
                  "troupe: a coroutine handler may outlive a reference to the message; take the message by value, or "
                  "as `troupe::message_of<jobs>&`");
    static_assert(!twice || !takes,
                  "troupe: a handler that takes `troupe::message_of<jobs>&` answers with complete(value), and returns "
                  "nothing");
    static_assert(answer_fits || twice,
                  "troupe: what a handler returns answers the message, and converts implicitly to the queue's result "
                  "type; give the queue that type, or return nothing");
    return own && own_context && takes && !lends && !twice && answer_fits;
  }
}

template <class A, auto Entry>
class typed_consumer final : public consumer {
  using traits = handler_traits<Entry>;
  using method = typename traits::method;

 public:
  typed_consumer(executor& home, std::uint32_t queue) noexcept : consumer{home, queue, !method::is_const} {}

  static consumer* make(executor& home, std::uint32_t queue) { return new typed_consumer{home, queue}; }

  [[nodiscard]] std::string_view what() const noexcept override {
    return member_name<entry_traits<Entry>::handler>();
  }

 protected:
  void open(receipt r) override { message_.emplace(std::move(r)); }
  void close() noexcept override { message_.reset(); }

  task<> handle(activation& a) override {
    auto& mine = static_cast<typed_activation<A>&>(a);
    if constexpr (traits::is_coroutine && traits::answers) {
      return answer_with(call(mine), *message_);
    } else if constexpr (traits::is_coroutine) {
      return call(mine);
    } else if constexpr (traits::answers) {
      const auto value = call(mine);
      message_->complete(value);
      return {};
    } else {
      call(mine);
      return {};
    }
  }

 private:
  typename method::result call(typed_activation<A>& mine) {
    constexpr auto handler = entry_traits<Entry>::handler;
    if constexpr (method::takes_context) {
      return (mine.actor().*handler)(mine.context(), argument());
    } else {
      return (mine.actor().*handler)(argument());
    }
  }

  decltype(auto) argument() {
    if constexpr (traits::takes_message) {
      return (*message_);
    } else if constexpr (traits::takes_reference) {
      return std::as_const(message_->body());
    } else {
      return std::move(message_->body());
    }
  }

  static task<> answer_with(task<typename traits::value> handling, typename traits::message_type& m) {
    const auto value = co_await std::move(handling);
    m.complete(value);
  }

  std::optional<typename traits::message_type> message_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
