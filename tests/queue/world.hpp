// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

namespace behaviour {

/// Takes what its callers say, from queues with every kind of limit.
struct worker {
  static constexpr troupe::queue<"work", std::string, std::string> work{};
  static constexpr troupe::queue<"other", int> other{};
  static constexpr troupe::queue<"small", std::string> small{
      troupe::queue_options{.messages_max = 2, .message_bytes_max = 16}};
  static constexpr troupe::queue<"fragile", std::string, std::string> fragile{
      troupe::queue_options{.attempts_max = 3, .retry_min = 1s, .retry_max = 3s}};
  static constexpr troupe::queue<"leased", std::string, std::string> leased{
      troupe::queue_options{.attempts_max = 2, .visibility_timeout = 5s}};
  static constexpr troupe::queue<"counted", std::string> counted{
      troupe::queue_options{.attempts_max = 2, .attempt_first = true}};
  static constexpr troupe::queue<"closed", std::string> closed{};

  std::vector<std::string> done;

  bool can_publish(troupe::context<worker>&, std::string_view queue);

  // A plain action takes what is there.
  std::optional<std::string> take(troupe::context<worker>& c);
  std::vector<std::string> take_some(troupe::context<worker>& c, int most);
  std::optional<std::string> take_and_answer(troupe::context<worker>& c, std::string answer);
  void take_and_throw(troupe::context<worker>& c);
  std::string complete_twice(troupe::context<worker>& c);

  // Coroutines wait for it.
  troupe::task<std::string> next(troupe::context<worker>& c);
  troupe::task<std::string> next_in(troupe::context<worker>& c, std::chrono::milliseconds limit);
  troupe::task<std::vector<std::string>> next_batch(troupe::context<worker>& c, int most);
  troupe::task<std::string> next_of_two(troupe::context<worker>& c);
  troupe::task<std::vector<std::string>> drain(troupe::context<worker>& c, int count);
  troupe::task<> until_called_off(troupe::context<worker>& c);
  troupe::task<int> follow(troupe::context<worker>& c);

  // One that fails as often as it is told.
  troupe::task<std::uint32_t> try_fragile(troupe::context<worker>& c, bool fail);
  std::optional<std::string> bury(troupe::context<worker>& c);
  void put_back(troupe::context<worker>& c, std::chrono::milliseconds delay);
  troupe::task<std::string> hold_leased(troupe::context<worker>& c, std::chrono::milliseconds how_long);

  troupe::task<> hold_counted(troupe::context<worker>& c);
  std::uint32_t attempts_at_leased(troupe::context<worker>& c);

  void keep(troupe::context<worker>& c, std::string text);
  void keep_small(troupe::context<worker>& c, std::string text);
  void keep_for_later(troupe::context<worker>& c, std::string text);
  std::string clear_small(troupe::context<worker>& c);
  std::optional<std::string> take_small(troupe::context<worker>& c);
  std::vector<std::size_t> sizes(troupe::context<worker>& c);
  std::vector<std::string> log() const;
  void rest(troupe::context<worker>& c);
  void end(troupe::context<worker>& c);

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor =
      troupe::actor<worker, work, other, small, fragile, leased, counted, closed, &worker::take, &worker::take_some,
                    &worker::take_and_answer, &worker::take_and_throw, &worker::complete_twice, &worker::next,
                    &worker::next_in, &worker::next_batch, &worker::next_of_two, &worker::drain,
                    &worker::until_called_off, &worker::follow, &worker::try_fragile, &worker::bury,
                    &worker::put_back, &worker::hold_leased, &worker::hold_counted, &worker::attempts_at_leased,
                    &worker::keep, &worker::keep_small, &worker::keep_for_later, &worker::clear_small,
                    &worker::take_small, &worker::sizes, &worker::log, &worker::rest, &worker::end>;
};

const troupe::registry& workers();

using texts = std::vector<std::string>;

}  // namespace behaviour
