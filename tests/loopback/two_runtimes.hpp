// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "callers_end.hpp"
#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

namespace behaviour {

/// Keeps notes, tells of them, and takes messages.
struct desk {
  static constexpr troupe::event<"noted", std::string, int> noted{};
  static constexpr troupe::event<"secret", std::string> secret{};
  static constexpr troupe::queue<"work", std::string, std::string> work{};

  std::vector<std::string> notes;

  // A hook that lets in all but one name.
  void on_before_connect(troupe::context<desk>&, const std::string& name) {
    if (name == "nobody") throw troupe::user_error{"unwelcome", "not " + name};
  }
  void on_connect(troupe::context<desk>&, troupe::peer<desk> who) { who.send(noted, "welcome " + who.params(), 0); }
  void on_disconnect(troupe::context<desk>&, troupe::peer<desk> who) { notes.push_back("left: " + who.params()); }
  bool can_subscribe(troupe::context<desk>&, std::string_view event) { return event != "secret"; }

  int note(troupe::context<desk>& c, std::string text) {
    notes.push_back(text);
    const int count = static_cast<int>(notes.size());
    c.broadcast(noted, text, count);
    return count;
  }
  std::vector<std::string> all() const { return notes; }
  std::string caller(troupe::context<desk>& c) const {
    return c.connection() ? c.connection()->params() : std::string{"a handle"};
  }
  void refuse(std::string code) { throw troupe::user_error{code, "no", R"({"n":1})"}; }
  void break_down() { throw std::runtime_error{"a password"}; }
  // Notes how it ends.
  troupe::task<> wait(troupe::context<desk>& c) {
    const auto token = c.stop_token();
    while (!token.stop_requested()) {
      co_await troupe::delay(1s);
    }
    notes.push_back("stopped");
  }
  std::optional<std::string> take(troupe::context<desk>& c) {
    auto m = c.queue().try_next(work);
    if (!m) return std::nullopt;
    m->complete("done: " + **m);
    return **m;
  }
  void dismiss(troupe::context<desk>& c) {
    for (const auto& each : c.connections()) each.disconnect(troupe::user_error{"closing", "go home"});
  }

  using actor = troupe::actor<desk, noted, secret, work, &desk::note, &desk::all, &desk::caller, &desk::refuse,
                              &desk::break_down, &desk::wait, &desk::take, &desk::dismiss>;
};

inline const troupe::registry& desks() {
  static const troupe::registry all = [] {
    troupe::registry r;
    r.use<desk>("desk");
    return r;
  }();
  return all;
}

/// Two runtimes, each on virtual time of its own, and a client of the first whose actors are those of the second: as in
/// two processes.
struct two_runtimes {
  explicit two_runtimes(const troupe::registry& callers_have = desks(), troupe::store_factory store = troupe::memory{})
      : callers{callers_have, std::move(store)}, actors{desks()} {}

  void settle() {
    bool is_quiet = false;
    while (!is_quiet) is_quiet = callers.runtime.poll() == 0 && actors.runtime.poll() == 0;
  }
  /// Begins a call or task of the first, and runs both until nothing is left to do without time passing.
  template <class A>
  auto start(A awaitable) {
    auto out = callers.start(std::move(awaitable));
    settle();
    return out;
  }
  void pass(std::chrono::nanoseconds duration) {
    constexpr std::chrono::nanoseconds step = 100ms;
    for (auto left = duration; left > 0ns; left -= step) {
      callers.clock->advance(std::min(step, left));
      actors.clock->advance(std::min(step, left));
      settle();
    }
  }

  static const std::shared_ptr<troupe::detail::transport>& runtime_of(const world& w) {
    return troupe::detail::transport_of(w.client);
  }

  world callers;
  world actors;
  std::shared_ptr<loopback::callers_end> link =
      loopback::callers_end::link(runtime_of(callers), runtime_of(actors), loopback::known_to(runtime_of(actors)));
  troupe::client client{link};
};

}  // namespace behaviour
