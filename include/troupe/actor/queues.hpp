// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/actor/arguments.hpp>
#include <troupe/actor/dead_letter.hpp>
#include <troupe/actor/packed_message.hpp>
#include <troupe/actor/queue.hpp>
#include <troupe/actor/stored_version.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/core/task.hpp>

/// \file
/// An actor's own side of its queues: `c.queue()`, and the messages that come out of them.

namespace troupe {
inline namespace v0 {
namespace detail {

class activation;
class message_leases;

/// The encoded body of a message, shared by those who still need it when the message has gone.
using message_body = std::shared_ptr<const bytes>;

/// A message in a consumer's hands.
struct receipt {
  message_leases* from = nullptr;
  std::uint64_t id = 0;
  std::uint64_t lease = 0;  ///< no other receipt has this number
  std::uint32_t subqueue = 0;
  std::uint32_t attempts = 0;
  wall_time created_at{};
  message_body body;
};

/// Each queue has two subqueues: its messages, and its dead letters.
inline constexpr std::uint32_t subqueues_per_queue = 2;
using subqueue_list = std::span<const std::uint32_t>;

/// How long to wait for a message.
struct receive_options {
  receive_options() noexcept {}
  std::optional<std::chrono::nanoseconds> limit;
  std::stop_token stop;
};

/// The place where received messages go. `add` decodes each, or throws why that is impossible.
struct message_sink {
  void* to = nullptr;
  void (*add)(void* to, receipt&& r) = nullptr;
};

// All of these run in turns of the actor. A consumer that receives acknowledges what it has received before. A message
// that cannot be decoded becomes a dead letter, and the next one takes its place.

/// Waits for messages of these subqueues, and takes up to `most` of those that are there. False when the limit has
/// passed.
[[nodiscard]] task<bool> receive(activation& a, subqueue_list subqueues, receive_options how, std::size_t most,
                                 message_sink sink);
/// The same for one message, but false as well once the actor shuts down or the token is triggered.
[[nodiscard]] task<bool> receive_quietly(activation& a, subqueue_list subqueues, receive_options how,
                                         message_sink sink);
/// Takes up to `most` of the messages that are there.
void try_receive(activation& a, subqueue_list subqueues, std::size_t most, message_sink sink);
void send_to_self(activation& a, std::uint32_t queue, bytes body, std::chrono::nanoseconds delay);
[[nodiscard]] std::size_t count_messages(const activation& a, std::uint32_t subqueue);

void complete(const receipt& r, std::optional<bytes> result);
void give_back(const receipt& r, std::optional<std::chrono::nanoseconds> delay);

[[nodiscard]] std::vector<dead_letter> list_dead_letters(const activation& a, std::uint32_t queue);
[[nodiscard]] bool remove_dead_letter(activation& a, std::uint32_t queue, std::uint64_t id);
[[nodiscard]] bool requeue_dead_letter(activation& a, std::uint32_t queue, std::uint64_t id);

/// The place of a queue in A's manifest; a sentence if it has none there.
template <class A, class Queue>
consteval std::uint32_t queue_place() {
  constexpr auto place = A::actor::template place_of<Queue>;
  static_assert(place < A::actor::size,
                "troupe: this queue is not in the actor's manifest `using actor = troupe::actor<...>`; list it there");
  return static_cast<std::uint32_t>(place);
}

}  // namespace detail

/// A message that an actor has received, and handles. It is acknowledged, and so gone for good, when its consumer asks
/// for the next one or ends; as part of that turn's changes. If the consumer ends with an exception instead, the
/// message comes again after a back-off, until its attempts are used up and it becomes a dead letter.
///
/// May be used only by the actor's own code, that is, within its turns.
template <class Queue>
class message {
 public:
  using queue_type = Queue;
  using body_type = typename Queue::message_type;
  using result_type = typename Queue::result_type;

  explicit message(detail::receipt r)
      : receipt_{std::move(r)}, body_(detail::decode_stored<body_type>(*receipt_.body)) {
    receipt_.body.reset();
  }

  /// Rises in the order of arrival; never another message's.
  [[nodiscard]] std::uint64_t id() const noexcept { return receipt_.id; }
  [[nodiscard]] const body_type& body() const noexcept { return body_; }
  [[nodiscard]] body_type& body() noexcept { return body_; }
  const body_type& operator*() const noexcept { return body_; }
  const body_type* operator->() const noexcept { return &body_; }

  /// How often it has been received: 1 the first time. It is more if an attempt failed, or if the process died between
  /// the turn that received it and the one that acknowledged it.
  [[nodiscard]] std::uint32_t attempts() const noexcept { return receipt_.attempts; }
  [[nodiscard]] wall_time created_at() const noexcept { return receipt_.created_at; }

  /// Acknowledges the message now, and answers a `send_and_wait` without a value.
  /// Errors: `queue.already_completed`; `queue.lease_lost` if the visibility time-out gave it to somebody else.
  void complete() { detail::complete(receipt_, std::nullopt); }

  /// The same with a value for the answer.
  template <class R>
  void complete(const R& result) {
    static_assert(!std::is_void_v<result_type>,
                  "troupe: messages of this queue are answered without a value; give the queue a result type");
    if constexpr (!std::is_void_v<result_type>) {
      constexpr detail::passing how = detail::passing_of<result_type, const R&>();
      static_assert(how != detail::passing::cut,
                    "troupe: a floating-point number does not become an integer by itself; round it and convert it");
      constexpr bool fits = how == detail::passing::converted;
      static_assert(fits || how == detail::passing::cut,
                    "troupe: this does not convert implicitly to the result type of the queue");
      if constexpr (fits) {
        static constexpr detail::destination_name where{"an answer of queue", Queue::name};
        detail::complete(receipt_, detail::encode_answer<result_type>(where, result));
      }
    }
  }

  /// Gives the message back now, as a failed attempt: it comes again after the queue's back-off, or after `delay`; or
  /// it becomes a dead letter. Errors: those of `complete`.
  void retry() { detail::give_back(receipt_, std::nullopt); }
  void retry(std::chrono::nanoseconds delay) { detail::give_back(receipt_, delay); }

 private:
  detail::receipt receipt_;
  body_type body_;
};

/// The message type of a queue, for its handler: `void on_job(troupe::message_of<jobs>& m)`. See `troupe::consumes`.
template <auto Queue>
using message_of = message<std::remove_cv_t<decltype(Queue)>>;

namespace detail {

template <class Source>
struct source_queue {
  using type = Source;
  static constexpr std::uint32_t subqueue = 0;
};
template <class Queue>
struct source_queue<dead_letters_of<Queue>> {
  using type = Queue;
  static constexpr std::uint32_t subqueue = 1;
};

template <class T>
inline constexpr bool is_source = is_queue<T> || is_dead_letters<T>;
template <class T>
inline constexpr bool is_limit = std::is_convertible_v<T, std::chrono::nanoseconds>;
template <class T>
inline constexpr bool is_stop = std::is_same_v<T, std::stop_token>;
template <class T>
inline constexpr bool is_count = std::is_integral_v<T>;

/// The queues that a consumer names, and what it then gets.
template <class A, class... Source>
struct selection {
  static constexpr std::array<std::uint32_t, sizeof...(Source)> subqueues{(
      queue_place<A, typename source_queue<Source>::type>() * subqueues_per_queue + source_queue<Source>::subqueue)...};

  using all = std::tuple<message<typename source_queue<Source>::type>...>;
  using value = std::conditional_t<sizeof...(Source) == 1, std::tuple_element_t<0, all>,
                                   std::variant<message<typename source_queue<Source>::type>...>>;

  static value make(receipt&& r) {
    if constexpr (sizeof...(Source) == 1) {
      return value{std::move(r)};
    } else {
      return make_one<0>(std::move(r));
    }
  }

  /// Received messages go there.
  static message_sink into(std::optional<value>& one) noexcept {
    message_sink sink;
    sink.to = &one;
    sink.add = [](void* to, receipt&& r) { static_cast<std::optional<value>*>(to)->emplace(make(std::move(r))); };
    return sink;
  }
  static message_sink into(std::vector<value>& all) noexcept {
    message_sink sink;
    sink.to = &all;
    sink.add = [](void* to, receipt&& r) { static_cast<std::vector<value>*>(to)->push_back(make(std::move(r))); };
    return sink;
  }

 private:
  template <std::size_t I>
  static value make_one(receipt&& r) {
    if constexpr (I + 1 < sizeof...(Source)) {
      if (subqueues[I] != r.subqueue) return make_one<I + 1>(std::move(r));
    }
    return value{std::in_place_index<I>, std::move(r)};
  }
};

template <class A, class Found, class... Argument>
struct selected;
template <class A, class... Found>
struct selected<A, std::tuple<Found...>> {
  using type = selection<A, Found...>;
};
template <class A, class... Found, class First, class... Rest>
struct selected<A, std::tuple<Found...>, First, Rest...>
    : std::conditional_t<is_source<First>, selected<A, std::tuple<Found..., First>, Rest...>,
                         selected<A, std::tuple<Found...>, Rest...>> {};
template <class A, class... Argument>
using selection_of = typename selected<A, std::tuple<>, Argument...>::type;

template <class... Argument>
consteval bool check_sources() {
  constexpr bool some = (is_source<Argument> || ...);
  static_assert(some, "troupe: name at least one queue of the actor to receive from");
  constexpr bool known =
      ((is_source<Argument> || is_limit<Argument> || is_stop<Argument> || is_count<Argument>) && ...);
  static_assert(known, "troupe: one receives from queues of the actor or their dead_letters(); behind them may stand a "
                       "duration to wait at most, a std::stop_token and, for a batch, a number of messages");
  return some && known;
}

inline void set_option(receive_options& o, const std::stop_token& token) { o.stop = token; }
template <class T>
void set_option([[maybe_unused]] receive_options& o, [[maybe_unused]] const T& argument) {
  if constexpr (is_limit<T>) o.limit = argument;
}

template <class... Argument>
receive_options options_from(const Argument&... arguments) {
  receive_options o;
  (set_option(o, arguments), ...);
  return o;
}

template <class... Argument>
std::size_t count_from(const Argument&... arguments) {
  static_assert((is_count<Argument> + ... + 0) == 1, "troupe: a batch needs one number: how many messages at most");
  std::size_t count = 0;
  const auto take = [&](const auto& each) {
    if constexpr (is_count<std::remove_cvref_t<decltype(each)>>) count = static_cast<std::size_t>(each);
  };
  (take(arguments), ...);
  return count;
}

}  // namespace detail

/// A queue's messages one after the other, as `c.queue().messages(work)` gives them:
///
///     auto jobs = c.queue().messages(work);
///     while (true) {
///       auto job = co_await jobs.next();
///       if (!job) break;
///     }
template <class Selection>
class [[nodiscard]] message_stream {
 public:
  message_stream(detail::activation& a, detail::receive_options how) noexcept
      : activation_{&a}, how_{std::move(how)} {}

  /// The next message; nothing once the actor shuts down, or the stop token is triggered, or the time-out passes.
  [[nodiscard("co_await this")]] task<std::optional<typename Selection::value>> next() {
    return one(activation_, how_);
  }

 private:
  static task<std::optional<typename Selection::value>> one(detail::activation* a, detail::receive_options how) {
    std::optional<typename Selection::value> value;
    auto receiving = detail::receive_quietly(*a, Selection::subqueues, std::move(how), Selection::into(value));
    co_await std::move(receiving);
    co_return value;
  }

  detail::activation* activation_;
  detail::receive_options how_;
};

/// What an actor does with its own queues, as `c.queue()` gives it.
///
///     auto job = co_await c.queue().next(work);
///     done += job->size;
///
/// Whoever asks for a message acknowledges what it has received before, and ends the turn that handled it: state, sends
/// and the acknowledgement of one message are durable together. So a message that is handled without awaiting anything
/// else takes effect exactly once, whatever crashes. One whose handling awaits something may have been cut between its
/// turns, and then comes again with its `attempts`: its handling is at-least-once. So is that of a message which comes
/// out of `when_any`, whose parts have turns of their own: give `next` a duration instead. The try_ functions await
/// nothing, and so end no turn.
///
/// Several queues at once: messages come in the order of their arrival over all of them, as a `std::variant` in the
/// order of the arguments. Behind the queues may stand a duration and a `std::stop_token`; a time-out makes the result
/// optional. Errors of waits: `actor.aborted` when the actor begins to shut down or the token is triggered.
template <class A>
class queues {
 public:
  explicit queues(detail::activation& a) noexcept : activation_{&a} {}

  /// Puts a message into a queue of the actor's own, as part of this turn: as `handle::send`, the message or its
  /// members, then maybe `delayed`. Errors: `queue.full`, `queue.message_too_large`.
  template <class Queue, class... Part>
  void send(const Queue&, Part&&... message) const {
    static_assert(detail::is_queue<Queue>, "troupe: send takes a queue of the actor, then the message");
    if constexpr (detail::is_queue<Queue>) {
      auto packed = detail::pack<Queue>(std::forward<Part>(message)...);
      detail::send_to_self(*activation_, detail::queue_place<A, Queue>(), std::move(packed.body), packed.by.duration);
    }
  }

  /// Waits for the next message: `next(work)`, `next(work, urgent)`, `next(work, 5s)`, `next(work, token)`.
  template <class... Argument>
  [[nodiscard("co_await this")]] auto next(const Argument&... arguments) const {
    if constexpr (detail::check_sources<Argument...>()) {
      using selection = detail::selection_of<A, Argument...>;
      if constexpr ((detail::is_limit<Argument> || ...)) {
        return one_in_time<selection>(activation_, detail::options_from(arguments...));
      } else {
        return one<selection>(activation_, detail::options_from(arguments...));
      }
    } else {
      return task<>{};
    }
  }

  /// Waits for one message and yields it with what else is there, up to a number: `next_batch(work, 10)`. They are
  /// acknowledged together. After a time-out there are none.
  template <class... Argument>
  [[nodiscard("co_await this")]] auto next_batch(const Argument&... arguments) const {
    if constexpr (detail::check_sources<Argument...>()) {
      return batch<detail::selection_of<A, Argument...>>(activation_, detail::options_from(arguments...),
                                                         detail::count_from(arguments...));
    } else {
      return task<>{};
    }
  }

  /// A message, if one is there.
  template <class... Source>
  [[nodiscard]] auto try_next(const Source&...) const {
    if constexpr (detail::check_sources<Source...>()) {
      using selection = detail::selection_of<A, Source...>;
      std::optional<typename selection::value> value;
      detail::try_receive(*activation_, selection::subqueues, 1, selection::into(value));
      return value;
    }
  }

  /// What is there, up to a number: `try_next_batch(work, 10)`.
  template <class... Argument>
  [[nodiscard]] auto try_next_batch(const Argument&... arguments) const {
    if constexpr (detail::check_sources<Argument...>()) {
      using selection = detail::selection_of<A, Argument...>;
      std::vector<typename selection::value> all;
      const std::size_t most = detail::count_from(arguments...);
      if (most != 0) detail::try_receive(*activation_, selection::subqueues, most, selection::into(all));
      return all;
    }
  }

  /// The messages one after the other, until the actor shuts down: see `message_stream`.
  template <class... Argument>
  auto messages(const Argument&... arguments) const {
    if constexpr (detail::check_sources<Argument...>()) {
      return message_stream<detail::selection_of<A, Argument...>>{*activation_, detail::options_from(arguments...)};
    }
  }

  /// The dead letters of a queue as JSON text, in the order of arrival, those that cannot be decoded included:
  /// `dead_letters(work)`. They stay where they are.
  template <class Queue>
  [[nodiscard]] std::vector<dead_letter> dead_letters(const Queue&) const {
    static_assert(detail::is_queue<Queue>, "troupe: dead_letters takes a queue of the actor");
    if constexpr (detail::is_queue<Queue>) {
      return detail::list_dead_letters(*activation_, detail::queue_place<A, Queue>());
    }
    return {};
  }

  /// Removes one dead letter, by its id: `remove(work.dead_letters(), id)`. False if it is not there.
  template <class Queue>
  bool remove(const dead_letters_of<Queue>&, std::uint64_t id) const {
    return detail::remove_dead_letter(*activation_, detail::queue_place<A, Queue>(), id);
  }

  /// Puts one dead letter back into its queue, by its id, with all of its attempts before it. False if it is not there.
  /// Errors: `queue.full`.
  template <class Queue>
  bool requeue(const dead_letters_of<Queue>&, std::uint64_t id) const {
    return detail::requeue_dead_letter(*activation_, detail::queue_place<A, Queue>(), id);
  }

  /// How many messages are in a queue, those that are delayed or being handled included; or how many dead letters.
  template <class Source>
  [[nodiscard]] std::size_t size(const Source&) const {
    static_assert(detail::is_source<Source>, "troupe: size takes a queue of the actor, or its dead_letters()");
    if constexpr (detail::is_source<Source>) {
      return detail::count_messages(*activation_, detail::selection<A, Source>::subqueues[0]);
    }
    return 0;
  }

 private:
  template <class Selection>
  static task<typename Selection::value> one(detail::activation* a, detail::receive_options how) {
    std::optional<typename Selection::value> value;
    auto receiving = detail::receive(*a, Selection::subqueues, std::move(how), 1, Selection::into(value));
    co_await std::move(receiving);
    co_return std::move(*value);
  }
  template <class Selection>
  static task<std::optional<typename Selection::value>> one_in_time(detail::activation* a,
                                                                    detail::receive_options how) {
    std::optional<typename Selection::value> value;
    auto receiving = detail::receive(*a, Selection::subqueues, std::move(how), 1, Selection::into(value));
    co_await std::move(receiving);
    co_return value;
  }
  template <class Selection>
  static task<std::vector<typename Selection::value>> batch(detail::activation* a, detail::receive_options how,
                                                            std::size_t most) {
    std::vector<typename Selection::value> all;
    if (most == 0) co_return all;
    auto receiving = detail::receive(*a, Selection::subqueues, std::move(how), most, Selection::into(all));
    co_await std::move(receiving);
    co_return all;
  }

  detail::activation* activation_;
};

}  // namespace v0
}  // namespace troupe
