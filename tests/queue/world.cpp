// SPDX-License-Identifier: Apache-2.0
#include "queue/world.hpp"

#include <chrono>
#include <utility>

namespace behaviour {

bool worker::can_publish(troupe::context<worker>&, std::string_view queue) { return queue != "closed"; }

std::optional<std::string> worker::take(troupe::context<worker>& c) {
  auto m = c.queue().try_next(work);
  if (!m) return std::nullopt;
  done.push_back(m->body());
  return m->body();
}

std::vector<std::string> worker::take_some(troupe::context<worker>& c, int most) {
  std::vector<std::string> all;
  for (auto& m : c.queue().try_next_batch(work, most)) all.push_back(m.body());
  return all;
}

std::optional<std::string> worker::take_and_answer(troupe::context<worker>& c, std::string answer) {
  auto m = c.queue().try_next(work);
  if (!m) return std::nullopt;
  m->complete(answer);
  return m->body();
}

void worker::take_and_throw(troupe::context<worker>& c) {
  auto m = c.queue().try_next(work);
  throw troupe::user_error{"no", "no"};
}

std::string worker::complete_twice(troupe::context<worker>& c) {
  auto m = c.queue().try_next(work);
  m->complete();
  try {
    m->complete();
  } catch (const troupe::error& e) {
    return e.code();
  }
  return {};
}

troupe::task<std::string> worker::next(troupe::context<worker>& c) {
  auto m = co_await c.queue().next(work);
  done.push_back(*m);
  co_return m.body();
}

troupe::task<std::string> worker::next_in(troupe::context<worker>& c, std::chrono::milliseconds limit) {
  auto m = co_await c.queue().next(work, limit);
  co_return m ? **m : "nothing";
}

troupe::task<std::vector<std::string>> worker::next_batch(troupe::context<worker>& c, int most) {
  auto all = co_await c.queue().next_batch(work, most);
  std::vector<std::string> bodies;
  for (auto& m : all) bodies.push_back(*m);
  co_return bodies;
}

troupe::task<std::string> worker::next_of_two(troupe::context<worker>& c) {
  auto m = co_await c.queue().next(work, other);
  if (m.index() == 0) co_return *std::get<0>(m);
  co_return std::to_string(*std::get<1>(m));
}

troupe::task<std::vector<std::string>> worker::drain(troupe::context<worker>& c, int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    auto m = co_await c.queue().next(work);
    all.push_back(*m);
  }
  co_return all;
}

troupe::task<> worker::until_called_off(troupe::context<worker>& c) {
  const auto token = c.stop_token();
  auto m = co_await c.queue().next(work, token);
  static_cast<void>(m);
}

troupe::task<int> worker::follow(troupe::context<worker>& c) {
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

troupe::task<std::uint32_t> worker::try_fragile(troupe::context<worker>& c, bool fail) {
  auto m = co_await c.queue().next(fragile);
  if (fail) throw troupe::user_error{"failed", *m};
  m.complete("done " + *m);
  co_return m.attempts();
}

std::optional<std::string> worker::bury(troupe::context<worker>& c) {
  auto m = c.queue().try_next(fragile.dead_letters());
  if (!m) return std::nullopt;
  return **m + " after " + std::to_string(m->attempts());
}

void worker::put_back(troupe::context<worker>& c, std::chrono::milliseconds delay) {
  auto m = c.queue().try_next(fragile);
  m->retry(delay);
}

troupe::task<std::string> worker::hold_leased(troupe::context<worker>& c, std::chrono::milliseconds how_long) {
  auto m = co_await c.queue().next(leased);
  co_await troupe::delay(how_long);
  try {
    m.complete("late");
  } catch (const troupe::error& e) {
    co_return e.code();
  }
  co_return "completed";
}

troupe::task<> worker::hold_counted(troupe::context<worker>& c) {
  auto m = co_await c.queue().next(counted);
  co_await troupe::delay(1h);
}

std::uint32_t worker::attempts_at_leased(troupe::context<worker>& c) {
  const auto m = c.queue().try_next(leased);
  return m ? m->attempts() : 0;
}

void worker::keep(troupe::context<worker>& c, std::string text) { c.queue().send(work, text); }
void worker::keep_small(troupe::context<worker>& c, std::string text) { c.queue().send(small, text); }

void worker::keep_for_later(troupe::context<worker>& c, std::string text) {
  c.queue().send(work, text, troupe::delayed(10s));
}

std::string worker::clear_small(troupe::context<worker>& c) {
  std::string all;
  while (auto m = c.queue().try_next(small)) all += **m;
  return all;
}

std::optional<std::string> worker::take_small(troupe::context<worker>& c) {
  auto m = c.queue().try_next(small);
  if (!m) return std::nullopt;
  return **m;
}

std::vector<std::size_t> worker::sizes(troupe::context<worker>& c) {
  const auto q = c.queue();
  return {q.size(work), q.size(other), q.size(small), q.size(fragile), q.size(fragile.dead_letters())};
}

std::vector<std::string> worker::log() const { return done; }
void worker::rest(troupe::context<worker>& c) { c.sleep(); }
void worker::end(troupe::context<worker>& c) { c.destroy(); }

const troupe::registry& workers() {
  static const troupe::registry all = [] {
    troupe::registry r;
    r.use<worker>("worker");
    return r;
  }();
  return all;
}

}  // namespace behaviour
