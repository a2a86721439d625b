// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <troupe/actor/fixed_string.hpp>
#include <troupe/actor/options.hpp>

namespace troupe {
inline namespace v0 {

/// How one queue behaves:
///
///     static constexpr troupe::queue<"work", job> work{{.attempts_max = 3}};
struct queue_options {
  /// Messages that may be in the queue, those being handled included and dead letters not. A further one from outside
  /// fails with `queue.full`; one from an actor waits for its place.
  std::uint32_t messages_max = 1'000;

  /// The size of an encoded message; a larger one fails with `queue.message_too_large`.
  std::size_t message_bytes_max = 65'536;

  /// Failed attempts after which a message becomes a dead letter. An attempt that the death of the process cuts off
  /// counts only with `attempt_first`.
  std::uint32_t attempts_max = 5;

  /// Back-off before a message that failed is handed out again: from the first to the second, doubling.
  std::chrono::nanoseconds retry_min = std::chrono::seconds{1};
  std::chrono::nanoseconds retry_max = std::chrono::minutes{1};

  /// How long a consumer may hold a message before another gets it. It need not be set for consumers that fail, end or
  /// die: those are noticed at once.
  std::chrono::nanoseconds visibility_timeout = never;

  /// Commits each attempt before the message is handed out, and counts attempts that the death of the process cuts off:
  /// so a message that kills the process becomes a dead letter after `attempts_max` deaths. It costs a commit for each
  /// attempt. Without it the first 255 deaths do not count, since most are not the fault of the messages in hand. It
  /// is for consumers that wait for messages, not for the try_ functions; `ephemeral` actors have no use for it.
  bool attempt_first = false;

  /// How many messages a coroutine handler (`troupe::consumes`) handles at a time. With 1 they are handled one after
  /// the other, in the order of arrival. A handler that is a plain function handles one at a time in any case; with
  /// `attempt_first` it is the number of attempts that may wait for their commit.
  std::uint32_t concurrency = 1;

  /// Dead letters that are kept. A further one takes the place of the oldest, and the error handler hears of it.
  std::uint32_t dead_letters_max = 1'000;
};

/// For `send`: nobody receives the message earlier than after this time, `h.send(work, job, troupe::delayed(5s))`.
struct delayed {
  explicit constexpr delayed(std::chrono::nanoseconds d) noexcept : duration{d} {}
  std::chrono::nanoseconds duration;
};

/// The dead letters of a queue, which is what a consumer asks for to see them.
template <class Queue>
struct dead_letters_of {
  using queue_type = Queue;
};

/// Messages that wait, durably, until the actor takes them: a wire name, the type of the messages, and of what a
/// consumer may answer. A constant of the actor, listed in its manifest.
///
///     static constexpr troupe::queue<"work", job, result> work{};
template <detail::fixed_string Name, class Message, class Result = void>
struct queue {
  static_assert(!Name.view().empty(), "troupe: a queue needs a name");
  static_assert(std::is_same_v<Message, std::decay_t<Message>> && !std::is_pointer_v<Message> &&
                    !std::is_void_v<Message>,
                "troupe: a queue carries values, not references or pointers");
  static_assert(std::is_same_v<Result, std::decay_t<Result>> && !std::is_pointer_v<Result>,
                "troupe: a message is answered with a value, not a reference or pointer");

  static constexpr std::string_view name = Name.view();
  using message_type = Message;
  using result_type = Result;

  constexpr queue() noexcept : queue{queue_options{}} {}
  explicit constexpr queue(const queue_options& o) noexcept
      : messages_max{o.messages_max},
        attempts_max{o.attempts_max},
        message_bytes_max{o.message_bytes_max},
        retry_min_ns{o.retry_min.count()},
        retry_max_ns{o.retry_max.count()},
        visibility_timeout_ns{o.visibility_timeout.count()},
        concurrency{o.concurrency},
        dead_letters_max{o.dead_letters_max},
        attempt_first{o.attempt_first} {}

  [[nodiscard]] constexpr queue_options options() const noexcept {
    using ns = std::chrono::nanoseconds;
    queue_options o;
    o.messages_max = messages_max;
    o.attempts_max = attempts_max;
    o.message_bytes_max = message_bytes_max;
    o.retry_min = ns{retry_min_ns};
    o.retry_max = ns{retry_max_ns};
    o.visibility_timeout = ns{visibility_timeout_ns};
    o.concurrency = concurrency;
    o.dead_letters_max = dead_letters_max;
    o.attempt_first = attempt_first;
    return o;
  }

  /// `co_await c.queue().next(work.dead_letters())`
  [[nodiscard]] constexpr dead_letters_of<queue> dead_letters() const noexcept { return {}; }

  // Public and plain, so that a queue can be a template argument. Read them with options().
  std::uint32_t messages_max;
  std::uint32_t attempts_max;
  std::size_t message_bytes_max;
  std::int64_t retry_min_ns;
  std::int64_t retry_max_ns;
  std::int64_t visibility_timeout_ns;
  std::uint32_t concurrency;
  std::uint32_t dead_letters_max;
  bool attempt_first;
};

namespace detail {

template <class T>
inline constexpr bool is_queue = false;
template <fixed_string Name, class Message, class Result>
inline constexpr bool is_queue<queue<Name, Message, Result>> = true;

template <class T>
inline constexpr bool is_dead_letters = false;
template <class Queue>
inline constexpr bool is_dead_letters<dead_letters_of<Queue>> = true;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
