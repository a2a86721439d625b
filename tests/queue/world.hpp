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

  bool can_publish(troupe::context<worker>&, std::string_view queue) { return queue != "closed"; }

  // A plain action takes what is there.
  std::optional<std::string> take(troupe::context<worker>& c) {
    auto m = c.queue().try_next(work);
    if (!m) return std::nullopt;
    done.push_back(m->body());
    return m->body();
  }
  std::vector<std::string> take_some(troupe::context<worker>& c, int most) {
    std::vector<std::string> all;
    for (auto& m : c.queue().try_next_batch(work, most)) all.push_back(m.body());
    return all;
  }
  std::optional<std::string> take_and_answer(troupe::context<worker>& c, std::string answer) {
    auto m = c.queue().try_next(work);
    if (!m) return std::nullopt;
    m->complete(answer);
    return m->body();
  }
  void take_and_throw(troupe::context<worker>& c) {
    auto m = c.queue().try_next(work);
    throw troupe::user_error{"no", "no"};
  }
  std::string complete_twice(troupe::context<worker>& c) {
    auto m = c.queue().try_next(work);
    m->complete();
    try {
      m->complete();
    } catch (const troupe::error& e) {
      return e.code();
    }
    return {};
  }

  // Coroutines wait for it.
  troupe::task<std::string> next(troupe::context<worker>& c) {
    auto m = co_await c.queue().next(work);
    done.push_back(*m);
    co_return m.body();
  }
  troupe::task<std::string> next_in(troupe::context<worker>& c, std::chrono::milliseconds limit) {
    auto m = co_await c.queue().next(work, limit);
    co_return m ? **m : "nothing";
  }
  troupe::task<std::vector<std::string>> next_batch(troupe::context<worker>& c, int most) {
    auto all = co_await c.queue().next_batch(work, most);
    std::vector<std::string> bodies;
    for (auto& m : all) bodies.push_back(*m);
    co_return bodies;
  }
  troupe::task<std::string> next_of_two(troupe::context<worker>& c) {
    auto m = co_await c.queue().next(work, other);
    if (m.index() == 0) co_return *std::get<0>(m);
    co_return std::to_string(*std::get<1>(m));
  }
  troupe::task<std::vector<std::string>> drain(troupe::context<worker>& c, int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) {
      auto m = co_await c.queue().next(work);
      all.push_back(*m);
    }
    co_return all;
  }
  troupe::task<> until_called_off(troupe::context<worker>& c) {
    const auto token = c.stop_token();
    auto m = co_await c.queue().next(work, token);
    static_cast<void>(m);
  }
  troupe::task<int> follow(troupe::context<worker>& c) {
    auto stream = c.queue().messages(work);
    int count = 0;
    while (true) {
      auto m = co_await stream.next();
      if (!m) break;
      done.push_back(**m);
      ++count;
    }
    co_return count;
  }

  // One that fails as often as it is told.
  troupe::task<std::uint32_t> try_fragile(troupe::context<worker>& c, bool fail) {
    auto m = co_await c.queue().next(fragile);
    if (fail) throw troupe::user_error{"failed", *m};
    m.complete("done " + *m);
    co_return m.attempts();
  }
  std::optional<std::string> bury(troupe::context<worker>& c) {
    auto m = c.queue().try_next(fragile.dead_letters());
    if (!m) return std::nullopt;
    return **m + " after " + std::to_string(m->attempts());
  }
  void put_back(troupe::context<worker>& c, std::chrono::milliseconds delay) {
    auto m = c.queue().try_next(fragile);
    m->retry(delay);
  }
  troupe::task<std::string> hold_leased(troupe::context<worker>& c, std::chrono::milliseconds how_long) {
    auto m = co_await c.queue().next(leased);
    co_await troupe::delay(how_long);
    try {
      m.complete("late");
    } catch (const troupe::error& e) {
      co_return e.code();
    }
    co_return "completed";
  }

  troupe::task<> hold_counted(troupe::context<worker>& c) {
    auto m = co_await c.queue().next(counted);
    co_await troupe::delay(1h);
  }
  std::uint32_t attempts_at_leased(troupe::context<worker>& c) {
    const auto m = c.queue().try_next(leased);
    return m ? m->attempts() : 0;
  }

  void keep(troupe::context<worker>& c, std::string text) { c.queue().send(work, text); }
  void keep_small(troupe::context<worker>& c, std::string text) { c.queue().send(small, text); }
  void keep_for_later(troupe::context<worker>& c, std::string text) {
    c.queue().send(work, text, troupe::delayed(10s));
  }
  std::string clear_small(troupe::context<worker>& c) {
    std::string all;
    while (auto m = c.queue().try_next(small)) all += **m;
    return all;
  }
  std::optional<std::string> take_small(troupe::context<worker>& c) {
    auto m = c.queue().try_next(small);
    if (!m) return std::nullopt;
    return **m;
  }
  std::vector<std::size_t> sizes(troupe::context<worker>& c) {
    const auto q = c.queue();
    return {q.size(work), q.size(other), q.size(small), q.size(fragile), q.size(fragile.dead_letters())};
  }
  std::vector<std::string> log() const { return done; }
  void rest(troupe::context<worker>& c) { c.sleep(); }
  void end(troupe::context<worker>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = troupe::never};
  using actor =
      troupe::actor<worker, work, other, small, fragile, leased, counted, closed, &worker::take, &worker::take_some,
                    &worker::take_and_answer, &worker::take_and_throw, &worker::complete_twice, &worker::next,
                    &worker::next_in, &worker::next_batch, &worker::next_of_two, &worker::drain,
                    &worker::until_called_off, &worker::follow, &worker::try_fragile, &worker::bury, &worker::put_back,
                    &worker::hold_leased, &worker::hold_counted, &worker::attempts_at_leased, &worker::keep, &worker::keep_small, &worker::keep_for_later,
                    &worker::clear_small, &worker::take_small, &worker::sizes, &worker::log, &worker::rest,
                    &worker::end>;
};

inline const troupe::registry& workers() {
  static const troupe::registry all = [] {
    troupe::registry r;
    r.use<worker>("worker");
    return r;
  }();
  return all;
}

using texts = std::vector<std::string>;

}  // namespace behaviour
